"""Attachment: a file of each message of a letter, as the user writes it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from mailframe.errors import LetterError
from mailframe.letter.detail_files import DetailFile
from mailframe.letter.pickling import construct, deep_copy, fields_of, refuse_unpicklable
from mailframe.letter.row_functions import RowFunction
from mailframe.letter.suggestions import refuse_unknown

if TYPE_CHECKING:
    import pandas as pd

    Value: TypeAlias = str | Callable[[pd.DataFrame], pd.Series[Any]] | pd.Series[Any] | object
    """A text is a template; a callable gets the frame and returns a Series; a Series or ``pd.col``
    varies by row; anything else is a constant."""

_CONTENT_TYPE: Final = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=[^\x00-\x1f\x7f]+)*", re.ASCII
)
_CONTENT_ID: Final = re.compile(
    r"(?:cid:)?(<)?(?:cid:)?([^\s<>\"'\x00-\x1f\x7f-\x9f]+)(?(1)>)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """A file that is attached to each message.

    Attributes:
        name: the path of the file to read, or with *content* the name of the file. A template, a
            Series, ``pd.col`` or a callable makes it vary by row; a list in it is several files.
        content: bytes for all rows, a column of bytes (a Series, ``pd.col``, a callable or
            ``mf.each``), or text, which is a template and is sent as UTF-8.
        content_type: a MIME type such as ``application/pdf``; by default that of the extension of
            the name, or ``application/octet-stream``. The content is not read for it.
        content_id: the content id of an inline image, ``logo.png`` for
            ``<img src="cid:logo.png">``; unique within a letter.
        optional: whether to leave out this file if a row has no path or bytes for it, or if the
            HTML of a row does not use this inline image; otherwise such a row has a problem.

    >>> Attachment("invoices/{{ id }}.pdf")
    Attachment('invoices/{{ id }}.pdf')
    """

    def __new__(cls, *args: Any, **fields: Any) -> Self:  # noqa: ARG004 - of ``__init__``
        """Refuse unknown fields with suggestions, before ``__init__`` does."""
        refuse_unknown(
            fields, [field.name for field in dataclasses.fields(cls)], of="an attachment"
        )
        return object.__new__(cls)

    name: Value
    content: Value | None = None
    content_type: str | None = dataclasses.field(default=None, kw_only=True)
    content_id: str | None = dataclasses.field(default=None, kw_only=True)
    optional: bool = dataclasses.field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        kind: object = self.content_type
        if kind is not None and not (isinstance(kind, str) and _CONTENT_TYPE.fullmatch(kind)):
            raise LetterError(f"content_type {kind!r} is not a MIME type such as application/pdf")
        if self.content_id is not None:
            object.__setattr__(self, "content_id", _checked_content_id(self.content_id))
        if isinstance(self.name, Path):
            object.__setattr__(self, "name", str(self.name))
        if isinstance(self.content, bytearray):
            object.__setattr__(self, "content", bytes(self.content))

    @classmethod
    def csv(
        cls, column: str, name: Value | None = None, *, columns: Any = None, optional: bool = False
    ) -> Attachment:
        """Detail rows of each person as a CSV file that spreadsheets open.

        It is UTF-8 with a byte order mark. Text that a spreadsheet would run as a formula gets an
        apostrophe, also after a semicolon or a tab, at which some spreadsheets split lines.

        Args:
            column: the column of lists, as ``df.mail.nest`` makes it.
            name: the name of the file; by default that of the column with ``.csv``.
            columns: the keys to write, as a list or as a dict of key to header.
            optional: whether to leave out the file for an empty list.

        >>> Attachment.csv("orders")
        Attachment('orders.csv')
        """
        details = DetailFile(column, columns, optional=optional, extension="csv")
        return cls(name or f"{column}.csv", RowFunction(details), optional=optional)

    @classmethod
    def xlsx(
        cls, column: str, name: Value | None = None, *, columns: Any = None, optional: bool = False
    ) -> Attachment:
        """Detail rows of each person as an Excel file; arguments as of ``csv``.

        Needs openpyxl: ``pip install "mailframe[excel]"``.

        >>> Attachment.xlsx("orders", "orders of {{ name }}.xlsx")
        Attachment('orders of {{ name }}.xlsx')
        """
        details = DetailFile(column, columns, optional=optional, extension="xlsx")
        return cls(name or f"{column}.xlsx", RowFunction(details), optional=optional)

    def __copy__(self) -> Attachment:
        return dataclasses.replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Attachment:
        return deep_copy(self, (("name", self.name), ("content", self.content)), memo)

    def __reduce__(self) -> tuple[Any, ...]:
        refuse_unpicklable((("name", self.name), ("content", self.content)))
        return construct, (type(self), fields_of(self))

    def __repr__(self) -> str:
        return (
            f"Attachment({self.name!r})"
            if isinstance(self.name, str)
            else "Attachment(<varies by row>)"
        )


def _checked_content_id(content_id: object) -> str:
    """The content id in the format of Postmark, without the angle brackets of a header."""
    match = _CONTENT_ID.fullmatch(content_id) if isinstance(content_id, str) else None
    if match is None:
        raise LetterError(f"content_id {content_id!r} is not one word such as logo.png")
    return f"cid:{match[2]}"


def as_attachments(attachments: Any) -> Iterator[Attachment]:
    """The attachments of a letter one by one, from an Attachment, a path, or a list of these.

    Raises:
        LetterError: it is none of these, or a table of ``letter.toml`` with unknown keys.
    """
    if isinstance(attachments, str | Path | Attachment):
        attachments = [attachments]
    if not isinstance(attachments or (), list | tuple):
        raise LetterError(
            f"attachments is a {type(attachments).__name__}; give one mf.Attachment or a list"
        )
    for item in attachments or ():
        if isinstance(item, Attachment):
            yield item
        elif isinstance(item, str | Path):
            yield Attachment(str(item))
        elif isinstance(item, Mapping):
            yield _attachment_of_table(item)
        else:
            raise LetterError(
                f"attachments: {type(item).__name__} is neither an mf.Attachment nor a path"
            )


def refuse_same_content_id(attachments: Iterable[Attachment]) -> None:
    """Refuse two attachments with the same content id, ignoring case.

    Raises:
        LetterError: with the content id.
    """
    seen: set[str] = set()
    for attachment in attachments:
        content_id = attachment.content_id or ""
        if content_id.lower() in seen:
            raise LetterError(
                f"two attachments have the content_id {content_id.removeprefix('cid:')!r}; "
                "it must be unique"
            )
        seen |= {content_id.lower()} - {""}


_COMMON: Final = frozenset({"content_type", "content_id", "optional"})
_OF_DETAILS: Final = frozenset({"name", "columns", "optional"})
_TABLES: Final[Mapping[str, frozenset[str]]] = {
    "path": _COMMON,
    "template": _COMMON | {"name"},
    "column": _COMMON | {"name"},
    "csv": _OF_DETAILS,
    "xlsx": _OF_DETAILS,
}
"""What a table of ``letter.toml`` attaches, and the other keys that it may have then."""


def _attachment_of_table(table: Mapping[str, Any]) -> Attachment:
    kind, *others = [kind for kind in _TABLES if kind in table] or ["path"]
    fields = dict(table)
    source = fields.pop(kind, None)
    name = fields.pop("name", None)
    refused = set(table) - _TABLES[kind] - {kind}
    needs_name = kind == "column" and name is None
    if others or refused or needs_name or not isinstance(source, str):
        raise LetterError(
            "an attachment of letter.toml has path (a file), template (a text file with values), "
            "column (of bytes; with name), csv or xlsx (a column of detail rows; with columns), "
            f"and may have {', '.join(sorted(_TABLES[kind]))} with {kind}, not {dict(table)!r}"
        )
    if kind == "path":
        return Attachment(source, **fields)
    if kind == "template":
        return Attachment(name or PurePath(source).name, f"{{% include {source!r} %}}", **fields)
    if kind == "column":
        return Attachment(name, itemgetter(source), **fields)
    details = Attachment.csv if kind == "csv" else Attachment.xlsx
    return details(source, name, **fields)
