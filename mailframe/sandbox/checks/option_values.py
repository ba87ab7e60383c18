"""Numbers and texts that options of the sandbox take. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Final

from mailframe.errors import SandboxError

MAX_SECONDS: Final = 1_000_000_000
"""Of a wait: the clocks of operating systems take no longer one."""
MAX_ID: Final = 2**63 - 1
"""The largest number that a database holds."""


def checked_seconds(value: object, *, name: str) -> float:
    """A number of seconds.

    Args:
        value: the value.
        name: the name of the option.

    Raises:
        SandboxError: it is not a number from 0 to MAX_SECONDS.

    >>> checked_seconds(2, name="delay_s")
    2.0
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MAX_SECONDS:  # type: ignore[operator]  # a number
        raise SandboxError(
            f"{name} is a number of seconds from 0 to {MAX_SECONDS:,}; found {value!r}"
        )
    return float(value)  # type: ignore[arg-type]


def checked_whole(value: object, *, name: str, low: int | None = None, high: int = MAX_ID) -> int:
    """A whole number.

    Args:
        value: the value.
        name: the name of the option.
        low: the smallest number; None is any.
        high: the largest one, unless *low* is None.

    Raises:
        SandboxError: it is not one of these.

    >>> checked_whole(0, name="port", low=0, high=65_535)
    0
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not (low is None or low <= value <= high):  # type: ignore[operator]
        limits = "" if low is None else f" from {low:,} to {high:,}"
        if low is not None and high == MAX_ID:
            limits = f", {low:,} or more"
        raise SandboxError(f"{name} is a whole number{limits}; found {value!r}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def checked_texts(values: object, *, name: str) -> list[str]:
    """A list of texts; one text is a list of it.

    Args:
        values: the texts.
        name: the name of the option.

    Raises:
        SandboxError: it is something else.

    >>> checked_texts("one", name="tokens")
    ['one']
    """
    if isinstance(values, str):
        return [values]
    texts = []
    for text in values if isinstance(values, Iterable) else [values]:
        if not isinstance(text, str):
            raise SandboxError(f"{name} takes texts; found {type(text).__name__}")  # no token
        texts.append(text)
    return texts
