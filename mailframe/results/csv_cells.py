"""One column of a frame to the texts of its CSV cells and back, with a note that makes the way back exact.

A CSV cell is text and nothing else. The *note* of a column says which dtype it had and of which kind its
cells are, in one letter of ``KINDS``; ``export.py`` keeps it in the metadata file beside the CSV.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Note: TypeAlias = "dict[str, Any]"
"""What JSON can hold; its keys begin with ``mailframe:``."""

DTYPE: Final = "mailframe:dtype"
KIND: Final = "mailframe:kind"  # one letter for all cells
GAP: Final = "mailframe:gap"  # one letter for all gaps
_EACH: Final = (
    "mailframe:kinds"  # one letter per row, where the cells or the gaps are of several kinds
)
_CATEGORIES: Final = "mailframe:categories"
TEXTS: Final = "mailframe:texts"
_CODES: Final = "mailframe:codes"
_ORDERED: Final = "mailframe:ordered"

_TIMEDELTA: Final = re.compile(
    r"(-?[0-9]+) days \+?([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
)
_DECIMAL_TYPE: Final = re.compile(r"(decimal(?:32|64|128|256))\(([0-9]+), (-?[0-9]+)\)")
_NS_PER_US: Final = 1000

# OWASP, "CSV Injection": the characters that start a formula, their full-width forms, and what a spreadsheet
# may skip in front of them.
_FORMULA: Final = re.compile("['\"\\s]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class Kind:
    """How values of one Python type are written in a cell and read again.

    Attributes:
        write: a value to its text.
        read: the text to the value; raises where the text is none of this kind.
        datatype: the name of the same thing in W3C's CSV on the Web.
        number: whether a spreadsheet takes the cell as a number.
    """

    write: Callable[[Any], str] = str
    read: Callable[[str], object] = str
    datatype: object = "string"
    number: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """One column as text.

    Attributes:
        texts: one per row; None for a gap.
        note: what ``from_cells`` needs besides the texts.
        datatype: of CSV on the Web.
        numbers: whether each cell is a number; one bool where that is so for all of them.
    """

    texts: list[str | None]
    note: Note
    datatype: object = "string"
    numbers: bool | list[bool] = field(default=False)


def _read_bool(text: str) -> bool:
    return {"True": True, "False": False}[text]


def _read_whole(text: str) -> int:
    if "_" in text:  # Python reads 1_000 as a thousand
        raise ValueError(text)
    return int(text)


def _read_float(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _read_timedelta(text: str) -> pd.Timedelta:
    # pd.Timedelta(text) cannot read what is longer than 292 years, though it can hold and write it.
    match = _TIMEDELTA.fullmatch(text)
    if match is None:
        raise ValueError(text)
    days, hours, minutes, seconds = (int(part) for part in match.groups()[:4])
    nanoseconds = int((match[5] or "").ljust(9, "0"))
    whole = dt.timedelta(days, seconds, nanoseconds // _NS_PER_US, minutes=minutes, hours=hours)
    rest = nanoseconds % _NS_PER_US
    return pd.Timedelta(whole) + pd.Timedelta(rest, unit="ns") if rest else pd.Timedelta(whole)


_OTHER: Final = "*"
KINDS: Final[Mapping[str, Kind]] = {
    "s": Kind(),
    "b": Kind(read=_read_bool, datatype={"base": "boolean", "format": "True|False"}),
    "i": Kind(lambda value: str(int(value)), _read_whole, "integer", number=True),
    "f": Kind(lambda value: repr(float(value)), _read_float, "number", number=True),
    "D": Kind(read=Decimal, datatype="decimal", number=True),
    "d": Kind(dt.date.isoformat, dt.date.fromisoformat, "date"),
    "t": Kind(dt.time.isoformat, dt.time.fromisoformat, "time"),
    "T": Kind(dt.datetime.isoformat, dt.datetime.fromisoformat, "datetime"),
    "P": Kind(lambda value: str(value.isoformat()), pd.Timestamp, "datetime"),
    "x": Kind(
        lambda value: str(pd.Timedelta(value)), lambda text: _read_timedelta(text).to_pytimedelta()
    ),
    "X": Kind(read=_read_timedelta),
    "(": Kind(repr, ast.literal_eval),
    _OTHER: Kind(),  # lists, dicts, bytes, periods, intervals and the like: they come back as this text
}
_LETTERS: Final[Mapping[type, str]] = {
    str: "s",
    bool: "b",
    np.bool_: "b",
    int: "i",
    float: "f",
    Decimal: "D",
    dt.date: "d",
    dt.time: "t",
    dt.datetime: "T",
    pd.Timestamp: "P",
    dt.timedelta: "x",
    pd.Timedelta: "X",
}
_KIND_OF_DTYPE: Final = {"i": "i", "u": "i", "f": "f", "b": "b", "M": "P", "m": "X"}
_GAPS: Final[Mapping[str, object]] = {"N": None, "n": np.nan, "0": pd.NaT, "?": pd.NA}
_GAP_LETTERS: Final = {
    type(None): "N",
    float: "n",
    np.float64: "n",
    type(pd.NaT): "0",
    type(pd.NA): "?",
}


def to_cells(column: pd.Series, *, each: bool = False) -> Cells:
    """A column as the texts of its cells.

    Exact for text, whole numbers, floats, bools, Decimal, dates, times, stamps, durations, tuples of plain
    values, categories of these, their nullable and Arrow forms, and an object column of any mixture of them.
    Anything else (lists, dicts, bytes, arrays, complex numbers, periods, intervals) becomes the text that
    ``str`` makes of it and comes back as that text.

    Args:
        column: any column.
        each: whether to note the kind of every cell, even if all of them are alike.

    Examples:
        >>> to_cells(pd.Series([7, None], dtype="Int64")).texts
        ['7', None]
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category_cells(column)
    values = column.tolist()
    letters = [_letter(value) for value in values]
    pairs = zip(letters, values, strict=True)
    texts = [None if letter in _GAPS else KINDS[letter].write(value) for letter, value in pairs]
    kinds, gaps = set(letters) - set(_GAPS), set(letters) & set(_GAPS)
    note: Note = {DTYPE: _dtype_name(dtype, kinds)}
    if each or len(kinds) > 1 or (len(gaps) > 1 and note[DTYPE] == "object"):
        return Cells(
            texts,
            note | {_EACH: "".join(letters)},
            numbers=[_is_number(letter) for letter in letters],
        )
    kind = next(iter(kinds), _KIND_OF_DTYPE.get(getattr(dtype, "kind", ""), "s"))
    return Cells(
        texts,
        note | {KIND: kind, GAP: next(iter(gaps), "n")},
        KINDS[kind].datatype,
        KINDS[kind].number,
    )


def from_cells(texts: Sequence[str | None], note: Mapping[str, Any]) -> pd.Series:
    """The column that ``to_cells`` made these texts and this note of.

    Args:
        texts: one per row; None for a gap.
        note: of the column.

    Raises:
        ResultsError: a text does not fit the note; the sentence names the row and the text.

    Examples:
        >>> from_cells(["7", None], to_cells(pd.Series([1], dtype="Int64")).note).tolist()
        [7, <NA>]
    """
    name = note[DTYPE]
    if name == "category":
        return _category(texts, note)
    values = _values(texts, note)
    return _objects(values) if name == "object" else _typed(texts, values, name)


def _letter(value: object) -> str:
    known = _LETTERS.get(type(value), "")
    if known == "f" or isinstance(value, np.floating):
        return "n" if value != value else "f"  # noqa: PLR0124 -- the fastest way to know NaN
    if known or type(value) in _GAP_LETTERS:
        return known or _GAP_LETTERS[type(value)]
    if isinstance(value, np.integer):
        return "i"
    return "(" if isinstance(value, tuple) and _is_literal(value) else _OTHER


def _is_literal(value: tuple[object, ...]) -> bool:
    try:
        return bool(type(value) is tuple and ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def _is_number(letter: str) -> bool:
    return letter in KINDS and KINDS[letter].number


def _dtype_name(dtype: object, kinds: set[str]) -> str:
    if isinstance(dtype, pd.StringDtype):
        return f"{'string' if dtype.na_value is pd.NA else 'str'}[{dtype.storage}]"
    name = f"arrow:{dtype.pyarrow_dtype}" if isinstance(dtype, pd.ArrowDtype) else str(dtype)
    if name == "object":
        return name
    return name if _OTHER not in kinds and _is_restored(name, dtype) else "str"


def _is_restored(name: str, dtype: object) -> bool:
    try:
        return bool(_dtype(name) == dtype)
    except (TypeError, ValueError, NotImplementedError):
        return False


def _dtype(name: str) -> Any:
    text, _, storage = name.removesuffix("]").partition("[")
    if text in {"str", "string"}:
        return _text_dtype(storage, na_value=np.nan if text == "str" else pd.NA)
    return (
        _arrow_dtype(name.removeprefix("arrow:"))
        if name.startswith("arrow:")
        else pd.api.types.pandas_dtype(name)
    )


def _text_dtype(storage: str, *, na_value: object) -> pd.StringDtype:
    try:
        return pd.StringDtype(storage or None, na_value=na_value)  # type: ignore[call-overload,no-any-return] # the stubs know no variable storage
    except ImportError:  # the file was written where pyarrow is installed
        return pd.StringDtype("python", na_value=na_value)  # type: ignore[call-overload,no-any-return] # as above


def _arrow_dtype(name: str) -> pd.api.extensions.ExtensionDtype:
    import pyarrow as pa  # noqa: PLC0415 -- not a dependency of mailframe; only an Arrow column needs it

    match = _DECIMAL_TYPE.fullmatch(name)
    if match:
        return pd.ArrowDtype(getattr(pa, match[1])(int(match[2]), int(match[3])))
    if name == "string":
        return pd.ArrowDtype(pa.string())
    return pd.ArrowDtype.construct_from_string(f"{name}[pyarrow]")


def _values(texts: Sequence[str | None], note: Mapping[str, Any]) -> list[object]:
    letters = note.get(_EACH)
    if letters is None:
        letter, gap = note[KIND], _GAPS[note[GAP]]
        return [gap if text is None else _read(letter, text, row) for row, text in enumerate(texts)]
    if len(letters) != len(texts):
        raise ResultsError(f"{len(letters):,} rows were written and {len(texts):,} are there")
    pairs = zip(letters, texts, strict=True)
    return [
        _GAPS[letter] if letter in _GAPS else _read(letter, text or "", row)
        for row, (letter, text) in enumerate(pairs)
    ]


def _read(letter: str, text: str, row: int) -> object:
    try:
        return KINDS[letter].read(text)
    except (ValueError, KeyError, TypeError, SyntaxError, OverflowError, DecimalException):
        raise _misfit(row, text, str(KINDS[letter].datatype)) from None


def _misfit(row: int, text: str | None, name: str) -> ResultsError:
    return ResultsError(
        f"row {row} holds {'nothing' if text is None else repr(text)}, which is no {name}"
    )


def _objects(values: Sequence[object]) -> pd.Series:
    cells = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):  # cells[:] = values would spread tuples over several cells
        cells[row] = value
    return pd.Series(cells, dtype=object)


def _typed(texts: Sequence[str | None], values: Sequence[object], name: str) -> pd.Series:
    dtype = _dtype(name)
    if isinstance(dtype, np.dtype) and dtype.kind in "biu" and None in texts:
        raise _misfit(
            texts.index(None), None, name
        )  # pandas would read a gap in a bool column as False
    known = [None if text is None else value for text, value in zip(texts, values, strict=True)]
    try:
        return pd.Series(pd.array(known, dtype=dtype))
    except (ValueError, TypeError, OverflowError) as error:
        raise ResultsError(f"a cell does not fit the dtype {name}: {error}") from error


def _category_cells(column: pd.Series) -> Cells:
    categories = to_cells(pd.Series(column.cat.categories))
    codes = column.cat.codes.tolist()
    note: Note = {
        DTYPE: "category",
        _ORDERED: bool(column.cat.ordered),
        _CATEGORIES: categories.note | {TEXTS: categories.texts},
    }
    if len(set(categories.texts)) < len(categories.texts):  # the number 1 and the text "1"
        note[_CODES] = codes
    texts = [None if code < 0 else categories.texts[code] for code in codes]
    each = categories.numbers
    numbers = [code >= 0 and each[code] for code in codes] if isinstance(each, list) else each
    return Cells(texts, note, categories.datatype, numbers)


def _category(texts: Sequence[str | None], note: Mapping[str, Any]) -> pd.Series:
    known = note[_CATEGORIES][TEXTS]
    categories = from_cells(known, note[_CATEGORIES])
    places = {text: code for code, text in enumerate(known)} | {None: -1}
    foreign = next((row for row, text in enumerate(texts) if text not in places), None)
    if foreign is not None:
        raise _misfit(foreign, texts[foreign], "category of this column")
    codes = note.get(_CODES) or [places[text] for text in texts]
    if len(codes) != len(texts):
        raise ResultsError(f"{len(codes):,} rows were written and {len(texts):,} are there")
    dtype = pd.CategoricalDtype(
        pd.Index(categories, dtype=categories.dtype), ordered=note[_ORDERED]
    )
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype))


def shield(text: str) -> str:
    """The text with a ``'`` in front where a spreadsheet would run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unshield(text: str) -> str:
    """The text that ``shield`` was given."""
    # A text that began with "'" and a formula got a "'" of its own, so one is always ours.
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def shielded(column: Cells) -> Cells:
    """The column with every text shielded; numbers stay as they are."""
    if column.numbers is True:
        return column
    numbers = column.numbers or [False] * len(column.texts)
    pairs = zip(column.texts, numbers, strict=True)
    texts = [text if number or text is None else shield(text) for text, number in pairs]
    return Cells(texts, column.note, column.datatype, column.numbers)


def gapped(texts: Sequence[str], *, null: str = "", unshielded: bool) -> list[str | None]:
    """The cells of a file with None for each gap, and what ``shield`` put in front taken away again."""
    if not unshielded:
        return [None if text == null else text for text in texts]
    return [None if text == null else unshield(text) for text in texts]
