"""A results frame as an Excel file: text stays text, timestamps are UTC without a time zone."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import re
from decimal import Decimal
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import MissingExtra, ResultsError
from mailframe.message.row_names import RowNames
from mailframe.paths import local_path
from mailframe.results.files import write_files
from mailframe.results.frame import results_columns

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
MAX_CELL_UNITS: Final = 32_767
EXACT_DIGITS: Final = 15
"""Limits of Excel: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3."""
_FIRST_YEAR: Final = 1901  # Excel counts days from 1900, which it treats as a leap year
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TWO_UNITS: Final = re.compile("[\U00010000-\U0010ffff]")
_READ_AS_MORE: Final = re.compile(r"[=+\-@\t\r]|#[A-Z/0]")


def write_excel(results: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a results frame as one sheet; the file appears whole or not at all.

    Args:
        results: a results frame. Its index is written unless it counts from 0.
        path: the path of the ``.xlsx`` file; an existing file is replaced.

    Raises:
        MissingExtra: openpyxl is not installed.
        ResultsError: *results* is not a results frame, Excel cannot hold it (rows, columns, a text
            that is too long or has control characters), or the file cannot be written.
    """
    results_columns(results)
    target = local_path(path, what="to_excel", example="results.xlsx", error=ResultsError).resolve()
    if target.suffix.lower() != ".xlsx":
        raise ResultsError(f"{target.name}: to_excel writes .xlsx files; to_csv writes CSV")
    rows = _rows(results)  # raises before the file is begun
    write_files((target, lambda file: _write(rows, file)))


class _Text(str):
    """A text that openpyxl or Excel would read as something else."""

    __slots__ = ()


def _write(rows: Iterable[Sequence[Any]], file: IO[bytes]) -> None:
    try:
        from openpyxl import Workbook  # noqa: PLC0415 - needs the extra
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra("results.mail.to_excel", "excel") from error
    book = Workbook(write_only=True)
    sheet = book.create_sheet("results")
    sheet.freeze_panes = "A2"

    def text_cell(text: str) -> Any:
        cell = WriteOnlyCell(sheet, str(text))
        cell.data_type = "s"  # openpyxl reads "=1+1" as a formula and "#N/A" as an error
        cell.quotePrefix = True  # Excel does the same after the cell was edited
        return cell

    for row in rows:
        sheet.append([text_cell(cell) if type(cell) is _Text else cell for cell in row])
    book.save(file)


def _rows(results: pd.DataFrame) -> Iterator[Sequence[Any]]:
    """The header and one sequence of cells per row."""
    columns = list(_columns(results))
    if len(results) >= MAX_ROWS or len(columns) > MAX_COLUMNS:
        raise ResultsError(
            f"{len(results):,} rows and {len(columns):,} columns: an Excel sheet holds "
            f"{MAX_ROWS - 1:,} rows below its header and {MAX_COLUMNS:,} columns; "
            "write a part, or use to_csv"
        )
    header = [_text(name, lambda: "the header", name) for name, _ in columns]
    names = RowNames(results)
    cells = [list(_cells(name, series, names)) for name, series in columns]
    return itertools.chain([header], zip(*cells, strict=True))


def _columns(results: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """The index, unless it counts from 0, and the columns, each with its header."""
    index = results.index
    if not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1):
        for level, name in enumerate(index.names):
            yield "" if name is None else str(name), pd.Series(index.get_level_values(level))
    for place, label in enumerate(results.columns):
        yield str(label), results.iloc[:, place]


def _cells(header: str, series: pd.Series, names: RowNames) -> Iterator[Any]:
    for position, value in enumerate(series.tolist()):
        cell = excel_value(value)
        is_text = isinstance(cell, str)
        yield _text(cell, partial(names.of, position), header) if is_text else cell


def _text(text: str, where: Callable[[], str], header: str) -> str:
    illegal = _ILLEGAL.search(text)
    if illegal or len(text) + len(_TWO_UNITS.findall(text)) > MAX_CELL_UNITS:
        what = (
            f"the character {illegal.group()!a}"
            if illegal
            else f"a text of {len(text):,} characters"
        )
        raise ResultsError(
            f"{where()}, column {header!r}: Excel cannot hold {what}; replace it, or use to_csv"
        )
    return _Text(text) if _READ_AS_MORE.match(text) else text


def excel_value(value: Any) -> Any:  # noqa: PLR0911 - one return for each kind
    """A value as Excel holds it exactly, or else as text.

    >>> excel_value(pd.Timestamp("2026-11-25 12:00", tz="Europe/Oslo"))
    datetime.datetime(2026, 11, 25, 11, 0)
    >>> excel_value(10**15), excel_value(999), excel_value("0150"), excel_value(pd.NA)
    ('1000000000000000', 999, '0150', None)
    """
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and np.isnan(value))
    ):
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | float | np.number | Decimal):
        return _number(value)
    if isinstance(value, dt.datetime):
        return _stamp(value)
    if isinstance(value, dt.timedelta):
        whole = pd.Timedelta(value).to_pytimedelta()
        return whole if whole >= dt.timedelta(0) else str(value)
    if isinstance(value, dt.date):
        return value if value.year >= _FIRST_YEAR else value.isoformat()
    if isinstance(value, dt.time):
        return value if value.tzinfo is None else value.isoformat()
    return str(value)


def _number(value: Any) -> Any:
    """A number, or its text if it is a whole number or Decimal of more than 15 digits."""
    plain = value.item() if isinstance(value, np.number) else value
    if isinstance(plain, float) and plain.is_integer() and 10**EXACT_DIGITS <= abs(plain) < 2**53:
        return f"{plain:.0f}"
    if isinstance(plain, Decimal):
        is_exact = plain.is_finite() and len(plain.as_tuple().digits) <= EXACT_DIGITS
    elif isinstance(plain, float):
        is_exact = math.isfinite(plain)
    else:
        is_exact = isinstance(plain, int) and abs(plain) < 10**EXACT_DIGITS
    return plain if is_exact else str(plain)


def _stamp(value: dt.datetime) -> dt.datetime | str:
    plain = value.to_pydatetime(warn=False) if isinstance(value, pd.Timestamp) else value
    if plain.tzinfo is not None:
        plain = plain.astimezone(dt.UTC).replace(tzinfo=None)
    return plain if plain.year >= _FIRST_YEAR else plain.isoformat(" ")
