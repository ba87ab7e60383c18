"""Letter and frame in, one draft per row out; what a template meets in one row is a problem of that row alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Template, TemplateError, Undefined, UndefinedError
from jinja2.exceptions import SecurityError

from mailframe.attachments import AttachmentFault, Piece
from mailframe.binding import BoundLetter, Varying
from mailframe.cells import Missing, MissingValue, UnprintableValue, UnsupportedValue, present, rows
from mailframe.errors import MissingExtra
from mailframe.problems import Code, Problem
from mailframe.templating.budget import TemplateLimit
from mailframe.templating.environment import GLOBALS, RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.letter import Attachment

CHUNK_ROWS: Final = 500
"""Rows whose cells are converted together; memory does not grow with the frame."""


@dataclass(slots=True)
class Draft:
    """What the letter says to one row, before it is checked.

    Attributes:
        position: of the row in the frame.
        values: of each part that could be rendered, by its path: text, or True and False, or a list of texts.
        pieces: the attachments.
        problems: of the parts that could not be rendered.
    """

    position: int
    values: dict[str, Any]
    pieces: list[Piece] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def blame(self, part: str, code: Code, detail: str) -> None:
        """Note a problem of this row."""
        self.problems.append(Problem(self.position, part, code, detail))


class Renderer:
    """Renders any rows of a bound letter; holds nothing of a row after it is done."""

    def __init__(self, bound: BoundLetter) -> None:
        self._bound = bound
        self._fixed = {part: source for part, source in bound.sources.items() if isinstance(source, str | bool)}
        self._varying = [
            (part, source, bound.environment(part))
            for part, source in bound.sources.items()
            if not isinstance(source, str | bool) and not part.startswith("attachments")
        ]
        self._reserved = [column.name for column in bound.columns if column.name in RESERVED]

    def drafts(self, start: int = 0, stop: int | None = None) -> Iterator[Draft]:
        """One draft per row from *start* to *stop*, in the frame's order."""
        end = self._bound.rows if stop is None else stop
        for first in range(start, end, CHUNK_ROWS):
            last = min(first + CHUNK_ROWS, end)
            for position, cells in enumerate(rows(self._bound.columns, first, last), first):
                yield self._draft(position, cells)

    def _draft(self, position: int, cells: dict[Any, Any]) -> Draft:
        draft = Draft(position, self._fixed.copy())
        context = self._context(cells)
        for part, source, environment in self._varying:
            try:
                if isinstance(source, Template):
                    draft.values[part] = environment.render(source, context)
                else:
                    draft.values[part] = _value(cells[source.key])
            except MissingExtra:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a template does is a problem of this row
                draft.problems.append(_problem(position, part, error))
        for i, (attachment, piece) in enumerate(self._bound.attachments):
            if piece is not None:
                draft.pieces.append(piece)
            else:
                self._attach(draft, i, attachment, cells, context)
        return draft

    def _context(self, cells: dict[Any, Any]) -> dict[Any, Any]:
        context = {**GLOBALS, **cells}
        if self._bound.whole_row:
            context["row"] = {name: cells[name] for name in self._bound.whole_row}
        for name in self._reserved:
            if name in GLOBALS:
                context[name] = GLOBALS[name]
            elif name != "row" or not self._bound.whole_row:
                del context[name]
        return context

    def _attach(
        self, draft: Draft, i: int, attachment: Attachment, cells: dict[Any, Any], context: dict[Any, Any]
    ) -> None:
        part = f"attachments[{i}]"
        try:
            piece = self._piece(f"{part}.name", f"{part}.content", attachment, cells, context)
        except AttachmentFault as fault:
            draft.blame(part, fault.code, str(fault))
        except MissingValue as error:
            if not attachment.optional:
                draft.problems.append(_problem(draft.position, part, error))
        except Exception as error:  # noqa: BLE001 - whatever a template does is a problem of this row
            draft.problems.append(_problem(draft.position, part, error))
        else:
            draft.pieces.append(piece)

    def _piece(self, name_part: str, content_part: str, attachment: Attachment, cells: Any, context: Any) -> Piece:
        name = self._name(name_part, cells, context)
        kind, content_id = attachment.content_type, attachment.content_id
        if attachment.content is None:
            if isinstance(self._bound.sources[name_part], Template) and ".." in name.replace("\\", "/").split("/"):
                raise AttachmentFault(
                    Code.ATTACHMENT_UNREADABLE, f"{name!r} leads out of its folder; a cell may not do that"
                )
            return self._bound.files.read(name, content_type=kind, content_id=content_id)
        content = attachment.content
        source = self._bound.sources.get(content_part)
        if isinstance(source, Varying):
            content = cells[source.key]
        if isinstance(content, bytes | bytearray):
            return Piece.of(name, bytes(content), content_type=kind, content_id=content_id)
        if content is None or content != content:  # noqa: PLR0124 - NaN alone differs from itself
            raise MissingValue(f"{name!r} has no content in this row; give optional=True if it may go without")
        raise AttachmentFault(Code.UNSUPPORTED_VALUE, f"{name!r}: its content is a {type(content).__name__}, not bytes")

    def _name(self, part: str, cells: Any, context: Any) -> str:
        source = self._bound.sources[part]
        if isinstance(source, Template):
            return self._bound.plain.render(source, context)
        value = _value(cells[source.key]) if isinstance(source, Varying) else source
        if not isinstance(value, str) or not value:
            raise MissingValue("the path is empty in this row; give optional=True if the mail may go without the file")
        return value


def _value(cell: Any) -> Any:
    """The cell of a callable, a Series or ``pd.col``, as the part's value."""
    if isinstance(cell, Missing):
        raise MissingValue("there is no value in this row; fillna('') leaves an optional field out")
    if isinstance(cell, Undefined):
        return str(cell)  # raises what it has to say
    if isinstance(cell, list):
        return [_value(item) for item in cell]
    return cell if isinstance(cell, bool) else present(cell)


_CODES: Final[tuple[tuple[type[Exception], Code], ...]] = (
    (MissingValue, Code.MISSING_VALUE),
    (UnsupportedValue, Code.UNSUPPORTED_VALUE),
    (UnprintableValue, Code.UNPRINTABLE_VALUE),
    (SecurityError, Code.UNSAFE_TEMPLATE),
    (TemplateLimit, Code.TEMPLATE_LIMIT),
    (UndefinedError, Code.UNDEFINED_NAME),
    (RecursionError, Code.TEMPLATE_LIMIT),
    (MemoryError, Code.TEMPLATE_LIMIT),
    (OverflowError, Code.TEMPLATE_LIMIT),
)


def _problem(position: int, part: str, error: Exception) -> Problem:
    code = next((code for kind, code in _CODES if isinstance(error, kind)), Code.TEMPLATE_ERROR)
    if code is Code.MISSING_VALUE and part.partition("[")[0] == "to":
        code = Code.MISSING_RECIPIENT
    said = str(error) if isinstance(error, TemplateError | UnprintableValue) else f"{type(error).__name__}: {error}"
    said = said.replace("\x00", "").splitlines()[0] if said else type(error).__name__
    return Problem(position, part, code, f"{_place(error)}{said[:400]}")


def _place(error: Exception) -> str:
    """The line of the template in which it happened, as far as the traceback tells."""
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
