"""Columns of Arrow: tables as DataFrames without a cell that changes, and the other way round."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import FrameError, MissingExtra
from mailframe.pandas_versions import as_dtype, has_text_dtype, own_copy, str_dtype, text_labels
from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN_TYPE: Final = 60
"""Characters of a type in an error text; that of a struct has all of its fields."""
_TIMES: Final = ("date", "timestamp", "duration")
"""What is in the names of types some of whose values Python cannot hold, such as the year 20000."""
_CHUNK_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class ValueOutOfRange:
    """A cell of Arrow that Python cannot hold, such as an infinite date of DuckDB.

    Attributes:
        kind: its type.
    """

    kind: str

    def __repr__(self) -> str:
        return f"{self.kind} out of range"


def arrow(what: str, *, extra: str = "arrow") -> Any:
    """The package pyarrow.

    Args:
        what: what needs it, for the error.
        extra: the extra that installs it.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtra(what, extra) from None
    return pa


# --- from Arrow -----------------------------------------------------------------------------------


def frame_of(table: Any, *, fast: bool = False) -> pd.DataFrame:
    """A DataFrame with the columns of a table in Arrow's own dtypes; the index counts the rows.

    Whole numbers stay exact, with missing values too; lists stay lists, and structs dicts.

    Args:
        table: a ``pyarrow.Table``; what pandas has noted in its schema is not used.
        fast: whether to give each column the dtype of ``with_fast_cells``, as pandas has after it
            has read a file.

    Raises:
        FrameError: cells of a column cannot be read, such as times of an unknown time zone.

    >>> import pyarrow as pa
    >>> frame_of(pa.table({"id": [1152921504606846977, None]}))["id"].tolist()
    [1152921504606846977, <NA>]
    """
    columns = {
        place: _as_read(_series(name, column)) if fast else _series(name, column)
        for place, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True))
    }
    frame = pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows), copy=False)
    frame.columns = text_labels(table.column_names)
    return frame


def _as_read(series: pd.Series[Any]) -> pd.Series[Any]:
    series = with_fast_cells(series)
    is_text = isinstance(series.dtype, pd.StringDtype)
    return as_dtype(series, "str") if is_text and not has_text_dtype() else series


def _series(name: str, column: Any) -> pd.Series[Any]:
    kind = _plain_type(column.type)
    try:
        cells = column if kind == column.type else _cast(column, kind)
        series: pd.Series[Any] = pd.Series(pd.arrays.ArrowExtensionArray(cells), copy=False)
        if not _is_of_pandas(series.dtype):
            return pd.Series(cells.to_pylist(), dtype=object)
        if not _is_readable(cells, kind):
            return _in_python(cells, kind)
        with suppress(OverflowError):  # a value that Python cannot hold is a problem of its row
            with_fast_cells(series.iloc[:1]).tolist()  # fails for a type that it cannot read
    except Exception as error:
        raise FrameError(
            f"the column {name!r} has the Arrow type {str(kind)[:_SHOWN_TYPE]}, which cannot be "
            f"read ({shown(str(error))}); cast or drop it"
        ) from error
    return series


def _is_readable(cells: Any, kind: Any) -> bool:
    """Whether Python can hold each date, and what is in lists; pandas reads times by itself."""
    pa = arrow("Arrow")
    is_nested = pa.types.is_nested(kind)
    if not (pa.types.is_date(kind) or (is_nested and any(one in str(kind) for one in _TIMES))):
        return True
    try:
        if is_nested:
            for first in range(0, len(cells), _CHUNK_ROWS):
                cells.slice(first, _CHUNK_ROWS).to_pylist()
        else:
            pa.compute.min_max(cells).as_py()
    except (OverflowError, ValueError):
        return False
    return True


def _in_python(cells: Any, kind: Any) -> pd.Series[Any]:
    """A column of Python objects; a ``ValueOutOfRange`` for a cell that Python cannot hold."""
    values: list[Any] = []
    for cell in cells:
        try:
            values.append(cell.as_py())
        except (OverflowError, ValueError):
            values.append(ValueOutOfRange(str(kind)[:_SHOWN_TYPE]))
    return pd.Series(values, dtype=object)


def _is_of_pandas(dtype: Any) -> bool:
    """Whether pandas can use a column of an Arrow type; it cannot use intervals."""
    try:
        return dtype.type is not None
    except NotImplementedError:
        return False


def _plain_type(kind: Any) -> Any:  # noqa: PLR0911 - one per type
    """The type that a column is cast to: one that pandas can take rows of, with the same values."""
    pa = arrow("Arrow")
    types = pa.types
    if types.is_string_view(kind):
        return pa.large_string()
    if types.is_binary_view(kind):
        return pa.large_binary()
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type)
    if types.is_large_list(kind) or types.is_list_view(kind) or types.is_large_list_view(kind):
        return pa.large_list(kind.value_field.with_type(_plain_type(kind.value_type)))
    if types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain_type(kind.value_type)))
    if types.is_fixed_size_list(kind):
        inside = kind.value_field.with_type(_plain_type(kind.value_type))
        return pa.list_(inside, kind.list_size)
    if types.is_struct(kind):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if types.is_decimal(kind) and kind.bit_width < pa.decimal128(1).bit_width:
        return pa.decimal128(kind.precision, kind.scale)  # pandas 2 has no smaller ones
    return kind


def _cast(column: Any, kind: Any) -> Any:
    pa = arrow("Arrow")
    try:
        if "list_view" not in str(column.type):  # pyarrow 18 ends the process at some of them
            return column.cast(kind)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        pass
    return pa.chunked_array([pa.array(column.to_pylist(), kind)], kind)


def with_fast_cells(series: pd.Series[Any]) -> pd.Series[Any]:
    """A column of Arrow in a dtype of pandas or NumPy with the same cells, if there is one.

    They are read in a fraction of the time, and a cell that Python cannot hold is a problem of its
    row. Another column is returned as it is.
    """
    if not isinstance(series.dtype, pd.ArrowDtype):
        return series
    pa = arrow("Arrow")
    types, kind = pa.types, _plain_type(series.dtype.pyarrow_dtype)
    cells = pa.array(series.array)
    if kind != cells.type:  # such as texts of a view, which pandas cannot use
        cells = _cast(cells, kind)
        plain: Any = pd.arrays.ArrowExtensionArray(cells)
        series = pd.Series(plain, series.index, name=series.name, copy=False)
    if types.is_string(kind) or types.is_large_string(kind):
        texts: Any = str_dtype("pyarrow") if has_text_dtype() else pd.StringDtype("pyarrow")
        return pd.Series(texts.__from_arrow__(cells), series.index, name=series.name, copy=False)
    is_number = types.is_integer(kind) or types.is_boolean(kind)
    is_time = types.is_timestamp(kind) or types.is_duration(kind)
    if not (is_number or is_time or types.is_floating(kind)):
        if _is_readable(cells, kind):
            return series
        return pd.Series(_in_python(cells, kind).array, series.index, name=series.name)
    has_gaps = is_number and cells.null_count
    dtype = pd.api.types.pandas_dtype(_nullable(kind)) if has_gaps else None
    fast: pd.Series[Any] = cells.to_pandas(types_mapper={kind: dtype}.get)
    fast.index, fast.name = series.index, series.name
    return fast


def with_usable_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of pandas whose rows can be chosen and read, which not all types of Arrow allow.

    Texts of a view and the like are cast to a type with the same values, and a column with a date
    that Python cannot hold has Python objects. A frame without such columns is returned as it is.
    """
    usable: pd.DataFrame | None = None
    for place, dtype in enumerate(frame.dtypes):
        if isinstance(dtype, pd.ArrowDtype):
            column = frame.iloc[:, place]
            made = _usable(column, dtype.pyarrow_dtype)
            if made is not column:
                usable = own_copy(frame) if usable is None else usable
                usable.isetitem(place, made.array)
    return frame if usable is None else usable


def _usable(column: pd.Series[Any], kind: Any) -> pd.Series[Any]:
    cells = arrow("Arrow").array(column.array)
    if not _is_readable(cells, kind):
        return _in_python(cells, kind)
    try:
        column.array.take([0] if len(column) else [])
        can_be_taken = _is_of_pandas(column.dtype)
    except NotImplementedError:
        can_be_taken = False
    if can_be_taken:
        return column
    made: Any = pd.arrays.ArrowExtensionArray(_cast(cells, _plain_type(kind)))
    return pd.Series(made, copy=False)


def _nullable(kind: Any) -> str:
    """The dtype of pandas for whole numbers or booleans of an Arrow type, with missing values.

    >>> import pyarrow as pa
    >>> _nullable(pa.uint8()), _nullable(pa.bool_())
    ('UInt8', 'boolean')
    """
    name = str(kind)
    return "boolean" if name == "bool" else name.replace("int", "Int").replace("uI", "UI")


# --- to Arrow -------------------------------------------------------------------------------------


def table_of(frame: pd.DataFrame) -> Any:
    """The columns of a frame of ours as a table; the index is left out.

    Args:
        frame: columns whose cells are texts, numbers, times, lists or dicts; labels of different
            types become texts.
    """
    pa = arrow("Arrow")
    columns = [_array(frame.iloc[:, place]) for place in range(frame.shape[1])]
    names: Sequence[str] = list(map(str, frame.columns))
    return pa.table(columns, names=names) if columns else pa.table({})


def _array(series: pd.Series[Any]) -> Any:
    pa = arrow("Arrow")
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if pd.isna(cell) else str(cell) for cell in series], pa.string())
