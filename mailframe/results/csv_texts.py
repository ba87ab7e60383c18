"""One column of a frame as the texts of its CSV cells, some rows at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson
import pandas as pd

from mailframe.results.csv_kinds import (
    CATEGORIES,
    CODES,
    DTYPE,
    KIND,
    KIND_OF_EACH,
    KINDS,
    MISSING,
    MISSING_KIND,
    ORDERED,
    TEXT,
    TEXTS,
    dtype_name,
    kind_of,
    kind_of_dtype,
)
from mailframe.results.csv_stamps import stamp_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from mailframe.results.csv_kinds import Note, Texts

CHUNK_ROWS: Final = 5_000
"""Rows that are written or read at once; 40 columns of Python strings take some 15 MB."""
# OWASP, "CSV Injection": the characters that start a formula, their full-width forms, and what a
# spreadsheet may skip in front of them.
_FORMULA: Final = re.compile("['\"\\s]*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBERS: Final = frozenset("ifD")
_WRITTEN_BY_STR: Final = {int: "i", bool: "b"}
_KIND_OF_TYPE: Final = {str: TEXT, int: "i", bool: "b", type(None): "N", type(pd.NA): "?"}
"""Types whose values all have one kind."""
_LEAST_PLAIN, _PLAIN_BELOW = 1e-4, 1e16
"""``repr`` writes a float of this size, and of no other, without an exponent."""


def to_cells(column: pd.Series) -> tuple[Texts, Note]:
    """A column as the texts of its cells and the note to read them.

    Exact for text, whole numbers, floats, bools, Decimal, dates, times, timestamps, durations,
    tuples of plain values, categories of these, their nullable and Arrow forms, and an object
    column of any mixture of them. Anything else (lists, dicts, bytes, arrays, complex numbers,
    periods, intervals) becomes the text that ``str`` makes of it and comes back as that text.

    >>> to_cells(pd.Series([7, None], dtype="Int64"))[0]
    ['7', None]
    """
    cells = column_cells(column)
    return cells.texts(0, len(column)), cells.note()


def column_cells(column: pd.Series) -> Cells | CategoryCells:
    """The cells of a column."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    return CategoryCells(column) if is_category else Cells(column)


class Cells:
    """The cells of a column as texts, from the first row to the last; then the note to read them.

    Args:
        column: the column; not of a categorical dtype.
    """

    def __init__(self, column: pd.Series) -> None:
        self._column = column
        self._letters: list[tuple[str, int]] = []  # of one row each, or one of several rows

    @property
    def null(self) -> str:
        """The text of a missing value: empty unless the column has empty texts."""
        null = ""
        while self._has_text(null):
            null = f"<{null or 'NA'}>"
        return null

    def _has_text(self, text: str) -> bool:
        dtype = self._column.dtype
        if isinstance(dtype, pd.StringDtype):
            return bool((self._column == text).any())
        if getattr(dtype, "kind", "O") in "biufMm":
            return False
        return any(text in _written(values)[0] for values in self._parts())

    def _parts(self) -> Iterator[list[Any]]:
        for start in range(0, len(self._column), CHUNK_ROWS):
            yield self._column.iloc[start : start + CHUNK_ROWS].tolist()

    def texts(self, start: int, stop: int, *, safe: bool = False) -> Texts:
        """The cells of the rows from *start* to before *stop*.

        Args:
            start: the position after the rows of the last call.
            stop: the position after the last row.
            safe: whether to put a ``'`` in front of text that a spreadsheet would run.
        """
        part = self.part(start, stop)
        texts, letters = stamp_texts(part) or _floats(part) or _written(part.tolist())
        self.add_letters(letters, rows=len(texts))
        return shielded(texts, letters) if safe else texts

    def part(self, start: int, stop: int) -> pd.Series:
        """The rows from *start* to before *stop*."""
        return self._column.iloc[start:stop]

    def add_letters(self, letters: str, *, rows: int) -> None:
        """Note the kinds of the next rows: the letter of each, or one letter of all of them.

        Of a column that can hold only one kind, it may be the set of letters.
        """
        self._letters.append((letters, rows))

    def note(self) -> Note:
        """The note of the column, when all of its texts were made."""
        letters = set("".join({letters for letters, _ in self._letters}))
        kinds, missing = letters - set(MISSING), letters & set(MISSING)
        dtype = dtype_name(self._column.dtype, letters)
        if len(kinds) > 1 or (len(missing) > 1 and dtype == "object"):
            each = [one * rows if len(one) == 1 else one for one, rows in self._letters]
            return {DTYPE: dtype, KIND_OF_EACH: "".join(each)}
        kind = next(iter(kinds), kind_of_dtype(self._column.dtype))
        return {DTYPE: dtype, KIND: kind, MISSING_KIND: next(iter(missing), "n")}


class CategoryCells:
    """The cells of a categorical column; see ``Cells``."""

    def __init__(self, column: pd.Series) -> None:
        self._column = column
        self._texts, self._categories = to_cells(pd.Series(column.cat.categories))

    @property
    def null(self) -> str:
        """The text of a missing value: empty unless the column has empty texts."""
        codes = self._column.cat.codes
        return _null({self._texts[code] for code in codes.unique().tolist() if code >= 0})

    def texts(self, start: int, stop: int, *, safe: bool = False) -> Texts:
        """The cells of the rows from *start* to before *stop*; see ``Cells.texts``."""
        of_code = self.words(safe=safe)
        return [of_code[code] for code in self.codes(start, stop).tolist()]

    def words(self, *, safe: bool) -> Sequence[str | None]:
        """The text of each code; the last is that of -1, a missing value."""
        texts = shielded(self._texts, self._categories.get(KIND, "")) if safe else self._texts
        return [*texts, None]

    def codes(self, start: int, stop: int) -> np.ndarray[Any, np.dtype[np.integer[Any]]]:
        """The codes of the rows from *start* to before *stop*."""
        return self._column.cat.codes.iloc[start:stop].to_numpy()

    def note(self) -> Note:
        """The note of the column."""
        note: Note = {
            DTYPE: "category",
            ORDERED: bool(self._column.cat.ordered),
            CATEGORIES: self._categories | {TEXTS: self._texts},
        }
        if len(set(self._texts)) < len(self._texts):  # the number 1 and the text "1"
            note[CODES] = self._column.cat.codes.tolist()
        return note


def _written(values: list[Any]) -> tuple[Texts, str]:
    """Values as texts, with the letter of each, or one letter if all have the same."""
    types = set(map(type, values))
    if types == {str}:
        return values, TEXT
    if len(types) == 1 and (letter := _WRITTEN_BY_STR.get(next(iter(types)))):
        return list(map(str, values)), letter
    if types == {float}:
        texts = list(map(repr, values))
        if "nan" not in texts:
            return texts, "f"
        filled = [None if text == "nan" else text for text in texts]
        return filled, "".join(["n" if text is None else "f" for text in filled])
    letters = [_KIND_OF_TYPE.get(type(value)) or kind_of(value) for value in values]
    written = [
        value if letter == TEXT else None if letter in MISSING else KINDS[letter].write(value)
        for letter, value in zip(letters, values, strict=True)
    ]
    return written, "".join(letters)


def _floats(column: pd.Series) -> tuple[Texts, str] | None:
    """Floats as ``repr`` writes them, but many at once; None for a column of anything else.

    orjson writes the same characters, the fewest that give the same float, for numbers that both
    write without an exponent. The others are written one by one.
    """
    if column.dtype != np.float64 or not len(column) or not isinstance(column.dtype, np.dtype):
        return None
    values = column.to_numpy()
    sizes = np.abs(values)
    is_plain = ((sizes >= _LEAST_PLAIN) & (sizes < _PLAIN_BELOW)) | (values == 0)
    plain = np.ascontiguousarray(np.where(is_plain, values, 0.0))
    written = orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY)
    texts: list[str | None] = [*written[1:-1].decode("ascii").split(",")]
    for place in np.flatnonzero(~is_plain).tolist():
        text = repr(float(values[place]))
        texts[place] = None if text == "nan" else text
    if None not in texts:
        return texts, "f"
    return texts, "".join(["n" if text is None else "f" for text in texts])


def shielded(texts: Texts, letters: str) -> Texts:
    """The texts as they are shielded from a spreadsheet that would run them; numbers stay.

    Args:
        texts: the cells of a column.
        letters: the kind of each, or one kind of all.
    """
    if len(letters) == len(texts):
        return [
            text if text is None or letter in _NUMBERS else shield(text)
            for text, letter in zip(texts, letters, strict=True)
        ]
    if letters in _NUMBERS:
        return texts
    return [None if text is None else shield(text) for text in texts]


def shield(text: str) -> str:
    """The text with a ``'`` in front if a spreadsheet would run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unshield(text: str) -> str:
    """The text that ``shield`` was given."""
    # A text that began with "'" and a formula got a "'" of its own, so the first one is ours.
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def plain_cells(
    cells: Cells | CategoryCells, start: int, stop: int, *, safe: bool, null: str
) -> Sequence[str]:
    """The cells of some rows of a column as they are in the file, *null* for a missing value."""
    texts = cells.texts(start, stop, safe=safe)
    return [null if text is None else text for text in texts]


def _null(texts: Collection[str]) -> str:
    null = ""
    while null in texts:
        null = f"<{null or 'NA'}>"
    return null
