"""The kinds of values in the cells of a CSV, and the names of dtypes in its metadata.

A CSV cell is text and nothing else. The *note* of a column records its dtype and the kind of its
cells, one letter of ``KINDS``; ``csv.py`` stores the notes in the metadata file beside the CSV.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from mailframe.pandas_versions import has_text_dtype, str_dtype, text_dtype
from mailframe.postmark.timestamps import STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Texts: TypeAlias = "Sequence[str | None]"
"""One text per row; None for a missing value."""
Note: TypeAlias = "dict[str, Any]"
"""What JSON can hold; its keys begin with ``mailframe:``."""

DTYPE: Final = "mailframe:dtype"
KIND: Final = "mailframe:kind"  # one letter for all cells
MISSING_KIND: Final = "mailframe:gap"  # one letter for all missing values
KIND_OF_EACH: Final = "mailframe:kinds"  # one letter per row, where there are several kinds
TEXTS: Final = "mailframe:texts"
CATEGORIES: Final = "mailframe:categories"
CODES: Final = "mailframe:codes"
ORDERED: Final = "mailframe:ordered"

_DECIMAL_TYPE: Final = re.compile(r"(decimal(?:32|64|128|256))\(([0-9]+), (-?[0-9]+)\)")


def _read_timedelta(text: str) -> pd.Timedelta:
    # pd.Timedelta(text) cannot read more than 292 years, although it can hold and write them.
    days, _, time = text.partition(" days")
    rest = pd.Timedelta(time.strip() or "0s")
    try:
        return pd.Timedelta(dt.timedelta(int(days))) + rest
    except (OverflowError, pd.errors.OutOfBoundsTimedelta):  # pandas 2 makes these nanoseconds
        microseconds = int(days) * 86_400_000_000 + rest.value // 1_000
        return pd.Timedelta(np.timedelta64(microseconds, "us"))


def _read_stamp(text: str) -> pd.Timestamp:
    if not STAMP.fullmatch(text):  # pd.Timestamp reads "now" and "17/02/2014 07:25"
        raise ValueError(text)
    return pd.Timestamp(text).tz_convert("UTC")


_SECONDS_IN_OFFSET: Final = re.compile(r"(.+)([+-])([0-9]{2}):([0-9]{2}):([0-9]{2})")


def _read_timestamp(text: str) -> pd.Timestamp:
    """A timestamp as ``isoformat`` writes it.

    Before 1900 most zones had an offset with seconds, which pandas writes and does not read.
    """
    parts = _SECONDS_IN_OFFSET.fullmatch(text)
    if parts is None:
        return pd.Timestamp(text)
    hours, minutes, seconds = map(int, parts.groups()[2:])
    offset = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    zone = dt.timezone(-offset if parts[2] == "-" else offset)
    return pd.Timestamp(parts[1]).tz_localize(zone)


class Kind(NamedTuple):
    """One kind of value: its name in an error, its Python type, and how it is read and written."""

    name: str
    type: type | None
    read: Callable[[str], object] = str
    write: Callable[[Any], str] = str


TEXT: Final = "s"
OTHER: Final = "*"
STAMP_KIND: Final = "Z"
_STAMP_NAME: Final = "timestamp with an offset, such as 2014-02-17T07:25:01.4178645-05:00"
KINDS: Final[Mapping[str, Kind]] = {
    TEXT: Kind("text", str),
    "b": Kind("boolean", bool, {"True": True, "False": False}.__getitem__),
    # int() and float() read 1_000 as 1000.
    "i": Kind("integer", int, lambda text: int(text.replace("_", "?"))),
    "f": Kind(
        "number",
        float,
        lambda text: float(text.replace("_", "?")),
        lambda value: repr(float(value)),
    ),
    "D": Kind("decimal", Decimal, Decimal),
    "d": Kind("date", dt.date, dt.date.fromisoformat),
    "t": Kind("time", dt.time, dt.time.fromisoformat),
    "T": Kind("datetime", dt.datetime, dt.datetime.fromisoformat, dt.datetime.isoformat),
    "P": Kind("datetime", pd.Timestamp, _read_timestamp, pd.Timestamp.isoformat),
    "x": Kind(
        "duration",
        dt.timedelta,
        lambda text: _read_timedelta(text).to_pytimedelta(),
        lambda value: str(pd.Timedelta(value)),
    ),
    "X": Kind("duration", pd.Timedelta, _read_timedelta),
    "(": Kind("tuple", tuple, ast.literal_eval),
    OTHER: Kind("text", None),  # lists, dicts, bytes, periods, intervals and the like
    STAMP_KIND: Kind(_STAMP_NAME, None, _read_stamp),  # SubmittedAt of a file without metadata
}
_LETTERS: Final[Mapping[type | None, str]] = {
    kind.type: letter for letter, kind in KINDS.items()
} | {np.bool_: "b", type(None): "N", type(pd.NaT): "0", type(pd.NA): "?"}
_DATATYPES: Final = {
    **dict.fromkeys(["text", "duration", "tuple"], "string"),
    "boolean": {"base": "boolean", "format": "True|False"},
}
"""The types of W3C's CSV on the Web that have another name."""
MISSING: Final[Mapping[str, object]] = {"N": None, "n": np.nan, "0": pd.NaT, "?": pd.NA}
_KIND_OF_DTYPE: Final = {"i": "i", "u": "i", "f": "f", "b": "b", "M": "P", "m": "X"}


def kind_of(value: object) -> str:
    """The letter of a value, in ``KINDS`` or ``MISSING``.

    >>> kind_of(7), kind_of(None), kind_of([7])
    ('i', 'N', '*')
    """
    letter = _LETTERS.get(type(value), OTHER)
    if letter == "f" or isinstance(value, np.floating):
        return "n" if value != value else "f"  # noqa: PLR0124 - the fastest way to know NaN
    if letter == "(":
        return letter if _is_literal(value) else OTHER
    return "i" if letter == OTHER and isinstance(value, np.integer) else letter


def _is_literal(value: object) -> bool:
    with suppress(ValueError, SyntaxError):
        return bool(ast.literal_eval(repr(value)) == value)
    return False


def kind_of_dtype(dtype: object) -> str:
    """The letter of the values that a column of this dtype has."""
    return _KIND_OF_DTYPE.get(getattr(dtype, "kind", ""), TEXT)


def plain_note(dtype: str) -> Note:
    """The note of a column of text, numbers, truth values or Postmark's timestamps."""
    kind = kind_of_dtype(dtype_named(dtype))
    return {DTYPE: dtype, KIND: STAMP_KIND if kind == "P" else kind}


def datatype(note: Mapping[str, Any]) -> object:
    """The type of a column in W3C's CSV on the Web."""
    kind = KINDS[note.get(CATEGORIES, note).get(KIND, TEXT)]
    return _DATATYPES.get(kind.name, kind.name)


def dtype_name(dtype: object, kinds: set[str]) -> str:
    """The name of a dtype in a note.

    Args:
        dtype: the dtype of a column.
        kinds: the letters of its values, also of missing ones.

    Returns:
        ``str`` for a column of text and NaN where pandas has no dtype for text, so that another
        pandas reads it as its text.
    """
    if isinstance(dtype, pd.StringDtype):
        return f"{'string' if dtype.na_value is pd.NA else 'str'}[{dtype.storage}]"
    name = f"arrow:{dtype.pyarrow_dtype}" if isinstance(dtype, pd.ArrowDtype) else str(dtype)
    with suppress(TypeError, ValueError, NotImplementedError):
        if name == "object":
            return "str" if kinds <= {TEXT, "n"} and not has_text_dtype() else name
        if OTHER not in kinds and dtype_named(name) == dtype:
            return name
    return "str"  # a dtype that cannot be restored, or values that come back as text


def dtype_named(name: str) -> Any:
    """The dtype that has this name in a note.

    Raises:
        TypeError, ValueError, NotImplementedError: there is none.
    """
    text, _, storage = name.removesuffix("]").partition("[")
    if text == "str":
        return str_dtype(storage) if storage else text_dtype()
    return _string_dtype(storage) if text == "string" else _other_dtype(name)


def _string_dtype(storage: str) -> Any:
    wanted: Any = storage or None
    try:
        return pd.StringDtype(wanted)
    except ImportError:  # the file was written where pyarrow is installed
        return pd.StringDtype("python")


@lru_cache
def _other_dtype(name: str) -> Any:
    if name.startswith("arrow:"):
        return _arrow_dtype(name.removeprefix("arrow:"))
    return pd.api.types.pandas_dtype(name)


def _arrow_dtype(name: str) -> pd.api.extensions.ExtensionDtype:
    import pyarrow as pa  # noqa: PLC0415 - not a dependency; only an Arrow column needs it

    decimal = _DECIMAL_TYPE.fullmatch(name)
    if decimal:
        return pd.ArrowDtype(getattr(pa, decimal[1])(int(decimal[2]), int(decimal[3])))
    if name == "string":
        return pd.ArrowDtype(pa.string())
    return pd.ArrowDtype.construct_from_string(f"{name}[pyarrow]")
