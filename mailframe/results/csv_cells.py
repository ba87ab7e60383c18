"""One column of a frame as the texts of its CSV cells, and the exact way back.

A CSV cell is text and nothing else. The *note* of a column records its dtype and the kind of its
cells, one letter of ``KINDS``; ``csv.py`` stores the notes in the metadata file beside the CSV.
"""

from __future__ import annotations

import ast
import datetime as dt
import itertools
import re
from contextlib import suppress
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.results.column_storage import STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Texts: TypeAlias = "Sequence[str | None]"
"""One text per row; None for a missing value."""
Note: TypeAlias = "dict[str, Any]"
"""What JSON can hold; its keys begin with ``mailframe:``."""

DTYPE: Final = "mailframe:dtype"
KIND: Final = "mailframe:kind"  # one letter for all cells
MISSING_KIND: Final = "mailframe:gap"  # one letter for all missing values
_KINDS: Final = "mailframe:kinds"  # one letter per row, where there are several kinds
TEXTS: Final = "mailframe:texts"
_CATEGORIES: Final = "mailframe:categories"
_CODES: Final = "mailframe:codes"
_ORDERED: Final = "mailframe:ordered"

# OWASP, "CSV Injection": the characters that start a formula, their full-width forms, and what a
# spreadsheet may skip in front of them.
_FORMULA: Final = re.compile("['\"\\s]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_DECIMAL_TYPE: Final = re.compile(r"(decimal(?:32|64|128|256))\(([0-9]+), (-?[0-9]+)\)")


def _read_timedelta(text: str) -> pd.Timedelta:
    # pd.Timedelta(text) cannot read more than 292 years, although it can hold and write them.
    days, _, time = text.partition(" days")
    return pd.Timedelta(dt.timedelta(int(days))) + pd.Timedelta(time.strip() or "0s")


def _read_stamp(text: str) -> pd.Timestamp:
    if not STAMP.fullmatch(text):  # pd.Timestamp reads "now" and "17/02/2014 07:25"
        raise ValueError(text)
    return pd.Timestamp(text).tz_convert("UTC")


class Kind(NamedTuple):
    """One kind of value: its name in an error, its Python type, and how it is read and written."""

    name: str
    type: type | None
    read: Callable[[str], object] = str
    write: Callable[[Any], str] = str


_TEXT: Final = "s"
_OTHER: Final = "*"
_STAMP: Final = "Z"
_STAMP_NAME: Final = "timestamp with an offset, such as 2014-02-17T07:25:01.4178645-05:00"
KINDS: Final[Mapping[str, Kind]] = {
    _TEXT: Kind("text", str),
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
    "P": Kind("datetime", pd.Timestamp, pd.Timestamp, pd.Timestamp.isoformat),
    "x": Kind(
        "duration",
        dt.timedelta,
        lambda text: _read_timedelta(text).to_pytimedelta(),
        lambda value: str(pd.Timedelta(value)),
    ),
    "X": Kind("duration", pd.Timedelta, _read_timedelta),
    "(": Kind("tuple", tuple, ast.literal_eval),
    _OTHER: Kind("text", None),  # lists, dicts, bytes, periods, intervals and the like
    _STAMP: Kind(_STAMP_NAME, None, _read_stamp),  # SubmittedAt of a file without metadata
}
_LETTERS: Final[Mapping[type | None, str]] = {
    kind.type: letter for letter, kind in KINDS.items()
} | {np.bool_: "b", type(None): "N", type(pd.NaT): "0", type(pd.NA): "?"}
_DATATYPES: Final = {
    **dict.fromkeys(["text", "duration", "tuple"], "string"),
    "boolean": {"base": "boolean", "format": "True|False"},
}
"""The types of W3C's CSV on the Web that have another name."""
_NUMBERS: Final = frozenset("ifD")
_MISSING: Final[Mapping[str, object]] = {"N": None, "n": np.nan, "0": pd.NaT, "?": pd.NA}
_KIND_OF_DTYPE: Final = {"i": "i", "u": "i", "f": "f", "b": "b", "M": "P", "m": "X"}
_UNREADABLE: Final = (ValueError, KeyError, TypeError, SyntaxError, OverflowError, DecimalException)


def to_cells(column: pd.Series) -> tuple[Texts, Note]:
    """A column as the texts of its cells and the note to read them.

    Exact for text, whole numbers, floats, bools, Decimal, dates, times, timestamps, durations,
    tuples of plain values, categories of these, their nullable and Arrow forms, and an object
    column of any mixture of them. Anything else (lists, dicts, bytes, arrays, complex numbers,
    periods, intervals) becomes the text that ``str`` makes of it and comes back as that text.

    >>> to_cells(pd.Series([7, None], dtype="Int64"))[0]
    ['7', None]
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _category_cells(column)
    values = column.tolist()
    letters = "".join(map(_letter, values))
    texts = [
        None if letter in _MISSING else KINDS[letter].write(value)
        for letter, value in zip(letters, values, strict=True)
    ]
    kinds, missing = set(letters) - set(_MISSING), set(letters) & set(_MISSING)
    dtype = _dtype_name(column.dtype, kinds)
    if len(kinds) > 1 or (len(missing) > 1 and dtype == "object"):
        return texts, {DTYPE: dtype, _KINDS: letters}
    kind = next(iter(kinds), _kind_of(column.dtype))
    return texts, {DTYPE: dtype, KIND: kind, MISSING_KIND: next(iter(missing), "n")}


def from_cells(texts: Texts, note: Mapping[str, Any]) -> pd.Series:
    """The column that ``to_cells`` made these texts and this note of.

    Raises:
        ResultsError: a text does not fit the note; the message names the row and the text.

    Examples:
        >>> from_cells(*to_cells(pd.Series([7, None], dtype="Int64"))).tolist()
        [7, <NA>]
    """
    name = note[DTYPE]
    if name == "category":
        return _category(texts, note)
    values = _values(texts, note)
    return pd.Series(values, dtype=object) if name == "object" else _typed(values, name)


def plain_note(dtype: str) -> Note:
    """The note of a column of text, numbers, truth values or Postmark's timestamps."""
    kind = _kind_of(_dtype(dtype))
    return {DTYPE: dtype, KIND: _STAMP if kind == "P" else kind}


def datatype(note: Mapping[str, Any]) -> object:
    """The type of a column in W3C's CSV on the Web."""
    kind = KINDS[note.get(_CATEGORIES, note).get(KIND, _TEXT)]
    return _DATATYPES.get(kind.name, kind.name)


def _letter(value: object) -> str:
    letter = _LETTERS.get(type(value), _OTHER)
    if letter == "f" or isinstance(value, np.floating):
        return "n" if value != value else "f"  # noqa: PLR0124 - the fastest way to know NaN
    if letter == "(":
        return letter if _is_literal(value) else _OTHER
    return "i" if letter == _OTHER and isinstance(value, np.integer) else letter


def _kind_of(dtype: object) -> str:
    return _KIND_OF_DTYPE.get(getattr(dtype, "kind", ""), _TEXT)


def _is_literal(value: object) -> bool:
    with suppress(ValueError, SyntaxError):
        return bool(ast.literal_eval(repr(value)) == value)
    return False


def _dtype_name(dtype: object, kinds: set[str]) -> str:
    if isinstance(dtype, pd.StringDtype):
        return f"{'string' if dtype.na_value is pd.NA else 'str'}[{dtype.storage}]"
    name = f"arrow:{dtype.pyarrow_dtype}" if isinstance(dtype, pd.ArrowDtype) else str(dtype)
    with suppress(TypeError, ValueError, NotImplementedError):
        if name == "object" or (_OTHER not in kinds and _dtype(name) == dtype):
            return name
    return "str"  # a dtype that cannot be restored, or values that come back as text


def _dtype(name: str) -> Any:
    text, _, storage = name.removesuffix("]").partition("[")
    if text in {"str", "string"}:
        return _text_dtype(storage, na_value=np.nan if text == "str" else pd.NA)
    if name.startswith("arrow:"):
        return _arrow_dtype(name.removeprefix("arrow:"))
    return pd.api.types.pandas_dtype(name)


def _text_dtype(storage: str, *, na_value: object) -> pd.StringDtype:
    try:
        return pd.StringDtype(storage or None, na_value=na_value)  # type: ignore[call-overload,no-any-return] # the stubs know no variable storage
    except ImportError:  # the file was written where pyarrow is installed
        return pd.StringDtype("python", na_value=na_value)  # type: ignore[call-overload,no-any-return] # as above


def _arrow_dtype(name: str) -> pd.api.extensions.ExtensionDtype:
    import pyarrow as pa  # noqa: PLC0415 - not a dependency; only an Arrow column needs it

    decimal = _DECIMAL_TYPE.fullmatch(name)
    if decimal:
        return pd.ArrowDtype(getattr(pa, decimal[1])(int(decimal[2]), int(decimal[3])))
    if name == "string":
        return pd.ArrowDtype(pa.string())
    return pd.ArrowDtype.construct_from_string(f"{name}[pyarrow]")


def _values(texts: Texts, note: Mapping[str, Any]) -> Sequence[object]:
    missing = _MISSING[note.get(MISSING_KIND, "N")] if note[DTYPE] == "object" else None
    if note.get(KIND) == _TEXT and missing is None:
        return texts
    letters = note[_KINDS] if _KINDS in note else note[KIND] * len(texts)
    if len(letters) != len(texts):
        raise ValueError(f"{len(letters):,} kinds for {len(texts):,} rows")
    values: list[object] = []
    try:
        for letter, text in zip(letters, texts, strict=True):
            values.append(
                _MISSING.get(letter, missing) if text is None else KINDS[letter].read(text)
            )
    except _UNREADABLE:
        row = len(values)
        name = KINDS[letters[row]].name if letters[row] in KINDS else "missing value"
        raise _misfit(row, texts[row], f"a valid {name}") from None
    return values


def _misfit(row: int, text: str | None, what: str) -> ResultsError:
    shown = "a missing value" if text is None else repr(text)
    return ResultsError(f"row {row}: {shown} is not {what}")


def _typed(values: Sequence[object], name: str) -> pd.Series:
    dtype = _dtype(name)
    if isinstance(dtype, np.dtype) and dtype.kind in "biu" and None in values:
        # pandas would read a missing value in a bool column as False.
        raise _misfit(values.index(None), None, f"a valid {name}")
    try:
        return pd.Series(pd.array(values, dtype=dtype))
    except (ValueError, TypeError, OverflowError) as error:
        raise ResultsError(f"a cell does not fit the dtype {name}: {error}") from error


def _category_cells(column: pd.Series) -> tuple[Texts, Note]:
    texts, categories = to_cells(pd.Series(column.cat.categories))
    codes = column.cat.codes.tolist()
    note: Note = {
        DTYPE: "category",
        _ORDERED: bool(column.cat.ordered),
        _CATEGORIES: categories | {TEXTS: texts},
    }
    if len(set(texts)) < len(texts):  # the number 1 and the text "1"
        note[_CODES] = codes
    return [None if code < 0 else texts[code] for code in codes], note


def _category(texts: Texts, note: Mapping[str, Any]) -> pd.Series:
    names = note[_CATEGORIES][TEXTS]
    code_of = {name: code for code, name in enumerate(names)} | {None: -1}
    for row, text in enumerate(texts):
        if text not in code_of:
            raise _misfit(row, text, "a category of this column")
    codes = note.get(_CODES, [code_of[text] for text in texts])
    if len(codes) != len(texts):
        raise ValueError(f"{len(codes):,} codes for {len(texts):,} rows")
    categories = from_cells(names, note[_CATEGORIES])
    index = pd.Index(categories, dtype=categories.dtype)
    dtype = pd.CategoricalDtype(index, ordered=note[_ORDERED])
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))


def shield(text: str) -> str:
    """The text with a ``'`` in front if a spreadsheet would run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unshield(text: str) -> str:
    """The text that ``shield`` was given."""
    # A text that began with "'" and a formula got a "'" of its own, so the first one is ours.
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def shielded(texts: Texts, note: Mapping[str, Any]) -> Texts:
    """The cells of a column with every text shielded; numbers stay as they are."""
    letters = note.get(_KINDS) or itertools.repeat(note.get(_CATEGORIES, note).get(KIND))
    return [
        text if text is None or letter in _NUMBERS else shield(text)
        for text, letter in zip(texts, letters, strict=False)
    ]


def with_missing(texts: Sequence[str], *, null: str = "", unshielded: bool) -> list[str | None]:
    """The cells of a file with None instead of *null*, and without what ``shielded`` added."""
    restored = map(unshield, texts) if unshielded else texts
    return [None if text == null else text for text in restored]
