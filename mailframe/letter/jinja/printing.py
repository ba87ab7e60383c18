"""How a plain value is printed: as a person would write it, and never as Python would show it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, NoReturn

from jinja2 import Undefined

from mailframe.letter.jinja.values import (
    EXACT_FLOAT,
    RoundedFloat,
    UnsupportedValue,
    rounded_number,
)

MAX_EXPONENT: Final = 60
"""Digits before or after the point; beyond them the written number would be a wall of zeros."""
_SURE_DIGITS: Final = 15
"""Significant digits that a double holds for sure; 0.1 + 0.2 is 0.3 with so many."""
_SHORT_FLOAT: Final = 16
_LONG_WHOLE_PART: Final = 10**10
"""From here on 15 digits leave less than five after the point, and those that ``repr`` has more are not noise."""


class UnprintableValue(TypeError):
    """A template prints something that has no form a person would write.

    Attributes:
        value: what it prints.
    """

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message)
        self.value = value


def present(value: Any) -> Any:
    """A value as a person would write it; what ``{{ … }}``, ``~``, ``join`` and the text filters print.

    Text stays as it is. ``True`` is yes, 5.0 is 5, ``3.0000000000000004`` is 3, ``Decimal("1.10")`` is 1.10, a
    date is 2026-11-22, a timestamp 2026-11-22 09:30 and, exactly at midnight and without a zone, its date; a
    time span is 1 day 2:03:04.

    Returns:
        The text; a gap as it is, for whoever prints it to hear what it says.

    Raises:
        UnprintableValue: for lists, dicts, none, infinity and functions, with what to write instead.

    >>> [present(v) for v in (True, 5.0, 0.1 + 0.2, Decimal("1.10"), dt.datetime(2026, 11, 22, 9, 30))]
    ['yes', '5', '0.3', '1.10', '2026-11-22 09:30']
    """
    if isinstance(value, str | Undefined):
        return value
    write = _WRITERS.get(type(value))
    if write is None:
        raise UnprintableValue(_why_unprintable(value), value=value)
    return write(value)


class FormatArgument:
    """An argument of a format: ``%s`` and ``{}`` write it as ``present`` does, ``%.2f`` and ``{:,}`` see the value."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        return str(present(self._value))

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
    """The whole number in a value, for ``%d`` and ``| int``.

    Raises:
        UnsupportedValue: the number is too large for its float dtype to hold exactly.
    """
    if isinstance(value, RoundedFloat):
        raise UnsupportedValue(rounded_number(value), value=float(value))
    return int(value)


def written(value: Any) -> Any:
    """The argument of a format, in ``FormatArgument`` unless it is text, a whole number or a gap.

    >>> "%s seats, %.2f" % (written(5.0), written(5.0)), "{} {:%Y}".format(*map(written, [True, dt.date(2026, 1, 2)]))
    ('5 seats, 5.00', 'yes 2026')
    """
    return (
        value if isinstance(value, str | Undefined) or type(value) is int else FormatArgument(value)
    )


def _why_unprintable(value: object) -> str:
    if value is None:
        return "the template prints none; write `… | default('…', true)` or test it first"
    if isinstance(value, dict):
        return "the template prints a dict; print one of its values, such as order.number, or loop over it"
    if isinstance(value, list | tuple | Iterable):
        return (
            f"the template prints a {type(value).__name__}; write `… | join(', ')` or loop over it"
        )
    return f"the template prints a {type(value).__name__}; print one of its values"


def _write_float(value: float) -> str:
    if not math.isfinite(value):
        detail = f"the template prints {value}, which nobody would write in a mail; drop the row, or test it first"
        raise UnprintableValue(detail, value=value)
    if value.is_integer():
        if abs(value) > EXACT_FLOAT:
            raise UnprintableValue(rounded_number(value), value=float(value))
        return str(int(value))
    short = repr(value)
    if (len(short) > _SHORT_FLOAT and abs(value) < _LONG_WHOLE_PART) or "e" in short:
        return _write_decimal(Decimal(format(value, f".{_SURE_DIGITS}g")))
    return short


def _refuse_rounded(value: RoundedFloat) -> NoReturn:
    raise UnprintableValue(rounded_number(value), value=float(value))


def _write_decimal(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or max(-exponent, value.adjusted()) > MAX_EXPONENT:
        detail = f"the template prints {value}, which nobody would write in a mail; drop the row, or test it first"
        raise UnprintableValue(detail, value=value)
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
