"""How ``{{ … }}`` prints a value: as in a letter, such as 5 for ``5.0``, not as Python shows it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, NoReturn

from jinja2 import Undefined

from mailframe.letter.jinja.values import (
    EXACT_FLOAT,
    MAX_MAGNITUDE,
    RoundedFloat,
    UnsupportedValue,
    rounded_number,
)

_EXACT_DIGITS: Final = 15
"""Significant digits that a float always has; with so many, 0.1 + 0.2 is 0.3."""
_SHORT_FLOAT: Final = 16
_LARGE_FLOAT: Final = 10**10
"""Larger floats are not rounded, since 15 digits would leave less than five after the point."""


class UnprintableValue(TypeError):
    """A template prints a value that cannot be printed, such as a list.

    Attributes:
        value: the value that cannot be printed.
    """

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message)
        self.value = value


def as_printed(value: Any) -> Any:
    """The text of a value, as ``{{ … }}``, ``~``, ``join`` and the text filters print it.

    Text stays as it is. ``True`` is yes, 5.0 is 5, ``3.0000000000000004`` is 3, ``Decimal("1.10")``
    is 1.10, a date is 2026-11-22, a timestamp is 2026-11-22 09:30, or its date if it is midnight
    without a time zone, and a time span is 1 day 2:03:04.

    Returns:
        The text; a missing value is returned as it is, and raises when it is printed.

    Raises:
        UnprintableValue: a list, dict, none, infinity or function; it says what to write instead.

    >>> [as_printed(it) for it in (True, 5.0, 0.1 + 0.2, Decimal("1.10"), dt.date(2026, 11, 2))]
    ['yes', '5', '0.3', '1.10', '2026-11-02']
    """
    if isinstance(value, str | Undefined):
        return value
    write = _WRITERS.get(type(value))
    if write is None:
        raise UnprintableValue(_why_unprintable(value), value=value)
    return write(value)


class FormatArgument:
    """An argument of a format: ``%s`` and ``{}`` use ``as_printed``, ``%.2f`` uses the value."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        return str(as_printed(self._value))

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self._value, spec) if spec else str(self)

    def __int__(self) -> int:
        return whole(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __index__(self) -> int:
        return int(self._value)


def whole(value: Any) -> int:
    """The value as an integer, for ``%d`` and ``| int``.

    Raises:
        UnsupportedValue: it is a float that is too large to be exact.
    """
    if isinstance(value, RoundedFloat):
        raise UnsupportedValue(rounded_number(value), value=float(value))
    return int(value)


def format_argument(value: Any) -> Any:
    """The argument of a format: a ``FormatArgument`` unless it is text, an integer or missing.

    >>> "%s seats, %.2f" % (format_argument(5.0), format_argument(5.0))
    '5 seats, 5.00'
    """
    is_plain = isinstance(value, str | Undefined) or type(value) is int
    return value if is_plain else FormatArgument(value)


def _why_unprintable(value: object) -> str:
    method = getattr(value, "__name__", "")
    if isinstance(getattr(value, "__self__", None), dict):
        return (
            f"the dict has no key {method!r}, and .{method} is its method; write another key, or "
            f"{{% for … in ….{method}() %}}"
        )
    if value is None:
        return "the template prints none; write `… | default('…', true)` or test it first"
    if isinstance(value, dict):
        return (
            "the template prints a dict; print one of its values, such as order.number, or loop "
            "over it"
        )
    if isinstance(value, list | tuple | Iterable):
        return (
            f"the template prints a {type(value).__name__}; write `… | join(', ')` or loop over it"
        )
    return f"the template prints a {type(value).__name__}; print one of its values"


_NOT_FOR_A_MAIL: Final = (
    "the template prints {}, which is not a readable number; drop the row, or test it first"
)


def _write_float(value: float) -> str:
    if not math.isfinite(value):
        raise UnprintableValue(_NOT_FOR_A_MAIL.format(value), value=value)
    if value.is_integer():
        if abs(value) > EXACT_FLOAT:
            raise UnprintableValue(rounded_number(value), value=float(value))
        return str(int(value))
    short = repr(value)
    if (len(short) > _SHORT_FLOAT and abs(value) < _LARGE_FLOAT) or "e" in short:
        return _write_decimal(Decimal(format(value, f".{_EXACT_DIGITS}g")))
    return short


def _refuse_rounded(value: RoundedFloat) -> NoReturn:
    raise UnprintableValue(rounded_number(value), value=float(value))


def _write_decimal(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or max(-exponent, value.adjusted()) > MAX_MAGNITUDE:
        raise UnprintableValue(_NOT_FOR_A_MAIL.format(value), value=value)
    return format(value or value.copy_abs(), "f")


def _write_time(value: dt.time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")


def _write_datetime(value: dt.datetime) -> str:
    if value.tzinfo is None and value.time() == dt.time():
        return value.date().isoformat()
    clock = _write_time(value.time())
    zone = f" {value.tzname()}" if value.tzinfo is not None else ""
    return f"{value.date().isoformat()} {clock}{zone}"


def _write_span(value: dt.timedelta) -> str:
    sign, span = ("-", -value) if value < dt.timedelta() else ("", value)
    minutes, seconds = divmod(span.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{span.days} day{'' if span.days == 1 else 's'}" if span.days else ""
    clock = f"{hours}:{minutes:02}:{seconds:02}" if span.seconds or not days else ""
    return sign + " ".join(part for part in (days, clock) if part)


_WRITERS: Final[dict[type, Any]] = {
    bool: lambda value: "yes" if value else "no",
    int: str,
    float: _write_float,
    RoundedFloat: _refuse_rounded,
    Decimal: _write_decimal,
    dt.datetime: _write_datetime,
    dt.date: dt.date.isoformat,
    dt.time: _write_time,
    dt.timedelta: _write_span,
}
