"""A send session: which rows may be sent, and what is recorded before and after each request.

A batch is recorded as sending, on the disk, before its request is sent, and with its answer after
that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from mailframe import errors
from mailframe.counting import counted
from mailframe.limits import STREAMS
from mailframe.message.message import CAMPAIGN_KEY
from mailframe.postmark import search
from mailframe.postmark.message_ids import TakenIds
from mailframe.results.row_results import Status
from mailframe.send.ledger.clock import Stopwatch
from mailframe.send.ledger.frame_digests import FrameDigests, content_digests
from mailframe.send.ledger.reconciliation import reconcile_attempt
from mailframe.send.ledger.recorded_statuses import match_recorded, set_recorded_statuses
from mailframe.send.ledger.recount import Recount
from mailframe.send.ledger.repeats import SentMeanwhile, refuse_repeats
from mailframe.send.refusals import (
    refuse_changed_letter,
    refuse_ledger_behind,
    refuse_other_key,
    refuse_unconfirmed_resend,
)
from mailframe.send.states import MessageState, state_of, state_without_outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mailframe.message.batch import Batch
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.postmark.responses import Answer
    from mailframe.postmark.search import Queryable
    from mailframe.results.row_results import RowResults
    from mailframe.send.frequency_cap import CapGuard
    from mailframe.send.ledger import Attempt, CampaignRecord, Ledger
    from mailframe.send.ledger.packs import Ids, RecordedMessages
    from mailframe.send.options import SendOptions
    from mailframe.send.sendable import Sendable

_POSTMARKS_TEXT: Final = re.compile(r"(ErrorCode -?\d+): .*", re.DOTALL)

_KEY_DIGITS: Final = 32
"""Hexadecimal digits of the digest of a key."""


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """A batch that may be posted.

    Attributes:
        batch: as it is posted.
        attempt: its record in the ledger; None without a ledger.
        since: the time since it began to be recorded.
    """

    batch: Batch
    attempt: Attempt | None = None
    since: Stopwatch = field(default_factory=Stopwatch)


Answered: TypeAlias = "tuple[ClaimedBatch, Answer]"
"""A batch that was posted, and the answer to it."""


class SendSession(Protocol):
    """What a dispatcher asks before each request and tells after it."""

    notices: list[str]
    """Warnings for the user; given when the run has ended."""
    taken: TakenIds
    """The MessageIDs that a further answer must not repeat."""

    def begin(self, preflight: Preflight, rows: RowResults, *, wanted: Mask) -> Mask:
        """Set the status of the rows that are not sent, and record what will be sent.

        Args:
            preflight: the preflight check of all rows.
            rows: the results.
            wanted: one per row, whether it has no error and is not left out.

        Returns:
            One per row, whether it may be sent.
        """

    def claim(self, batch: Batch, *, after: Answered | None = None) -> ClaimedBatch:
        """Record that a batch is about to be sent; on return that is on the disk.

        Args:
            batch: the batch.
            after: an earlier batch and its answer, which is recorded in the same transaction
                instead of by ``record_answer``. It is recorded even if the claim is refused.

        Raises:
            LedgerError: the batch must not be sent.
        """

    def record_answer(self, claimed: ClaimedBatch, answer: Answer) -> None:
        """Record the answer to a request."""

    def withdraw_claims(self, posted: Sequence[ClaimedBatch]) -> None:
        """Record as unsent each batch that was claimed, has no recorded answer and is not *posted*.

        An exception can be raised between a claim and the request, also by an interrupt in another
        thread than the main one.
        """

    def search(self, claimed: ClaimedBatch) -> dict[int, str] | None:
        """Search Postmark for an unknown batch.

        Returns:
            MessageIDs by position, of the messages that no earlier search found; None if Postmark
            cannot be searched.
        """


class SessionWithoutLedger:
    """A session that records nothing: ``ledger=None``, and test emails."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.taken = TakenIds()

    def begin(self, preflight: Preflight, rows: RowResults, *, wanted: Mask) -> Mask:
        """Every row that is wanted may be sent."""
        del preflight, rows
        return wanted

    def claim(self, batch: Batch, *, after: Answered | None = None) -> ClaimedBatch:
        """The batch as it is."""
        del after
        return ClaimedBatch(batch)

    def record_answer(self, claimed: ClaimedBatch, answer: Answer) -> None:
        """Nothing is recorded."""

    def withdraw_claims(self, posted: Sequence[ClaimedBatch]) -> None:
        """Nothing is recorded."""

    def search(self, claimed: ClaimedBatch) -> dict[int, str] | None:
        """The messages have no metadata to search for."""
        del claimed
        return None


class LedgerSession:
    """The send of a campaign that is recorded in a ledger; the caller holds the campaign's lock.

    Args:
        ledger: open for writing.
        campaign: record of the campaign that is sent.
        composed: the campaign itself.
        server: the server that is asked which messages it holds.
        options: the options of the send.
        is_resent: one per row, whether it is sent again although it was answered; None for no
            row.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign: CampaignRecord,
        composed: Sendable,
        server: Queryable,
        options: SendOptions,
        *,
        is_resent: Mask | None,
    ) -> None:
        self.ledger, self._composed = ledger, composed
        self._server, self._options, self.is_resent = server, options, is_resent
        self._letter = composed.letter_fingerprint
        self._preflight: Preflight
        self._ids: np.ndarray[tuple[int], np.dtype[np.int64]]
        self._recount: Recount | None = None
        self.guards: list[SentMeanwhile | CapGuard] = []  # for what others send meanwhile
        self.campaign = campaign
        self.notices: list[str] = []
        self.taken = TakenIds()

    # --- before the first request --------------------------------------------------------------

    def begin(self, preflight: Preflight, rows: RowResults, *, wanted: Mask) -> Mask:
        """Ask Postmark, refuse what was not confirmed, set earlier statuses, plan the rest.

        Raises:
            LedgerError: the send is refused (see ``errors``); nothing was sent.
        """
        self._preflight = preflight
        refuse_other_key(self.ledger, self.campaign, self._composed.key)
        self.ledger.recover(self.campaign)
        if not self.campaign.is_test:
            self._compare_with_postmark()
        recorded = self.ledger.recorded_messages(self.campaign)
        self.taken.hold(recorded.message_ids)
        self.taken.hold_texts(one.message_id for one in recorded.exceptional.values())
        is_resent = None if self.is_resent is None else self.is_resent & wanted
        matches = match_recorded(preflight, recorded, resend=is_resent)
        eligible = wanted.copy()
        done = set_recorded_statuses(rows, matches, recorded, self.ledger, self.campaign)
        eligible[done] = False
        matches["eligible"] = eligible[matches["position"].to_numpy()]
        refuse_unconfirmed_resend(self.ledger, self.campaign, matches)
        self._check_changes(recorded, matches)
        in_frame = recorded.ids[matches["line"].to_numpy()[matches["line"] >= 0]]
        planned = recorded.ids[recorded.states == MessageState.PLANNED]
        planned = planned[~np.isin(planned, in_frame)]  # an excluded row is in the frame
        del recorded  # 80 bytes a row
        self._plan(matches)
        self._replan(matches, rows)
        self.ledger.record_letter(self.campaign, self._letter)
        self._warn_of_absent_rows(planned)
        if self._options.recount and not self.campaign.is_test:
            streams = self._preflight.streams
            self._recount = Recount(self._server, self.ledger, self.campaign, streams=streams)
        return eligible

    def streams(self) -> list[str]:
        """The streams on which messages of the campaign may be: its own, and the default ones."""
        return sorted({*self._preflight.streams, *STREAMS})

    def _compare_with_postmark(self) -> None:
        """Reconcile unknown requests, and compare the number of messages on both sides."""
        self._reconcile()
        held = sum(
            search.MessageSearch(self._server, CAMPAIGN_KEY, self.campaign.tag, stream).total()
            for stream in self.streams()
        )
        if held > self.ledger.expected_copies(self.campaign):
            self._reconcile()  # the search index may have changed between the two questions
        refuse_ledger_behind(self.ledger, self.campaign, held=held, streams=self._preflight.streams)

    def _reconcile(self) -> None:
        for attempt in self.ledger.unconfirmed_attempts(self.campaign):
            reconcile_attempt(self._server, self.ledger, attempt)

    def _check_changes(self, recorded: RecordedMessages, matches: pd.DataFrame) -> None:
        if not self._options.allow_changed:
            accepted = int((recorded.states == MessageState.ACCEPTED).sum())
            others = int((matches["eligible"] & ~matches["resend"]).sum())
            refuse_changed_letter(self.campaign, self._letter, accepted=accepted, others=others)
        has_earlier = (matches["state"] == MessageState.ACCEPTED) & ~matches["resend"]
        changed = int((has_earlier & matches["changed"]).sum())
        if changed:  # by another letter, or by another cell
            self.notices.append(
                f"{counted(changed, 'person has', 'people have')} an earlier version of this email "
                "(column changed); they get the new one only if resend= names them"
            )

    def _plan(self, matches: pd.DataFrame) -> None:
        """Record the messages that will be sent; refused repeats record nothing."""
        ledger, eligible = self.ledger, matches["eligible"].to_numpy()
        frame = FrameDigests.of(ledger, self._preflight, matches["position"].to_numpy()[eligible])
        not_resent = frame.take(~matches["resend"].to_numpy()[eligible])

        if not self._options.allow_repeat:
            # other senders may write meanwhile; what they send is compared when a batch is claimed
            with ledger.db.reading():
                newest = ledger.requests.newest()
                refuse_repeats(ledger, self.campaign, self._composed, self._preflight, not_resent)
            self.guards.append(SentMeanwhile(ledger, self.campaign, newest))
        ids = ledger.plan(self.campaign, frame.digests)
        ledger.record_key(self.campaign, self._composed.key)
        self._ids = np.zeros(len(self._preflight.sizes), dtype="int64")
        self._ids[frame.positions] = ids

    def _replan(self, matches: pd.DataFrame, rows: RowResults) -> None:
        """Plan again what was answered: by explicit confirmation, or see ``error_codes.py``."""
        answered = matches[matches["eligible"] & (matches["state"] > MessageState.PLANNED)]
        accepted = answered["state"] == MessageState.ACCEPTED
        resent, rejected = answered[accepted & answered["resend"]], answered[~accepted]
        has_reason = rejected["changed"] | rejected["resend"]
        for what, state, part in (
            ("resend", MessageState.ACCEPTED, resent),
            ("new content", MessageState.REJECTED, rejected[has_reason]),
            ("tried again", MessageState.REJECTED, rejected[~has_reason]),
        ):
            if not part.empty:
                positions = part["position"].to_numpy()
                contents = content_digests(self._preflight, positions)
                ids = self._ids[positions]
                self.ledger.replan(ids, contents, state, campaign=self.campaign, what=what)
        for position in rejected["position"]:  # this run sets their status again
            rows.settle(int(position), Status.UNSENT)

    def _warn_of_absent_rows(self, planned: Ids) -> None:
        """Warn of messages that were planned before this run and are in no row."""
        if len(planned):
            self.notices.append(
                f"{len(planned):,} messages of {self.campaign.name!r} were planned earlier "
                "and are not in this frame"
            )

    # --- one request ---------------------------------------------------------------------------

    def claim(self, batch: Batch, *, after: Answered | None = None) -> ClaimedBatch:
        """Record that the batch is about to be sent, and add the metadata for Postmark's search."""
        self._refuse_others(after)
        claim, since = partial(self._claim, batch), Stopwatch()
        if after is None:
            attempt = claim()
        else:
            attempt = self.ledger.record_and_claim(partial(self.record_answer, *after), claim)
        return ClaimedBatch(self._marked(batch, attempt), attempt, since)

    def _refuse_others(self, after: Answered | None) -> None:
        """Ask Postmark whether another ledger sends the campaign; *after* is recorded if so."""
        if self._recount is None:
            return
        try:
            self._recount.refuse_others()
        except errors.LedgerBehind:
            if after is not None:
                self.record_answer(*after)
            raise

    def _marked(self, batch: Batch, attempt: Attempt) -> Batch:
        digits = self._preflight.keys.halves()[list(batch.positions)].tobytes().hex()
        return batch.marked(
            campaign=self.campaign.tag,
            attempt=attempt.uid,
            keys=[digits[at : at + _KEY_DIGITS] for at in range(0, len(digits), _KEY_DIGITS)],
        )

    def _claim(self, batch: Batch) -> Attempt:
        ids = self._ids[list(batch.positions)]

        def check() -> None:
            for guard in self.guards:
                guard.refuse(ids, batch.positions)

        attempt = self.ledger.claim(
            self.campaign,
            ids,
            number=batch.number,
            streams=self._preflight.streams,
            check=check,
        )
        if self._recount is not None:
            self._recount.add(len(batch))
        return attempt

    def record_answer(self, claimed: ClaimedBatch, answer: Answer) -> None:
        """Record what the answer says of each message."""
        attempt = _attempt(claimed)
        reason = _POSTMARKS_TEXT.sub(r"\1", answer.reason)  # it may quote an address
        if answer.outcomes:
            outcomes = answer.outcomes
            self.ledger.record_outcomes(
                attempt,
                zip(
                    self._ids[list(claimed.batch.positions)].tolist(),
                    map(state_of, outcomes),
                    [outcome.message_id for outcome in outcomes],
                    [outcome.error_code for outcome in outcomes],
                    strict=True,
                ),
            )
        elif state_without_outcome(answer) is MessageState.UNKNOWN:
            self.ledger.record_unknown(attempt, reason)
        else:
            self.ledger.record_unsent(attempt, reason)
        if self._recount is not None:
            self._recount.take_back(answer, messages=len(claimed.batch))

    def withdraw_claims(self, posted: Sequence[ClaimedBatch]) -> None:
        """Record what was claimed and never posted as unsent; see ``SendSession``."""
        kept = {_attempt(claimed).id for claimed in posted}
        for attempt in self.ledger.requests.in_state(self.campaign, "sending"):
            if attempt.id not in kept:
                self.ledger.record_unsent(attempt, "interrupted before it was posted")

    def search(self, claimed: ClaimedBatch) -> dict[int, str] | None:
        """Search Postmark for an unknown batch; see ``SendSession.search``."""
        if self.campaign.is_test:
            return None
        message_ids = reconcile_attempt(self._server, self.ledger, _attempt(claimed))
        self.taken.take(message_ids.values())
        return {
            message.position: message_ids[key]
            for message in claimed.batch
            if (key := self._preflight.keys.at(message.position)) in message_ids
        }


def _attempt(claimed: ClaimedBatch) -> Attempt:
    if claimed.attempt is None:
        raise errors.LedgerError("a batch that was not claimed cannot be recorded")
    return claimed.attempt
