"""Values of pandas, NumPy and Python as the plain values that templates can use.

Templates only ever see str, int, float, bool, Decimal, date, datetime, time, timedelta, missing
values, trusted HTML, and lists and dicts of those. Jinja's sandbox does not protect pandas and
NumPy objects (``row.to_csv(path)`` would write a file), so templates never get them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from functools import cache
from typing import Any, Final

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from mailframe.errors import MissingExtra
from mailframe.letter.jinja.values import (
    EXACT_FLOAT,
    MAX_MAGNITUDE,
    FailedFunction,
    GivenValues,
    Missing,
    NothingReturned,
    RoundedFloat,
    Unsupported,
)
from mailframe.letter.row_functions import RowCell
from mailframe.message.arrow_columns import ValueOutOfRange
from mailframe.message.images import InlineImage
from mailframe.message.trusted_html import TrustedHtml

MAX_NESTING: Final = 20
"""Depth of nested lists in a cell; also refuses lists that hold themselves."""
MAX_INT_BITS: Final = 100_000
"""Bits of an int; arithmetic with more can take hours, and Python prints at most 4,300 digits."""


def plain(value: Any, *, column: object, depth: int = 0) -> Any:  # noqa: PLR0911 - one per type
    """One cell as a plain Python value, a Missing or an Unsupported; ``str(object)`` is never used.

    Args:
        value: the cell, as pandas returns it.
        column: the name of the column, for errors.
        depth: the number of nested lists around the cell.

    >>> plain(np.int64(5), column="seats"), plain(pd.Timestamp("2026-11-22 09:30"), column="login")
    (5, datetime.datetime(2026, 11, 22, 9, 30))
    >>> type(plain(pd.NaT, column="login")).__name__, type(plain(b"PDF", column="raw")).__name__
    ('Missing', 'Unsupported')
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        is_huge = value.bit_length() > MAX_INT_BITS
        what = "whole number of more than 30,000 digits"
        return Unsupported(column, what, value=value) if is_huge else value
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
    (str, str.__str__),  # also Markup: a cell that calls itself safe is escaped like any other
    (int, int.__int__),
    (float, float.__float__),
    (pd.Timestamp, lambda value: value.to_pydatetime(warn=False)),
    (pd.Timedelta, lambda value: value.to_pytimedelta()),
    (dt.datetime, lambda value: dt.datetime.combine(value.date(), value.timetz())),
    (dt.date, lambda value: dt.date(value.year, value.month, value.day)),
    (dt.timedelta, lambda value: dt.timedelta(value.days, value.seconds, value.microseconds)),
    (uuid.UUID, str),
)
"""Types that are converted to plain ones; the first that fits is used."""


def _from_row(cell: RowCell, *, column: object) -> Any:
    try:
        value = cell.value()
    except MissingExtra:
        raise
    except Exception as error:  # noqa: BLE001 - any error of the function is a problem of its row
        return FailedFunction(column, error)
    made = plain(value, column=column)
    return NothingReturned(column) if isinstance(made, Missing) else made


def _from_other(value: Any, *, column: object, depth: int) -> Any:
    kind = type(value)
    if kind is RowCell:
        return _from_row(value, column=column)
    if kind is TrustedHtml or kind is InlineImage:
        return value.printed()
    if kind is ValueOutOfRange:
        return Unsupported(column, f"{value.kind} that Python cannot hold", value=value)
    is_arrow = kind.__module__.partition(".")[0] == "pyarrow"
    if is_arrow and hasattr(value, "as_py"):  # a scalar, such as a list
        return plain(value.as_py(), column=column, depth=depth)
    if isinstance(value, set | frozenset):
        return Unsupported(
            column,
            kind.__name__,
            value=value,
            way="its order is not fixed; make it a list with sorted",
        )
    return Unsupported(column, kind.__name__, value=value)


def _from_float(value: Any, *, column: object) -> Any:
    if value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return Missing(column)
    # float32 0.1 is not 0.10000000149011612
    as_written = value if type(value) is float else float(str(value))
    limit = exact_up_to(type(value))  # type: ignore[arg-type]  # a class is hashable
    is_rounded = abs(value) > limit and as_written.is_integer()
    return RoundedFloat(as_written) if is_rounded else as_written


@cache
def exact_up_to(dtype: Any) -> int:
    """The number up to which floats of a dtype have every whole number: 2**24 for float32."""
    return min(EXACT_FLOAT, 1 << int(np.finfo(float_type(dtype)).nmant) + 1)


def _from_decimal(value: Decimal, *, column: object) -> Any:
    if value.is_nan():
        return Missing(column)
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and max(value.adjusted(), -exponent) > MAX_MAGNITUDE:
        return Unsupported(column, f"Decimal of more than {MAX_MAGNITUDE} digits", value=value)
    return Decimal(value)


def _from_collection(value: Any, *, column: object, depth: int) -> Any:
    if type(value).__name__ == "MonthDayNano":  # an interval of pyarrow: a tuple of its parts
        return Unsupported(column, type(value).__name__, value=value)
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
    items = {}
    for key, item in value.items():
        name = plain(key, column=column)
        if not isinstance(name, str | int):
            return Unsupported(column, f"dict with a {type(key).__name__} as key", value=value)
        inside = column if isinstance(column, GivenValues) else f"{column}.{name}"
        items[name] = plain(item, column=inside, depth=depth + 1)
    return items


def float_type(dtype: Any) -> Any:
    """The numpy type of a float dtype of numpy, pandas or Arrow, also of a sparse one."""
    return np.dtype(getattr(dtype, "subtype", getattr(dtype, "numpy_dtype", dtype))).type
