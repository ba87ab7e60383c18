"""Columns of a frame from the texts of CSV cells and the note of each column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import DecimalException
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.message.text_arrays import from_texts, text_array
from mailframe.pandas_versions import text_dtype
from mailframe.results.csv_kinds import (
    CATEGORIES,
    CODES,
    DTYPE,
    KIND,
    KIND_OF_EACH,
    KINDS,
    MISSING,
    MISSING_KIND,
    ORDERED,
    TEXT,
    TEXTS,
    dtype_named,
)
from mailframe.results.csv_texts import unshield

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mailframe.results.csv_arrow import ArrowCells
    from mailframe.results.csv_kinds import Texts

_Array: TypeAlias = "np.ndarray[Any, Any]"
Cells: TypeAlias = "list[str] | tuple[str, ...] | ArrowCells"
"""The cells of some rows of a column as they are in the file."""
_UNREADABLE: Final = (ValueError, KeyError, TypeError, SyntaxError, OverflowError, DecimalException)
STAMPS: Final = re.compile(r"datetime64\[(s|ms|us|ns)(, UTC)?\]")
_FORM: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6}(?:[0-9]{3})?)?"
_WRITTEN: Final = re.compile(rf"{_FORM}(?:\n{_FORM})*+")
_WRITTEN_UTC: Final = re.compile(rf"{_FORM}\+00:00(?:\n{_FORM}\+00:00)*+")
FIRST_YEAR, YEAR_AFTER_LAST = 1678, 2262
"""Years that nanoseconds can represent."""


def from_cells(texts: Texts, note: Mapping[str, Any]) -> pd.Series:
    """The column that ``to_cells`` made these texts and this note of.

    Raises:
        ResultsError: a text does not fit the note; the message names the row and the text.

    Examples:
        >>> from mailframe.results.csv_texts import to_cells
        >>> from_cells(*to_cells(pd.Series([7, None], dtype="Int64"))).tolist()
        [7, <NA>]
    """
    name = note[DTYPE]
    if name == "category":
        return _category(texts, note)
    values = _values(texts, note)
    return pd.Series(values, dtype=object) if name == "object" else typed(values, name)


class ColumnReader:
    """A column that is read some rows at a time, from the first row to the last.

    Args:
        note: the note of the column.
        rows: the number of all rows.

    Raises:
        ValueError: the note is of a column of another length.
    """

    def __init__(self, note: Mapping[str, Any], *, rows: int) -> None:
        self._note = dict(note)
        self._next = 0
        self._pieces: list[pd.Series] = []
        self._per_row = {name: note[name] for name in (KIND_OF_EACH, CODES) if name in note}
        for values in self._per_row.values():
            if len(values) != rows:
                raise ValueError(f"{len(values):,} kinds for {rows:,} rows")

    def add(
        self, cells: list[str] | tuple[str, ...] | ArrowCells, *, null: str, unshielded: bool
    ) -> None:
        """Read the cells of the next rows.

        Args:
            cells: the cells as they are in the file.
            null: the text of a missing value.
            unshielded: whether ``shield`` may have put a ``'`` in front of texts.

        Raises:
            ResultsError: a text does not fit the note.
            KeyError, TypeError, ValueError, IndexError, AttributeError: the note is damaged.
        """
        start, self._next = self._next, self._next + len(cells)
        part = {name: values[start : self._next] for name, values in self._per_row.items()}
        note = self._note | part
        if isinstance(cells, list | tuple):
            texts = with_missing(cells, null=null, unshielded=unshielded)
            self._pieces.append(from_cells(texts, note))
        else:
            self._pieces.append(cells.column(note, null=null, unshielded=unshielded))

    def column(self) -> pd.Series:
        """The column of all rows that were added; it can be asked for once.

        Raises:
            ValueError: its pieces do not have one dtype.
        """
        pieces, self._pieces = self._pieces, []
        if len(pieces) == 1:
            return pieces[0]
        whole: pd.Series = pd.concat(pieces, ignore_index=True)
        if whole.dtype != pieces[0].dtype:
            raise ValueError(f"{whole.dtype} is not {pieces[0].dtype}")
        return whole


def _values(texts: Texts, note: Mapping[str, Any]) -> Sequence[object] | _Array:
    missing = MISSING[note.get(MISSING_KIND, "N")] if note[DTYPE] == "object" else None
    if note.get(KIND) == TEXT and missing is None:
        return texts
    if KIND in note:
        quick = _quick_values(texts, note[KIND], note[DTYPE], missing)
        if quick is not None:
            return quick
    letters = note[KIND_OF_EACH] if KIND_OF_EACH in note else note[KIND] * len(texts)
    if len(letters) != len(texts):
        raise ValueError(f"{len(letters):,} kinds for {len(texts):,} rows")
    values: list[object] = []
    try:
        for letter, text in zip(letters, texts, strict=True):
            values.append(
                MISSING.get(letter, missing) if text is None else KINDS[letter].read(text)
            )
    except _UNREADABLE:
        row = len(values)
        name = KINDS[letters[row]].name if letters[row] in KINDS else "missing value"
        raise _misfit(row, texts[row], f"a valid {name}") from None
    return values


def _quick_values(
    texts: Texts, kind: str, dtype: str, missing: object
) -> list[object] | _Array | None:
    """The values of many texts of one kind; None where they must be read one by one.

    Args:
        texts: the cells of a column.
        kind: the letter of their kind.
        dtype: the name of the dtype of the column.
        missing: the missing value of an object column.
    """
    present = [text for text in texts if text is not None]
    with suppress(*_UNREADABLE):
        if kind == "P" and missing is None:
            return _quick_stamps(texts, present, dtype)
        read = _QUICK.get(kind)
        if read is not None and "_" not in "".join(present):
            if len(present) == len(texts):
                return list(map(read, present))
            return [missing if text is None else read(text) for text in texts]
    return None


_QUICK: Final[Mapping[str, Callable[[str], object]]] = {
    "b": KINDS["b"].read,
    "i": int,
    "f": float,
}


def _quick_stamps(texts: Texts, present: Sequence[str], dtype: str) -> _Array | None:
    """Timestamps without a zone or in UTC, as ``csv_texts.py`` writes them.

    numpy reads the same timestamps as pandas if they have this form and are in the years that
    nanoseconds can represent.
    """
    name = STAMPS.fullmatch(dtype)
    if not name or not present:
        return None
    ending = "+00:00" if name[2] else ""
    written = _WRITTEN_UTC if name[2] else _WRITTEN
    lines = "\n".join(present)
    if not written.fullmatch(lines) or not _in_range(present):
        return None
    moments = np.full(len(texts), np.datetime64("NaT", "ns"))
    is_present = [text is not None for text in texts]
    moments[is_present] = np.array([text.removesuffix(ending) for text in present], dtype="M8[ns]")
    return in_unit(moments, name[1])


def _in_range(stamps: Sequence[str]) -> bool:
    return min(stamps) >= str(FIRST_YEAR) and max(stamps) < str(YEAR_AFTER_LAST)


def in_unit(moments: _Array, unit: str) -> _Array | None:
    """Timestamps in nanoseconds in another unit; None if that would cut one."""
    cut: _Array = moments.astype(f"datetime64[{unit}]")
    same = (cut == moments) | np.isnat(moments)
    return cut if same.all() else None


def _misfit(row: int, text: str | None, what: str) -> ResultsError:
    shown = "a missing value" if text is None else repr(text)
    return ResultsError(f"row {row}: {shown} is not {what}")


def typed(values: Sequence[object] | _Array, name: str) -> pd.Series:
    """Values as a column of the dtype that has this name in a note.

    Raises:
        ResultsError: a value does not fit the dtype.
    """
    dtype = dtype_named(name)
    is_plain = isinstance(dtype, np.dtype) and dtype.kind in "biu" and isinstance(values, Sequence)
    if is_plain and None in values:
        # pandas would read a missing value in a bool column as False.
        raise _misfit(list(values).index(None), None, f"a valid {name}")
    if dtype == text_dtype() and isinstance(values, list | tuple):
        return pd.Series(text_array([from_texts(values)]))
    try:
        if is_plain:  # pd.array would make floats of numbers on both sides of 2**63
            values = np.array(values, dtype=dtype)
        return pd.Series(pd.array(values, dtype=dtype))
    except pd.errors.OutOfBoundsTimedelta:  # pandas 2 makes nanoseconds of each value first
        return _long_durations(values, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ResultsError(f"a cell does not fit the dtype {name}: {error}") from error


def _long_durations(values: Iterable[Any], dtype: np.dtype[Any]) -> pd.Series:
    unit, missing = np.datetime_data(dtype)[0], np.timedelta64("NaT")
    cells = [missing if value is None else value.as_unit(unit).to_numpy() for value in values]
    return pd.Series(np.array(cells, dtype=dtype))


def _category(texts: Texts, note: Mapping[str, Any]) -> pd.Series:
    names = note[CATEGORIES][TEXTS]
    code_of = {name: code for code, name in enumerate(names)} | {None: -1}
    codes = list(map(code_of.get, texts))
    if None in codes:
        row = codes.index(None)
        raise _misfit(row, texts[row], "a category of this column")
    codes = note.get(CODES, codes)
    categories = from_cells(names, note[CATEGORIES])
    return categorical(codes, categories, ordered=note[ORDERED])


def categorical(
    codes: Sequence[int] | _Array, categories: pd.Series, *, ordered: bool
) -> pd.Series:
    """A categorical column of codes, -1 for a missing value."""
    index = pd.Index(categories, dtype=categories.dtype)
    dtype = pd.CategoricalDtype(index, ordered=ordered)
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))


def with_missing(texts: Sequence[str], *, null: str = "", unshielded: bool) -> Texts:
    """The cells of a file with None instead of *null*, and without what ``shielded`` added."""
    restored = list(map(unshield, texts) if unshielded else texts)
    if null not in restored:
        return restored
    return [None if text == null else text for text in restored]
