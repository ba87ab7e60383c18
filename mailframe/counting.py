"""Counts and sizes in texts: ``1 row``, ``1,200 rows``, ``61.0 MB``."""

from __future__ import annotations

from typing import Final

_MB: Final = 1_000_000
_LONG_S: Final = 60
_LONG_H: Final = 48


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun in the singular or the plural.

    Args:
        count: the number of items.
        noun: the noun in the singular.
        plural: the plural of the noun, if it is not the singular and an ``s``.

    >>> counted(1, "batch", "batches"), counted(1200, "row")
    ('1 batch', '1,200 rows')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def lasting(seconds: float) -> str:
    """A duration in its two largest units.

    >>> [lasting(seconds) for seconds in (42.4, 119, 8_856, 200_000)]
    ['42 s', '2 min', '2 h 28 min', '2 days 8 h']
    """
    minutes = round(seconds / 60)
    hours, days = divmod(minutes, 60), divmod(round(minutes / 60), 24)
    if seconds < _LONG_S:
        return f"{seconds:.0f} s"
    if minutes < _LONG_S:
        return f"{minutes} min"
    if hours[0] < _LONG_H:
        return f"{hours[0]} h {hours[1]} min" if hours[1] else f"{hours[0]} h"
    return f"{days[0]} days {days[1]} h" if days[1] else f"{days[0]} days"


def sized(count: int) -> str:
    """A number of bytes in MB, or in kB if it is small.

    >>> sized(99_999), sized(11_600_000)
    ('100.0 kB', '11.6 MB')
    """
    return f"{count / 1_000:,.1f} kB" if count < _MB // 10 else f"{count / _MB:,.1f} MB"
