"""PEOPLE: the DataFrame of a file, by the ending of its name."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pandas as pd

from mailframe.command.columns import Column, Table, frame_of, typed_values
from mailframe.command.people_csv import read_csv
from mailframe.errors import FrameError, MailframeError, MissingExtra
from mailframe.paths import local_path, other_form
from mailframe.problems import shown
from mailframe.results.files import unpacked

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

_EXCEL: Final = (".xlsx", ".xlsm")
_PARQUET: Final = (".parquet", ".pq")
_JSON_LINES: Final = (".jsonl", ".ndjson")
_OTHER: Final = {
    ".xls": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".json": "write one JSON object on each line, and call the file .jsonl",
    ".feather": "write it as .parquet",
    ".md": "the letter comes first, then the people",
    ".html": "the letter comes first, then the people",
}


def read_people(chosen: argparse.Namespace) -> pd.DataFrame:
    """The people of a command.

    Args:
        chosen: the arguments: ``people``, ``dtype``, ``sheet``, ``sep``, ``encoding``, ``missing``.

    Returns:
        One row per message. The index is the number of the row in the file, as a spreadsheet shows
        it: the header of a CSV or of a sheet is row 1.

    Raises:
        FrameError: there is no such file, or it cannot be read as its name says.
    """
    named: str = chosen.people
    try:
        return _read(named, chosen)
    except FrameError as error:
        name = "standard input" if named == "-" else named
        raise FrameError(f"{name}: {error}") from error.__cause__


def _read(named: str, chosen: argparse.Namespace) -> pd.DataFrame:
    dtypes = dict(chosen.dtype)
    suffix = "" if named == "-" else Path(named).suffix.lower()
    if suffix in _OTHER:
        raise FrameError(f"{suffix} files are not read; {_OTHER[suffix]}")
    if chosen.sheet is not None and suffix not in _EXCEL:
        raise FrameError("--sheet is for Excel files (.xlsx); leave it out")
    content = _content(named)
    if suffix in _PARQUET:
        return _parquet(content, dtypes)
    if suffix in _EXCEL:
        return frame_of(_excel(content, chosen.sheet), dtypes)
    if suffix in _JSON_LINES:
        return frame_of(_json_lines(content), dtypes)
    table = read_csv(
        _unpacked(content, named),
        encoding=chosen.encoding,
        separator=chosen.sep,
        missing=chosen.missing,
    )
    return frame_of(table, dtypes)


def _content(named: str) -> bytes:
    if named == "-":
        if sys.stdin is None:
            raise FrameError("it is closed; name a file")
        return sys.stdin.buffer.read()
    path = local_path(named, what="PEOPLE", example="people.csv", error=FrameError)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FrameError(f"there is no such file{other_form(path)}") from None
    except OSError as error:
        raise FrameError(f"it cannot be read ({error.strerror}); name a file") from None


def _unpacked(content: bytes, named: str) -> bytes:
    try:
        return unpacked(content, named)
    except MailframeError:
        raise FrameError("it cannot be unpacked; was it cut short? Write it again") from None


# --- Parquet -------------------------------------------------------------------------------------


def _parquet(content: bytes, dtypes: Mapping[str, str]) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(content), dtype_backend="numpy_nullable")
    except ImportError:
        raise MissingExtra("a Parquet file", "parquet") from None
    except Exception as error:  # noqa: BLE001 - pyarrow has errors of several kinds
        raise FrameError(f"it is not a Parquet file ({shown(str(error))})") from None
    names = [name for name in frame.index.names if name is not None]
    frame = frame.reset_index(level=names) if names else frame
    frame = frame.reset_index(drop=True)
    if not dtypes:
        return frame
    cells = frame.astype("object").where(frame.notna(), None)
    columns = [
        Column(str(label), dtypes.get(str(label), "str"), cells.iloc[:, place].tolist())
        for place, label in enumerate(frame.columns)
    ]
    named = frame_of(Table(columns, range(len(frame)), typed_values), dtypes)
    return frame.assign(**{name: named[name] for name in dtypes})


# --- Excel ---------------------------------------------------------------------------------------


def _excel(content: bytes, sheet: str | None) -> Table:
    try:
        import openpyxl  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra("an Excel file", "excel") from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise FrameError(f"it is not an Excel file ({shown(str(error))})") from None
    names = book.sheetnames
    if sheet is None and len(names) != 1:
        raise FrameError(f"it has {len(names)} sheets; name one: {_options(names)}")
    if sheet is not None and sheet not in names:
        raise FrameError(f"it has no sheet {sheet!r}; it has {_options(names)}")
    rows = list(_excel_rows(book[sheet or names[0]]))
    if not rows:
        raise FrameError("the sheet is empty; it needs a header and one row per message")
    (_, header), *body = rows
    width = max(len(row) for _, row in rows)
    columns = [
        Column(_name(header, place), "", [_at(row, place) for _, row in body])
        for place in range(width)
    ]
    return Table(columns, [number for number, _ in body], typed_values)


def _options(names: list[str]) -> str:
    return ", ".join(f"--sheet {name!r}" for name in names)


def _name(header: list[Any], place: int) -> str:
    name = _at(header, place)
    return "" if name is None else str(name)


def _at(row: list[Any], place: int) -> Any:
    return row[place] if place < len(row) else None


def _excel_rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """The rows that have a value, each with its number."""
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = [_excel_value(cell) for cell in row]
        if any(cell is not None for cell in cells):
            yield number, cells


def _excel_value(cell: Any) -> Any:
    if cell.data_type == "e":
        raise FrameError(f"cell {cell.coordinate} has the error {cell.value}; fix its formula")
    return None if cell.value == "" else cell.value


# --- JSON lines ----------------------------------------------------------------------------------


def _json_lines(content: bytes) -> Table:
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise FrameError(f"it is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    records = {
        number: _record(line, number) for number, line in enumerate(lines, 1) if line.strip()
    }
    if not records:
        raise FrameError("the file is empty; it needs one JSON object per line")
    names = dict.fromkeys(name for record in records.values() for name in record)
    columns = [Column(name, "", [one.get(name) for one in records.values()]) for name in names]
    return Table(columns, list(records), typed_values)


def _record(line: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"line {number} is not JSON ({error})") from None
    if not isinstance(record, dict):
        raise FrameError(
            f"line {number} is {shown(line)}; each line is one object: "
            '{"email": "ann@example.com"}'
        )
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON; write null for a missing value")
