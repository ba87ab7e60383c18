"""What a cell of a frame becomes in a template: a plain Python value, or a gap that cannot be printed.

Templates only ever see str, int, float, bool, Decimal, date, datetime, time, timedelta, and lists and dicts of
those. A sandbox does not protect pandas and numpy objects (``row.to_csv(path)`` would write a file), so none
of them gets in. How a plain value is printed is told in ``letter/jinja/printing.py``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from mailframe.letter.jinja.values import EXACT_FLOAT, Missing, RoundedFloat, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_NESTING: Final = 20
"""Lists in lists in a cell; deeper ones are refused, and so are lists that hold themselves."""
MAX_MAGNITUDE: Final = 60
"""Digits of a Decimal before or after its point; the arithmetic of larger ones can take hours."""
MAX_INT_BITS: Final = 100_000
"""Of an int; Python prints none of more than 4,300 digits, and the arithmetic of larger ones can take hours."""


def plain(value: Any, *, column: object, depth: int = 0) -> Any:  # noqa: PLR0911 - one return for each kind
    """One cell as a plain Python value, a Missing or an Unsupported; nothing is ever ``str(object)`` by accident.

    Args:
        value: the cell, as pandas hands it out.
        column: its name, for the error that a template gets.
        depth: of lists in lists, so far.

    >>> plain(np.int64(5), column="seats"), plain(pd.Timestamp("2026-11-22 09:30"), column="login")
    (5, datetime.datetime(2026, 11, 22, 9, 30))
    >>> plain(pd.NaT, column="login").__class__.__name__, plain(b"PDF", column="raw").__class__.__name__
    ('Missing', 'Unsupported')
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return _from_int(value, column=column)
    if kind is float or isinstance(value, np.floating):
        return _from_float(value, column=column)
    if value is None or value is pd.NaT or value is pd.NA or value is np.ma.masked:
        return Missing(column)
    if isinstance(value, list | tuple | dict | np.ndarray | ExtensionArray):
        return _from_collection(value, column=column, depth=depth)
    for base, convert in _CONVERTERS:
        if isinstance(value, base):
            try:
                return plain(convert(value), column=column)
            except (ValueError, OverflowError):  # the year 20000, 10**15 seconds
                return Unsupported(column, f"{kind.__name__} that Python cannot hold", value=value)
    if isinstance(value, Decimal):
        return _from_decimal(value, column=column)
    return _from_other(value, column=column, depth=depth)


_PLAIN: Final = frozenset({str, bool, dt.date, dt.datetime, dt.time, dt.timedelta, RoundedFloat})


_CONVERTERS: Final[tuple[tuple[type, Any], ...]] = (
    (np.datetime64, pd.Timestamp),
    (np.timedelta64, pd.Timedelta),
    (np.integer, int),
    (np.bool_, bool),
    (str, str.__str__),  # also Markup: what a cell calls safe is data like any other
    (int, int.__int__),
    (float, float.__float__),
    (pd.Timestamp, lambda value: value.to_pydatetime(warn=False)),
    (pd.Timedelta, lambda value: value.to_pytimedelta()),
    (dt.datetime, lambda value: dt.datetime.combine(value.date(), value.timetz())),
    (dt.date, lambda value: dt.date(value.year, value.month, value.day)),
    (dt.timedelta, lambda value: dt.timedelta(value.days, value.seconds, value.microseconds)),
    (uuid.UUID, str),
)
"""What is no plain type but stands for one; the first that fits is taken."""


def _from_other(value: Any, *, column: object, depth: int) -> Any:
    kind = type(value)
    if kind.__module__.partition(".")[0] == "pyarrow" and hasattr(
        value, "as_py"
    ):  # a scalar, such as a list
        return plain(value.as_py(), column=column, depth=depth)
    if isinstance(value, set | frozenset):
        return Unsupported(
            column,
            kind.__name__,
            value=value,
            way="its order is not fixed; make it a list with sorted",
        )
    return Unsupported(column, kind.__name__, value=value)


def _from_int(value: int, *, column: object) -> Any:
    if value.bit_length() > MAX_INT_BITS:
        return Unsupported(column, "whole number of more than 30,000 digits", value=value)
    return value


def _from_float(value: Any, *, column: object) -> Any:
    if value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return Missing(column)
    as_written = (
        value if type(value) is float else float(str(value))
    )  # float32 0.1 is not 0.10000000149011612
    is_rounded = abs(value) > _exact_up_to(type(value).__name__) and as_written.is_integer()
    return RoundedFloat(as_written) if is_rounded else as_written


@cache
def _exact_up_to(dtype: str) -> int:
    """The whole number up to which floats of a dtype are exact: 2,048 for float16, 16,777,216 for float32."""
    return min(EXACT_FLOAT, 1 << int(np.finfo(dtype).nmant) + 1)


def _from_decimal(value: Decimal, *, column: object) -> Any:
    if value.is_nan():
        return Missing(column)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and max(value.adjusted(), -exponent) > MAX_MAGNITUDE:
        return Unsupported(column, f"Decimal of more than {MAX_MAGNITUDE} digits", value=value)
    return Decimal(value)


def _from_collection(value: Any, *, column: object, depth: int) -> Any:
    if depth >= MAX_NESTING:
        return Unsupported(
            column, f"{type(value).__name__} nested more than {MAX_NESTING} deep", value=value
        )
    if isinstance(value, np.ndarray):
        value = value if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
        if value.ndim == 0:
            return plain(value[()], column=column, depth=depth + 1)
    if not isinstance(value, dict):
        return [plain(item, column=column, depth=depth + 1) for item in value]
    made = {}
    for key, item in value.items():
        name = plain(key, column=column)
        if not isinstance(name, str | int):
            return Unsupported(column, f"dict with a {type(key).__name__} as key", value=value)
        made[name] = plain(item, column=f"{column}.{name}", depth=depth + 1)
    return made


@dataclass(frozen=True, slots=True)
class Column:
    """One column, and how its cells are read.

    Attributes:
        name: what the template calls it.
        series: the cells, in the frame's order.
        integral: a float column whose every value is a whole number; its cells are read as int. pandas
            turns an int column with a gap into float, and "5.0 seats" is nobody's wish.
        raw: the cells are handed on as they are; for bytes and paths, which no template sees.
        categories: of a categorical column, whose ``series`` then holds the codes; the last one is the gap (-1).

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
        """The column, with its kind settled over all rows once."""
        if isinstance(series.dtype, pd.CategoricalDtype):
            categories = cls.of(name, pd.Series(series.cat.categories))
            known = categories.cells(0, len(categories.series))
            return cls(name, series.cat.codes, categories=(*known, Missing(name)))
        return cls(name, series, integral=_is_integral(series))

    def take(self, positions: Sequence[int]) -> Column:
        """The column with the cells of these rows only, in this order."""
        return replace(self, series=self.series.iloc[list(positions)])

    def cells(self, start: int, stop: int) -> list[Any]:  # noqa: PLR0911 - one return for each kind
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
            with suppress(
                ValueError, OverflowError
            ):  # the year 20000, which only plain can refuse row by row
                return [missing if v is pd.NaT else v.to_pydatetime(warn=False) for v in values]
        return [plain(value, column=self.name) for value in values]

    def _floats(self, part: pd.Series[Any], values: list[Any]) -> list[Any]:
        if part.dtype == np.float64 and not (part.abs() > EXACT_FLOAT).any():
            missing = Missing(self.name)
            return [v if v == v else missing for v in values]  # noqa: PLR0124 - NaN
        kind = _float_type(
            part.dtype
        )  # ``tolist`` gives Python floats, and with them 0.10000000149011612 for 0.1
        return [plain(v if v is pd.NA else kind(v), column=self.name) for v in values]

    def _texts(self, part: pd.Series[Any], values: list[Any]) -> list[Any]:
        if not part.hasnans:
            return values
        missing = Missing(self.name)
        return [v if type(v) is str else missing for v in values]


def _float_type(dtype: Any) -> Any:
    """The numpy type of a float dtype, whether it is numpy's, pandas' own, sparse or of Arrow."""
    return np.dtype(getattr(dtype, "subtype", getattr(dtype, "numpy_dtype", dtype))).type


def _is_integral(series: pd.Series[Any]) -> bool:
    if not pd.api.types.is_float_dtype(series.dtype):
        return False
    known = series.dropna().to_numpy(dtype="float64")
    limit = _exact_up_to(_float_type(series.dtype).__name__)
    return bool(len(known) and (np.abs(known) <= limit).all() and (known == np.floor(known)).all())


def rows(columns: Sequence[Column], start: int, stop: int) -> Iterator[dict[Any, Any]]:
    """One dict of plain cells per row, from ``start`` to ``stop``; each row has a dict of its own.

    >>> list(rows([Column.of("plan", pd.Series(["team", "free"]))], 0, 2))
    [{'plan': 'team'}, {'plan': 'free'}]
    """
    names = [column.name for column in columns]
    if not names:
        yield from ({} for _ in range(start, stop))
        return
    for values in zip(*(column.cells(start, stop) for column in columns), strict=True):
        yield dict(zip(names, values, strict=True))
