"""What must be proved before unknown messages may be sent again: the search is up to date, and time has passed.

No clock that can be set decides. That a message is later than a batch is the order in which the ledger noted both;
that time has passed is shown by the seconds since the machine was started, or by Postmark's own clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailframe.errors import LedgerError
from mailframe.send.ledger import control_messages, maintenance
from mailframe.send.ledger.clock import BOOT, since_boot_s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.postmark.client import Postmark
    from mailframe.send.ledger import Attempt, CampaignRecord, Ledger

YOUNG: Final = timedelta(minutes=30)
"""A request younger than this may still be accepted or become visible; absence proves nothing yet."""
_MINUTES: Final = int(YOUNG.total_seconds() // 60)
_TRIES: Final = 3
"""Later requests of a stream that are looked for, newest and oldest."""


@dataclass(frozen=True, slots=True)
class Release:
    """One decision that unknown messages were not accepted.

    Attributes:
        server: of the campaign.
        ledger: that holds it.
        campaign: of which messages are unknown.
        mailbox: that a control message goes to; None to post none.
        timeout_s: to wait for one.
        call: the whole call as it works, for errors.
    """

    server: Postmark
    ledger: Ledger
    campaign: CampaignRecord
    mailbox: str | None
    timeout_s: float
    call: str

    def prove(self, doubtful: Sequence[Attempt]) -> None:
        """Return when each of these requests would show by now if Postmark had accepted it.

        Raises:
            LedgerError: one is too young, or nothing that is later than it shows; nothing was changed.
        """
        for attempt in doubtful:  # before anything is posted
            self._refuse_young(attempt)
        for stream in sorted({stream for attempt in doubtful for stream in attempt.streams}):
            self._prove_on(stream, [attempt for attempt in doubtful if stream in attempt.streams])

    def _refuse_young(self, attempt: Attempt) -> None:
        age = _age(attempt)
        if age is not None and age < YOUNG:
            raise LedgerError(
                f"batch {attempt.number} left {_whole_minutes(age)} minutes ago; Postmark may still accept it or show "
                f"it. Decide after {_MINUTES} minutes ({self._again(YOUNG - age)}); nothing was changed"
            )

    def _prove_on(self, stream: str, doubtful: Sequence[Attempt]) -> None:
        after = max(
            attempt.id if attempt.closed_after is None else attempt.closed_after
            for attempt in doubtful
        )
        later = maintenance.later_requests(
            self.ledger, self.campaign.scope, after=after, stream=stream, count=_TRIES
        )
        asked = {
            one: control_messages.received_at(self.server, one.uid, stream=stream) for one in later
        }
        shown = {one: moment for one, moment in asked.items() if moment is not None}
        if self.mailbox is not None and not all(_is_late(attempt, shown) for attempt in doubtful):
            posted, moment = self._posted(self.mailbox, stream)
            shown[posted] = moment
        if not shown:
            raise LedgerError(
                f"Postmark's search shows no message of stream {stream!r} that was accepted after batch "
                f"{doubtful[0].number}, so its silence proves nothing (a slow index, a paused account). {self.call} "
                "sends one control message to that address of your own, waits until the search shows it, and decides; "
                "nothing was changed"
            )
        for attempt in doubtful:
            self._refuse_unproved(attempt, list(shown.values()))

    def _refuse_unproved(self, attempt: Attempt, shown: Sequence[datetime]) -> None:
        if not _is_old(attempt, shown):
            left = YOUNG - max(max(shown) - min(shown), max(shown) - _began(attempt))
            raise LedgerError(
                f"batch {attempt.number} left before this machine was started, or from another machine, and Postmark's "
                f"clock does not show yet that {_MINUTES} minutes have passed since then. Decide later "
                f"({self._again(min(left, YOUNG))}); nothing was changed"
            )

    def _posted(self, mailbox: str, stream: str) -> tuple[maintenance.Later, datetime]:
        """A new control message, and when Postmark received it, once its search shows it."""
        uid, answer = control_messages.post(self.server, mailbox, stream=stream)
        if answer.outcomes:
            maintenance.note_control(self.ledger, self.campaign, uid, stream=stream)
        moment = control_messages.wait_until_shown(
            self.server, uid, stream=stream, timeout_s=self.timeout_s
        )
        if moment is None:
            what = "was accepted" if answer.outcomes else f"got no clear answer ({answer.reason})"
            raise LedgerError(
                f"the control message to {mailbox} on stream {stream!r} {what}, and Postmark's search does not show it "
                f"after {self.timeout_s:g} seconds (a slow index, a paused account). Try again later: {self.call}; "
                "nothing was changed"
            )
        if not answer.outcomes:
            maintenance.note_control(self.ledger, self.campaign, uid, stream=stream)
        return maintenance.Later(uid, BOOT, since_boot_s()), moment

    def _again(self, left: timedelta) -> str:
        return f"in {math.ceil(left.total_seconds() / 60)} minutes: {self.call}"


def _age(attempt: Attempt) -> timedelta | None:
    """How long ago a request began; None where that cannot be known without a clock that can be set."""
    if attempt.boot != BOOT or attempt.clock_s is None:
        return None
    return timedelta(seconds=max(since_boot_s() - attempt.clock_s, 0.0))


def _is_old(attempt: Attempt, shown: Sequence[datetime]) -> bool:
    """Whether a request is old enough; *shown* are later messages by Postmark's clock, one at least."""
    age = _age(attempt)
    if age is not None:
        return age >= YOUNG
    return max(shown) - min(shown) >= YOUNG or max(shown) - _began(attempt) >= YOUNG


def _is_late(attempt: Attempt, shown: Mapping[maintenance.Later, datetime]) -> bool:
    """Whether one of these shows that the search has come as far as 30 minutes after a request.

    A message that was accepted a minute after it is later, too; it leaves open what Postmark took after that.
    """
    if not shown:
        return False
    if _age(attempt) is None:
        return _is_old(attempt, list(shown.values()))
    began_s = attempt.clock_s or 0.0
    return any(
        one.boot == BOOT and (one.clock_s or 0.0) - began_s >= YOUNG.total_seconds()
        for one in shown
    )


def _began(attempt: Attempt) -> datetime:
    return datetime.fromisoformat(attempt.started_at).astimezone(UTC)


def _whole_minutes(age: timedelta) -> int:
    return int(age.total_seconds() // 60)
