"""A run that was refused before its first request: of each row the most that is known, and the reason for the rest.

A row is ``unsent`` only where its history was read and says so. Where nobody could look, it is ``unknown``, with
the reason; where Postmark holds more than the ledger knows, Postmark is asked which rows those are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import numpy as np

from mailframe import errors
from mailframe.message.keys import digest
from mailframe.message.models import CAMPAIGN_KEY
from mailframe.postmark import search
from mailframe.postmark.responses import Outcome
from mailframe.results import advice
from mailframe.results.frame import Status
from mailframe.send.ledger import Ledger, recorded
from mailframe.send.ledger.file import has_content

if TYPE_CHECKING:
    from pathlib import Path

    from mailframe.message.preflight import Preflight
    from mailframe.postmark.client import Postmark
    from mailframe.results.frame import RowResults
    from mailframe.send.ledger import CampaignRecord

_SCOPES: Final[WeakKeyDictionary[Postmark, str]] = WeakKeyDictionary()
"""What each server last said it is: known also while it is down."""
_MOST_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class RefusedRun:
    """A run that will not send, and what it may still look at.

    Attributes:
        name: of the campaign.
        key: its key columns.
        server: that it was for.
        asking: the same one, as this run asks it.
        ledger: the path; None for none.
        scope: of the server, if it has said what it is.
        fresh: the ledger was empty or missing when the run began.
        found: what the preflight check found; None when it did not end.
        rows: the results.
    """

    name: str | None
    key: tuple[str, ...]
    server: Postmark
    asking: search.InterruptibleServer
    ledger: Path | None
    scope: str | None
    fresh: bool
    found: Preflight | None
    rows: RowResults

    def tell(self) -> None:
        """Settle every row of which more is known than that this run did not send it."""
        if self.ledger is None or self.name is None or not has_content(self.ledger):
            return
        try:
            self._tell_from(self.ledger, self.name, read_only=True)
        except errors.LedgerError as error:
            if "locked" not in str(error):
                self._tell_repaired(self.ledger, self.name)
            elif not self.fresh:
                recorded.tell_unread(self.rows, advice.LOCKED)

    def _tell_repaired(self, ledger: Path, name: str) -> None:
        """Opening a ledger for writing repairs what a run that broke off left there."""
        try:
            self._tell_from(ledger, name, read_only=False)
        except errors.LedgerError:
            if not self.fresh:
                recorded.tell_unread(self.rows, advice.UNREADABLE)

    def _tell_from(self, path: Path, name: str, *, read_only: bool) -> None:
        with Ledger(path, read_only=read_only) as ledger:
            try:
                self._tell(ledger, [one for one, _ in ledger.campaigns() if one.name == name])
            except (
                ValueError,
                TypeError,
            ) as error:  # a damaged line; what was read before it counts
                raise errors.LedgerError(
                    f"{path}: the ledger could not be read ({error})"
                ) from None

    def tell_held(self, tag: str, *, streams: list[str], patience_s: float) -> None:
        """Settle the rows that Postmark holds and the ledger does not know.

        Args:
            tag: of the campaign.
            streams: that it may have gone to.
            patience_s: seconds that Postmark is asked at most.
        """
        held: dict[bytes, search.HeldMessage] = {}
        if not self._read_held(held, tag, streams=streams, until_s=time.monotonic() + patience_s):
            recorded.tell_unread(self.rows, advice.BEHIND)
        if self.found is None:
            return
        for position in np.flatnonzero(self.found.sendable).tolist():
            one = held.pop(self.found.keys.at(position), None)
            if one is not None and self.rows.status(position) in (Status.UNSENT, Status.UNKNOWN):
                outcome = Outcome(None, "Postmark holds it; mf.adopt reads it in", one.message_id)
                self.rows.settle(position, Status.SKIPPED, reason="already_sent", outcome=outcome)
        people, others = (
            self.found.people,
            {digest(one.person) for one in held.values()},
        )  # by keys of another frame
        recorded.tell_unread(
            self.rows, advice.BEHIND, only=lambda position: people.at(position) in others
        )

    def _read_held(
        self, held: dict[bytes, search.HeldMessage], tag: str, *, streams: list[str], until_s: float
    ) -> bool:
        """Read MessageIDs by key into *held*; whether Postmark told all that it counts."""
        try:
            for stream in streams:
                left = search.total(self.asking, CAMPAIGN_KEY, tag, stream=stream)
                for one in search.search_all(self.asking, CAMPAIGN_KEY, tag, stream=stream):
                    held[one.key] = one
                    left -= 1
                    if time.monotonic() > until_s:
                        return False
                if left > 0:
                    return False
        except search.SearchError:
            return False
        return True

    def _tell(self, ledger: Ledger, candidates: list[CampaignRecord]) -> None:
        if not candidates:
            return
        scope = self.scope or scope_of(self.server, self.asking)
        here = [
            one
            for one in candidates
            if one.scope == scope or (scope is None and one.scope != "test")
        ]
        if self.found is None:
            if here:
                recorded.tell_unread(self.rows, advice.INTERRUPTED)
        elif len(here) == 1 and (scope is not None or self._is_alike(here[0])):
            self._tell_campaign(ledger, here[0], self.found)
        elif here:
            self._tell_any(ledger, here, self.found)

    def _is_alike(self, campaign: CampaignRecord) -> bool:
        """Whether a campaign may be of this server, as far as one can see: what a sandbox got, nobody live has."""
        return campaign.scope.endswith(":live") == self.server.is_live

    def _tell_campaign(self, ledger: Ledger, campaign: CampaignRecord, found: Preflight) -> None:
        if ledger.is_keyed_by(campaign, self.key):
            recorded.tell(
                self.rows, recorded.joined(found, ledger.table(campaign)), ledger, campaign
            )
            recorded.tell_respelled(self.rows, found, ledger, campaign)
        else:
            recorded.tell_by_address(self.rows, found, ledger, campaign)

    def _tell_any(self, ledger: Ledger, campaigns: list[CampaignRecord], found: Preflight) -> None:
        """The server did not say who it is, and several have this campaign: which of them it is, nobody knows."""
        known = set().union(*(recorded.recorded_rows(ledger, one, found) for one in campaigns))
        others = "another server has" if len(campaigns) == 1 else f"{len(campaigns)} servers have"
        why = f"{advice.NO_SERVER}, and {others} this campaign in the ledger"
        recorded.tell_unread(self.rows, why, only=known.__contains__)


def scope_of(server: Postmark, asking: search.InterruptibleServer) -> str | None:
    """What tells a server from another, asked once; what it said earlier when it does not answer now."""
    try:
        _SCOPES[server] = search.scope_of(asking)
    except search.SearchError:
        return _SCOPES.get(server)
    return _SCOPES[server]


def remember_scope(server: Postmark, scope: str) -> None:
    """Remember what a server said, for the time that it is down."""
    _SCOPES[server] = scope


def reason_of(error: Exception) -> str:
    """A refusal as the reason of a row: its first words, on one line."""
    said = (
        " ".join(str(error).split())
        .removesuffix("; nothing was sent")
        .removeprefix("nothing was sent: ")
    )
    for end in ("; ", ". "):
        said = said.partition(end)[0]
    short = said if len(said) <= _MOST_CHARS else f"{said[: _MOST_CHARS - 1]}…"
    return f"nothing was sent: {short}"
