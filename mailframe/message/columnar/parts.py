"""The parts of a letter as columns of texts."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from jinja2 import Template

from mailframe.errors import MissingExtra
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.jinja.values import GivenValues
from mailframe.message.columnar.chunk import NotColumnar
from mailframe.message.columnar.pieces import Constant, Piece, Printed, fill_missing, joined
from mailframe.message.columnar.splitting import Splitter, merged
from mailframe.message.columnar.text_formats import HtmlBody, ShortText, TextBody, TextFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.letter.jinja.environment import LetterEnvironment
    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.chunk import Chunk
    from mailframe.message.columnar.evaluation import Evaluations


class Part:
    """One part of a letter: its pieces, and the format of its texts."""

    def __init__(self, pieces: Sequence[Piece], text_format: TextFormat) -> None:
        self.pieces, self.text_format = pieces, text_format

    @property
    def constant(self) -> Any:
        """The text if it is the same in each row; None if it is not."""
        if not self.pieces:
            return self.text_format.empty
        [first, *others] = self.pieces
        return first.text if isinstance(first, Constant) and not others else None

    @property
    def constant_texts(self) -> list[Any]:
        """The texts that are in every row."""
        return [piece.text for piece in self.pieces if isinstance(piece, Constant)]

    def texts(self, chunk: Chunk) -> list[Any]:
        """One text for each row of a chunk; rows that fail fall back, and have the empty text."""
        if not self.pieces:
            return [self.text_format.empty] * chunk.rows
        return joined(self.pieces, chunk, range(chunk.rows), self.text_format.join)

    def segments(self, chunk: Chunk) -> list[Any]:
        """The text of each constant piece, and the column of each other one."""
        rows = range(chunk.rows)
        return [
            piece.text if isinstance(piece, Constant) else piece.column(chunk, rows)
            for piece in self.pieces
        ]


class _GivenColumn:
    """Values of a callable, a Series or ``pd.col``."""

    def __init__(self, name: GivenValues, text_format: TextFormat) -> None:
        self._name, self._format = name, text_format

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """The values as they are printed, which are never escaped."""
        texts = self._format.encoded(chunk.column(self._name).texts)
        return fill_missing(texts, chunk, rows, self._format.empty)


class _UnsplitTemplate:
    """A template that cannot be split: it is rendered for each row, as on the row-by-row path."""

    def __init__(
        self,
        template: Template | SimpleTemplate,
        environment: LetterEnvironment,
        context: Callable[[dict[Any, Any]], dict[Any, Any]],
        text_format: TextFormat,
    ) -> None:
        self._template, self._environment = template, environment
        self._context, self._format = context, text_format

    def column(self, chunk: Chunk, rows: Sequence[int]) -> list[Any]:
        """The rendered texts."""
        texts: list[str | None] = []
        for row in rows:
            if chunk.languages is not None:
                self._environment.settings.translations.start(chunk.languages[row])
            texts.append(self._text(chunk.cells(row)))
            if texts[-1] is None:
                chunk.fall_back_if_many(texts.count(None))
            if perf_counter() > chunk.deadline:
                chunk.fall_back_if_slow()
        return fill_missing(self._format.encoded(texts), chunk, rows, self._format.empty)

    def _text(self, cells: dict[Any, Any]) -> str | None:
        try:
            return self._environment.render(self._template, self._context(cells))
        except MissingExtra:
            raise NotColumnar from None
        except Exception:  # noqa: BLE001 - whatever it is, the row-by-row path reports it
            return None


def part_of(
    bound: BoundLetter,
    name: str,
    *,
    context: Callable[[dict[Any, Any]], dict[Any, Any]],
    evaluations: Evaluations,
) -> Part:
    """A part of a bound letter in pieces.

    Args:
        bound: the letter and its frame.
        name: the name of the part.
        context: the function that makes the context of a template from the cells of a row.
        evaluations: the evaluations of other parts, to which new ones are added.

    Raises:
        NotColumnar: a text of the part may be a problem in each row.
    """
    source = bound.sources[name]
    text_format = _format_of(bound, name)
    if isinstance(source, GivenValues):
        return Part([_GivenColumn(source, text_format)], text_format)
    if isinstance(source, SimpleTemplate):
        pieces = [
            Printed(text, text_format) if is_variable else Constant(text_format.constant(text))
            for is_variable, text in source.pieces
        ]
        return Part(merged(pieces, text_format), text_format)
    if not isinstance(source, Template):
        return Part(merged([Constant(text_format.constant(str(source)))], text_format), text_format)
    environment = bound.environment(name)
    columns = frozenset(column.name for column in bound.columns)
    splitter = Splitter(
        environment,
        text_format,
        columns=columns,
        whole_row=bound.whole_row,
        plain=bound.plain,
        evaluations=evaluations,
        language_names=() if name == "language" else bound.language_columns,
    )
    try:
        return Part(splitter.pieces(name), text_format)
    except Exception:  # noqa: BLE001 - NotColumnar, or jinja2 cannot compile a piece on its own
        return Part([_UnsplitTemplate(source, environment, context, text_format)], text_format)


def _format_of(bound: BoundLetter, name: str) -> TextFormat:
    if name not in ("html_body", "text_body"):
        return ShortText()
    written = "".join(bound.templates.get(name, ()))
    return HtmlBody(written) if name == "html_body" else TextBody(written)
