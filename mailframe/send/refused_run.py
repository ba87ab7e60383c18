"""A refused run: the most that is known of each row.

A row is ``unsent`` only if its history was read and says so. If the history could not be read, the
row is ``unknown``, with the reason. If Postmark holds more than the ledger knows, Postmark is asked
which rows those are.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from mailframe import errors
from mailframe.message.digests import digest
from mailframe.message.message import CAMPAIGN_KEY
from mailframe.postmark import search
from mailframe.postmark.responses import Outcome
from mailframe.results import reasons
from mailframe.results.row_results import Status
from mailframe.send.ledger import Ledger, recorded_statuses
from mailframe.send.ledger.opening import has_content, is_repaired_by_opening, refuse_trace
from mailframe.send.left_out import BEFORE_THE_LEDGER
from mailframe.send.refusals import server_error
from mailframe.send.states import MessageState, set_reason_of_unsent, set_status

if TYPE_CHECKING:
    from mailframe.message.preflight import Preflight
    from mailframe.paths import LedgerPlace
    from mailframe.postmark.client import Postmark
    from mailframe.send.ledger import CampaignRecord
    from mailframe.send.ledger.session import LedgerSession
    from mailframe.send.run import Run

_SCOPES: Final[WeakKeyDictionary[Postmark, str]] = WeakKeyDictionary()
"""The scope of each server that has answered, for the time when it does not answer."""


class RefusedRun:
    """A run that sent nothing: looks up the status of its rows.

    Args:
        run: the run that ended before its first request.
    """

    def __init__(self, run: Run) -> None:
        self._run, self._rows = run, run.rows
        self._preflight = None if run.preflight is None else run.preflight.with_left_out

    def close(self, error: errors.MailframeError | None) -> errors.MailframeError | None:
        """Set the status of every row.

        Args:
            error: why nothing was sent; None for an interrupt.

        Returns:
            The error of the run; None if an interrupt ended it.
        """
        if isinstance(error, errors.SearchError):
            error = None if self._run.interrupts.stop else server_error(error)
        try:
            self._set_recorded_statuses()
        except Exception:  # noqa: BLE001 - the ledger may hold anything; the refusal must not be lost
            recorded_statuses.set_history_unread(self._rows, reasons.UNREADABLE)
        if self._run.left_out is not None:
            self._run.left_out.settle(self._rows, statuses=BEFORE_THE_LEDGER)
        if isinstance(error, errors.LedgerBehind) and self._run.session is not None:
            self._set_held_statuses(self._run.session)
        reason = reasons.INTERRUPTED if error is None else reasons.nothing_sent(error)
        set_reason_of_unsent(self._rows, reason)
        return error

    def _set_recorded_statuses(self) -> None:
        """Set the status of the rows that the ledger records."""
        place = self._run.options.ledger
        if place is None or self._run.composed.name is None or not has_content(place):
            return
        try:
            if self._run.options.dry_run:
                refuse_trace(place)
            self._read(place, self._run.composed.name, read_only=True)
        except errors.LedgerError as error:
            is_locked = "is locked" in str(error)  # also SQLite's own words
            is_repaired = is_repaired_by_opening(place) and not self._run.options.dry_run
            if is_repaired and not is_locked:
                self._repair_and_read(place, self._run.composed.name)
            elif not self._run.was_empty:
                why = reasons.LOCKED if is_locked else reasons.UNREADABLE
                recorded_statuses.set_history_unread(self._rows, why)

    def _repair_and_read(self, place: LedgerPlace, name: str) -> None:
        """Opening a ledger for writing repairs what a crashed run left there."""
        try:
            self._read(place, name, read_only=False)
        except errors.LedgerError:
            if not self._run.was_empty:
                recorded_statuses.set_history_unread(self._rows, reasons.UNREADABLE)

    def _read(self, place: LedgerPlace, name: str, *, read_only: bool) -> None:
        with Ledger(place, read_only=read_only) as ledger:
            try:
                self._set_from(ledger, [one for one, _ in ledger.campaigns() if one.name == name])
            except (ValueError, TypeError) as error:  # a damaged row; the rows before it count
                raise errors.LedgerError(
                    f"{place}: the ledger could not be read ({error})"
                ) from None

    def _set_from(self, ledger: Ledger, campaigns: list[CampaignRecord]) -> None:
        """Set the statuses from the campaigns of that name, of which one is of this server."""
        if not campaigns:
            return
        scope = self._run.scope or _scope_of(self._run.server, self._run.questions)
        candidates = [
            one for one in campaigns if one.scope == scope or (scope is None and not one.is_test)
        ]
        if not candidates:
            return
        if self._preflight is None:
            recorded_statuses.set_history_unread(self._rows, reasons.NOT_CHECKED)
        elif len(candidates) == 1 and (scope is not None or self._may_be_its(candidates[0])):
            self._set_from_campaign(ledger, candidates[0], self._preflight)
        else:
            self._set_from_any(ledger, candidates, self._preflight)

    def _may_be_its(self, campaign: CampaignRecord) -> bool:
        """Whether a campaign may be of this server: a live one and a sandbox never share one."""
        return campaign.scope.endswith(":live") == self._run.server.is_live

    def _set_from_campaign(
        self, ledger: Ledger, campaign: CampaignRecord, preflight: Preflight
    ) -> None:
        if ledger.is_keyed_by(campaign, self._run.composed.key):
            recorded = ledger.recorded_messages(campaign)
            matches = recorded_statuses.match_recorded(preflight, recorded)
            recorded_statuses.set_recorded_statuses(self._rows, matches, recorded, ledger, campaign)
            recorded_statuses.set_respelled_statuses(self._rows, preflight, ledger, campaign)
        else:
            recorded_statuses.set_statuses_by_recipient(self._rows, preflight, ledger, campaign)

    def _set_from_any(
        self, ledger: Ledger, campaigns: list[CampaignRecord], preflight: Preflight
    ) -> None:
        """The server did not answer, so which of several campaigns is its own is not known."""
        positions: set[int] = set()
        for campaign in campaigns:
            positions |= recorded_statuses.positions_with_history(ledger, campaign, preflight)
        others = "another server has" if len(campaigns) == 1 else f"{len(campaigns)} servers have"
        why = f"{reasons.NO_SERVER}, and {others} this campaign in the ledger"
        recorded_statuses.set_history_unread(self._rows, why, only=positions.__contains__)

    def _set_held_statuses(self, session: LedgerSession) -> None:
        """Set the status of the rows that Postmark holds and the ledger does not know."""
        held: dict[bytes, search.StoredMessage] = {}
        if not self._read_held(held, session):
            recorded_statuses.set_history_unread(self._rows, reasons.BEHIND)
        preflight = self._preflight
        if preflight is None:
            return
        for position in np.flatnonzero(preflight.sendable).tolist():
            message = held.pop(preflight.keys.at(position), None)
            if message and self._rows.status(position) in (Status.UNSENT, Status.UNKNOWN):
                outcome = Outcome(
                    None, "Postmark holds it; mf.adopt reads it in", message.message_id
                )
                set_status(
                    self._rows, position, MessageState.ACCEPTED, outcome=outcome, earlier=True
                )
        recipients = {digest(message.person) for message in held.values()}  # with other keys
        people = preflight.people
        recorded_statuses.set_history_unread(
            self._rows, reasons.BEHIND, only=lambda position: people.at(position) in recipients
        )

    def _read_held(self, held: dict[bytes, search.StoredMessage], session: LedgerSession) -> bool:
        """Read messages by key into *held*; whether Postmark showed as many as it counts."""
        until = time.monotonic() + self._run.options.retry_policy.search_s
        server, tag = self._run.questions, session.campaign.tag
        try:
            for stream in session.streams():
                query = search.MessageSearch(server, CAMPAIGN_KEY, tag, stream)
                missing = query.total()
                for message in query.every():
                    held[message.key] = message
                    missing -= 1
                    if time.monotonic() > until:
                        return False
                if missing > 0:
                    return False
        except errors.SearchError:
            return False
        return True


def record_scope(server: Postmark, scope: str) -> None:
    """Keep the scope of a server for the time when it does not answer."""
    _SCOPES[server] = scope


def _scope_of(server: Postmark, questions: search.InterruptibleServer) -> str | None:
    """The scope of a server, asked once; what it answered earlier if it does not answer now."""
    with suppress(errors.SearchError):
        record_scope(server, search.scope_of(questions))
    return _SCOPES.get(server)
