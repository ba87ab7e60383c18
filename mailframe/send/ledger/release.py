"""Proof that unknown messages may be sent again: the search is up to date, and time has passed.

No clock that can be set decides. That a message is later than a batch follows from the order in
which the ledger recorded both. That time has passed follows from the seconds since the machine was
started, or from Postmark's own clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailframe.errors import LedgerError
from mailframe.send.ledger import control_messages
from mailframe.send.ledger.clock import BOOT, since_boot_s
from mailframe.send.ledger.maintenance import LaterRequest, later_requests, record_control

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.postmark.client import Postmark
    from mailframe.send.ledger import Attempt, CampaignRecord, Ledger

MIN_AGE: Final = timedelta(minutes=30)
"""A younger request may still be accepted or become visible; absence proves nothing yet."""
_MIN_AGE_MINUTES: Final = int(MIN_AGE.total_seconds() // 60)
_LATER_REQUESTS: Final = 3
"""How many later requests of a stream are looked up: the newest and the oldest."""


@dataclass(frozen=True, slots=True)
class Release:
    """One decision that unknown messages were not accepted.

    Attributes:
        server: the server of the campaign.
        ledger: the ledger in which the campaign is recorded.
        campaign: the campaign with the unknown messages.
        mailbox: the address of a control message; None to post none.
        timeout_s: the seconds to wait for a control message.
        call: the complete call, for errors.
    """

    server: Postmark
    ledger: Ledger
    campaign: CampaignRecord
    mailbox: str | None
    timeout_s: float
    call: str

    def prove(self, unconfirmed: Sequence[Attempt]) -> None:
        """Return if the search would show each of these requests had Postmark accepted it.

        Raises:
            LedgerError: one is too young, or no later message is shown; nothing was changed.
        """
        for attempt in unconfirmed:  # before anything is posted
            self._refuse_young(attempt)
        for stream in sorted({stream for attempt in unconfirmed for stream in attempt.streams}):
            self._prove_on(stream, [a for a in unconfirmed if stream in a.streams])

    def _refuse_young(self, attempt: Attempt) -> None:
        age = _age(attempt)
        if age is not None and age < MIN_AGE:
            raise LedgerError(
                f"batch {attempt.number} was sent {int(age.total_seconds() // 60)} minutes ago; "
                "Postmark may still accept it or show it. Decide after "
                f"{_MIN_AGE_MINUTES} minutes ({self._call_in(MIN_AGE - age)}); nothing was changed"
            )

    def _prove_on(self, stream: str, unconfirmed: Sequence[Attempt]) -> None:
        after = max(
            attempt.id if attempt.closed_after is None else attempt.closed_after
            for attempt in unconfirmed
        )
        shown: dict[LaterRequest, datetime] = {}
        for request in later_requests(
            self.ledger, self.campaign.scope, after=after, stream=stream, count=_LATER_REQUESTS
        ):
            received_at = control_messages.received_at(self.server, request.uid, stream=stream)
            if received_at is not None:
                shown[request] = received_at
        if self.mailbox is not None and not all(_is_late(a, shown) for a in unconfirmed):
            request, received_at = self._post_control(self.mailbox, stream)
            shown[request] = received_at
        if not shown:
            raise LedgerError(
                f"Postmark's search shows no message of stream {stream!r} that was accepted after "
                f"batch {unconfirmed[0].number}, so it is not proven that the search is up to date "
                f"(a slow index, a paused account). {self.call} sends one control message to an "
                "address of your own, waits until the search shows it, and decides; nothing was "
                "changed"
            )
        for attempt in unconfirmed:
            self._refuse_too_early(attempt, shown)

    def _refuse_too_early(self, attempt: Attempt, shown: Mapping[LaterRequest, datetime]) -> None:
        if not _is_old(attempt, shown):
            left = MIN_AGE - _proven_age(attempt, shown)
            raise LedgerError(
                f"batch {attempt.number} was sent before this machine was started, or from another "
                f"machine, and Postmark's clock does not show yet that {_MIN_AGE_MINUTES} minutes "
                f"have passed. Decide later ({self._call_in(min(left, MIN_AGE))}); nothing was "
                "changed"
            )

    def _post_control(self, mailbox: str, stream: str) -> tuple[LaterRequest, datetime]:
        """A new control message, and when Postmark received it, once its search shows it."""
        uid, answer = control_messages.post(self.server, mailbox, stream=stream)
        recorded_at = ""
        if answer.outcomes:
            recorded_at = record_control(self.ledger, self.campaign, uid, stream=stream)
        received_at = control_messages.received_at(
            self.server, uid, stream=stream, timeout_s=self.timeout_s
        )
        if received_at is None:
            what = "was accepted" if answer.outcomes else f"got no clear answer ({answer.reason})"
            raise LedgerError(
                f"the control message to {mailbox} on stream {stream!r} {what}, and Postmark's "
                f"search does not show it after {self.timeout_s:g} seconds (a slow index, a paused "
                f"account). Try again later: {self.call}; nothing was changed"
            )
        if not answer.outcomes:
            recorded_at = record_control(self.ledger, self.campaign, uid, stream=stream)
        return LaterRequest(uid, BOOT, since_boot_s(), recorded_at), received_at

    def _call_in(self, left: timedelta) -> str:
        return f"in {math.ceil(left.total_seconds() / 60)} minutes: {self.call}"


def _age(attempt: Attempt) -> timedelta | None:
    """How long ago a request began; None if only a clock that can be set would tell."""
    if attempt.boot != BOOT or attempt.clock_s is None:
        return None
    return timedelta(seconds=max(since_boot_s() - attempt.clock_s, 0.0))


def _is_old(attempt: Attempt, shown: Mapping[LaterRequest, datetime]) -> bool:
    """Whether a request is old enough; *shown* are later messages and Postmark's clock."""
    age = _age(attempt)
    return (_proven_age(attempt, shown) if age is None else age) >= MIN_AGE


def _proven_age(attempt: Attempt, shown: Mapping[LaterRequest, datetime]) -> timedelta:
    """How long ago a request of another machine, or of an earlier start of this one, began.

    The clock of the ledger may differ from Postmark's. So the time between two later messages
    counts by Postmark's clock, and that from the request to a later message by both.
    """
    newest, oldest = max(shown.values()), min(shown.values())
    recorded = max(_utc(request.started_at) for request in shown)
    return max(newest - oldest, min(newest, recorded) - _utc(attempt.started_at))


def _is_late(attempt: Attempt, shown: Mapping[LaterRequest, datetime]) -> bool:
    """Whether the search has come as far as 30 minutes after a request.

    A message that was accepted a minute after the request is later, too, but it does not show what
    Postmark accepted after that.
    """
    if not shown:
        return False
    if _age(attempt) is None:
        return _is_old(attempt, shown)
    began_s = attempt.clock_s or 0.0
    return any(
        request.boot == BOOT and (request.clock_s or 0.0) - began_s >= MIN_AGE.total_seconds()
        for request in shown
    )


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
