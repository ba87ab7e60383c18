"""Columns of a frame whose cells templates read as plain Python values.

``letter/plain_values.py`` says what these values are; ``letter/jinja/printing.py`` prints them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mailframe.letter.jinja.printing import UnprintableValue, as_printed
from mailframe.letter.jinja.values import (
    EXACT_FLOAT,
    Missing,
)
from mailframe.letter.row_functions import RowCell
from mailframe.message.arrow_columns import with_fast_cells
from mailframe.message.plain_values import exact_up_to, float_type, plain
from mailframe.notebook import rows_bar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Column:
    """One column, and how its cells are read.

    Attributes:
        name: the name in templates.
        series: the cells, in the frame's order.
        integral: whether this is a float column of whole numbers, whose cells are read as int.
            pandas turns an int column with missing values into float, and a template should not
            print "5.0 seats".
        raw: whether the cells are used as they are; for bytes and paths, which no template sees.
        categories: the values of a categorical column, whose ``series`` then holds the codes. The
            last one is the missing value (-1).

    >>> Column.of("seats", pd.Series([5.0, np.nan])).cells(0, 1)
    [5]
    """

    name: object
    series: pd.Series[Any]
    integral: bool = False
    raw: bool = False
    categories: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, name: object, series: pd.Series[Any]) -> Column:
        """The column; all of its rows decide once how its cells are read."""
        if isinstance(series.dtype, pd.CategoricalDtype):
            categories = cls.of(name, pd.Series(series.cat.categories))
            values = categories.cells(0, len(categories.series))
            return cls(name, series.cat.codes, categories=(*values, Missing(name)))
        series = with_fast_cells(series)
        return cls(name, series, integral=is_integral(series))

    def take(self, positions: Sequence[int]) -> Column:
        """The column of some rows, in this order; as ``Series.take``."""
        return replace(self, series=self.series.iloc[list(positions)])

    def cells(self, start: int, stop: int) -> list[Any]:  # noqa: PLR0911 - one per type
        """The plain cells of the rows ``start`` to ``stop``, one per row."""
        part = self.series.iloc[start:stop]
        values = part.tolist()
        if self.raw:
            return values
        if self.categories is not None:
            return [self.categories[code] for code in values]
        if self.integral:
            missing = Missing(self.name)
            return [int(v) if v is not pd.NA and v == v else missing for v in values]  # noqa: PLR0124 - NaN
        if isinstance(part.dtype, np.dtype) and part.dtype.kind in "biu":
            return values
        if isinstance(part.dtype, pd.StringDtype):
            return self._texts(part, values)
        if pd.api.types.is_float_dtype(part.dtype):
            return self._floats(part, values)
        if isinstance(part.dtype, np.dtype) and part.dtype.kind == "M":
            missing = Missing(self.name)
            # the year 20000 fails here, and plain refuses it row by row
            with suppress(ValueError, OverflowError):
                return [missing if v is pd.NaT else v.to_pydatetime(warn=False) for v in values]
        if values and type(values[0]) is RowCell:
            return self._made(values)
        return [plain(value, column=self.name) for value in values]

    def cell(self, position: int) -> Any:
        """The plain cell of one row; the same as ``cells``, without a Series of one row."""
        dtype = self.series.dtype
        if self.raw or isinstance(dtype, pd.SparseDtype):
            return self.cells(position, position + 1)[0]
        value = self.series.array[position]
        if self.categories is not None:
            return self.categories[value]
        if isinstance(dtype, pd.StringDtype):
            return value if type(value) is str else Missing(self.name)
        if isinstance(dtype, np.dtype):
            if dtype.kind in "biu":
                return value.item()
            if dtype == np.float64 and (value != value or abs(value) <= EXACT_FLOAT):  # noqa: PLR0124 - NaN
                number = Missing(self.name) if value != value else value.item()  # noqa: PLR0124
                return int(number) if self.integral and type(number) is float else number
        return self.cells(position, position + 1)[0]

    def _made(self, values: list[Any]) -> list[Any]:
        """What functions of the user make, which may take long."""
        RowCell.prepare(values)
        doing, count = str(getattr(self.name, "field", self.name)), len(values)
        with rows_bar(doing, count, shown=count > 1) as bar:
            made = []
            for value in values:
                made.append(plain(value, column=self.name))
                bar.update()
        return made

    def _floats(self, part: pd.Series[Any], values: list[Any]) -> list[Any]:
        if part.dtype == np.float64 and not (part.abs() > EXACT_FLOAT).any():
            missing = Missing(self.name)
            return [v if v == v else missing for v in values]  # noqa: PLR0124 - NaN
        # ``tolist`` gives Python floats, such as 0.10000000149011612 for 0.1
        kind = float_type(part.dtype)
        return [plain(v if v is pd.NA else kind(v), column=self.name) for v in values]

    def _texts(self, part: pd.Series[Any], values: list[Any]) -> list[Any]:
        if not part.hasnans:
            return values
        missing = Missing(self.name)
        return [v if type(v) is str else missing for v in values]


def is_integral(series: pd.Series[Any]) -> bool:
    """Whether a column has floats, and all of them are whole numbers that are exact."""
    if not pd.api.types.is_float_dtype(series.dtype):
        return False
    values = series.dropna().to_numpy(dtype="float64")
    limit = exact_up_to(series.dtype)
    is_whole = (np.abs(values) <= limit).all() and (values == np.floor(values)).all()
    return bool(len(values) and is_whole)


def printed(value: Any) -> str:
    """A plain value as a template prints it; one that templates refuse to print, as Python does.

    >>> printed(5.0), printed(["a"])
    ('5', "['a']")
    """
    try:
        return str(as_printed(value))
    except UnprintableValue:
        return str(value)


def rows(columns: Sequence[Column], start: int, stop: int) -> Iterator[dict[Any, Any]]:
    """One new dict of plain cells per row, from ``start`` to ``stop``.

    >>> list(rows([Column.of("plan", pd.Series(["team", "free"]))], 0, 2))
    [{'plan': 'team'}, {'plan': 'free'}]
    """
    names = [column.name for column in columns]
    if not names:
        yield from ({} for _ in range(start, stop))
        return
    if stop == start + 1:
        yield {column.name: column.cell(start) for column in columns}
        return
    for values in zip(*(column.cells(start, stop) for column in columns), strict=True):
        yield dict(zip(names, values, strict=True))
