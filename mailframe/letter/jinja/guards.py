"""Which methods a template can call, and what each operation costs before its result is built."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from jinja2.exceptions import SecurityError

from mailframe.letter.jinja.budget import TemplateLimit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.letter.jinja.budget import Budget

MAX_WIDTH: Final = 10_000
"""Of padding, indentation, precision and format widths."""
MAX_BITS: Final = 4096
"""Of an integer that a template calculates."""
MAX_MARKUP: Final = 250_000
"""Characters for ``striptags`` and ``wordwrap``, whose time grows with the square of the length."""

_WIDTHS: Final = re.compile(r"%(?:\([^)]*\))?[-+ #0_^EO]*(\*|\d+)?(?:\.(\*|\d+))?")
_FIELDS: Final = re.compile(r"\{([^{}:!]*)[^{}:]*(?::([^{}]*)(\{)?)?")
_NUMBER: Final = re.compile(r"\d+")


# --- formats ----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def guard_widths(pattern: str) -> int:
    """The sum of the widths in ``'%5d'`` or a strftime pattern; ``'%0999999999d'`` is a gigabyte.

    Raises:
        TemplateLimit: a width is too large, or given by a value.

    >>> guard_widths("Order 12345: %5d of %-.2f")
    7
    """
    widths = [width for match in _WIDTHS.finditer(pattern) for width in match.groups() if width]
    return _sum_of(pattern, widths)


def guard_percent(budget: Budget, pattern: str, values: Iterable[Any] = ()) -> None:
    """Charge ``'%5d' % …``.

    Raises:
        TemplateLimit: a width or the result is too large, or a width is given by a value.
    """
    budget.charge(len(pattern) + guard_widths(pattern) + pattern.count("%") * _longest(values))


def guard_braces(budget: Budget, pattern: str, values: Iterable[Any]) -> None:
    """Charge ``'{:>5}'.format(…)``.

    Raises:
        SecurityError: a field accesses an attribute, as in ``'{0.year}'``.
        TemplateLimit: a width or the result is too large, or a width is given by a value.
    """
    fields = _FIELDS.findall(pattern.replace("{{", "").replace("}}", ""))
    if any("." in name or "[" in name for name, _, _ in fields):
        raise SecurityError(
            f"the format {pattern[:40]!r} accesses an attribute; write {{{{ … }}}} instead"
        )
    widths = [
        "*" if nested else width
        for _, spec, nested in fields
        for width in (_NUMBER.findall(spec) or [""])
    ]
    size = _sum_of(pattern, [width for width in widths if width])
    budget.charge(len(pattern) + size + len(fields) * _longest(values))


def _sum_of(pattern: str, widths: list[str]) -> int:
    if any(
        width == "*" or len(width) > len(str(MAX_WIDTH)) or int(width) > MAX_WIDTH
        for width in widths
    ):
        raise TemplateLimit(
            f"the format {pattern[:40]!r} has a width that is too large or given by a value"
        )
    return sum(map(int, widths))


def _longest(values: Iterable[Any]) -> int:
    return max((len(value) for value in values if isinstance(value, str)), default=0)


def values_of(right: Any) -> Iterable[Any]:
    """The values of ``pattern % right``."""
    if isinstance(right, dict):
        return right.values()
    return right if isinstance(right, tuple) else (right,)


# --- operators --------------------------------------------------------------------------------


def guard_operator(budget: Budget, operator: str, left: Any, right: Any) -> None:
    """Refuse an operation whose result would be too large, before it is built."""
    if operator == "*":
        _guard_product(budget, left, right)
    elif operator == "**":
        _guard_power(left, right)
    elif operator == "%" and isinstance(left, str):
        guard_percent(budget, left, values_of(right))
    elif operator == "+" and isinstance(left, str | list | tuple):
        budget.weigh(left)
        budget.weigh(right)


def _guard_product(budget: Budget, left: Any, right: Any) -> None:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int):
            budget.charge(len(many) * max(0, times))
            if times > 0:
                budget.weigh(many)
    if isinstance(left, int) and isinstance(right, int):
        _guard_bits(left.bit_length() + right.bit_length())


def _guard_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _guard_bits(left.bit_length() * abs(right))
    elif isinstance(left, Decimal) or isinstance(right, Decimal):
        _guard_bits(abs(int(right)) if abs(right) < MAX_BITS else MAX_BITS + 1)


def _guard_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise TemplateLimit(f"the template calculates a number of more than {MAX_BITS} bits")


# --- methods ----------------------------------------------------------------------------------

_TEXT: Final = frozenset(
    """
    capitalize casefold center count endswith expandtabs find format index isalnum isalpha isascii
    isdecimal isdigit islower isnumeric isspace istitle isupper join ljust lower lstrip partition
    removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines
    startswith strip swapcase title upper zfill
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
_DATE_AND_TIME: Final = frozenset(
    """
    strftime isoformat weekday isoweekday isocalendar toordinal date time timetz replace utcoffset
    tzname total_seconds timetuple
    """.split()  # noqa: SIM905 - as above
)
ALLOWED_METHODS: Final[tuple[tuple[type, frozenset[str]], ...]] = (
    (str, _TEXT),
    (dict, frozenset({"get", "keys", "values", "items"})),
    (list, frozenset({"index", "count"})),
    (tuple, frozenset({"index", "count"})),
    (dt.date, _DATE_AND_TIME),
    (dt.time, _DATE_AND_TIME),
    (dt.timedelta, _DATE_AND_TIME),
    (float, frozenset({"is_integer"})),
    (Decimal, frozenset({"quantize", "normalize", "copy_abs"})),
)
"""The methods of plain values that a template can call; all others are refused."""
_LONGEST_FIELD: Final = 16
"""Characters that one character of a strftime pattern can become; %c becomes about thirty."""
_WIDE_METHODS: Final = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})


@lru_cache(maxsize=4096)
def is_allowed(kind: type, name: str) -> bool:
    """Whether a template can call the method *name* of plain values of *kind*."""
    return any(issubclass(kind, owner) and name in names for owner, names in ALLOWED_METHODS)


def guard_method(budget: Budget, owner: Any, name: str, args: tuple[Any, ...]) -> None:
    """Refuse a method that is not allowed, or whose result would be too large.

    Raises:
        SecurityError: a template cannot call the method.
        TemplateLimit: its result would be too large.
    """
    if not is_allowed(type(owner), name):  # type: ignore[arg-type]  # a class is hashable
        raise SecurityError(f"a template cannot call .{name}() of a {type(owner).__name__}")
    if name == "strftime":
        style = str(args[0]) if args else ""
        budget.charge(guard_widths(style) + _LONGEST_FIELD * len(style))
    elif isinstance(owner, list | tuple):
        budget.read([owner, *args])
    elif isinstance(owner, str):
        if name in _WIDE_METHODS and any(isinstance(arg, int) and arg > MAX_WIDTH for arg in args):
            raise TemplateLimit(f".{name}() has a width of more than {MAX_WIDTH:,}")
        if name == "format":
            guard_braces(budget, owner, args)
        budget.charge(max_result(owner, name, args))


# --- filters ----------------------------------------------------------------------------------

_WIDE_FILTERS: Final = frozenset(
    {"center", "indent", "truncate", "wordwrap", "batch", "slice", "round"}
)
_GROWTH: Final = {
    "urlencode": 12,
    "escape": 6,
    "e": 6,
    "forceescape": 6,
    "list": 8,
    "wordcount": 8,
    "wordwrap": 8,
}
"""Characters that a filter builds at most for each character of its text."""


def guard_filter(budget: Budget, name: str, value: Any, args: tuple[Any, ...]) -> None:
    """Charge a filter for what it builds.

    Args:
        budget: the budget of this rendering.
        name: the name of the filter.
        value: the value to filter.
        args: all other arguments, including keyword arguments.

    Raises:
        TemplateLimit: its result would be too large or take too long.
    """
    if name in _WIDE_FILTERS and any(isinstance(arg, int) and abs(arg) > MAX_WIDTH for arg in args):
        raise TemplateLimit(f"the filter {name!r} has a width of more than {MAX_WIDTH:,}")
    if name == "tojson":
        budget.weigh(value)
    elif not isinstance(value, str):
        budget.read(value, deep=False)
    else:
        if name in ("striptags", "wordwrap") and len(value) > MAX_MARKUP:
            raise TemplateLimit(
                f"{name} takes at most {MAX_MARKUP:,} characters, not {len(value):,}"
            )
        budget.charge(max_result(value, name, args))


def max_result(text: str, name: str, args: tuple[Any, ...]) -> int:
    """The most characters that the method or filter *name* can build from *text*."""
    size = len(text)
    if name == "replace" and len(args) > 1:
        return size + (size // max(1, len(str(args[0]))) + 1) * len(str(args[1]))
    if name == "expandtabs":
        return size + text.count("\t") * (args[0] if args and isinstance(args[0], int) else 8)
    if name in ("indent", "wordwrap"):
        lines = text.count("\n") + 1 if name == "indent" else size
        widest = max((len(arg) for arg in args if isinstance(arg, str)), default=0)
        width = next((arg for arg in args if isinstance(arg, int)), 4) if name == "indent" else 8
        return size + lines * max(widest, abs(width))
    if name in ("split", "rsplit", "splitlines"):
        return 8 * size
    return size * _GROWTH.get(name, 1)
