"""Detail rows of a person as a file: CSV or Excel, the same bytes each time."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import MissingExtra
from mailframe.letter.row_functions import RowCell

if TYPE_CHECKING:
    from mailframe.letter.row_functions import Row

_FORMULA: Final = "=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20"
"""Starts of formulas in spreadsheets, also in full width (OWASP, CSV injection)."""
_CELL_STARTS: Final = re.compile(rf"\A(?=['\"\s]*[{_FORMULA}])|(?:;|(?<!\A)\t)\"*(?=[{_FORMULA}])")
"""Where a formula would begin: a spreadsheet may split lines at semicolons or tabs, not commas."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The time of each part of an Excel file; the real one would change the bytes at each check."""
_TYPES: Final = (str, int, float, Decimal, dt.date, dt.time, dt.timedelta, uuid.UUID)
_EXACT_IN_EXCEL: Final = 10**15
"""Excel keeps 15 digits of a number; longer ones are text (Excel specifications and limits)."""
_MAX_CELL: Final = 32_767
"""Characters of a cell (the same page); openpyxl would cut the text."""
_CREATED: Final = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - openpyxl takes no time zone


_MODIFIED: Final = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")


@dataclass(frozen=True, slots=True)
class DetailFile:
    """Makes the file of a row from a column of lists of records.

    Attributes:
        column: the column of lists.
        columns: the keys to write, as a list or as a dict of key to header; None for all of the
            first record.
        optional: whether an empty list makes no file.
        extension: ``csv`` or ``xlsx``.
    """

    column: str
    columns: Any
    optional: bool
    extension: str

    def __call__(self, row: Row) -> bytes | None:
        """The content of the file; None for an empty list if it is optional."""
        records = row[self.column]
        if not isinstance(records, list) or not all(isinstance(one, Mapping) for one in records):
            raise TypeError(
                f"the column {self.column!r} has a {type(records).__name__}, not a list of records "
                "as df.mail.nest makes it"
            )
        if self.optional and not records:
            return None
        headers = self._headers(records)
        lines = [list(headers.values())]
        lines += [[_value(record, key) for key in headers] for record in records]
        return _csv(lines) if self.extension == "csv" else _xlsx(lines)

    def _headers(self, records: Sequence[Mapping[Any, Any]]) -> dict[Any, str]:
        if isinstance(self.columns, Mapping):
            return {key: str(header) for key, header in self.columns.items()}
        keys = self.columns if self.columns is not None else records[0] if records else ()
        return {key: str(key) for key in keys}


def _value(record: Mapping[Any, Any], key: Any) -> Any:
    if key not in record:
        raise LookupError(f"a record has no {key!r}; it has {', '.join(map(str, record))}")
    return _plain(record[key], key)


def _plain(value: Any, key: Any) -> Any:
    """The value of a record as a file has it: trusted HTML and images as their text.

    Midnight without a time zone is a date, as ``{{ day }}`` prints it.

    Raises:
        TypeError: it is no text, number, date or time.
    """
    if isinstance(value, RowCell):
        return _plain(value.value(), key)
    if hasattr(value, "printed"):
        return str(value.printed())
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    if not isinstance(value, _TYPES):
        raise TypeError(f"{key!r} is a {type(value).__name__}; a file has text, numbers and dates")
    if isinstance(value, dt.datetime) and value.tzinfo is None and value.time() == dt.time.min:
        return value.date()
    return value


def _csv(lines: Sequence[Sequence[Any]]) -> bytes:
    buffer = StringIO(newline="")
    csv.writer(buffer).writerows([[_safe(value) for value in line] for line in lines])
    return buffer.getvalue().encode("utf-8-sig")


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return _CELL_STARTS.sub(r"\g<0>'", value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")  # spreadsheets read a T as text
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _xlsx(lines: Sequence[Sequence[Any]]) -> bytes:
    try:
        from openpyxl import Workbook  # noqa: PLC0415 - an extra
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("an Excel file", "excel") from None
    book = Workbook()
    book.properties.created = book.properties.modified = _CREATED
    sheet = book.active
    for number, line in enumerate(lines, 1):
        for place, value in enumerate(line, 1):
            cell = sheet.cell(number, place)
            cell.value = _cell_value(value, ILLEGAL_CHARACTERS_RE)
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula
    buffer = BytesIO()
    book.save(buffer)
    return _with_fixed_times(buffer)


def _cell_value(value: Any, illegal: Any) -> Any:
    if isinstance(value, int) and abs(value) >= _EXACT_IN_EXCEL:
        return str(value)
    if isinstance(value, str):
        if len(value) > _MAX_CELL:
            raise ValueError(f"a cell has {len(value):,} characters; Excel takes {_MAX_CELL:,}")
        return illegal.sub("", value)
    if isinstance(value, float) and math.isinf(value):
        return str(value)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    is_plain = value is None or isinstance(value, bool | int | float | Decimal | dt.date | dt.time)
    return value if is_plain else str(value)


def _with_fixed_times(file: BytesIO) -> bytes:
    """The archive with the same time for each of its parts."""
    buffer = BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = _MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z", old.read(name))
            new.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
