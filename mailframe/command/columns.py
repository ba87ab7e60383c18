"""Columns that were read from a file, and the DataFrame that they become."""

from __future__ import annotations

import datetime as dt
import math
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import FrameError
from mailframe.letter.suggestions import did_you_mean, nearest
from mailframe.pandas_versions import text_column, text_labels
from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_TRUTHS: Final = {"true": True, "false": False}
_WORDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "datetime": "a date and time such as 2026-11-26 or 2026-11-26T09:30:00Z",
}
_SHOWN_NAMES: Final = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file.

    Attributes:
        name: its name in the header.
        type: its type, one of those of ``--dtype``; "" leaves the cells as they are.
        cells: one per row; None for a missing value.
    """

    name: str
    type: str
    cells: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """What was read from a file.

    Attributes:
        columns: the columns in their order.
        numbers: the number of each row in the file, which names the row in texts.
        convert: makes a column of its cells and a type.
    """

    columns: Sequence[Column]
    numbers: Sequence[int]
    convert: Callable[[Column, str, Sequence[int]], pd.Series[Any]]


def frame_of(table: Table, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """The DataFrame of a table; its index is the number of each row in the file.

    Args:
        table: the table.
        dtypes: the types that the user names, by column.

    Raises:
        FrameError: a column has no name or the name of another, *dtypes* names a column that does
            not exist, or a cell is not of the named type.
    """
    columns = [column for column in table.columns if column.name or any(_has(column))]
    _check_names([column.name for column in columns], dtypes)
    index = pd.Index(list(table.numbers), dtype="int64")
    series = {
        column.name: table.convert(column, dtypes.get(column.name, column.type), table.numbers)
        for column in columns
    }
    labels = text_labels(series)
    frame = pd.DataFrame({place: one.array for place, one in enumerate(series.values())}, index)
    frame.columns = labels
    return frame


def _has(column: Column) -> list[bool]:
    return [cell is not None for cell in column.cells]


def _check_names(names: Sequence[str], dtypes: Mapping[str, str]) -> None:
    for place, name in enumerate(names, 1):
        if not name.strip():
            raise FrameError(
                f"column {place} has values and no name; give it one in the header "
                "(pandas writes its index so: to_csv(path, index=False) leaves it out)"
            )
        if name in names[: place - 1]:
            raise FrameError(
                f"columns {names.index(name) + 1} and {place} are both called {name!r}; rename one"
            )
    for name in dtypes:
        if name not in names:
            listed = ", ".join(map(repr, names[:_SHOWN_NAMES]))
            more = ", …" if len(names) > _SHOWN_NAMES else ""
            raise FrameError(
                f"--dtype names {name!r}, and there is no such column"
                f"{did_you_mean(nearest(name, names))}; the columns are {listed}{more}"
            )


# --- conversions ---------------------------------------------------------------------------------


def typed_texts(column: Column, dtype: str, numbers: Sequence[int]) -> pd.Series[Any]:
    """A column of texts as a Series of a type; missing values stay missing."""
    cells = column.cells
    if dtype == "str":
        return text_column(cells)
    values = [
        None if cell is None else _value(cell, dtype, column, number)
        for cell, number in zip(cells, numbers, strict=True)
    ]
    if dtype == "decimal":
        return pd.Series(values, dtype="object")
    if dtype == "datetime":
        return _of_values(values)
    has_missing = None in values
    names = {"int": ("int64", "Int64"), "bool": ("bool", "boolean"), "float": ("float64",) * 2}
    return pd.Series(values, dtype=names[dtype][has_missing])


def typed_values(column: Column, dtype: str, numbers: Sequence[int]) -> pd.Series[Any]:
    """A column of values as Excel or JSON has them; another type than theirs by way of texts."""
    if dtype:
        texts = [None if cell is None else _text(cell) for cell in column.cells]
        return typed_texts(Column(column.name, dtype, texts), dtype, numbers)
    return _of_values(column.cells)


def _text(cell: object) -> str:
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


def _of_values(cells: Sequence[Any]) -> pd.Series[Any]:
    """One dtype if all cells have one kind; whole numbers beside missing ones stay whole."""
    kinds = {type(cell) for cell in cells} - {type(None)}
    has_missing = None in cells
    if kinds == {str}:
        return text_column(cells)
    if kinds == {bool}:
        return pd.Series(cells, dtype="boolean" if has_missing else "bool")
    if kinds == {int}:
        with suppress(OverflowError):
            return pd.Series(cells, dtype="Int64" if has_missing else "int64")
    return pd.Series(cells, dtype="object")


def _value(text: str, dtype: str, column: Column, number: int) -> object:
    try:
        return _read(text, dtype)
    except (ValueError, KeyError, InvalidOperation, OverflowError):
        raise FrameError(
            f"row {number}: {column.name} is {shown(text)}, which is not {_WORDS[dtype]}, as "
            f"--dtype {column.name}={dtype} says; fix the cell, or write --dtype {column.name}=str"
        ) from None


def _read(text: str, dtype: str) -> object:
    if dtype == "int":
        number = int(text)
        if not -(2**63) <= number < 2**63:
            raise OverflowError
        return number
    if dtype == "bool":
        return _TRUTHS[text.lower()]
    if dtype == "datetime":
        return dt.datetime.fromisoformat(text)
    number_with_point: float | Decimal = float(text) if dtype == "float" else Decimal(text)
    if not math.isfinite(number_with_point):
        raise ValueError(text)
    return number_with_point
