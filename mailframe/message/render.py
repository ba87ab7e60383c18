"""Rendering: one draft per row. An error in one row is a problem of that row alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jinja2 import TemplateError, UndefinedError
from jinja2.exceptions import SecurityError

from mailframe.errors import MissingExtra
from mailframe.letter.attachment_files import AttachmentFault, EncodedAttachment
from mailframe.letter.jinja.budget import TemplateLimit
from mailframe.letter.jinja.environment import RESERVED
from mailframe.letter.jinja.other_attributes import other_way
from mailframe.letter.jinja.printing import UnprintableValue
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.jinja.translations import UnknownLanguage
from mailframe.letter.jinja.values import (
    GivenValues,
    MissingValue,
    UnsupportedValue,
)
from mailframe.letter.letter import ADDRESS_FIELDS, field_of
from mailframe.message.cells import rows
from mailframe.message.derived_parts import DerivedParts, has_derived_parts
from mailframe.message.row_files import RowFiles, given_value, images_in
from mailframe.message.template_fields import CONSTANT, ModelConstant
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.letter.attachment import Attachment
    from mailframe.message.binding import BoundLetter

CHUNK_ROWS: Final = 500
"""Rows whose cells are converted together; memory does not grow with the frame."""


@dataclass(slots=True)
class Draft:
    """The rendered parts of one row, before they are checked.

    Attributes:
        position: the position of the row in the frame.
        values: the value of each part that could be rendered, by its path: text, a bool
            (``BOOLEAN_FIELDS``), a list of texts for recipients, the ID of a template, or what
            JSON can have for a part of a model.
        pieces: the attachments.
        problems: the problems of the parts that could not be rendered.
    """

    position: int
    values: dict[str, Any]
    pieces: list[EncodedAttachment] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def report(self, part: str, code: Code, detail: str, *, value: object = None) -> None:
        """Add a problem of this row, with the cell or the text that caused it."""
        self.problems.append(Problem(self.position, part, code, detail, value=value))


class Renderer:
    """Renders any rows of a bound letter; keeps nothing of a row.

    Args:
        bound: the letter and its frame.
        chunk_rows: the number of rows converted together; it has no effect on the messages.
    """

    def __init__(self, bound: BoundLetter, *, chunk_rows: int = CHUNK_ROWS) -> None:
        self._bound = bound
        self._chunk_rows = chunk_rows
        self._fixed = {
            part: source.value if isinstance(source, ModelConstant) else source
            for part, source in bound.sources.items()
            if isinstance(source, CONSTANT)
        }
        self._varying = [
            (part, source, bound.environment(part))
            for part, source in bound.sources.items()
            if not isinstance(source, CONSTANT) and not part.startswith("attachments")
        ]
        self._varying.sort(key=lambda item: item[0] != "language")  # the others depend on it
        self._files = RowFiles(bound)
        self._globals = dict(bound.plain.globals)
        reserved = RESERVED - self._globals.keys()
        self._reserved = [column.name for column in bound.columns if column.name in reserved]
        self._translations = bound.plain.settings.translations
        self._has_language = bound.plain.settings.has_language
        self._derived = DerivedParts(bound.letter) if has_derived_parts(bound.letter) else None
        self._shown = bound.plain.settings.shown_as

    def drafts(
        self, start: int = 0, stop: int | None = None, *, only: Sequence[bool] | None = None
    ) -> Iterator[Draft]:
        """One draft per row from *start* to *stop* that *only* marks, in the frame's order."""
        end = self._bound.rows if stop is None else stop
        for first in range(start, end, self._chunk_rows):
            last = min(first + self._chunk_rows, end)
            if only is not None and not any(only[first:last]):
                continue
            for position, cells in enumerate(rows(self._bound.columns, first, last), first):
                if only is None or only[position]:
                    yield self.draft(position, cells)

    def draft(self, position: int, cells: dict[Any, Any]) -> Draft:
        """The draft of one row.

        Args:
            position: the position of the row in the frame.
            cells: its plain cells, by the names of the columns.
        """
        draft = Draft(position, self._fixed.copy())
        context = self.context(cells)
        if self._has_language:
            self._translations.start(self._translations.constant)
        for part, source, environment in self._varying:
            try:
                if isinstance(source, GivenValues):
                    draft.values[part] = given_value(cells[source], part)
                else:
                    draft.values[part] = environment.render(source, context)
                if part == "language":
                    self._start_language(draft.values[part])
            except MissingExtra:
                raise
            except Exception as error:  # noqa: BLE001 - any error of a template is a problem of this row
                place = (
                    source.place_of_fault(context)
                    if isinstance(source, SimpleTemplate)
                    else _place(error)
                )
                self._report(draft, part, error, place)
        if self._derived is not None:
            self._derived.add(draft)
        self._attach_all(draft, cells, context)
        return draft

    def _report(self, draft: Draft, part: str, error: Exception, place: str) -> None:
        """Add the problem of a part; once for both parts of a Markdown body."""
        problem = _problem(draft.position, self._shown.get(part, part), error, place)
        if not self._shown or problem not in draft.problems:
            draft.problems.append(problem)

    def context(self, cells: dict[Any, Any]) -> dict[Any, Any]:
        """The variables of the templates for one row."""
        context = {**cells, **self._globals}
        for name in self._reserved:
            del context[name]
        if self._bound.whole_row:
            context["row"] = {name: cells[name] for name in self._bound.whole_row}
        return context

    def _start_language(self, language: str) -> None:
        """The language of this row, for its other parts.

        Raises:
            UnknownLanguage: there is no catalog for it.
        """
        self._translations.catalogs.of(language)
        self._translations.start(language)

    def _attach_all(self, draft: Draft, cells: dict[Any, Any], context: dict[Any, Any]) -> None:
        if self._bound.may_have_images:
            _attach_images(draft, [cells, self._globals])
        for i, (attachment, piece) in enumerate(self._bound.attachments):
            if piece is not None:
                draft.pieces.append(piece)
            else:
                self._attach(draft, i, attachment, cells, context)

    def _attach(
        self,
        draft: Draft,
        i: int,
        attachment: Attachment,
        cells: dict[Any, Any],
        context: dict[Any, Any],
    ) -> None:
        part = f"attachments[{i}]"
        try:
            draft.pieces += self._files.pieces(part, attachment, cells, context)
        except AttachmentFault as fault:
            draft.report(part, fault.code, str(fault), value=fault.value)
        except MissingExtra:
            raise
        except Exception as error:  # noqa: BLE001 - any error of a template is a problem of this row
            if not (attachment.optional and isinstance(error, MissingValue)):
                draft.problems.append(_problem(draft.position, part, error))


def _attach_images(draft: Draft, values: Any) -> None:
    """Attach the images that the HTML of a row shows, each once."""
    html = draft.values.get("html_body")
    if not isinstance(html, str) or "cid:" not in html:
        return
    images = {image.url: image.attachment for image in images_in(values) if image.url in html}
    draft.pieces += images.values()


_CODES: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], Code], ...]] = (
    (MissingValue, Code.MISSING_VALUE),
    (UnsupportedValue, Code.UNSUPPORTED_VALUE),
    (UnprintableValue, Code.UNPRINTABLE_VALUE),
    (UnknownLanguage, Code.INVALID_VALUE),
    (SecurityError, Code.UNSAFE_TEMPLATE),
    (UndefinedError, Code.UNDEFINED_NAME),
    ((TemplateLimit, RecursionError, MemoryError, OverflowError), Code.TEMPLATE_LIMIT),
)


_WAYS: Final = {
    Code.UNDEFINED_NAME: "set it in every branch, or write … | default('…')",
    Code.TEMPLATE_ERROR: "test the value first, or correct the cell",
    Code.TEMPLATE_LIMIT: "loop over fewer values, or prepare the text with pandas",
    Code.UNSAFE_TEMPLATE: "use a filter, or prepare the text with pandas",
}
"""What to do, for errors whose text does not say it."""


def _problem(position: int, part: str, error: Exception, place: str | None = None) -> Problem:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), Code.TEMPLATE_ERROR)
    detail = (
        str(error)
        if isinstance(error, TemplateError | UnprintableValue)
        else f"{type(error).__name__}: {error}"
    )
    if isinstance(error, RecursionError):  # Python's text depends on where it happens
        detail = "a macro, loop or template calls itself too many times"
    detail = detail.partition("\n")[0] or type(error).__name__
    if code is Code.MISSING_VALUE and field_of(part) in ADDRESS_FIELDS:
        code, detail = _missing_address(part, detail)
    detail = other_way(detail)
    if code in _WAYS and ";" not in detail:
        detail = f"{detail}; {_WAYS[code]}"
    where = _place(error) if place is None else place
    value = error.value if isinstance(error, UnsupportedValue | UnprintableValue) else None
    return Problem(position, part, code, f"{where}{detail[:400]}", value=value)


def _missing_address(part: str, detail: str) -> tuple[Code, str]:
    """The code and the detail for a missing address, for which ``default('…')`` is bad advice."""
    fact, _, way = detail.partition("; ")
    field = field_of(part)
    if field in ("cc", "bcc", "reply_to"):
        is_given = way.startswith("fillna")  # there is no template that could have a default
        way = way if is_given else f"default('') leaves {field} out of this row"
        return Code.MISSING_VALUE, f"{fact}; {way}"
    column = _COLUMN.match(fact)
    how = f"drop the row: df.dropna(subset=[{column.group(1)}])" if column else "drop the row"
    return (
        Code.MISSING_RECIPIENT if field == "to" else Code.MISSING_VALUE,
        f"{fact}; fill in the address, or {how}",
    )


_COLUMN: Final = re.compile(r"column ('.*'|\".*\") has no value")


def _place(error: Exception) -> str:
    """The line of the template in which it happened, if the traceback has it."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
            name = f"{template.name}, " if template.name and "." in template.name else ""
            place = f"{name}line {line}: "
        trace = trace.tb_next
    return place
