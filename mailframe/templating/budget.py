"""How much one rendering may do: steps, characters and seconds, and the guards that charge them.

A template is trusted to be honest, not to be right: a loop in a loop or a doubled string must end in a problem
of its row, not in a dead kernel. Steps and characters are counted, so the same row always ends the same way;
the clock is only the last resort.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.exceptions import SecurityError, TemplateRuntimeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_STEPS: Final = 100_000
"""Turns of loops and calls in one rendering."""
MAX_CHARACTERS: Final = 50_000_000
"""Characters (or list items) that one rendering may build on its way."""
MAX_OUTPUT: Final = 12_000_000
"""Characters of one rendered part; above Postmark's 5 MB, so that the check can name the true size."""
MAX_SECONDS: Final = 5.0
"""Of one rendering."""
MAX_WIDTH: Final = 10_000
"""Of padding, indents, precisions and format widths."""
MAX_BITS: Final = 4096
"""Of an integer that a template computes."""
LONG_TEXT: Final = 1_000
"""Characters from which on a printed value is charged."""


class TemplateLimit(TemplateRuntimeError):
    """A rendering used up its steps, characters or seconds."""


class Budget(threading.local):
    """What the rendering in this thread may still do."""

    def __init__(self) -> None:
        self.steps = 0
        self.characters = 0
        self.deadline = float("inf")

    def reset(self) -> None:
        """Begin a new rendering."""
        self.steps = 0
        self.characters = 0
        self.deadline = time.perf_counter() + MAX_SECONDS

    def step(self, count: int = 1) -> None:
        """Charge turns of a loop or calls."""
        self.steps += count
        if self.steps > MAX_STEPS:
            raise TemplateLimit(f"the template takes more than {MAX_STEPS:,} steps (loops, calls) for this row")
        if time.perf_counter() > self.deadline:
            raise TemplateLimit(f"the template takes longer than {MAX_SECONDS:g} seconds for this row")

    def charge(self, characters: int) -> None:
        """Charge text or list items that are about to be built."""
        self.characters += characters
        if self.characters > MAX_CHARACTERS:
            raise TemplateLimit(
                f"the template builds more than {MAX_CHARACTERS:,} characters for this row "
                f"(the last step alone wanted {characters:,})"
            )

    def each(self, items: Any) -> Iterable[Any]:
        """What a ``for`` loops over, charged one step an item."""
        if isinstance(items, Undefined):
            return iter(items)  # raises what the gap has to say
        try:
            self.step(len(items))
        except TypeError:
            return self._counted(items)
        return items  # type: ignore[no-any-return]  # sized, hence iterable

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield item

    def join(self, chunks: Iterable[str]) -> str:
        """The chunks of a rendered part as one text, if it is not absurdly long."""
        kept = list(chunks)
        size = sum(map(len, kept))
        if size > MAX_OUTPUT:
            raise TemplateLimit(f"one part has {size:,} characters; no message may pass 10 MB (Postmark)")
        return "".join(kept)


def guard_operator(budget: Budget, operator: str, left: Any, right: Any) -> None:
    """Refuse an operation whose result would be absurdly large, before it is built."""
    if operator == "*":
        _guard_product(budget, left, right)
    elif operator == "**":
        _guard_power(left, right)
    elif operator == "%" and isinstance(left, str):
        guard_widths(left)
    elif operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        budget.charge(len(left) + len(right))


def _guard_product(budget: Budget, left: Any, right: Any) -> None:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | list | tuple) and isinstance(times, int):
            budget.charge(len(many) * max(0, times))
    if isinstance(left, int) and isinstance(right, int):
        _guard_bits(left.bit_length() + right.bit_length())


def _guard_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _guard_bits(left.bit_length() * abs(right))
    elif isinstance(left, Decimal) or isinstance(right, Decimal):
        _guard_bits(abs(int(right)) if abs(right) < MAX_BITS else MAX_BITS + 1)


def _guard_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise TemplateLimit(f"the template computes a number of more than {MAX_BITS} bits")


_WIDTH = re.compile(r"\d{5,}")


def guard_widths(pattern: str) -> None:
    """Refuse a format with a huge or a computed width: ``'%0999999999d'`` is a gigabyte."""
    if _WIDTH.search(pattern) or "*" in pattern:
        raise TemplateLimit(f"the format {pattern[:40]!r} asks for a width that is too large or computed")
    if re.search(r"\{[^{}]*:[^{}]*\{", pattern):
        raise TemplateLimit(f"the format {pattern[:40]!r} computes its own width")


_TEXT: Final = frozenset(
    """
    capitalize casefold center count endswith expandtabs find format index isalnum isalpha isascii isdecimal
    isdigit islower isnumeric isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix
    replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)
_MOMENT: Final = frozenset(
    """
    strftime isoformat weekday isoweekday isocalendar toordinal date time timetz replace astimezone utcoffset
    tzname total_seconds timestamp timetuple
    """.split()  # noqa: SIM905 - as above
)
ALLOWED_METHODS: Final[tuple[tuple[type, frozenset[str]], ...]] = (
    (str, _TEXT),
    (dict, frozenset({"get", "keys", "values", "items"})),
    (list, frozenset({"index", "count"})),
    (tuple, frozenset({"index", "count"})),
    (dt.datetime, _MOMENT),
    (dt.date, _MOMENT),
    (dt.time, _MOMENT),
    (dt.timedelta, _MOMENT),
    (float, frozenset({"is_integer"})),
    (Decimal, frozenset({"quantize", "normalize", "copy_abs"})),
)
"""The methods of plain values that a template may call; all others are refused."""


def guard_method(budget: Budget, owner: Any, name: str, args: tuple[Any, ...]) -> None:
    """Refuse a method that is not on the list, or a call of it whose result would be absurdly large.

    Raises:
        SecurityError: the method is not one that a template may call.
        TemplateLimit: its result would be too large.
    """
    if not any(isinstance(owner, kind) and name in names for kind, names in ALLOWED_METHODS):
        raise SecurityError(f"a template may not call .{name}() of a {type(owner).__name__}")
    if name == "strftime" and args:
        guard_widths(str(args[0]))
    elif isinstance(owner, str):
        _guard_text_method(budget, owner, name, args)


def _guard_text_method(budget: Budget, text: str, name: str, args: tuple[Any, ...]) -> None:
    if name == "format":
        guard_widths(text)
    if any(isinstance(arg, int) and arg > MAX_WIDTH for arg in args):
        raise TemplateLimit(f".{name}() is asked for a width of more than {MAX_WIDTH:,}")
    budget.charge(grown(text, name, args))


def grown(text: Any, name: str, args: tuple[Any, ...]) -> int:
    """An upper bound for the length of what ``replace``, ``join`` or ``expandtabs`` makes of *text*."""
    size = len(text) if hasattr(text, "__len__") else 0
    if name == "replace" and len(args) > 1:
        return size + (size // max(1, len(str(args[0]))) + 1) * len(str(args[1]))
    if name == "join" and args and hasattr(args[0], "__len__"):
        return size * len(args[0]) + sum(len(item) for item in args[0] if isinstance(item, str))
    if name == "expandtabs":
        return size * (int(args[0]) if args else 8)
    return size
