"""What a cell of a frame becomes in a template: a plain Python value, or a gap that cannot be printed.

Templates only ever see str, int, float, bool, Decimal, date, datetime, time, timedelta, and lists and dicts of
those. A sandbox does not protect pandas and numpy objects (``row.to_csv(path)`` would write a file), so none
of them gets in.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from jinja2 import Undefined, UndefinedError

MAX_NESTING = 20
"""Lists in lists in a cell; deeper ones are refused, and so are lists that hold themselves."""
MAX_EXPONENT = 60
"""Of a Decimal; beyond it the written number would be a wall of zeros."""


class MissingValue(UndefinedError):
    """A template prints a cell that holds no value."""


class UnsupportedValue(UndefinedError):
    """A template uses a cell whose type is none of the plain ones."""


class UnprintableValue(TypeError):
    """A template prints something that has no form a person would write."""


class Gap(Undefined):
    """A value that is not there: false in ``if``, answered by ``default``, an error when printed."""

    __slots__ = ()

    def _fail(self, *_: object, **__: object) -> NoReturn:
        self._fail_with_undefined_error()

    __str__ = __iter__ = __len__ = __round__ = __int__ = __float__ = _fail
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _fail
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _fail

    def __eq__(self, other: object) -> bool:
        """A gap equals none and any other gap, so that ``{% if plan == none %}`` does what it says."""
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(None)

    def __format__(self, _spec: str) -> NoReturn:
        self._fail()


class Missing(Gap):
    """A gap in a column, whatever its kind (NaN, None, NaT or pd.NA) and whatever the column's dtype."""

    __slots__ = ()

    def __init__(self, column: object, *_: object, **__: object) -> None:
        super().__init__(name=str(column), exc=MissingValue)

    @property
    def _undefined_message(self) -> str:
        name = self._undefined_name
        return f"column {name!r} has no value in this row; write {{{{ {name} | default('…') }}}} or test it"


class Unsupported(Undefined):
    """A cell of a type that templates do not see; any use of it is an error that names the type."""

    __slots__ = ()

    def __init__(self, column: object, kind: str) -> None:
        hint = f"column {str(column)!r} holds a {kind}; convert it to text, a number or a date first"
        super().__init__(hint=hint, name=str(column), exc=UnsupportedValue)

    def _fail(self, *_: object, **__: object) -> NoReturn:
        self._fail_with_undefined_error()

    __str__ = __iter__ = __len__ = __bool__ = __eq__ = __ne__ = __hash__ = _fail


def plain(value: Any, *, column: object, depth: int = 0) -> Any:  # noqa: PLR0911 - one return for each kind
    """One cell as a plain Python value, a Missing or an Unsupported; nothing is ever ``str(object)`` by accident.

    >>> plain(np.int64(5), column="seats")
    5
    >>> plain(pd.Timestamp("2026-11-22 09:30"), column="login")
    datetime.datetime(2026, 11, 22, 9, 30)
    """
    kind = type(value)
    if kind in _PLAIN:
        return Missing(column) if value != value else value  # noqa: PLR0124 - NaN alone differs from itself
    if value is None or value is pd.NaT or value is pd.NA:
        return Missing(column)
    convert = _CONVERTERS.get(kind)
    if convert is not None:
        return convert(value)
    if isinstance(value, np.generic):
        return _from_numpy(value, column=column)
    if isinstance(value, list | tuple | dict):
        return _from_collection(value, column=column, depth=depth)
    for base, convert in _BY_BASE:
        if isinstance(value, base):
            return convert(value)
    return Unsupported(column, kind.__name__)


_PLAIN = frozenset({str, int, float, bool, Decimal, dt.date, dt.datetime, dt.time, dt.timedelta})
_CONVERTERS: dict[type, Any] = {
    pd.Timestamp: lambda value: value.to_pydatetime(warn=False),
    pd.Timedelta: lambda value: value.to_pytimedelta(),
    uuid.UUID: str,
}
_BY_BASE: tuple[tuple[type, Any], ...] = (
    (bool, bool),
    (str, str.__str__),
    (int, int.__int__),
)


def _from_numpy(value: np.generic, *, column: object) -> Any:
    if isinstance(value, np.floating):
        return plain(float(str(value)), column=column)  # float32 0.1 is 0.1, not 0.10000000149011612
    if isinstance(value, np.datetime64 | np.timedelta64):
        stamp = pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value)
        return plain(stamp, column=column)
    item = value.item()
    return item if type(item) in _PLAIN else Unsupported(column, type(value).__name__)


def _from_collection(value: Any, *, column: object, depth: int) -> Any:
    if depth >= MAX_NESTING:
        return Unsupported(column, f"{type(value).__name__} nested more than {MAX_NESTING} deep")
    if isinstance(value, dict):
        return {
            key: plain(item, column=f"{column}.{key}", depth=depth + 1)
            for key, item in value.items()
            if isinstance(key, str | int)
        }
    return [plain(item, column=column, depth=depth + 1) for item in value]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, and how its cells are read.

    Attributes:
        name: what the template calls it.
        series: the cells, in the frame's order.
        integral: a float column whose every value is a whole number; its cells are read as int. pandas
            turns an int column with a gap into float, and "5.0 seats" is nobody's wish.
        raw: the cells are handed on as they are; for bytes, which no template sees.
        categories: of a categorical column, whose ``series`` then holds the codes; the last one is the gap (-1).
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
            categories = cls.of(name, series.cat.categories.to_series())
            known = categories.cells(0, len(categories.series))
            return cls(name, series.cat.codes, categories=(*known, Missing(name)))
        return cls(name, series, integral=_is_integral(series))

    def cells(self, start: int, stop: int) -> list[Any]:  # noqa: PLR0911 - one return for each kind
        """The plain cells of the rows ``start`` to ``stop``, one per row."""
        part = self.series.iloc[start:stop]
        values = part.tolist()
        if self.raw:
            return values
        if self.categories is not None:
            return [self.categories[code] for code in values]
        if self.integral:
            return [int(v) if v == v else Missing(self.name) for v in values]  # noqa: PLR0124 - NaN
        if part.dtype.kind in "biu" and isinstance(part.dtype, np.dtype):
            return values
        if isinstance(part.dtype, pd.StringDtype):
            if not part.hasnans:
                return values
            return [v if type(v) is str else Missing(self.name) for v in values]
        if part.dtype in _NARROW_FLOATS:
            values = list(part.array)
        return [plain(value, column=self.name) for value in values]


_NARROW_FLOATS = (np.dtype("float16"), np.dtype("float32"))


def _is_integral(series: pd.Series[Any]) -> bool:
    if not (isinstance(series.dtype, np.dtype) and series.dtype.kind == "f"):
        return False
    known = series.dropna()
    return bool(len(known) and np.isfinite(known).all() and (known == np.floor(known)).all())


def rows(columns: Sequence[Column], start: int, stop: int) -> Iterator[dict[Any, Any]]:
    """One dict of plain cells per row, from ``start`` to ``stop``; each row has a dict of its own."""
    names = [column.name for column in columns]
    if not names:
        yield from ({} for _ in range(start, stop))
        return
    for values in zip(*(column.cells(start, stop) for column in columns), strict=True):
        yield dict(zip(names, values, strict=True))


def present(value: Any) -> Any:
    """A value as a person would write it; what ``{{ … }}`` prints.

    Text stays as it is. ``True`` is yes, ``3.0000000000000004`` is 3, ``Decimal("1.10")`` is 1.10, a date is
    2026-11-22, a timestamp 2026-11-22 09:30 and, exactly at midnight and without a zone, its date.

    Raises:
        UnprintableValue: for lists, dicts, none, infinity and functions, with what to write instead.

    >>> [present(v) for v in (True, 0.1 + 0.2, Decimal("1.10"), dt.datetime(2026, 11, 22, 9, 30))]
    ['yes', '0.3', '1.10', '2026-11-22 09:30']
    """
    if isinstance(value, str | Undefined):
        return value
    write = _WRITERS.get(type(value))
    if write is None:
        raise UnprintableValue(_why_unprintable(value))
    return write(value)


def _why_unprintable(value: object) -> str:
    if value is None:
        return "the template prints none; write `… | default('…', true)` or test it first"
    if isinstance(value, list | tuple | dict | Iterable):
        return f"the template prints a {type(value).__name__}; write `… | join(', ')` or loop over it"
    return f"the template prints a {type(value).__name__}; print one of its values"


def _write_float(value: float) -> str:
    if value in (float("inf"), float("-inf")) or value != value:  # noqa: PLR0124 - NaN
        raise UnprintableValue(f"the template prints {value}, which is no number a person would write")
    short = repr(value)
    return short if len(short) <= 16 and "e" not in short else _write_decimal(Decimal(format(value, ".15g")))  # noqa: PLR2004 - 15 digits, a point: what a double holds for sure


def _write_decimal(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or value.adjusted() > MAX_EXPONENT:
        raise UnprintableValue(f"the template prints {value}, which is no number a person would write")
    return format(value, "f")


def _write_time(value: dt.time) -> str:
    return value.isoformat("seconds" if value.second else "minutes")


def _write_datetime(value: dt.datetime) -> str:
    if value.tzinfo is None and value.time() == dt.time():
        return value.date().isoformat()
    clock = _write_time(value.time())
    zone = f" {value.tzname()}" if value.tzinfo is not None else ""
    return f"{value.date().isoformat()} {clock}{zone}"


_WRITERS: dict[type, Any] = {
    bool: lambda value: "yes" if value else "no",
    int: str,
    float: _write_float,
    Decimal: _write_decimal,
    dt.datetime: _write_datetime,
    dt.date: dt.date.isoformat,
    dt.time: _write_time,
    dt.timedelta: str,
}
