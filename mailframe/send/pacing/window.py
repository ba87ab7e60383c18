"""A window of the day in a time zone: whether it is open, and when it opens or closes next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_MIDNIGHT: Final = "24:00"
_ENDS: Final = 2
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_MAX_DAYS: Final = 60
_DAYS: Final = range(-1, 4)
"""The days around one on which the next change of a window is; a zone may skip a day."""


@dataclass(frozen=True, slots=True)
class Window:
    """From *start* to before *end* of each day by the clocks of *zone*.

    An end that is not after the start is one of the next day. When clocks are set back, a time that
    comes twice counts twice; when they are set forward, a time that does not come is skipped.

    Attributes:
        start: the first time.
        end: the time after the last one; 0:00 is the end of the day.
        zone: the time zone.
    """

    start: time
    end: time
    zone: tzinfo

    @classmethod
    def read(cls, window: Any, tz: object) -> Window:
        """The window that the arguments of ``send`` say.

        Args:
            window: two times, such as ``("09:00", "18:00")`` or two ``datetime.time``.
            tz: the name of a time zone, such as ``Europe/Vienna``, or a ``tzinfo``.

        Raises:
            MailframeError: one of them says something else.

        >>> Window.read(("09:00", "18:00"), "Europe/Vienna").end
        datetime.time(18, 0)
        """
        times = [_time(one) for one in window] if isinstance(window, list | tuple) else []
        if len(times) != _ENDS or None in times or window[0] == _MIDNIGHT:
            raise MailframeError(
                f"window={window!r} is not two times of a day such as ('09:00', '18:00'): the "
                "first from 00:00 to 23:59, the second to 24:00; nothing was sent"
            )
        start, end = times
        if start == end:
            raise MailframeError(
                f"window={window!r} begins and ends at the same time; leave window out to send all "
                "day; nothing was sent"
            )
        return cls(start, end, _zone(tz))  # type: ignore[arg-type]

    def is_open(self, at: datetime) -> bool:
        """Whether the window is open at a time."""
        local = at.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end

    def changes_at(self, at: datetime) -> datetime:
        """When the window opens or closes next after a time, in UTC."""
        is_open = self.is_open(at)
        later = (one for one in sorted(self._edges(at)) if one > at)
        return next((one for one in later if self.is_open(one) is not is_open), at + _DAY)

    def opens_at(self, at: datetime) -> datetime:
        """The time itself if the window is open; else when it opens next, in UTC."""
        return at if self.is_open(at) else self.changes_at(at)

    def last_at(self, at: datetime, *, times: int, gap: timedelta) -> datetime | None:
        """The last time of something that happens so many times while the window is open.

        Args:
            at: the first time, or a time before it.
            times: how many times, at least one.
            gap: from one time to the next.

        Returns:
            The time in UTC; None for more than two months.
        """
        for _ in range(_MAX_DAYS):
            at = self.opens_at(at)
            fitting = -((at - self.changes_at(at)) // gap)
            if times <= fitting:
                return at + (times - 1) * gap
            times -= fitting
            at += fitting * gap
        return None

    def _edges(self, at: datetime) -> Iterator[datetime]:
        """The times around one at which the window may open or close."""
        today = at.astimezone(self.zone).date()
        for day in (today + days * _DAY for days in _DAYS):
            yield from self._instants(day, self.start)
            yield from self._instants(day, self.end)

    def _instants(self, day: date, local: time) -> Iterator[datetime]:
        """When it is a local time, and when the clocks are set so that it comes twice or never."""
        local_day = datetime.combine(day, local, tzinfo=self.zone)
        first, second = sorted(local_day.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
        yield from {first, second}
        before = first
        while second - before > _SECOND:
            middle = before + (second - before) // 2
            if self._offset(middle) == self._offset(first):
                before = middle
            else:
                second = middle
        yield second.replace(microsecond=0)

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self.zone).utcoffset()


def _time(value: object) -> time | None:
    """The time that a text or a ``datetime.time`` says; None for anything else."""
    if isinstance(value, time):
        return value if value.tzinfo is None else None
    if isinstance(value, str) and value == _MIDNIGHT:
        return time.min
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else time(int(match[1]), int(match[2]))


def _zone(tz: object) -> tzinfo:
    if isinstance(tz, tzinfo):
        # a zone of pytz has the name, and as the zone of a time it means another offset
        tz = getattr(tz, "zone", None) or tz
    if isinstance(tz, tzinfo):
        return _with_offset(tz)
    if tz is None:
        raise MailframeError(
            "window needs tz, such as tz='Europe/Vienna': the time zone of its times; nothing was "
            "sent"
        )
    try:
        return ZoneInfo(tz)  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError, LookupError):
        raise MailframeError(
            f"tz={tz!r} is not the name of a time zone such as 'Europe/Vienna' or 'UTC'; nothing "
            "was sent"
        ) from None


def _with_offset(tz: tzinfo) -> tzinfo:
    """The time zone itself, if it has an offset from UTC."""
    try:
        offset = datetime.now(UTC).astimezone(tz).utcoffset()
    except Exception:  # noqa: BLE001 - a class of the user
        offset = None
    if offset is None:
        raise MailframeError(
            f"tz={tz!r} has no offset from UTC; give a name such as 'Europe/Vienna', or a zone of "
            "zoneinfo; nothing was sent"
        )
    return tz
