"""Durations as people write them. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from mailframe.errors import SandboxError

MAX_NS: Final = 3660 * 86_400 * 1_000_000_000
"""Ten years: a clock that is moved further soon leaves the range of nanoseconds."""
_SECONDS: Final = {"d": 86_400, "h": 3600, "min": 60, "m": 60, "s": 1}
_PART: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(d|h|min|m|s)", re.ASCII)


def nanoseconds(duration: object, *, name: str) -> int:
    """The length of a *duration* in nanoseconds.

    Args:
        duration: a timedelta, or a text such as ``2h``, ``90m`` or ``1d 12h``, with the units d, h,
            m (or min) and s.
        name: the argument, for the error.

    Raises:
        SandboxError: it is something else, below zero or above ten years.

    >>> nanoseconds("1h 30m", name="over") == nanoseconds(timedelta(minutes=90), name="over")
    True
    """
    if isinstance(duration, timedelta):
        length = duration // timedelta(microseconds=1) * 1000
    elif isinstance(duration, str) and duration.strip():
        length = _read(duration, name)
    else:
        raise _wrong(duration, name)
    if not 0 <= length <= MAX_NS:
        raise SandboxError(f"{name} is between zero and ten years; found {duration!r}")
    return length


def _read(text: str, name: str) -> int:
    seconds, at = 0.0, 0
    while at < len(text.rstrip()):
        part = _PART.match(text, at)
        if part is None:
            raise _wrong(text, name)
        seconds += float(part[1]) * _SECONDS[part[2]]
        at = part.end()
    return round(seconds * 1e9)


def _wrong(duration: object, name: str) -> SandboxError:
    return SandboxError(
        f'{name} is a timedelta or a text such as "2h", "90m" or "1d 12h"; found {duration!r}'
    )
