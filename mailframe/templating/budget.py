"""How much one rendering may do: steps, characters and seconds.

A template is trusted to be honest, not to be right: a loop in a loop or a doubled string must end in a problem
of its row, not in a dead kernel. Steps and characters are counted, so the same row always ends the same way;
the clock is only the last resort. What is charged for each operation is told in ``guards.py``.
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
MAX_OUTPUT: Final = 12_000_000
"""Characters of one rendered part; above Postmark's 5 MB, so that the check can name the true size."""
MAX_SECONDS: Final = 5.0
"""Of one rendering."""
LONG_TEXT: Final = 1_000
"""Characters from which on a printed value is charged."""

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
        text = "".join(chunks)  # printed texts of any length were charged already, see LONG_TEXT
        if len(text) > MAX_OUTPUT:
            raise TemplateLimit(f"one part has {len(text):,} characters; no message may pass 10 MB (Postmark)")
        return text
