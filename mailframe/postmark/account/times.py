"""Days and times of a query, as Postmark reads them: US Eastern."""

from __future__ import annotations

import datetime as dt
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailframe.errors import AccountError, MailframeError

When: TypeAlias = "str | dt.date | dt.datetime | None"
"""A day, ``date(2026, 11, 27)`` or ``"2026-11-27"``, or a time with its time zone."""


def eastern_zone() -> ZoneInfo:
    """The time zone in which Postmark reads the days and times of a query.

    Raises:
        MailframeError: there are no time zones on this machine, as in a small container.
    """
    try:
        return ZoneInfo("America/New_York")
    except ZoneInfoNotFoundError:
        raise MailframeError(
            "this machine has no time zones, and Postmark's days are those of America/New_York; "
            "run pip install tzdata"
        ) from None


EASTERN: Final = eastern_zone()


def bounds(since: When, until: When) -> dict[str, str]:
    """The parameters ``fromdate`` and ``todate``; both include their day, or their second.

    Raises:
        AccountError: one is no day, and no time with a time zone, or *since* is after *until*.

    >>> bounds("2026-11-01", dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC))
    {'fromdate': '2026-11-01', 'todate': '2026-11-27T07:00:00'}
    """
    first, last = _text("since", since), _text("until", until)
    if first and last and (first[:10], first) > (last[:10], last if "T" in last else "T24"):
        raise AccountError(f"since={since!r} is after until={until!r}")
    given = {"fromdate": first, "todate": last}
    return {name: text for name, text in given.items() if text}


def days(since: When, until: When) -> dict[str, str]:
    """The same for statistics, which have whole days."""
    return {name: text[:10] for name, text in bounds(since, until).items()}


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    try:
        read = _read(value)
    except ValueError as error:
        raise AccountError(f"{name}={value!r} is not a day or a time: {error}") from None
    if isinstance(read, dt.datetime):
        if read.tzinfo is None:
            raise AccountError(
                f"{name}={value!r} has no time zone; write a day, or a time with its zone, such as "
                "pd.Timestamp('2026-11-27 12:00', tz='UTC')"
            )
        try:
            return _eastern(read, is_end=name == "until").isoformat()
        except OverflowError:
            raise AccountError(f"{name}={value!r} is not a time of US Eastern") from None
    return read.isoformat()


def _eastern(time: dt.datetime, *, is_end: bool) -> dt.datetime:
    """A time as the clocks of US Eastern show it.

    They show one hour twice when summer ends, and which one Postmark means is not known. A time in
    it becomes the end or the start of both, so that no item is left out.
    """
    eastern = time.astimezone(EASTERN).replace(microsecond=0)
    local = dt.datetime.combine(eastern.date(), eastern.time(), EASTERN)  # also of a Timestamp
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        start = local.replace(minute=0, second=0)
        local = start + dt.timedelta(hours=1) if is_end else start - dt.timedelta(seconds=1)
    return local.replace(tzinfo=None)


def _read(value: object) -> dt.date | dt.datetime:
    if isinstance(value, dt.date):  # a datetime and a Timestamp are dates
        if value != value:  # noqa: PLR0124 - NaT
            raise ValueError("it is missing")
        return value
    if not isinstance(value, str):
        raise ValueError("it is neither text nor a date")  # noqa: TRY004 - one error for all
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return dt.datetime.fromisoformat(value)
