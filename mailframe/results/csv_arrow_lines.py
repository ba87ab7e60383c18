r"""Columns of a frame as Arrow text, and the lines of a CSV from them.

pyarrow writes cells in a fraction of the time of Python strings. Each way here can only give the
texts and lines that ``csv_texts.py`` and ``csv_lines.py`` give, or None.

This module is imported only where pandas keeps text in Arrow.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mailframe.results.csv_arrow import bytes_and_places
from mailframe.results.csv_kinds import TEXT
from mailframe.results.csv_stamps import in_fewest_digits, moments_of
from mailframe.results.csv_texts import CHUNK_ROWS, CategoryCells, plain_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.results.csv_texts import Cells

_TEXT: Final = pa.large_string()
_COMMA, _QUOTE, _NEWLINE = b',"\n'
_IS_HARMLESS: Final = np.array([chr(code).isalnum() and code < ord("\x7f") for code in range(256)])
"""Characters that never start a formula, and that no spreadsheet skips in front of one."""


class _Texts(NamedTuple):
    """Arrow text in which a missing value is missing, and the letters of its kinds, each once."""

    texts: Any
    letters: str


def cells_of(
    cells: Cells | CategoryCells, start: int, stop: int, *, safe: bool, null: str
) -> Any | Sequence[str]:
    """The cells of some rows of a column as ``csv_texts.plain_cells`` makes them.

    Returns:
        Arrow text if that is possible.
    """
    if isinstance(cells, CategoryCells):
        taken = _taken([*cells.words(safe=safe)[:-1], null], cells.codes(start, stop))
        if taken is not None:
            return taken
    elif (written := _written(cells.part(start, stop), safe=safe)) is not None:
        cells.add_letters(written.letters, rows=len(written.texts))
        return pc.fill_null(written.texts, null)
    return plain_cells(cells, start, stop, safe=safe, null=null)


def _taken(words: Sequence[str | None], codes: np.ndarray[Any, Any]) -> Any | None:
    """The word of each code; the last is that of -1. None if there are many words."""
    if len(words) > CHUNK_ROWS:  # they would be made again for each chunk
        return None
    with suppress(UnicodeEncodeError):  # half a surrogate pair, which the plain way names
        all_words = pa.array(words, _TEXT)
        return all_words.take(pa.array(np.where(codes < 0, len(words) - 1, codes)))
    return None


def _written(part: pd.Series, *, safe: bool) -> _Texts | None:
    """The texts of some rows; None if only ``csv_texts.py`` knows them."""
    dtype = part.dtype
    try:
        if isinstance(dtype, pd.StringDtype):
            return _text(part, dtype, safe=safe) if dtype.storage == "pyarrow" else None
        if isinstance(dtype, np.dtype | pd.DatetimeTZDtype) and dtype.kind == "M":
            return _stamps(part)
        if isinstance(dtype, np.dtype) and dtype.kind == "b":
            return _present(pc.if_else(pa.array(part), "True", "False"), "b", missing="")
        is_masked = type(part.array) is pd.arrays.IntegerArray
        if is_masked or (isinstance(dtype, np.dtype) and dtype.kind in "iu"):
            return _present(pc.cast(pa.array(part), _TEXT), "i", missing="?")
    except pa.ArrowException:  # another order of bytes
        return None
    return None


def _present(texts: Any, letter: str, *, missing: str) -> _Texts:
    texts = pc.cast(texts, _TEXT)
    letters = letter if texts.null_count < len(texts) else ""
    return _Texts(texts, letters + (missing if texts.null_count else ""))


def _text(part: pd.Series, dtype: pd.StringDtype, *, safe: bool) -> _Texts | None:
    texts = pa.array(part)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    texts = pc.cast(texts, _TEXT)
    if safe and not _are_harmless(texts):
        return None
    missing = "?" if dtype.na_value is pd.NA else "n"
    return _present(texts, TEXT, missing=missing)


def _are_harmless(texts: Any) -> bool:
    characters, places = bytes_and_places(texts)
    has_texts = places[:-1] < places[1:]
    return bool(_IS_HARMLESS[characters[places[:-1][has_texts]]].all())


def _stamps(part: pd.Series) -> _Texts | None:
    """Timestamps that all have the same number of digits."""
    moments = moments_of(part)
    cut = None if moments is None else in_fewest_digits(moments)
    if cut is None:
        return None
    spelled = pc.cast(pa.array(cut), _TEXT)  # with a space between date and time
    valid, ends, data = spelled.buffers()
    characters = np.frombuffer(data, dtype=np.uint8).copy()
    characters[characters == ord(" ")] = ord("T")
    buffers = [valid, ends, pa.py_buffer(characters)]
    texts = pa.Array.from_buffers(_TEXT, len(part), buffers)
    if isinstance(part.dtype, pd.DatetimeTZDtype):
        texts = _joined(texts, "+00:00")
    return _present(texts, "P", missing="0")


def lines(columns: Sequence[Any]) -> bytes | None:
    r"""The lines of some rows; cells are quoted where it is needed.

    Args:
        columns: the cells of each column, Arrow text or a sequence of texts; none is missing.

    Returns:
        None if a text has half a surrogate pair, which Arrow cannot hold.

    Raises:
        ValueError: a cell is missing.

    >>> lines([pa.array(["a", "b, c"], pa.large_string()), ["1", ""]])
    b'a,1\n"b, c",\n'
    """
    try:
        cells = [
            pa.array(column, _TEXT) if isinstance(column, list | tuple) else column
            for column in columns
        ]
    except UnicodeEncodeError:
        return None
    rows = _joined(*map(_with_quotes, cells), separator=",")
    if rows.null_count:  # one missing cell would make its row missing
        raise ValueError("a cell is missing")
    characters, _ = bytes_and_places(_joined(rows, "\n"))
    return characters.tobytes()


def _joined(*parts: Any, separator: str = "") -> Any:
    """The parts of each row as one text; a str is the same part of every row."""
    texts = [pa.scalar(part, _TEXT) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar(separator, _TEXT))


def as_texts(columns: Sequence[Any]) -> list[Sequence[str]]:
    """The cells of each column as Python strings."""
    return [
        column if isinstance(column, list | tuple) else column.to_pylist() for column in columns
    ]


def _with_quotes(texts: Any) -> Any:
    characters, places = bytes_and_places(texts)
    special = np.flatnonzero(
        (characters == _COMMA) | (characters == _QUOTE) | (characters == _NEWLINE)
    )
    if not len(special):
        return texts
    is_quoted = np.zeros(len(texts), dtype=bool)
    is_quoted[np.searchsorted(places, special, side="right") - 1] = True
    quoted = _joined('"', pc.replace_substring(texts, '"', '""'), '"')
    return pc.if_else(pa.array(is_quoted), quoted, texts)
