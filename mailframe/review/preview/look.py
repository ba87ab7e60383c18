"""Any row of a campaign as a page shows it; only the row that is asked for is rendered."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
from jinja2 import Undefined

from mailframe.html.mail import Cell, File, Mail, ShownProblem
from mailframe.letter.jinja.values import Unsupported
from mailframe.limits import DEFAULT_STREAM
from mailframe.message import batch
from mailframe.message.binding import Varying, rebound
from mailframe.message.cells import Column
from mailframe.message.payload import POSTMARK_NAMES
from mailframe.message.pipeline import Preparer
from mailframe.message.preflight import letter_problems
from mailframe.problems import Severity
from mailframe.review.diff.fields import file_size, printed_text
from mailframe.review.preview.masking import MaskingEnvironment, masked
from mailframe.review.preview.search import typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.message.binding import BoundLetter
    from mailframe.message.composed import Composed
    from mailframe.message.pipeline import Prepared
    from mailframe.message.preflight import Preflight
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
_SHOWN_CELL: Final = 2_000
"""Characters of a cell that are shown."""


class RowView:
    """Shows the rows of a campaign one by one.

    Args:
        run: the campaign's frame, bound letter, key, name and inspections.
        mask: show the shape of values in place of the values.
    """

    def __init__(self, run: Composed, *, mask: bool = False) -> None:
        self.run = run
        self.mask = mask
        self._preparer = Preparer(_masking(run.bound) if mask else run.bound)
        self._real = Preparer(run.bound) if mask else self._preparer
        self._columns = {column.name: column for column in run.bound.columns}
        self._batches: tuple[Preflight, list[int]] | None = None
        self._letter: list[Problem] | None = None

    @property
    def rows(self) -> int:
        """How many the frame has."""
        return len(self.run.frame)

    @property
    def inspection(self) -> Preflight | None:
        """What a look at every row found; None when nobody looked yet."""
        return self.run.inspections.get(False)

    def mail(self, position: int, *, reason: str = "", with_cells: bool = True) -> Mail:
        """The message of the row at *position*, as a page shows it.

        Args:
            position: of the row.
            reason: why it is shown.
            with_cells: also the row itself, which costs more than the message.

        Raises:
            IndexError: there is no such row.
        """
        if not 0 <= position < self.rows:
            raise IndexError(f"there is no row {position}; the frame has {self.rows:,}")
        real = next(iter(self._real.rows(position, position + 1)))
        shown = next(iter(self._preparer.rows(position, position + 1))) if self.mask else real
        fields = self._without_varying(shown.fields) if self.mask else shown.fields
        posted = _posted(fields, None if self.mask else shown)
        of_row = [*real.problems, *self._of_all_rows(position, real.problems)]
        problems = [*of_row, *self._of_the_letter()]
        return Mail(
            label=self.label(position),
            headers=tuple(
                self._headers(
                    posted, real, held=any(p.severity is Severity.ERROR for p in problems)
                )
            ),
            subject=posted.get("Subject", ""),
            html=posted.get("HtmlBody"),
            text=posted.get("TextBody"),
            payload=_cut(posted),
            notes=tuple(self._note(problem) for problem in problems),
            files=tuple(_files(posted)),
            inline=_inline(posted),
            cells=tuple(self.cells(position)) if with_cells else (),
            reason=reason,
            hint=_NOT_COMPARED if self.inspection is None else "",
            **_absent(of_row),
        )

    def label(self, position: int) -> str:
        """What a person calls the row; masked, where its label is data, its position alone."""
        label = self.run.frame.index[position]
        if self.mask and not (isinstance(label, int | np.integer) and label == position):
            return f"row at position {position}"
        return f"row {position}" if self.mask else self.run.names.of(position)

    def label_to_type(self, position: int) -> str:
        """The label as it is typed into the row box; empty without a row."""
        if not 0 <= position < self.rows:
            return ""
        text = typed(self.run.frame.index[position])
        return masked(text) if self.mask else text

    def _headers(
        self, posted: Mapping[str, Any], real: Prepared, *, held: bool
    ) -> Iterator[tuple[str, str]]:
        for part in ("sender", "to", "cc", "bcc", "reply_to"):
            name = POSTMARK_NAMES[part]
            yield ("Reply-To" if part == "reply_to" else name, posted.get(name, ""))
        yield "Tag", posted.get("Tag", "")
        yield "Stream", posted.get("MessageStream", f"{DEFAULT_STREAM} (Postmark's default)")
        yield (
            "Metadata",
            " · ".join(f"{key}={value}" for key, value in posted.get("Metadata", {}).items()),
        )
        yield (
            "Headers",
            " · ".join(f"{pair['Name']}: {pair['Value']}" for pair in posted.get("Headers", [])),
        )
        size = (
            "held back, it is not sent"
            if held or real.message is None
            else f"{len(real.message.body):,} bytes"
        )
        number = self._batch(real.position)
        yield "Size", f"{size} · batch {number:,}" if number else size

    def _batch(self, position: int) -> int:
        """The number of the batch that the message goes in, if every row was looked at; else 0."""
        found = self.inspection
        if found is None:
            return 0
        if self._batches is None or self._batches[0] is not found:
            self._batches = found, list(batch.numbers(found.sizes))
        return self._batches[1][position]

    def _of_all_rows(self, position: int, known: list[Problem]) -> list[Problem]:
        """The problems that only a look at all rows can find, such as a doubled recipient."""
        found = self.inspection
        return [] if found is None else [p for p in found.of_row(position) if p not in known]

    def _of_the_letter(self) -> list[Problem]:
        """The problems that are true of every row, such as a link without a scheme."""
        if self._letter is None:
            self._letter = letter_problems(self.run.bound, self.run.frame.columns)
        return self._letter

    def _note(self, problem: Problem) -> ShownProblem:
        is_masked = self.mask and problem.row is not None
        detail = (
            "the detail holds data of the row, which is masked" if is_masked else problem.detail
        )
        return ShownProblem(
            problem.severity is Severity.ERROR, problem.field, problem.code.value, detail
        )

    def _without_varying(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, those masked that come from the frame past every template."""
        varying = {
            POSTMARK_NAMES[part.replace("[", ".").partition(".")[0]]
            for part, source in self.run.bound.sources.items()
            if isinstance(source, Varying)
        }
        return {
            name: _masked(name, value) if name in varying else value
            for name, value in fields.items()
        }

    def cells(self, position: int) -> Iterator[Cell]:
        """The row as the templates see it, one per column of the frame."""
        frame = self.run.frame
        for place, name in enumerate(frame.columns):
            used = self._columns.get(name)
            column = used or Column.of(
                name, frame.iloc[position : position + 1, place].astype(object)
            )
            start = position if used else 0
            yield self._cell(name, column.cells(start, start + 1)[0], is_used=used is not None)

    def _cell(self, name: object, value: Any, *, is_used: bool) -> Cell:
        if isinstance(value, Undefined):
            kind = "not usable" if isinstance(value, Unsupported) else "gap"
            return Cell(str(name), kind, "a type that templates do not see", is_used)
        try:
            text = printed_text(value)[:_SHOWN_CELL]
        except ValueError:  # Python writes no int of more than 4,300 digits
            return Cell(str(name), "not usable", "a number of too many digits", is_used)
        kind = _KINDS.get(type(value), type(value).__name__)
        return Cell(str(name), kind, masked(text) if self.mask else text, is_used)


_NOT_COMPARED: Final = "Not compared with the other rows yet; campaign.problems() does that."


def _absent(problems: list[Problem]) -> dict[str, str]:
    """What stands in place of a part that could not be made."""
    failed = {problem.field for problem in problems if problem.severity is Severity.ERROR}
    said = "The {} part could not be made; the problems say why."
    parts = {"html_body": ("no_html", "HTML"), "text_body": ("no_text", "text")}
    return {name: said.format(part) for field, (name, part) in parts.items() if field in failed}


def _masking(bound: BoundLetter) -> BoundLetter:
    """The letter with masked values, and with those files alone that are the same for all."""
    constant = tuple(
        (attachment, piece) for attachment, piece in bound.attachments if piece is not None
    )
    return rebound(replace(bound, attachments=constant), MaskingEnvironment)


def _posted(fields: Mapping[str, Any], prepared: Prepared | None) -> dict[str, Any]:
    """The fields as they are posted; of a message that cannot be encoded those that can."""
    if prepared is not None and prepared.message is not None:
        return prepared.message.payload
    return {name: orjson.loads(orjson.dumps(_encodable(value))) for name, value in fields.items()}


def _encodable(value: Any) -> Any:
    """A field with a question mark in place of each lone surrogate."""
    if isinstance(value, dict):
        return {name: _encodable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _cut(posted: Mapping[str, Any]) -> str:
    """The payload as JSON, attachments cut."""
    short = dict(posted)
    if "Attachments" in short:
        short["Attachments"] = [
            {**file, "Content": f"<{file_size(file):,} bytes in base64>"}
            for file in short["Attachments"]
        ]
    return orjson.dumps(short, option=orjson.OPT_INDENT_2).decode()


def _files(posted: Mapping[str, Any]) -> Iterator[File]:
    for file in posted.get("Attachments", []):
        yield File(file["Name"], file["ContentType"], file_size(file), file.get("ContentID", ""))


def _inline(posted: Mapping[str, Any]) -> dict[str, str]:
    return {
        file["ContentID"]
        .removeprefix("cid:")
        .lower(): f"data:{file['ContentType']};base64,{file['Content']}"
        for file in posted.get("Attachments", [])
        if file.get("ContentID")
    }


def _masked(name: str, value: Any) -> Any:
    if name == "HtmlBody":
        return "<p>The HTML comes from the frame as it is, and is masked.</p>"
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, bool):
        return value
    return {key: masked(str(one)) for key, one in value.items()} if isinstance(value, dict) else []
