"""Counts in texts: ``1 row``, ``1,200 rows``."""

from __future__ import annotations


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
