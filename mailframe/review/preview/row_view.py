"""Any row of a campaign as a page shows it. Only the row that is asked for is rendered."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
from jinja2 import Undefined

from mailframe.letter.jinja.values import Unsupported
from mailframe.letter.row_functions import RowCell
from mailframe.message import batch
from mailframe.message.cells import Column, printed
from mailframe.message.payload import POSTMARK_NAMES
from mailframe.message.problem_fixes import fix_of
from mailframe.message.shown_message import posted_mail, rendered_mail
from mailframe.pages.mail import MISSING, Cell, ShownProblem
from mailframe.pages.text import one_line
from mailframe.problems import Severity, without_quotes
from mailframe.review.preview.masking import masked
from mailframe.review.preview.shown_letter import ShownLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailframe.message.composed import Composed
    from mailframe.message.pipeline import Prepared
    from mailframe.message.preflight import Preflight
    from mailframe.pages.mail import Mail, Rendering
    from mailframe.problems import Problem

_KINDS: Final[Mapping[type, str]] = {
    bool: "yes or no",
    str: "text",
    int: "number",
    float: "number",
    dt.datetime: "date and time",
    dt.date: "date",
    list: "list",
    dict: "dict",
}
_RECIPIENTS: Final = ("From", "To", "Cc", "Bcc", "ReplyTo")
_SHOWN_CELL: Final = 2_000
"""Characters of a cell that are shown."""
_LINE_CELL: Final = 100
"""The same in a line of several cells."""
_HINT: Final = "Not compared with the other rows yet; campaign.problems() compares them."
_MASKED_DETAIL: Final = "the detail contains data of the row, which is masked"
_MASKED_HTML: Final = "The HTML comes directly from the frame and is masked."


class RowView:
    """Shows the rows of a campaign one by one.

    Args:
        composed: the campaign's frame, bound letter, key, name and preflight checks.
        mask: whether to show the shape of values instead of the values.
        rendering: makes the mail of a template at Postmark, also of masked values; None shows its
            model.
    """

    def __init__(
        self, composed: Composed, *, mask: bool = False, rendering: Rendering | None = None
    ) -> None:
        self.composed = composed
        self._rendering = rendering
        self.mask = mask
        self._letters = [ShownLetter(bound, mask=mask) for bound in composed.bounds]
        self._batches: tuple[Preflight, list[int]] | None = None

    @property
    def rows(self) -> int:
        """How many the frame has."""
        return len(self.composed.frame)

    @property
    def preflight(self) -> Preflight | None:
        """The preflight check of all rows; None if there was none yet."""
        return self.composed.kept_preflight

    def mail(
        self,
        position: int,
        *,
        reasons: tuple[str, ...] = (),
        with_cells: bool = True,
        is_rendered: bool = True,
    ) -> Mail:
        """The message of the row at *position*, as a page shows it.

        Args:
            position: the position of the row.
            reasons: the reasons why it is shown.
            with_cells: whether to add the row itself, which takes longer than the message.
            is_rendered: whether Postmark may be asked for the mail of its template.

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= position < self.rows:
            raise IndexError(f"there is no row {position}; the frame has {self.rows:,}")
        letter = self._letter(position)
        real = next(iter(letter.real.rows(position, position + 1)))
        shown = next(iter(letter.shown.rows(position, position + 1))) if self.mask else real
        fields = letter.without_varying(shown.fields) if self.mask else shown.fields
        posted = _posted(fields, None if self.mask else shown)
        of_row = [*real.problems, *self._of_all_rows(position, real.problems)]
        problems = [*of_row, *self._letter_problems(position)]
        is_blocked = any(problem.severity is Severity.ERROR for problem in problems)
        size = self._size(real, is_blocked=is_blocked)
        mail = posted_mail(posted, size=size, recipients=self._not_valid(position, of_row, posted))
        if self._rendering is not None and is_rendered and mail.about:
            mail = rendered_mail(mail, self._rendering(posted))
        return replace(
            mail,
            label=self.label(position),
            problems=tuple(shown_problem(problem, mask=self.mask) for problem in problems),
            cells=tuple(self.cells(position)) if with_cells else (),
            reasons=reasons,
            hint=_HINT if self.preflight is None else "",
            **_absent(of_row),
        )

    def label(self, position: int) -> str:
        """The name of the row; if its label is data and masked, its position."""
        label = self.composed.frame.index[position]
        if self.mask and not (isinstance(label, int | np.integer) and label == position):
            return f"row at position {position}"
        return f"row {position}" if self.mask else self.composed.names.of(position)

    def _not_valid(
        self, position: int, problems: Iterable[Problem], posted: Mapping[str, Any]
    ) -> dict[str, tuple[str, str]]:
        """What is shown of recipients that are not valid, and what is wrong, by their header.

        That is the text as it was rendered; without one, the cells that the template reads.
        """
        shown: dict[str, tuple[str, str]] = {}
        for problem in problems:
            part = problem.field.partition("[")[0]
            name = POSTMARK_NAMES.get(part, "")
            if name not in _RECIPIENTS or name in posted or problem.severity is Severity.WARNING:
                continue
            text = without_quotes(problem.value) if isinstance(problem.value, str) else ""
            if text.strip():
                shown[name] = masked(text) if self.mask else text, "not valid"
            elif name not in shown and (cells := self._cells_read_by(part, position)):
                shown[name] = cells, MISSING
        return shown

    def _letter(self, position: int) -> ShownLetter:
        places = self.composed.groups.variant
        return self._letters[0 if places is None else places[position]]

    def _cells_read_by(self, field: str, position: int) -> str:
        """The cells of a row that the templates of a field read, as one text."""
        letter = self._letter(position)
        read = letter.columns_read(field)
        cells = (
            self._cell(name, column.cells(position, position + 1)[0], is_used=True)
            for name, column in letter.columns.items()
            if name in read
        )
        return " · ".join(f"{cell.column} {_words(cell)}" for cell in cells)

    def _size(self, real: Prepared, *, is_blocked: bool) -> str:
        if is_blocked or real.message is None:
            size = "blocked, not sent"
        else:
            size = f"{len(real.message.body):,} bytes"
        number = self._batch(real.position)
        return f"{size} · batch {number:,}" if number else size

    def _batch(self, position: int) -> int:
        """The number of the message's batch; 0 before the preflight check of all rows."""
        preflight = self.preflight
        if preflight is None:
            return 0
        if self._batches is None or self._batches[0] is not preflight:
            has_templates = bool(preflight.templates)
            numbers = batch.numbers(preflight.sizes, with_templates=has_templates)
            self._batches = preflight, list(numbers)
        return self._batches[1][position]

    def _of_all_rows(self, position: int, of_row: list[Problem]) -> list[Problem]:
        """The problems that take all rows to find, such as a repeated recipient."""
        preflight = self.preflight
        return (
            [] if preflight is None else [p for p in preflight.of_row(position) if p not in of_row]
        )

    def _letter_problems(self, position: int) -> list[Problem]:
        """The problems of every row of a letter, such as a link without a scheme."""
        return self._letter(position).problems(self.composed.frame.columns)

    def cells(self, position: int) -> Iterator[Cell]:
        """The row as the templates see it, one cell per column of the frame."""
        frame = self.composed.frame
        columns = self._letter(position).columns
        read = self._read_by_functions(position)
        for place, name in enumerate(frame.columns):
            used = columns.get(name)
            column = used or Column.of(
                name, frame.iloc[position : position + 1, place].astype(object)
            )
            start = position if used else 0
            yield self._cell(
                name, column.cells(start, start + 1)[0], is_used=used is not None or name in read
            )

    def _read_by_functions(self, position: int) -> frozenset[Any]:
        """The columns that functions of the row read, such as those of a picture or attachment."""
        cells = [
            column.series.iloc[position]
            for column in self._letter(position).columns.values()
            if column.series.dtype == object
        ]
        functions = [cell for cell in cells if type(cell) is RowCell]
        return frozenset(name for cell in functions for name in cell.columns_read())

    def _cell(self, name: object, value: Any, *, is_used: bool) -> Cell:
        if isinstance(value, Unsupported):
            return Cell(str(name), "not usable", "a type that templates do not see", is_used)
        if isinstance(value, Undefined):
            return Cell(str(name), MISSING, "", is_used)
        try:
            text = printed(value)[:_SHOWN_CELL]
        except ValueError:  # Python writes no int of more than 4,300 digits
            return Cell(str(name), "not usable", "a number of too many digits", is_used)
        kind = _KINDS.get(type(value), type(value).__name__)
        return Cell(str(name), kind, masked(text) if self.mask else text, is_used)


def _words(cell: Cell) -> str:
    """The value of a cell in a line of several."""
    return MISSING if cell.is_missing else one_line(cell.value, most=_LINE_CELL) or "empty"


def _absent(problems: Iterable[Problem]) -> dict[str, Any]:
    """The sentences in place of parts that could not be rendered."""
    failed = {problem.field for problem in problems if problem.severity is Severity.ERROR}
    failed |= {"html_body", "text_body"} if "markdown_body" in failed else set()
    parts = {"html_body": ("no_html", "HTML"), "text_body": ("no_text", "text")}
    return {
        name: f"The {part} part could not be rendered; see the problems."
        for field, (name, part) in parts.items()
        if field in failed
    }


def _posted(fields: Mapping[str, Any], prepared: Prepared | None) -> dict[str, Any]:
    """The fields as they are posted; of a message that cannot be encoded, those that can."""
    if prepared is not None and prepared.message is not None:
        return prepared.message.payload
    return {name: orjson.loads(orjson.dumps(_encodable(value))) for name, value in fields.items()}


def _encodable(value: Any) -> Any:
    """A field with a question mark in place of each lone surrogate."""
    if isinstance(value, dict):
        return {name: _encodable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def shown_problem(problem: Problem, *, mask: bool) -> ShownProblem:
    """A problem as a page shows it; its detail is masked if it is of a row."""
    is_masked = mask and problem.row is not None
    detail = _MASKED_DETAIL if is_masked else problem.detail
    is_error = problem.severity is Severity.ERROR
    code = problem.code
    return ShownProblem(is_error, problem.field, code.value, detail, fix_of(code, [problem.detail]))
