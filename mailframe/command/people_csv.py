r"""A CSV of people: its cells, and the type of each column.

A column is numbers or truth values only if each of its values would be written back with the same
characters. So "02101", "+49 30 1234", "1e5" and "1,250" stay text, and one such value keeps its
whole column text. Numbers with decimals are ``Decimal``: "12.50" prints as 12.50 and compares as a
number. A missing value is an empty cell, and nothing else unless the caller names it.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Final

from mailframe.command.columns import Column, Table, typed_texts
from mailframe.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS: Final = (",", ";", "\t")
_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]{0,18}")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_MAX_DECIMAL_CHARS: Final = 28
"""Digits with which Python's decimals calculate by default."""
_TRUTHS: Final = ({"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"})
_MAX_WHOLE: Final = 2**63


def read_csv(
    content: bytes, *, encoding: str, separator: str | None, missing: Collection[str]
) -> Table:
    r"""The columns of a CSV, each with the type that all of its cells have.

    Args:
        content: the bytes of the file.
        encoding: the name of the encoding; a byte order mark is left out.
        separator: one character; None is a comma, or what a header without a comma has.
        missing: texts that stand for a missing value, besides the empty one.

    Raises:
        FrameError: the bytes are not of this encoding, or the text is not a CSV.

    >>> content = b"email,zip,seats\nann@example.com,02101,3\nbob@example.com,10115,\n"
    >>> table = read_csv(content, encoding="utf-8", separator=None, missing=())
    >>> [(column.name, column.type, column.cells) for column in table.columns[1:]]
    [('zip', 'str', ['02101', '10115']), ('seats', 'int', ['3', None])]
    """
    text = _decoded(content, encoding)
    header, rows, numbers = _rows(text, separator or _separator_of(text))
    absent = {"", *missing}
    columns = []
    for place, name in enumerate(header):
        cells = [None if row[place] in absent else row[place] for row in rows]
        columns.append(Column(name, type_of(cells), cells))
    return Table(columns, numbers, typed_texts)


def type_of(cells: list[str | None]) -> str:
    """The type of a column: ``int``, ``decimal``, ``bool`` or ``str``.

    >>> type_of(["1", None]), type_of(["1", "2.50"]), type_of(["1", "02"]), type_of(["TRUE"])
    ('int', 'decimal', 'str', 'bool')
    """
    distinct = {cell for cell in cells if cell is not None}
    if not distinct:
        return "str"
    if all(map(_WHOLE.fullmatch, distinct)):
        return "int" if max(abs(int(text)) for text in distinct) < _MAX_WHOLE else "str"
    if all(map(_is_decimal, distinct)):
        return "decimal"
    return "bool" if any(distinct <= truths for truths in _TRUTHS) else "str"


def _is_decimal(text: str) -> bool:
    """Whether Python writes this number with the same characters, and not as 1E-7."""
    is_short = len(text) <= _MAX_DECIMAL_CHARS and "0.000000" not in text
    return is_short and _DECIMAL.fullmatch(text) is not None and text not in ("-0", "-0.0")


def _decoded(content: bytes, encoding: str) -> str:
    if not content.strip():
        raise FrameError("the file is empty; it needs a header and one line per message")
    if content.startswith(_UTF16) and encoding.lower().replace("-", "") == "utf8":
        raise FrameError("it is UTF-16, as Excel's Unicode Text; add --encoding utf-16")
    try:
        text = content.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        raise FrameError(
            f"it is not {encoding} (byte {error.start}); save it as CSV UTF-8, or name its "
            "encoding: --encoding cp1252 is what Excel writes as CSV on Windows in western Europe"
        ) from None
    except LookupError:
        raise FrameError(
            f"there is no encoding {encoding!r}; write --encoding utf-8, cp1252 or latin-1"
        ) from None
    return text.removeprefix("\ufeff")


def _separator_of(text: str) -> str:
    header = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").partition("\n")[0])
    return next((separator for separator in _SEPARATORS if separator in header), ",")


def _rows(text: str, separator: str) -> tuple[list[str], list[list[str]], list[int]]:
    """The header, the rows, and the number of each row as a spreadsheet counts it."""
    limit = csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        lines = io.StringIO(text, newline="")
        numbered = _numbered(csv.reader(lines, delimiter=separator, strict=True))
        _, header = next(numbered, (1, []))
        rows, numbers = [], []
        for number, row in numbered:
            _check_length(row, header, number, separator)
            rows.append(row)
            numbers.append(number)
    except csv.Error as error:
        raise FrameError(
            f"it is not a CSV ({error}); a cell with a quote, a separator or a line break needs "
            'quotes around it: "5"" disk"'
        ) from None
    finally:
        csv.field_size_limit(limit)
    return header, rows, numbers


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Each row that has a value, and its number, counted from 1."""
    return ((number, row) for number, row in enumerate(reader, 1) if any(row))


def _check_length(row: list[str], header: list[str], number: int, separator: str) -> None:
    if len(row) != len(header):
        raise FrameError(
            f"row {number} has {len(row)} cells and the header has {len(header)}; put quotes "
            f"around a cell that has {separator!r} in it, or name another separator with --sep"
        )
