"""Templates that tell which of their branches a rendering took, and otherwise render what they always do.

Marks are calls of filters that want the context, for jinja2 works out all other filters of constants while it
compiles. A mark never changes a value, never loops over one, and asks for a truth value only where the template
asks for it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2.utils import pass_context

from mailframe.letter.jinja.builtin_filters import FILTERS
from mailframe.letter.jinja.environment import LetterEnvironment
from mailframe.letter.jinja.values import is_missing
from mailframe.review.tour.branches import Table
from mailframe.review.tour.marking import marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import BaseLoader
    from jinja2 import nodes as ast
    from jinja2.runtime import Context, LoopContext

_DEFAULT = FILTERS["default"]


class Tracer:
    """Which branches the row has taken so far: one bit each, of both environments of a letter.

    Args:
        parts: names of the letter's parts; templates of other names are files.
    """

    def __init__(self, parts: frozenset[str]) -> None:
        self.parts = parts
        self.table = Table()
        self._taken = 0
        self._loops: list[list[int]] = []
        self._recursive: dict[int, tuple[LoopContext, int]] = {}

    def take(self) -> int:
        """The bits of the row that was just rendered, and a clean slate for the next.

        A loop that an error left took as many turns as had begun.
        """
        for one, several, turns in self._loops:
            self._count(one, several, turns)
        for _, one in self._recursive.values():
            self._taken |= one
        self._loops.clear()
        self._recursive.clear()
        taken, self._taken = self._taken, 0
        return taken

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The marks, by the names under which ``marking.py`` writes them into templates."""
        return {
            "_took": self._took,
            "_chose": self._chose,
            "_met": self._met,
            "_defaulted": self._defaulted,
            "_looping": self._looping,
            "_turn": self._turn,
            "_looped": self._looped,
            "_turn_within": self._turn_within,
        }

    @pass_context
    def _took(self, _context: Context, bit: int) -> None:
        self._taken |= bit

    @pass_context
    def _chose(self, _context: Context, value: Any, true: int, false: int) -> Any:
        self._taken |= true if value else false
        return value

    @pass_context
    def _met(self, _context: Context, value: Any, bit: int) -> Any:
        if type(value) is not str and is_missing(value):
            self._taken |= bit
        return value

    @pass_context
    def _defaulted(
        self,
        _context: Context,
        value: Any,
        taken: int,
        not_taken: int,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        result = _DEFAULT(value, *args, **kwargs)
        boolean = kwargs.get("boolean", args[1] if len(args) > 1 else False)
        self._taken |= taken if is_missing(value) or (boolean and not value) else not_taken
        return result

    @pass_context
    def _looping(self, _context: Context, one: int, several: int) -> None:
        self._loops.append([one, several, 0])

    @pass_context
    def _turn(self, _context: Context, _: int) -> None:
        self._loops[-1][2] += 1

    @pass_context
    def _looped(self, _context: Context, _: int) -> None:
        one, several, turns = self._loops.pop()
        self._count(one, several, turns)

    def _count(self, one: int, several: int, turns: int) -> None:
        if turns:
            self._taken |= one if turns == 1 else several

    @pass_context
    def _turn_within(self, _context: Context, loop: LoopContext, one: int, several: int) -> None:
        """A turn of a recursive loop, each call of which has a ``loop`` of its own."""
        if loop.index0 == 0:
            self._recursive[id(loop)] = loop, one
        elif loop.index0 == 1:
            self._recursive.pop(id(loop), None)
            self._taken |= several


class TracingEnvironment(LetterEnvironment):
    """A letter's environment whose templates tell a tracer which branches they take.

    Args:
        loader, html, sources: as for ``LetterEnvironment``.
        tracer: is told.

    >>> tracer = Tracer(frozenset())
    >>> letters = TracingEnvironment(loader=None, html=False, sources={}, tracer=tracer)
    >>> greeting = letters.from_string("{% if n > 1 %}{{ n }} seats{% endif %}")
    >>> letters.render(greeting, {"n": 2}), tracer.take(), letters.render(greeting, {"n": 1}), tracer.take()
    ('2 seats', 1, '', 2)
    >>> [arm.branch.text for arm in tracer.table.arms]
    ['if n > 1', 'not if n > 1']
    """

    def __init__(
        self, *, loader: BaseLoader | None, html: bool, sources: dict[str, str], tracer: Tracer
    ) -> None:
        super().__init__(loader=loader, html=html, sources=sources)
        self._tracer = tracer
        self.filters |= tracer.filters()

    def rewritten(self, tree: ast.Template, name: str | None) -> ast.Template:
        """The parsed template with its marks, then charged as every template is."""
        is_file = name is not None and name not in self._tracer.parts
        marked(tree, table=self._tracer.table, template=name or "template", is_file=is_file)
        return super().rewritten(tree, name)
