"""The limits of one rendering: steps, characters and seconds.

A mistake in a template, such as a nested loop or a string that doubles, must become a problem of
its row and not stop the kernel. Steps and characters are counted, so that the same row always has
the same result. The time limit comes last: the clock is read in each iteration of a long loop, in
each call, and in each operation that reads or builds long text or a long list. It is processor
time of the thread, so that a busy machine makes no row invalid. That takes a microsecond to read;
so half of the limit is measured by the clock on the wall, and processor time only after that.

``guards.py`` defines what each operation costs; ``rewriting.py`` adds the charges to templates.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError

from mailframe.letter.jinja.printing import as_printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_STEPS: Final = 100_000
"""Iterations of loops and calls in one rendering."""
MAX_CHARACTERS: Final = 20_000_000
"""Characters (or list items) that one rendering may build."""
MAX_READ: Final = 1_000_000_000
"""Characters (or list items) that one rendering may compare and search."""
MAX_OUTPUT: Final = 12_000_000
"""Characters of one rendered part; above Postmark's 5 MB, so that the check has the true size."""
MAX_SECONDS: Final = 5.0
"""Processor time of one rendering."""
LONG_TEXT: Final = 1_000
"""Characters; a longer value is charged when it is printed or read, and the clock is read."""
LONG_LOOP: Final = 16
"""Iterations; a longer loop reads the clock in each, a shorter one only at its start."""
_LIST_CHARACTERS: Final = 64
_ITEM_CHARACTERS: Final = 8
"""The memory of a list and of each item, in characters."""


class TemplateLimit(TemplateRuntimeError):
    """A rendering exceeds its steps, characters or seconds."""


class Budget(threading.local):
    """What the rendering in this thread has used."""

    def __init__(self) -> None:
        self.steps = 0
        self.characters = 0
        self.characters_read = 0
        self._deadline = float("inf")
        self._half_s = MAX_SECONDS / 2
        self._looked_at = self._cpu_deadline = 0.0

    def reset(self, *, share: int = 1) -> float:
        """Start a new rendering, or one of *share* pieces of it, which together keep its limits.

        Returns:
            The time of ``perf_counter``.
        """
        self.steps = MAX_STEPS - MAX_STEPS // share
        self.characters = MAX_CHARACTERS - MAX_CHARACTERS // share
        self.characters_read = MAX_READ - MAX_READ // share
        self._half_s = MAX_SECONDS / share / 2
        now = time.perf_counter()
        self._deadline = now + self._half_s
        return now

    def step(self, count: int = 1) -> None:
        """Charge iterations of a loop or calls."""
        self.steps += count
        if self.steps > MAX_STEPS:
            raise TemplateLimit(
                f"the template takes more than {MAX_STEPS:,} steps (loops, calls) for this row"
            )
        self.check_time()

    def check_time(self) -> None:
        """Raise if the time is over."""
        if time.perf_counter() > self._deadline:
            self._check_processor_time()

    def _check_processor_time(self) -> None:
        """Raise if it is over; else look again when it may be."""
        now = time.thread_time()
        if self._deadline != self._looked_at:  # for the first time in this rendering
            self._cpu_deadline = now + self._half_s
        elif now > self._cpu_deadline:
            raise TemplateLimit(
                f"the template takes longer than {MAX_SECONDS:g} seconds for this row"
            )
        self._deadline = self._looked_at = time.perf_counter() + self._cpu_deadline - now

    def charge(self, characters: int) -> None:
        """Charge text or list items before they are built."""
        if characters >= LONG_TEXT:
            self.check_time()
        self.characters += characters
        if self.characters > MAX_CHARACTERS:
            raise TemplateLimit(
                f"the template builds more than {MAX_CHARACTERS:,} characters for this row "
                f"({characters:,} of them in the last step)"
            )

    def read(self, value: Any, *, deep: bool = True) -> Any:
        """Charge a value before it is compared or searched, and return it.

        Args:
            value: text or anything with a length; other values are free.
            deep: whether to include the contents of a list; otherwise only its length counts.
        """
        characters = 0
        if isinstance(value, str):
            characters = len(value)
        elif hasattr(value, "__len__") and not isinstance(value, Undefined):
            characters = _characters(value) if deep else _ITEM_CHARACTERS * len(value)
        if characters >= LONG_TEXT:
            self.check_time()
            self.characters_read += characters
            if self.characters_read > MAX_READ:
                raise TemplateLimit(
                    f"the template compares or searches more than {MAX_READ:,} characters for this "
                    "row"
                )
        return value

    def weigh(self, value: Any) -> Any:
        """Charge a list or dict with its contents, so that a list of lists cannot double freely.

        Returns:
            The value.
        """
        if isinstance(value, str):
            self.charge(len(value))
        elif isinstance(value, list | tuple | dict):
            self.charge(_LIST_CHARACTERS + _ITEM_CHARACTERS * len(value))
            for item in value.values() if isinstance(value, dict) else value:
                if isinstance(item, str | list | tuple | dict):
                    self.weigh(item)
        return value

    def each(self, items: Any) -> Iterable[Any]:
        """The items of a loop, with one step charged for each."""
        if isinstance(items, Undefined):
            return iter(items)  # raises the error of the missing value
        try:
            length = len(items)
        except TypeError:
            if isinstance(getattr(items, "__self__", None), dict):  # order.items for order.items()
                as_printed(items)  # raises an error that says what to write
            return self._counted(items)
        self.step(length)
        return items if length < LONG_LOOP else _TimedItems(items, self)

    def timed(self, items: Iterator[Any]) -> Iterator[Any]:
        """An iterator that checks the time for each item."""
        for item in items:
            self.check_time()
            yield item

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield item

    def join(self, chunks: Iterable[str]) -> str:
        """The chunks of a rendered part as one text, if it is not too long."""
        parts = list(chunks)  # long texts were charged when they were printed, see LONG_TEXT
        if len(parts) > _MANY_PARTS:
            _refuse_long(sum(map(len, parts)))  # before they are joined
        text = "".join(parts)
        _refuse_long(len(text))
        return text


_MANY_PARTS: Final = 1_000


def _refuse_long(size: int) -> None:
    if size > MAX_OUTPUT:
        raise TemplateLimit(
            f"one part has {size:,} characters; a message can have at most 10 MB (Postmark)"
        )


class _TimedItems:
    """The items of a long loop, with a time check for each; jinja2 also needs their number."""

    __slots__ = ("_budget", "_items")

    def __init__(self, items: Any, budget: Budget) -> None:
        self._items = items
        self._budget = budget

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return self._budget.timed(iter(self._items))


def _characters(value: Any) -> int:
    """The memory of a list or dict with its contents, in characters."""
    size = _ITEM_CHARACTERS * len(value)
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, str):
                size += len(item)
            elif isinstance(item, list | tuple | dict):
                size += _characters(item)
    return size
