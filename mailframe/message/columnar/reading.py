"""Reads the columns of a frame for one chunk of rows after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from mailframe.message.cells import Column

_AHEAD_ROWS: Final = 2_500
"""Texts are read for this many rows at once, which takes a third of the time."""
_AHEAD_CHARACTERS: Final = 1_000_000
"""About the characters of a column that are read at once, at most, for rows after the chunk."""
_BITS: Final = {
    **{f"M8[{unit}]": "int64" for unit in ("s", "ms", "us", "ns")},
    **{f"{kind}{size}": f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)},
    "b1": "bool",
    "f8": "int64",
}
"""For the dtypes of numpy whose cells have their bits as keys: the dtype of these bits."""


class ColumnReader:
    """Reads the cells of one column.

    Args:
        column: the column of the bound letter.
    """

    def __init__(self, column: Column) -> None:
        self._column = column
        self._reads_ahead = isinstance(column.series.dtype, pd.StringDtype) and not column.raw
        self._ahead_rows = 0  # until the first texts show how long they are
        self._first, self._read = 0, list[Any]()
        self._bits = None if column.raw else _bits(column.series)

    def cells(self, start: int, stop: int) -> list[Any]:
        """The plain cells of some rows, as ``Column.cells`` makes them."""
        if not self._reads_ahead:
            return self._column.cells(start, stop)
        if start < self._first or stop > self._first + len(self._read):
            end = min(max(start + self._ahead_rows, stop), len(self._column.series))
            self._first, self._read = start, self._column.cells(start, end)
            characters = sum([len(cell) for cell in self._read if type(cell) is str])
            fitting = len(self._read) * _AHEAD_CHARACTERS // max(1, characters)
            self._ahead_rows = min(_AHEAD_ROWS, fitting)
        return self._read[start - self._first : stop - self._first]

    def numbers(self, start: int, stop: int) -> list[int] | None:
        """The bits of numbers and times; None for a column of anything else.

        ``0.0`` and ``-0.0`` differ, as do two hours of a fold.
        """
        if self._bits is None:
            return None
        numbers: list[int] = self._bits[start:stop].tolist()
        return numbers


def _bits(series: pd.Series[Any]) -> np.ndarray[Any, Any] | None:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert(None)
    values = series.to_numpy() if isinstance(series.dtype, np.dtype) else None
    if values is None or values.dtype.str[1:] not in _BITS:
        return None
    bits: np.ndarray[Any, Any] = values.view(_BITS[values.dtype.str[1:]])
    return bits
