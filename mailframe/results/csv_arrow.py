"""Columns of a frame from cells that are Arrow text, without a Python string for each.

Each way here can only give the column that ``csv_cells.py`` gives, or None. A cell that is not
written as ``to_csv`` writes it makes it None.

This module is imported only where pandas keeps text in Arrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mailframe.message.text_arrays import text_array
from mailframe.pandas_versions import text_dtype
from mailframe.results import csv_cells
from mailframe.results.csv_kinds import (
    CATEGORIES,
    CODES,
    DTYPE,
    KIND,
    ORDERED,
    TEXT,
    TEXTS,
    dtype_named,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_IN_NUMBERS: Final = np.isin(np.arange(256), np.frombuffer(b"0123456789+-.eE", dtype=np.uint8))
_STAMP: Final = np.frombuffer(b"0000-00-00T00:00:00.000000000", dtype=np.uint8)
_IS_DIGIT: Final = np.isin(_STAMP, [ord("0")])
_STAMP_CHARS: Final = frozenset({19, 26, 29})
"""The lengths of a timestamp in seconds, microseconds and nanoseconds."""
_UTC: Final = np.frombuffer(b"+00:00", dtype=np.uint8)
_YEAR: Final = np.array([1000, 100, 10, 1])


class ArrowCells:
    """The cells of some rows of a column.

    Args:
        texts: the cells as Arrow text; an empty cell is missing.
    """

    __slots__ = ("_texts",)

    def __init__(self, texts: Any) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def column(self, note: Mapping[str, Any], *, null: str, unshielded: bool) -> pd.Series:
        """The column of these cells, as ``csv_cells.from_cells`` makes it.

        Args:
            note: the note of the column.
            null: the text of a missing value.
            unshielded: whether ``shield`` may have put a ``'`` in front of texts.

        Raises:
            ResultsError: a text does not fit the note.
            KeyError, TypeError, ValueError, IndexError, AttributeError: the note is damaged.
        """
        read = _READ.get(_form(note))
        if read is not None and len(self) and not (unshielded and _may_be_shielded(self._texts)):
            try:
                column = read(_with_missing(self._texts, null), note)
            except pa.ArrowException:  # a cell of another form
                column = None
            if column is not None:
                return column
        cells = pc.fill_null(self._texts, "").to_pylist()
        texts = csv_cells.with_missing(cells, null=null, unshielded=unshielded)
        return csv_cells.from_cells(texts, note)


def _form(note: Mapping[str, Any]) -> str:
    """The key in ``_READ`` of columns of this note; another text if there is none."""
    name: str = note[DTYPE]
    if name == "category":
        return name
    kind: str = note.get(KIND, "")
    if kind == TEXT:
        return "text" if name != "object" and dtype_named(name) == text_dtype() else ""
    return kind if kind == "P" else f"{kind} {name}"


def _with_missing(texts: Any, null: str) -> Any:
    if not null:
        return texts
    cells = pc.fill_null(texts, "")
    return pc.if_else(pc.equal(cells, null), pa.scalar(None, cells.type), cells)


def _may_be_shielded(texts: Any) -> bool:
    return bool(pc.any(pc.starts_with(texts, "'")).as_py())


def _text(texts: Any, _note: Mapping[str, Any]) -> pd.Series:
    return pd.Series(text_array([texts]))


def _integers(texts: Any, note: Mapping[str, Any]) -> pd.Series | None:
    """Whole numbers that would be written with the same characters."""
    numbers = pc.cast(texts, pa.int64())
    if not pc.cast(numbers, texts.type).equals(texts):
        return None
    if note[DTYPE] == "Int64":
        is_missing = np.array(numbers.is_null())
        return pd.Series(pd.arrays.IntegerArray(_filled(numbers, 1), is_missing))
    return None if numbers.null_count else csv_cells.typed(_filled(numbers, 0), note[DTYPE])


def _filled(numbers: Any, value: float) -> np.ndarray[Any, Any]:
    """Numbers in memory of their own, which may be written to, with *value* for a missing one."""
    return np.array(pc.fill_null(numbers, value))


def _floats(texts: Any, note: Mapping[str, Any]) -> pd.Series | None:
    """Numbers of digits, a point and an exponent; both read the float that is nearest."""
    characters, _ = bytes_and_places(texts)
    if not _IN_NUMBERS[characters].all():
        return None
    numbers = pc.cast(texts, pa.float64())
    return csv_cells.typed(_filled(numbers, np.nan), note[DTYPE])


def _truth_values(texts: Any, note: Mapping[str, Any]) -> pd.Series | None:
    is_true = pc.equal(texts, "True")
    is_either = pc.or_(is_true, pc.equal(texts, "False"))
    if texts.null_count or not pc.all(is_either).as_py():
        return None
    return csv_cells.typed(np.array(is_true), note[DTYPE])


def _category(texts: Any, note: Mapping[str, Any]) -> pd.Series | None:
    names = note[CATEGORIES][TEXTS]
    if CODES in note or not set(map(type, names)) <= {str}:
        return None
    codes = pc.index_in(texts, value_set=pa.array(names, texts.type))
    if codes.null_count > texts.null_count:
        return None
    categories = csv_cells.from_cells(names, note[CATEGORIES])
    return csv_cells.categorical(_filled(codes, -1), categories, ordered=note[ORDERED])


def _stamps(texts: Any, note: Mapping[str, Any]) -> pd.Series | None:
    """Timestamps without a zone or in UTC that have all the same number of digits."""
    form = csv_cells.STAMPS.fullmatch(note[DTYPE])
    characters, places = bytes_and_places(texts.drop_null())
    sizes = np.diff(places)
    if form is None or not len(sizes) or (sizes != sizes[0]).any():
        return None
    table = characters.reshape(len(sizes), -1)
    if form[2]:
        table, endings = table[:, : -len(_UTC)], table[:, -len(_UTC) :]
        if not np.array_equal(endings, np.broadcast_to(_UTC, (len(table), len(_UTC)))):
            return None
    if not _are_stamps(table):
        return None
    moments = np.full(len(texts), np.datetime64("NaT", "ns"))
    spelled = np.ascontiguousarray(table).view(f"S{table.shape[1]}")[:, 0]
    try:
        moments[np.array(texts.is_valid())] = spelled.astype("datetime64[ns]")
    except ValueError:  # the hour 25
        return None
    cut = csv_cells.in_unit(moments, form[1])
    return None if cut is None else csv_cells.typed(cut, note[DTYPE])


def _are_stamps(table: np.ndarray[Any, Any]) -> bool:
    """Whether lines of characters are timestamps of years that nanoseconds can represent."""
    chars = table.shape[1]
    if chars not in _STAMP_CHARS:
        return False
    is_digit, shape = _IS_DIGIT[:chars], _STAMP[:chars]
    digits = table[:, is_digit] - ord("0")  # of uint8, so that a smaller one is large
    if (digits > 9).any() or (table[:, ~is_digit] != shape[~is_digit]).any():  # noqa: PLR2004
        return False
    years = digits[:, :4] @ _YEAR
    return bool(years.min() >= csv_cells.FIRST_YEAR and years.max() < csv_cells.YEAR_AFTER_LAST)


def bytes_and_places(texts: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The bytes of Arrow text, and where each text begins and the last ends, from 0."""
    _, ends, data = texts.buffers()
    places = np.frombuffer(ends, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    block = np.frombuffer(data or b"", dtype=np.uint8)[places[0] : places[-1]]
    return block, places - places[0]


_READ: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], pd.Series | None]]] = {
    "text": _text,
    "category": _category,
    "i int64": _integers,
    "i Int64": _integers,
    "f float64": _floats,
    "b bool": _truth_values,
    "P": _stamps,
}
