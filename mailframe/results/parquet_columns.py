"""Columns of a frame as Arrow arrays and back, for Parquet; this file imports pyarrow."""

from __future__ import annotations

import base64
import datetime as dt
import zlib
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from mailframe.errors import ResultsError
from mailframe.results.csv_cells import categorical, from_cells
from mailframe.results.csv_kinds import (
    CATEGORIES,
    DTYPE,
    MISSING,
    MISSING_KIND,
    ORDERED,
    TEXTS,
    dtype_name,
    dtype_named,
    kind_of,
)
from mailframe.results.csv_texts import to_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailframe.message.row_names import RowNames
    from mailframe.results.csv_kinds import Note

_MISSING_OF_EACH: Final = "mailframe:missing"
_EXPONENTS: Final = "mailframe:exponents"
_FORM: Final = "mailframe:form"
_ARROW: Final = "arrow"
_FAULTS: Final = (pa.ArrowException, ValueError, TypeError, OverflowError)
_OF_OTHER_ROWS: Final = "another program has changed its rows, and not its metadata"
_MAX_SHOWN: Final = 60


class Place(NamedTuple):
    """The place of a column in a frame, for errors.

    Attributes:
        title: what the column is called.
        text: the code that makes it text.
        rows: the names of the rows.
    """

    title: str
    text: str
    rows: RowNames

    def refusal(self, what: str, *, row: int | None = None) -> ResultsError:
        """The error about something that Parquet cannot hold, in one row or in all."""
        where = self.title if row is None else f"{self.title}, {self.rows.of(row)}"
        return ResultsError(
            f"{where}: Parquet cannot hold {what}; write text in its place, as in {self.text}, "
            "drop the column, or use to_csv"
        )


def as_arrow(series: pd.Series, place: Place) -> tuple[Any, Note]:
    """A column as an Arrow array, with a note that says how to read it.

    Args:
        series: the column.
        place: its place in the frame.

    Raises:
        ResultsError: Arrow has no type for its values.
    """
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _category(series, place)
    if series.dtype == object:
        return _objects(series.tolist(), place)
    is_arrow = isinstance(series.dtype, pd.ArrowDtype)
    note: Note = {DTYPE: _ARROW if is_arrow else dtype_name(series.dtype, set())}
    try:
        return pa.array(series, from_pandas=True), note
    except _FAULTS as error:
        raise place.refusal(f"the dtype {series.dtype} ({error})") from error


def from_arrow(values: pa.ChunkedArray, note: Mapping[str, Any]) -> pd.Series:
    """The column that ``as_arrow`` made these values and this note of."""
    name = note[DTYPE]
    if name == "category":
        categories = from_cells(note[CATEGORIES][TEXTS], note[CATEGORIES])
        cells = from_arrow(values, note["values"])
        codes = pd.Index(categories, dtype=categories.dtype).get_indexer(cells)
        if (codes < 0).sum() > cells.isna().sum():
            raise ValueError("a value is not a category of its column")
        return categorical(codes, categories, ordered=note[ORDERED])
    if name == "object":
        return _objects_of(values, note)
    dtype: Any = pd.ArrowDtype(values.type) if name == _ARROW else dtype_named(name)
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return pd.Series(dtype.__from_arrow__(values))  # type: ignore[attr-defined] # all of pandas have it
    if dtype.kind == "O":
        return _objects_of(values, {MISSING_KIND: "n"})
    return values.to_pandas().astype(dtype)  # type: ignore[no-any-return]


def refuse_difference(written: pd.Series, read: pd.Series, place: Place) -> None:
    """Refuse a column that does not come back from the file as it is.

    Raises:
        ResultsError: with the first row that differs, or the dtype.
    """
    if written.dtype != read.dtype:
        raise place.refusal(f"the dtype {written.dtype}, which is {read.dtype} afterwards")
    if written.dtype != object and written.equals(read):
        return
    for position, (one, other) in enumerate(zip(written.tolist(), read.tolist(), strict=True)):
        if not _is_same(one, other):
            raise place.refusal(_shown(one), row=position)


def _shown(value: object) -> str:
    text = repr(value)
    text = text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"
    return f"the {type(value).__name__} {text}"


# --- categories ----------------------------------------------------------------------------------


def _category(series: pd.Series, place: Place) -> tuple[Any, Note]:
    """The values of a categorical column; the note has all categories in their order."""
    dtype: Any = series.dtype
    texts, note = to_cells(pd.Series(dtype.categories))
    values = pd.Series(dtype.categories.array.take(series.cat.codes.to_numpy(), allow_fill=True))
    array, of_values = as_arrow(values, place)
    if not from_cells(texts, note).equals(pd.Series(dtype.categories)):
        raise place.refusal(f"categories of dtype {dtype.categories.dtype}")
    return array, {
        DTYPE: "category",
        CATEGORIES: note | {TEXTS: texts},
        ORDERED: bool(dtype.ordered),
        "values": of_values,
    }


# --- objects -------------------------------------------------------------------------------------


def _objects(cells: list[Any], place: Place) -> tuple[Any, Note]:
    """The cells of an object column, whose values must have one Arrow type."""
    letters = "".join(kind_of(cell) if _is_missing(cell) else "." for cell in cells)
    kinds = set(letters) - {"."}
    plain = [None if letter != "." else cell for cell, letter in zip(cells, letters, strict=True)]
    if set(map(type, plain)) <= {str, type(None)} and dtype_name(np.dtype(object), kinds) == "str":
        return _array(plain, place, pa.large_string()), {DTYPE: "str"}
    note: Note = {DTYPE: "object"}
    if len(kinds) > 1:
        note[_MISSING_OF_EACH] = _packed(letters.encode())
    elif kinds:
        note[MISSING_KIND] = kinds.pop()
    array = _array(plain, place)
    if pa.types.is_decimal(array.type):
        exponents = [0 if cell is None else cell.as_tuple().exponent for cell in plain]
        if set(exponents) - {-array.type.scale}:
            note[_EXPONENTS] = _packed(np.array(exponents, dtype="<i4").tobytes())
    elif pa.types.is_nested(array.type) or pa.types.is_temporal(array.type):
        note[_FORM] = _form(plain, array)
    return array, note


def _array(cells: list[Any], place: Place, kind: pa.DataType | None = None) -> Any:
    try:
        return pa.array(cells, kind)
    except _FAULTS as error:
        row = _first_refused(cells)
        is_first = _is_refused([cells[row]])
        after = "" if is_first else " after the values above it, because a column has one type"
        raise place.refusal(_shown(cells[row]) + after, row=row) from error


def _first_refused(cells: list[Any]) -> int:
    """The first row with which the cells up to it have no Arrow type."""
    low, high = 0, len(cells)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _is_refused(cells[:middle]) else (middle, high)
    return high - 1


def _is_refused(cells: list[Any]) -> bool:
    try:
        pa.array(cells)
    except _FAULTS:
        return True
    return False


def _objects_of(values: pa.ChunkedArray, note: Mapping[str, Any]) -> pd.Series:
    cells = values.to_pylist()
    is_missing = [cell is None for cell in cells]
    form = _FORMS[note.get(_FORM, "")]
    if form is not None:
        cells = [None if cell is None else form(cell) for cell in cells]
    if _EXPONENTS in note:
        exponents = np.frombuffer(_unpacked(note[_EXPONENTS]), dtype="<i4").tolist()
        cells = [
            None if cell is None else _with_exponent(cell, exponent)
            for cell, exponent in zip(cells, exponents, strict=True)
        ]
    if _MISSING_OF_EACH in note:
        letters = _unpacked(note[_MISSING_OF_EACH]).decode()
        if is_missing != [letter in MISSING for letter in letters]:
            raise ValueError(_OF_OTHER_ROWS)
        cells = [MISSING.get(letter, cell) for letter, cell in zip(letters, cells, strict=True)]
    else:
        missing = MISSING[note.get(MISSING_KIND, "N")]
        cells = [missing if cell is None else cell for cell in cells]
    column = np.empty(len(cells), dtype=object)
    column[:] = cells
    return pd.Series(column, dtype=object)


def _with_exponent(number: Decimal, exponent: int) -> Decimal:
    written = number.quantize(Decimal((0, (1,), exponent)), context=Context(prec=100))
    if written != number:
        raise ValueError(_OF_OTHER_ROWS)
    return written


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


# --- forms of cells that Arrow gives back as another kind ----------------------------------------


def _pandas_times(value: Any) -> Any:
    """Timestamps and durations of pandas, also in lists and dicts."""
    if isinstance(value, list):
        return [_pandas_times(one) for one in value]
    if isinstance(value, dict):
        return {name: _pandas_times(one) for name, one in value.items()}
    if isinstance(value, dt.datetime):
        return pd.Timestamp(value)
    return pd.Timedelta(value) if isinstance(value, dt.timedelta) else value


_FORMS: Final[Mapping[str, Callable[[Any], Any] | None]] = {
    "": None,
    "pandas": _pandas_times,
    "tuple": lambda value: tuple(value) if isinstance(value, list) else value,
    "array": lambda value: np.array(value) if isinstance(value, list) else value,
}


def _form(cells: Sequence[Any], array: Any) -> str:
    """The form in which the cells are the same; "" if there is none."""
    read = array.to_pylist()
    for name, form in _FORMS.items():
        pairs = zip(cells, read, strict=True)
        if all(cell is None or _is_same(cell, form(one) if form else one) for cell, one in pairs):
            return name
    return ""


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or kind_of(value) == "n"


def _is_same(one: Any, other: Any) -> bool:  # noqa: PLR0911 - one return for each kind
    """Whether two cells are of one kind and have the same value, within lists and dicts too."""
    if isinstance(one, list | tuple):
        return (
            type(one) is type(other) and len(one) == len(other) and all(map(_is_same, one, other))
        )
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and list(one) == list(other)
            and all(map(_is_same, one.values(), other.values()))
        )
    if isinstance(one, np.ndarray):
        is_like = isinstance(other, np.ndarray) and one.dtype == other.dtype
        return (
            is_like
            and one.shape == other.shape
            and all(map(_is_same, one.tolist(), other.tolist()))
        )
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    if kind in MISSING:
        return True
    if isinstance(one, dt.datetime | dt.time | Decimal | float):
        return repr(one) == repr(other)  # also the zone, the exponent and the sign of zero
    return bool(one == other)
