"""The files of one row: read, rendered from text, or made by a function; and its inline images."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from jinja2 import Template
from jinja2.exceptions import SecurityError

from mailframe.letter.attachment_files import AttachmentFault, EncodedAttachment, text_content
from mailframe.letter.jinja.printing import UnprintableValue, as_printed
from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.letter.jinja.values import (
    GivenValues,
    Missing,
    MissingValue,
    PrintedHtml,
    PrintedImage,
)
from mailframe.letter.letter import RECIPIENT_FIELDS, field_of
from mailframe.letter.row_functions import RowCell
from mailframe.message.plain_values import plain
from mailframe.message.template_fields import FIELDS, template_value
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.letter.attachment import Attachment
    from mailframe.message.binding import BoundLetter


class RowFiles:
    """Makes the attachments of a bound letter that vary by row.

    Args:
        bound: the letter and its frame.
    """

    def __init__(self, bound: BoundLetter) -> None:
        self._bound = bound

    def pieces(
        self, part: str, attachment: Attachment, cells: dict[Any, Any], context: dict[Any, Any]
    ) -> Iterator[EncodedAttachment]:
        """The files of one attachment: one, or several for a list of paths."""
        source = self._bound.sources[f"{part}.name"]
        paths = cells[source] if isinstance(source, GivenValues) else None
        if isinstance(paths, list) and attachment.content is None:
            if not paths:
                raise MissingValue(
                    "the list of paths is empty in this row; write optional=True if the files can "
                    "be missing"
                )
            for path in paths:
                yield self._bound.files.encoded(attachment, _file_name(path, part))
            return
        yield self._piece(part, attachment, cells, context)

    def _piece(
        self, part: str, attachment: Attachment, cells: dict[Any, Any], context: dict[Any, Any]
    ) -> EncodedAttachment:
        name = self._name(f"{part}.name", cells, context)
        source = self._bound.sources.get(f"{part}.content")
        if isinstance(source, str | Template | SimpleTemplate):
            text = self._content(name, part, source, context)
            return EncodedAttachment.of(name, text_content(name, text), attachment)
        if not isinstance(source, GivenValues):
            is_template = isinstance(self._bound.sources[f"{part}.name"], Template | SimpleTemplate)
            if attachment.content is None and is_template:
                _refuse_climbing(name)
            return self._bound.files.encoded(attachment, name)
        content = cells[source]
        if isinstance(content, RowCell):
            content = content.value()
            if isinstance(content, str):  # in a column it may be a path, which is no content
                content = text_content(name, content)
        if isinstance(content, bytes | bytearray):
            return EncodedAttachment.of(name, bytes(content), attachment)
        if isinstance(plain(content, column=part), Missing):
            raise MissingValue(
                f"{name!r} has no content in this row; write optional=True if it can be missing"
            )
        detail = f"{name!r}: its content is a {type(content).__name__}; {_way_to_bytes(content)}"
        raise AttachmentFault(Code.UNSUPPORTED_VALUE, detail, value=content)

    def _content(
        self, name: str, part: str, source: str | Template | SimpleTemplate, context: dict[Any, Any]
    ) -> str:
        """The text of a file for one row; the values of a calendar or card are escaped.

        Raises:
            SecurityError: the file is markup, in which a value would need to be escaped.
        """
        if name.lower().endswith(_CARDS):
            return self._bound.cards.text(f"{part}.content", context)
        if isinstance(source, str):
            return source
        _refuse_markup(name)
        return self._bound.plain.render(source, context)

    def _name(self, part: str, cells: dict[Any, Any], context: dict[Any, Any]) -> str:
        source = self._bound.sources[part]
        if isinstance(source, Template | SimpleTemplate):
            name = self._bound.plain.render(source, context)
        elif isinstance(source, GivenValues):
            name = _file_name(cells[source], part)
        else:
            name = str(source)
        if not name.strip():
            raise MissingValue(
                "the path is empty in this row; write optional=True if the file can be missing"
            )
        return name


def _way_to_bytes(content: Any) -> str:
    """What to write for a content that is no bytes."""
    if isinstance(content, str):  # of a column; that of a function is taken
        return "a column holds bytes: write .str.encode('utf-8')"
    if isinstance(content, pd.DataFrame):
        return "write df.to_csv(index=False), or mf.Attachment.csv for detail rows"
    if hasattr(content, "getvalue"):
        return "write buffer.getvalue()"
    if hasattr(content, "savefig"):
        return "write figure.savefig(buffer, format='pdf') and return buffer.getvalue()"
    return "give bytes or text"


def _refuse_markup(name: str) -> None:
    """Refuse a template with values as the content of HTML, XML or SVG.

    Raises:
        SecurityError: with what to write instead.
    """
    if name.lower().endswith(_MARKUP_FILES):
        raise SecurityError(
            f"{name!r} has values in a text template, which does not escape them; make the file "
            "with mf.each and html.escape"
        )


_MARKUP_FILES: Final = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".xml", ".svg")
_CARDS: Final = (".ics", ".vcf")


def _file_name(cell: Any, part: str) -> str:
    """The path or the name of a file, from a column of these."""
    if isinstance(cell, RowCell):
        cell = cell.value()
    path = os.fspath(cell) if isinstance(cell, os.PathLike) else cell
    return str(given_value(plain(path, column=part), part))


def images_in(value: Any) -> Iterator[PrintedImage]:
    """The images among values, also in lists and dicts."""
    if isinstance(value, PrintedImage):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from images_in(item)


def _refuse_climbing(path: str) -> None:
    if ".." in path.replace("\\", "/").split("/"):
        detail = f"{path!r} leads out of its folder, which a cell must not do; correct the path"
        raise AttachmentFault(Code.ATTACHMENT_UNREADABLE, detail, value=path)


def given_value(cell: Any, part: str) -> Any:
    """The cell of a callable, a Series or ``pd.col``, as the part's value."""
    if field_of(part) in FIELDS:
        return template_value(cell, part)
    if isinstance(cell, Missing):
        raise MissingValue("there is no value in this row; fillna('') leaves an optional field out")
    if isinstance(cell, PrintedHtml) and part == "html_body":
        return cell.__html__()
    if isinstance(cell, list) and part in RECIPIENT_FIELDS:
        return [given_value(item, f"{part}[…]") for item in cell]
    if isinstance(cell, list):
        raise UnprintableValue(
            "the value is a list; only to, cc, bcc and reply_to can be lists", value=cell
        )
    return str(as_printed(cell))  # a cell of an unsupported type raises its own error
