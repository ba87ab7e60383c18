"""The pace of one run: what it has posted, when its next batch may go, and when it ends."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailframe.limits import MAX_BATCH_MESSAGES
from mailframe.send.ledger.clock import since_boot_s
from mailframe.send.pacing.rate import Posted, Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable
    from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks, which tests replace.

    Attributes:
        passed_s: seconds of a clock that cannot be set.
        wall_s: seconds since 1970 of the wall clock.
    """

    passed_s: Callable[[], float] = since_boot_s
    wall_s: Callable[[], float] = time.time

    def at(self, seconds: float) -> datetime:
        """The time in so many seconds, in UTC."""
        return datetime.fromtimestamp(self.wall_s(), UTC) + timedelta(seconds=seconds)


SYSTEM_CLOCK: Final = Clock()


@dataclass(frozen=True, slots=True)
class Pacing:
    """The options of a send that pace it.

    Attributes:
        rate: the maximum rate; None for none.
    """

    rate: Rate | None = None

    @property
    def batch_messages(self) -> int:
        """The maximum number of messages of a batch."""
        return MAX_BATCH_MESSAGES if self.rate is None else self.rate.batch_messages

    @property
    def unit_s(self) -> float:
        """Seconds of the unit of the rate; 0 without one."""
        return 0.0 if self.rate is None else self.rate.unit_s


UNPACED: Final = Pacing()


def read_pacing(*, rate: object) -> Pacing:
    """The pacing that the arguments of ``send`` say.

    Raises:
        MailframeError: one of them is wrong; with its value and the rule.
    """
    return Pacing(None if rate is None else Rate.read(rate))


@dataclass(slots=True)
class Pace:
    """When the batches of one run may go.

    A pause is not made up for: after one, the next batch goes at once, and the one after it at the
    rate. So there is no burst after a machine was suspended.

    Args:
        pacing: the options.
        messages: the number of messages of the run.
        earlier: the time by ``clock.passed_s`` and the number of messages of earlier requests,
            oldest first.
        clock: the clocks.
    """

    pacing: Pacing
    messages: int
    earlier: Iterable[tuple[float, int]] = ()
    clock: Clock = SYSTEM_CLOCK
    _posted: deque[Posted] = field(default_factory=deque)
    _in_flight: dict[Hashable, Posted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._posted.extend(Posted(at_s, messages) for at_s, messages in self.earlier)

    def wait_s(self, messages: int) -> float:
        """Seconds until a batch of so many messages may go; 0 for now."""
        rate = self.pacing.rate
        if rate is None:
            return 0.0
        now_s = self.clock.passed_s()
        while self._posted and self._posted[0].at_s <= now_s - rate.unit_s:
            self._posted.popleft()
        return rate.wait_s(self._posted, now_s=now_s, messages=messages)

    def start(self, request: Hashable, messages: int) -> None:
        """A batch of so many messages is posted now."""
        self.messages -= messages
        posted = Posted(self.clock.passed_s(), messages)
        self._in_flight[request] = posted
        self._posted.append(posted)

    def end(self, request: Hashable, *, is_processed: bool) -> None:
        """There is an answer; a batch that was not processed does not count, and goes again."""
        posted = self._in_flight.pop(request, None)
        if posted is not None and not is_processed:
            self.messages += posted.messages
            if posted in self._posted:
                self._posted.remove(posted)

    def ends_at(self) -> datetime | None:
        """When the last batch goes, in UTC; None without a rate, or if there is none left."""
        rate = self.pacing.rate
        if rate is None or self.messages <= 0:
            return None
        first = min(self.messages, rate.batch_messages)
        return self.clock.at(self.wait_s(first) + rate.lasts_s(self.messages))

    def note(self) -> str:
        """When the last batch goes, for a progress bar; empty without a rate."""
        ends_at = self.ends_at()
        return "" if ends_at is None else f"until {time_text(ends_at, now=self.clock.at(0))}"


def time_text(at: datetime, *, now: datetime, zone: tzinfo | None = None) -> str:
    """A time of today as ``16:40``, another one with its date.

    Args:
        at: the time.
        now: the current time.
        zone: the time zone of the text; None for that of this machine.

    >>> noon = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    >>> [time_text(noon + timedelta(hours=n), now=noon, zone=UTC) for n in (4, 24)]
    ['16:00', '2026-11-28 12:00']
    """
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
