"""The pace of one run: what it has posted, when its next batch may go, and when it ends."""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailframe.counting import lasting
from mailframe.errors import MailframeError
from mailframe.limits import MAX_BATCH_MESSAGES
from mailframe.postmark.responses import Answer, Verdict
from mailframe.send.ledger.clock import since_boot_s
from mailframe.send.pacing.rate import Posted, Rate
from mailframe.send.pacing.stop_rule import StopRule, StopWatch
from mailframe.send.pacing.window import Window

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
_PROCESSED: Final = (Verdict.ANSWERED, Verdict.UNKNOWN)
"""Verdicts of requests whose messages Postmark has, or may have."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The options of a send that pace it.

    Attributes:
        rate: the maximum rate; None for none.
        window: the time of the day in which batches go; None for all day.
        stop: what ends the send early; None for nothing.
    """

    rate: Rate | None = None
    window: Window | None = None
    stop: StopRule | None = None

    @property
    def has_waits(self) -> bool:
        """Whether a send may wait for its next batch."""
        return self.rate is not None or self.window is not None

    @property
    def batch_messages(self) -> int:
        """The maximum number of messages of a batch."""
        return MAX_BATCH_MESSAGES if self.rate is None else self.rate.batch_messages

    def duration(self, messages: int) -> str:
        """How long so many messages take at the rate; empty without one.

        It begins now; with a window, when that is open.

        >>> read_pacing(rate="5000/h").duration(12_340)
        'at 5,000/h: 2 h 28 min'
        """
        if self.rate is None or messages <= 0:
            return ""
        if self.window is None:
            return f"at {self.rate}: {lasting(self.rate.lasts_s(messages))}"
        now = datetime.now(UTC)
        ends_at = self.ends_at(now, messages)
        lasts = "more than two months"
        if ends_at is not None:
            lasts = lasting((ends_at - now).total_seconds())
        return f"at {self.rate} in the window: {lasts}"

    def ends_at(self, begins_at: datetime, messages: int) -> datetime | None:
        """When the last batch of so many messages goes, in UTC; None if it is too far away.

        Args:
            begins_at: when the first one may go.
            messages: how many.
        """
        if self.rate is None:
            return None
        if self.window is None:
            with suppress(OverflowError):
                return begins_at + timedelta(seconds=self.rate.lasts_s(messages))
            return None
        gap = timedelta(seconds=max(self.rate.gap_s, 1e-6))
        return self.window.last_at(begins_at, times=self.rate.batches(messages), gap=gap)

    @property
    def unit_s(self) -> float:
        """Seconds of the unit of the rate; 0 without one."""
        return 0.0 if self.rate is None else self.rate.unit_s


UNPACED: Final = Pacing()


def read_pacing(
    *, rate: object = None, window: object = None, tz: object = None, stop_when: object = None
) -> Pacing:
    """The pacing that the arguments of ``send`` say.

    Raises:
        MailframeError: one of them is wrong; with its value and the rule.
    """
    if window is None and tz is not None:
        raise MailframeError(f"tz={tz!r} is the time zone of window, which is missing")
    return Pacing(
        None if rate is None else Rate.read(rate),
        None if window is None else Window.read(window, tz),
        None if stop_when is None else StopRule.read(stop_when),
    )


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
        watch: what counts the messages for ``pacing.stop``; None without it.
        clock: the clocks.
    """

    pacing: Pacing
    messages: int
    earlier: Iterable[tuple[float, int]] = ()
    watch: StopWatch | None = None
    clock: Clock = SYSTEM_CLOCK
    _posted: deque[Posted] = field(default_factory=deque)
    _in_flight: dict[Hashable, Posted] = field(default_factory=dict)
    _written: str = ""

    def __post_init__(self) -> None:
        self._posted.extend(Posted(at_s, messages) for at_s, messages in self.earlier)

    def wait_s(self, messages: int) -> float:
        """Seconds until a batch of so many messages may go, or for which to wait; 0 for now."""
        now = self.clock.at(0)
        opens_at = now if self.pacing.window is None else self.pacing.window.opens_at(now)
        return max(self._wait_for_rate_s(messages), (opens_at - now).total_seconds())

    def _wait_for_rate_s(self, messages: int) -> float:
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

    def end(self, request: Hashable, answer: Answer) -> None:
        """There is an answer; a batch that was not processed does not count, and goes again."""
        if self.watch is not None:
            self.watch.add(answer)
        posted = self._in_flight.pop(request, None)
        if posted is not None and answer.verdict not in _PROCESSED:
            self.messages += posted.messages
            if posted in self._posted:
                self._posted.remove(posted)

    def found(self, message_ids: list[str]) -> None:
        """Postmark has these messages of a request that had no answer."""
        if self.watch is not None:
            self.watch.add_accepted(message_ids)

    def failure(self) -> MailframeError | None:
        """The error that ends the run early; None to go on, also if no message is left."""
        return None if self.watch is None or self.messages <= 0 else self.watch.failure()

    def ends_at(self) -> datetime | None:
        """When the last batch goes, in UTC.

        None without a rate, if there is none left, and if it is further away than times can be.
        """
        rate = self.pacing.rate
        if rate is None or self.messages <= 0:
            return None
        wait_s = self._wait_for_rate_s(min(self.messages, rate.batch_messages))
        ends: list[datetime] = []
        for begins_s, messages in {(wait_s, self.messages), self._held_up(rate)}:
            ends_at = self.pacing.ends_at(self.clock.at(begins_s), messages)
            if ends_at is None:
                return None
            ends.append(ends_at)
        return max(ends)

    def _held_up(self, rate: Rate) -> tuple[float, int]:
        """When the last of the messages that wait until an earlier request is a unit old may go.

        Returns:
            The seconds until the first of them, and how many they are.
        """
        now_s, size, within = self.clock.passed_s(), rate.batch_messages, 0
        latest = 0.0, 0
        for one in reversed(self._posted):
            within += one.messages
            left = self.messages - max(0, rate.count - within) // size * size
            begins_s = one.at_s + rate.unit_s - now_s
            if left > 0 and begins_s + rate.lasts_s(left) > latest[0] + rate.lasts_s(latest[1]):
                latest = begins_s, left
        return latest

    def note(self) -> str:
        """When the window opens or the last batch goes, for a progress bar; else empty."""
        now, window, ends_at = self.clock.at(0), self.pacing.window, self.ends_at()
        zone = None if window is None else window.zone
        if window is not None and self.messages > 0 and not window.is_open(now):
            return f"waits until {time_text(window.opens_at(now), now=now, zone=zone)}"
        if ends_at is None:
            return ""
        return f"until {time_text(ends_at, now=now, zone=zone)}"

    def news(self) -> str:
        """The note if there was none before, or if the window has closed or opened since."""
        note = self.note()
        kind = note.partition(" ")[0]
        is_new, self._written = kind != self._written, kind
        return note if is_new else ""


def time_text(at: datetime, *, now: datetime, zone: tzinfo | None = None) -> str:
    """A time of today as ``16:40``, another one with its date.

    Args:
        at: the time.
        now: the current time.
        zone: the time zone of the text, which names it if clocks there differ from those of this
            machine; None for that of this machine.

    >>> noon = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
    >>> [time_text(noon + timedelta(hours=n), now=noon, zone=UTC) for n in (4, 24)]
    ['16:00', '2026-11-28 12:00']
    """
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    text = f"{local:%H:%M}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
    return text if local.utcoffset() == at.astimezone().utcoffset() else f"{text} {zone}"
