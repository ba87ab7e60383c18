"""The filters of mailframe with a locale: date, number and money; others are in text_filters.py.

Other languages than English need Babel. What these filters build is not charged to the budget, so
each filter limits its own work.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined

from mailframe.errors import MissingExtra
from mailframe.letter.jinja.guards import guard_widths
from mailframe.letter.jinja.values import MAX_MAGNITUDE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


MONTHS: Final = tuple(
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SYMBOLS: Final = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "KRW": "₩",
    "ILS": "₪",
    "VND": "₫",
}
"""Symbols before the amount in English; other currencies have their ISO 4217 code."""
WITHOUT_CENTS: Final = frozenset({"JPY", "KRW", "VND", "CLP", "ISK", "HUF"})
MAX_DIGITS: Final = 20
"""After the decimal point."""
MAX_STYLE: Final = 1_000
"""Characters of a strftime pattern, and of text that is parsed as a number."""
_UNPADDED: Final = re.compile("%(%|[-#]([dmyHIMSjUWV]))")
"""``%-d`` of Linux and macOS is ``%#d`` on Windows, and each refuses or ignores the other."""


def date(value: Any, style: str = "long", *, locale: str = "en") -> str:
    """Format a date, a timestamp or ISO 8601 text.

    Args:
        value: a date, a datetime, or text such as ``2026-11-22`` or ``2026-11-22T09:30``.
        style: ``short`` (22 Nov), ``medium`` (22 Nov 2026), ``long`` (22 November 2026), ``full``
            (with the weekday), ``iso``, or a strftime pattern such as ``%d.%m.%Y``. ``%-d`` is
            the day without a zero in front on every system, also written ``%#d``.
        locale: a locale such as ``de`` or ``fr_CA``; all but English ones need the extra "locale".

    Raises:
        ValueError: the text is not an ISO date, or the style is unknown to this system.

    >>> date("2026-11-22"), date("2026-11-22", "short"), date("2026-01-02", "%-d.%m.%Y")
    ('22 November 2026', '22 Nov', '2.01.2026')
    """
    day = _as_date(value)
    if len(style) > MAX_STYLE:
        raise ValueError(f"the style of a date has at most {MAX_STYLE:,} characters")
    if "%" in style:
        return _by_pattern(day, style)
    if style == "iso":
        return day.isoformat()
    if style not in ("short", "medium", "long", "full"):
        raise ValueError(
            f"the style of a date is short, medium, long, full, iso or a %-pattern, not {style!r}"
        )
    if not _is_english(locale):
        return str(_babel("dates").format_date(day, style, locale=_locale_name(locale)))
    month = MONTHS[day.month - 1]
    texts = {
        "short": f"{day.day} {month[:3]}",
        "medium": f"{day.day} {month[:3]} {day.year}",
        "long": f"{day.day} {month} {day.year}",
        "full": f"{WEEKDAYS[day.weekday()]}, {day.day} {month} {day.year}",
    }
    return texts[style]


def _by_pattern(day: dt.date, pattern: str) -> str:
    guard_widths(pattern)
    plain = _UNPADDED.sub(
        lambda code: str(int(day.strftime(f"%{code[2]}"))) if code[2] else code[0], pattern
    )
    try:
        return day.strftime(plain)
    except ValueError as error:  # of Windows
        raise ValueError(
            f"this system cannot format a date by {pattern!r} ({error}); every system has the "
            "codes of Python's documentation, such as %d, %m and %Y"
        ) from None


def number(value: Any, digits: int | None = None, *, locale: str = "en") -> str:
    """Format a number with thousands separators, rounded half up.

    Args:
        value: an int, float, Decimal, or numeric text.
        digits: the number of decimals; None keeps the digits of the value.
        locale: a locale such as ``de``; other languages than English need the extra "locale".

    >>> number(12340), number("1234.565", 2), number(0.1 + 0.2)
    ('12,340', '1,234.57', '0.3')
    """
    amount = as_decimal(value)
    if digits is not None:
        amount = _rounded(amount, digits)
    if not _is_english(locale):
        places = max(0, -int(amount.as_tuple().exponent))
        pattern = "#,##0" + ("." + "0" * places if places else "")
        with localcontext(_EXACT):
            return str(
                _babel("numbers").format_decimal(amount, pattern, locale=_locale_name(locale))
            )
    return f"{amount:,f}"


def money(
    value: Any, currency: str = "EUR", digits: int | None = None, *, locale: str = "en"
) -> str:
    """Format an amount of money, rounded half up to the digits of the currency.

    Args:
        value: an int, float, Decimal, or numeric text.
        currency: the ISO 4217 code of the currency.
        digits: the number of decimals; None is 2, or 0 for a currency without cents such as JPY.
        locale: a locale such as ``de``; other languages than English need the extra "locale".

    >>> money("49.00"), money(1234.5, "USD"), money(1234.5, "JPY"), money(-3, "CHF")
    ('€49.00', '$1,234.50', '¥1,235', '-CHF 3.00')
    """
    code = _text(currency).upper()
    places = digits if digits is not None else (0 if code in WITHOUT_CENTS else 2)
    amount = _rounded(as_decimal(value), places)
    if not _is_english(locale):
        options = {
            "locale": _locale_name(locale),
            "currency_digits": False,
            "decimal_quantization": False,
        }
        with localcontext(_EXACT):
            return str(_babel("numbers").format_currency(amount, code, **options))
    symbol = SYMBOLS.get(code, f"{code} ")
    return f"{'-' if amount < 0 else ''}{symbol}{amount.copy_abs():,f}"


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "date": date,
    "number": number,
    "money": money,
}


def _as_date(value: Any) -> dt.date:
    if isinstance(value, Undefined):
        return str(value)  # type: ignore[return-value]  # raises the error of the missing value
    if isinstance(value, dt.date):
        return value
    text = _text(value)
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text[:40]!r} is not a date; write it as 2026-11-22 (ISO 8601) or as a datetime"
        ) from None


def as_decimal(value: Any) -> Decimal:
    """A number or numeric text as a Decimal.

    Raises:
        TypeError: it is a boolean.
        ValueError: it is not a readable number.
    """
    if isinstance(value, bool):
        raise TypeError("a boolean is not a number")
    if isinstance(value, int):
        return Decimal(value)
    text = _text(value)
    try:
        amount = (
            value
            if isinstance(value, Decimal)
            else Decimal(text.strip() if len(text) <= MAX_STYLE else "long")
        )
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is not a number") from None
    if not amount.is_finite() or abs(amount.adjusted()) > MAX_MAGNITUDE:
        raise ValueError(f"{text[:40]} is not a readable number")
    return _rounded(amount, _FLOAT_DIGITS).normalize(_EXACT) if isinstance(value, float) else amount


_FLOAT_DIGITS: Final = 12
"""After the decimal point of a float; later digits are rounding errors, as in 0.1 + 0.2."""
_EXACT: Final = Context(prec=6_000)
"""Arithmetic without rounding; the default context rounds to 28 digits."""


def _rounded(amount: Decimal, digits: int) -> Decimal:
    if not 0 <= digits <= MAX_DIGITS:
        raise ValueError(f"digits must be from 0 to {MAX_DIGITS}, not {digits}")
    return _EXACT.plus(
        amount.quantize(_UNITS[digits], ROUND_HALF_UP, _EXACT)
    )  # plus makes -0.00 positive


_UNITS: Final = tuple(Decimal(1).scaleb(-digits) for digits in range(MAX_DIGITS + 1))


def _text(value: Any) -> str:
    return float.__repr__(value) if isinstance(value, float) else str(value)


def _is_english(locale: str) -> bool:
    return _text(locale).lower().replace("-", "_") in ("en", "en_us", "en_gb")


def _locale_name(locale: str) -> str:
    return _text(locale).replace("-", "_")


def _babel(part: str) -> Any:
    import importlib  # noqa: PLC0415 - Babel is an extra of 30 MB

    try:
        return importlib.import_module(f"babel.{part}")
    except ImportError:
        raise MissingExtra("a locale other than English", "locale") from None
