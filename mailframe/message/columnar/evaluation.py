"""Expressions and statements of a template, evaluated for many rows by the letter's environment.

The nodes of a piece become a template of their own, of which one rendering goes over all rows. It
is compiled by the same sandboxed environment, with the same limits, and a row whose evaluation
fails for any reason falls back to the row-by-row path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jinja2 import meta
from jinja2 import nodes as ast

from mailframe.errors import MissingExtra
from mailframe.letter.jinja.environment import RESERVED
from mailframe.letter.jinja.names import row_uses
from mailframe.letter.jinja.rewriting import rewrite
from mailframe.message.columnar.chunk import Chunk, NotColumnar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.letter.jinja.environment import LetterEnvironment

_ROWS: Final = "mailframe_rows"
_ROW: Final = "mailframe_row"
OWN_NAMES: Final = frozenset({_ROWS, _ROW})
"""Names of the loop over the rows; a template that has them itself cannot be split."""
_OWN_CONTEXT: Final = (ast.Include, ast.Import, ast.FromImport)
"""Statements that read their names from the context of the template, not from a loop."""


@dataclass(slots=True)
class Evaluations:
    """The evaluations of all parts of a letter.

    Attributes:
        by_nodes: those that several parts may have; by whether the environment escapes, and nodes.
        kept_characters: about the memory that their kept results take together.
    """

    by_nodes: dict[tuple[bool, str], Evaluation] = field(default_factory=dict)
    kept_characters: int = 0


class Evaluation:
    """Evaluates some nodes of a template for many rows.

    Args:
        environment: the environment of the part.
        nodes: the nodes; copied, because compiling changes them.
        columns: the columns that the letter uses.
        whole_row: the columns that ``row`` holds.
        language_names: the columns on which the language of a row depends.

    Attributes:
        names: the columns on which the result depends, with those that decide the language.
        parts_using_it: the number of pieces that have this evaluation.
        limit_divisor: the number of evaluations in a part; each has this share of the limits of a
            template.
    """

    def __init__(
        self,
        environment: LetterEnvironment,
        nodes: Sequence[ast.Node],
        *,
        columns: frozenset[object],
        whole_row: tuple[object, ...],
        language_names: tuple[object, ...] = (),
    ) -> None:
        self.limit_divisor = self.parts_using_it = 1
        self._environment = environment
        tree = ast.Template([copied(node) for node in nodes], lineno=1)
        tree.set_environment(environment)
        used = names_in(environment, tree) - RESERVED
        self._plain_names = sorted(used & columns, key=str)
        self._row_names = _row_names(environment, tree, whole_row)
        self.names = tuple(dict.fromkeys([*self._plain_names, *self._row_names, *language_names]))
        self._has_row = bool(self._row_names)
        rewrite(tree)
        self._loops = next(tree.find_all(_OWN_CONTEXT), None) is None
        if self._loops:
            tree = self._looped(tree)
        code = environment.compile(tree, "a piece of the letter")
        self._template = environment.template_class.from_code(
            environment, code, environment.globals
        )

    def _looped(self, tree: ast.Template) -> ast.Template:
        """The template with a loop over the rows around it."""
        names = [*self._plain_names, *(["row"] if self._has_row else []), _ROW]
        target = ast.Tuple([ast.Name(name, "store") for name in names], "store")
        loop = ast.For(target, ast.Name(_ROWS, "load"), tree.body, [], None, False)  # noqa: FBT003 - jinja2's signature
        looped = ast.Template([loop], lineno=1)
        looped.set_environment(self._environment)
        for node in looped.find_all(ast.Node):
            node.lineno = getattr(node, "lineno", None) or 1
        loop.lineno = 1
        return looped

    def texts(self, chunk: Chunk, rows: Sequence[int]) -> list[str | None]:
        """The text of each of these rows of a chunk; None where the evaluation fails.

        Raises:
            NotColumnar: too many rows fail, they take too long, or an extra is not installed.
        """
        if self.parts_using_it == 1:
            return self._texts(chunk, rows)
        texts = chunk.evaluated.setdefault(self, {})
        new = [row for row in rows if row not in texts]
        if new:
            texts.update(zip(new, self._texts(chunk, new), strict=True))
        return [texts[row] for row in rows]

    def _texts(self, chunk: Chunk, rows: Sequence[int]) -> list[str | None]:
        texts: list[str | None] = []
        contexts = [] if self._loops else self._contexts(chunk, rows)
        values = list(self._values(chunk, rows)) if self._loops else []
        for row, context in zip(rows, contexts, strict=False):
            texts.append(self._rendered(context, chunk, row))
            if texts[-1] is None:
                chunk.fall_back_if_many(texts.count(None))
        while len(texts) < len(values):
            if not self._continued(values[len(texts) :], texts, chunk):
                texts.append(None)
                chunk.fall_back_if_many(texts.count(None))
        return texts

    def constant(self) -> str | None:
        """The text if it depends on no column; None if the evaluation fails."""
        return self.texts(Chunk({}, 0, 1), [0])[0]

    def _values(self, chunk: Chunk, rows: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """The loop variables of each row; a further one makes them a tuple."""
        lists: list[list[Any]] = []
        for name in self._plain_names:
            cells = chunk.column(name).cells
            lists.append([cells[row] for row in rows])
        if self._has_row:
            lists.append(list(self._row_dicts(chunk, rows)))
        return zip(*lists, rows, strict=True)

    def _row_dicts(self, chunk: Chunk, rows: Sequence[int]) -> Iterator[dict[Any, Any]]:
        cells = {name: chunk.column(name).cells for name in self._row_names}
        return ({name: of[row] for name, of in cells.items()} for row in rows)

    def _contexts(self, chunk: Chunk, rows: Sequence[int]) -> Iterator[dict[Any, Any]]:
        names = [*self._plain_names, *(["row"] if self._has_row else [])]
        for values in self._values(chunk, rows):
            yield {**dict(zip(names, values, strict=False)), **self._environment.globals}

    def _rendered(self, context: dict[Any, Any], chunk: Chunk, row: int) -> str | None:
        try:
            self._start_row(chunk, row)
            made = self._template.new_context(context, shared=True)
            return "".join(self._template.root_render_func(made))
        except MissingExtra:
            raise NotColumnar from None
        except NotColumnar:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the row-by-row path reports it
            return None

    def _start_row(self, chunk: Chunk, row: int) -> None:
        """Give a row its language, and its share of the limits.

        Raises:
            NotColumnar: the time of the chunk is over.
        """
        if chunk.languages is not None:
            self._environment.settings.translations.start(chunk.languages[row])
        budget = self._environment.budget
        if budget.reset(share=self.limit_divisor) > chunk.deadline:
            chunk.fall_back_if_slow()

    def _continued(
        self, rows: list[tuple[Any, ...]], texts: list[str | None], chunk: Chunk
    ) -> bool:
        """Add the text of each row until one fails; False if one did."""
        parts: list[str] = []

        def each() -> Iterator[tuple[Any, ...]]:
            for row in rows:
                self._start_row(chunk, row[-1])
                yield row
                texts.append(parts[0] if len(parts) == 1 else "".join(parts))
                parts.clear()

        context = self._template.new_context(
            {**self._environment.globals, _ROWS: each()}, shared=True
        )
        try:
            for part in self._template.root_render_func(context):
                parts.append(part)  # noqa: PERF402 - `each` joins them in between
        except MissingExtra:  # the row-by-row path raises it, if a row gets there
            raise NotColumnar from None
        except NotColumnar:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the row-by-row path reports it
            return False
        return True


def with_referenced(environment: LetterEnvironment, tree: ast.Template) -> Iterator[ast.Template]:
    """A tree, and the tree of every template that it refers to, directly or through others."""
    pending, seen = [tree], set[str]()
    while pending:
        one = pending.pop()
        yield one
        for other in set(meta.find_referenced_templates(one)) - seen:
            if other is not None and other in environment.sources:
                seen.add(other)
                pending.append(environment.parse(environment.sources[other], other))


def names_in(environment: LetterEnvironment, tree: ast.Template) -> set[str]:
    """The names that a tree, and every template that it refers to, reads from its context."""
    trees = with_referenced(environment, tree)
    return set().union(*map(meta.find_undeclared_variables, trees))


def _row_names(
    environment: LetterEnvironment, tree: ast.Template, whole_row: tuple[object, ...]
) -> list[object]:
    """The columns that a tree, and every template that it refers to, reads from ``row``."""
    read: set[object] = set()
    for one in with_referenced(environment, tree):
        if "row" not in meta.find_undeclared_variables(one):
            continue
        lines, has_other_uses = row_uses([*one.find_all(ast.Node)])
        if has_other_uses:
            return list(whole_row)
        read |= lines.keys()
    return [name for name in whole_row if name in read]


def copied(node: ast.Node) -> ast.Node:
    """A copy of a node and everything below it."""
    new = object.__new__(type(node))
    new.__dict__.update({name: _copied(value) for name, value in node.__dict__.items()})
    return new


def _copied(value: Any) -> Any:
    if isinstance(value, ast.Node):
        return copied(value)
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value
