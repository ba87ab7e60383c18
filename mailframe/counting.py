"""Counts and sizes in texts: ``1 row``, ``1,200 rows``, ``61.0 MB``."""

from __future__ import annotations

from typing import Final

_MB: Final = 1_000_000


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


def sized(count: int) -> str:
    """A number of bytes in MB, or in kB if it is small.

    >>> sized(99_999), sized(11_600_000)
    ('100.0 kB', '11.6 MB')
    """
    return f"{count / 1_000:,.1f} kB" if count < _MB // 10 else f"{count / _MB:,.1f} MB"
