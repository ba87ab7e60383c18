"""How much one rendering may do: steps, characters and seconds.

A template is trusted to be honest, not to be right: a loop in a loop or a doubled string must end in a problem
of its row, not in a dead kernel. Steps and characters are counted, so the same row always ends the same way.
The clock is the last resort. It is looked at in each turn of a long loop, in each call, and whenever an operation
reads or builds long text or a long list; what lies between takes microseconds.

What each operation is charged is told in ``guards.py``; ``instrument.py`` writes the charges into templates.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Undefined
from jinja2.exceptions import TemplateRuntimeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_STEPS: Final = 100_000
"""Turns of loops and calls in one rendering."""
MAX_CHARACTERS: Final = 20_000_000
"""Characters (or list items) that one rendering may build on its way."""
MAX_READ: Final = 1_000_000_000
"""Characters (or list items, each as many as in memory) that one rendering may compare and search."""
MAX_OUTPUT: Final = 12_000_000
"""Characters of one rendered part; above Postmark's 5 MB, so that the check can name the true size."""
MAX_SECONDS: Final = 5.0
"""Of one rendering."""
LONG_TEXT: Final = 1_000
"""Characters from which on a value that is printed or read is charged, and the clock is looked at."""
LONG_LOOP: Final = 16
"""Turns from which on a loop looks at the clock in each; a shorter one has looked when it began."""

_LIST_CHARACTERS: Final = 64
_ITEM_CHARACTERS: Final = 8
"""What a list takes in memory, for itself and for each item."""


class TemplateLimit(TemplateRuntimeError):
    """A rendering used up its steps, characters or seconds."""


class Budget(threading.local):
    """What the rendering in this thread may still do."""

    def __init__(self) -> None:
        self.steps = 0
        self.characters = 0
        self.characters_read = 0
        self.deadline = float("inf")

    def reset(self) -> None:
        """Begin a new rendering."""
        self.steps = 0
        self.characters = 0
        self.characters_read = 0
        self.deadline = time.perf_counter() + MAX_SECONDS

    def step(self, count: int = 1) -> None:
        """Charge turns of a loop or calls."""
        self.steps += count
        if self.steps > MAX_STEPS:
            raise TemplateLimit(
                f"the template takes more than {MAX_STEPS:,} steps (loops, calls) for this row"
            )
        self.look()

    def look(self) -> None:
        """Look at the clock."""
        if time.perf_counter() > self.deadline:
            raise TemplateLimit(
                f"the template takes longer than {MAX_SECONDS:g} seconds for this row"
            )

    def charge(self, characters: int) -> None:
        """Charge text or list items that are about to be built."""
        if characters >= LONG_TEXT:
            self.look()
        self.characters += characters
        if self.characters > MAX_CHARACTERS:
            raise TemplateLimit(
                f"the template builds more than {MAX_CHARACTERS:,} characters for this row "
                f"(the last step alone wanted {characters:,})"
            )

    def read(self, value: Any, *, deep: bool = True) -> None:
        """Charge what is about to be compared or searched.

        Args:
            value: text, or anything that has a length; all else is free.
            deep: a list counts with all that it holds; else with the length of itself.
        """
        if isinstance(value, str):
            characters = len(value)
        elif hasattr(value, "__len__") and not isinstance(value, Undefined):
            characters = _characters(value) if deep else _ITEM_CHARACTERS * len(value)
        else:
            return
        if characters < LONG_TEXT:
            return
        self.look()
        self.characters_read += characters
        if self.characters_read > MAX_READ:
            raise TemplateLimit(
                f"the template compares or searches more than {MAX_READ:,} characters for this row"
            )

    def weigh(self, value: Any) -> None:
        """Charge a list or dict with all that it holds, so that no list of lists can double itself unseen."""
        if isinstance(value, str):
            self.charge(len(value))
        elif isinstance(value, list | tuple | dict):
            self.charge(_LIST_CHARACTERS + _ITEM_CHARACTERS * len(value))
            for item in value.values() if isinstance(value, dict) else value:
                if isinstance(item, str | list | tuple | dict):
                    self.weigh(item)

    def each(self, items: Any) -> Iterable[Any]:
        """What a ``for`` loops over, charged one step an item."""
        if isinstance(items, Undefined):
            return iter(items)  # raises what the gap has to say
        try:
            turns = len(items)
        except TypeError:
            return self._counted(items)
        self.step(turns)
        return items if turns < LONG_LOOP else _Turns(items, self)

    def watched(self, items: Iterator[Any]) -> Iterator[Any]:
        """An iterator that a filter reads, with a look at the clock for each item."""
        for item in items:
            self.look()
            yield item

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.step()
            yield item

    def join(self, chunks: Iterable[str]) -> str:
        """The chunks of a rendered part as one text, if it is not absurdly long."""
        parts = list(chunks)  # printed texts of any length were charged already, see LONG_TEXT
        if len(parts) > _MANY_PARTS:
            _refuse_long(sum(map(len, parts)))  # ten gigabytes are not joined first
        text = "".join(parts)
        _refuse_long(len(text))
        return text


_MANY_PARTS: Final = 1_000


def _refuse_long(size: int) -> None:
    if size > MAX_OUTPUT:
        raise TemplateLimit(
            f"one part has {size:,} characters; no message may pass 10 MB (Postmark)"
        )


class _Turns:
    """The items of a long loop, with a look at the clock in each turn; jinja2 asks for their number too."""

    __slots__ = ("_budget", "_items")

    def __init__(self, items: Any, budget: Budget) -> None:
        self._items = items
        self._budget = budget

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return self._budget.watched(iter(self._items))


def _characters(value: Any) -> int:
    """What a list or dict holds, with all that is in it, as memory."""
    size = _ITEM_CHARACTERS * len(value)
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, str):
                size += len(item)
            elif isinstance(item, list | tuple | dict):
                size += _characters(item)
    return size
