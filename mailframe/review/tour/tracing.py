"""Templates that record which branches a rendering takes, and render the same as without it.

Marks are calls of filters that take the context, because jinja2 evaluates other filters of
constants while it compiles. A mark never changes a value, never loops over one, and tests a value
only where the template tests it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2.utils import pass_context

from mailframe.letter.jinja.builtin_filters import FILTERS
from mailframe.letter.jinja.environment import LetterEnvironment
from mailframe.letter.jinja.rewriting import rewrite
from mailframe.letter.jinja.values import is_missing
from mailframe.letter.layouts.loading import PREFIX
from mailframe.review.tour.branches import BranchTable
from mailframe.review.tour.instrument import mark_branches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jinja2.runtime import Context, LoopContext

    from mailframe.letter.jinja.settings import TemplateSettings
    from mailframe.review.tour.conditions import ColumnFacts

_DEFAULT = FILTERS["default"]


class Tracer:
    """Records the branches that a row takes, one bit each, in both environments of a letter.

    Args:
        parts: the names of the parts of the letter; templates with other names are files.
        columns: the facts of the columns of the frame, with which branches are described.
    """

    def __init__(
        self, parts: frozenset[str], columns: Mapping[object, ColumnFacts] | None = None
    ) -> None:
        self.parts = parts
        self.columns = columns or {}
        self.table = BranchTable()
        self._taken = 0
        self._loops: list[list[int]] = []
        self._recursive: dict[int, tuple[LoopContext, int]] = {}

    def take(self) -> int:
        """Return the bits of the row that was just rendered, and reset them for the next row.

        A loop that was ended by an error counts the items that it had begun.
        """
        for one, several, items in self._loops:
            self._count(one, several, items)
        for _, one in self._recursive.values():
            self._taken |= one
        self._loops.clear()
        self._recursive.clear()
        taken, self._taken = self._taken, 0
        return taken

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The marks by the names under which ``instrument.py`` writes them into templates."""
        marks = (self._take, self._choose, self._if_missing, self._default)
        loops = (self._loop_start, self._item, self._loop_end, self._recursive_item)
        return {mark.__name__: mark for mark in (*marks, *loops)}

    @pass_context
    def _take(self, _context: Context, bit: int) -> None:
        self._taken |= bit

    @pass_context
    def _choose(self, _context: Context, value: Any, true: int, false: int) -> Any:
        self._taken |= true if value else false
        return value

    @pass_context
    def _if_missing(self, _context: Context, value: Any, bit: int) -> Any:
        if type(value) is not str and is_missing(value):
            self._taken |= bit
        return value

    @pass_context
    def _default(
        self,
        _context: Context,
        value: Any,
        used: int,
        unused: int,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        result = _DEFAULT(value, *args, **kwargs)
        boolean = kwargs.get("boolean", args[1] if len(args) > 1 else False)
        self._taken |= used if is_missing(value) or (boolean and not value) else unused
        return result

    @pass_context
    def _loop_start(self, _context: Context, one: int, several: int) -> None:
        self._loops.append([one, several, 0])

    @pass_context
    def _item(self, _context: Context, _: int) -> None:
        self._loops[-1][2] += 1

    @pass_context
    def _loop_end(self, _context: Context, _: int) -> None:
        self._count(*self._loops.pop())

    def _count(self, one: int, several: int, items: int) -> None:
        if items:
            self._taken |= one if items == 1 else several

    @pass_context
    def _recursive_item(self, _context: Context, loop: LoopContext, one: int, several: int) -> None:
        """An item of a recursive loop, each call of which has its own ``loop``."""
        if loop.index0 == 0:
            self._recursive[id(loop)] = loop, one
        elif loop.index0 == 1:
            self._recursive.pop(id(loop), None)
            self._taken |= several


class TracingEnvironment(LetterEnvironment):
    """A letter's environment whose templates record the branches that they take.

    Args:
        settings: what the templates can use, as for ``LetterEnvironment``.
        html: whether to escape printed values, as for ``LetterEnvironment``.
        tracer: the tracer that records the branches.

    >>> from mailframe.letter.jinja.settings import TemplateSettings
    >>> tracer = Tracer(frozenset())
    >>> letters = TracingEnvironment(TemplateSettings(), html=False, tracer=tracer)
    >>> greeting = letters.from_string("{% if n > 1 %}{{ n }} seats{% endif %}")
    >>> letters.render(greeting, {"n": 2}), tracer.take()
    ('2 seats', 1)
    >>> letters.render(greeting, {"n": 1}), tracer.take()
    ('', 2)
    >>> [branch.text for branch in tracer.table.branches]
    ['{% if n > 1 %}', 'no branch of {% if n > 1 %}']
    """

    def __init__(self, settings: TemplateSettings, *, html: bool, tracer: Tracer) -> None:
        super().__init__(settings, html=html)
        self._tracer = tracer
        self.filters |= tracer.filters()

    def compile(self, source: Any, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        """What jinja2 calls for each template; the marks are written before it is compiled."""
        if isinstance(source, str):
            tree = self.parse(source, name)
            is_file = name is not None and name not in self._tracer.parts
            if not str(name).startswith(PREFIX):  # layouts of mailframe are not the letter's
                mark_branches(
                    tree,
                    source,
                    table=self._tracer.table,
                    template=self.settings.shown(name or "template"),
                    is_file=is_file,
                    columns=self._tracer.columns,
                )
            source = rewrite(tree)
        return super().compile(source, name, *args, **kwargs)
