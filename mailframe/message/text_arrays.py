"""Columns of text in the memory that pandas uses for them, without a list of all their texts.

pandas 3 keeps text in Arrow where pyarrow is installed, and else as Python strings, as pandas 2
does. Both are made here in pieces of some ten thousand rows.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.pandas_versions import text_dtype, text_storage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pandas.api.extensions import ExtensionArray

    Integers: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.signedinteger[Any]]]"

MISSING: Final = -1
"""The code, or the size, of a missing text."""
PIECE_ROWS: Final = 50_000
"""Rows of a piece: as Python strings they take about 5 MB."""


def text_array(pieces: Iterable[Any]) -> ExtensionArray:
    """Pieces of a column, one after the other, as one array of the dtype of text.

    Args:
        pieces: the results of ``from_texts``, ``repeated_texts`` and ``from_bytes``.

    >>> text_array([from_texts(["a", None]), from_texts(["b"])]).tolist()
    ['a', nan, 'b']
    """
    dtype: Any = text_dtype()
    if text_storage() == "python":
        objects = np.concatenate([np.empty(0, dtype=object), *pieces])
        array: ExtensionArray = pd.array(objects, dtype=dtype, copy=False)
        return array
    pa = _arrow()
    whole = pa.chunked_array(list(pieces), pa.large_string())
    array = dtype.__from_arrow__(whole)
    return array  # noqa: RET504 - mypy sees its type


def from_texts(texts: Sequence[str | None]) -> Any:
    """A piece of some texts; None is a missing value."""
    if text_storage() == "python":
        return _objects(texts)
    pa = _arrow()
    return pa.array(texts, pa.large_string())


def repeated_texts(kinds: Integers, *, codes: Integers, words: Sequence[str]) -> Iterator[Any]:
    """The pieces of a long column of texts that repeat.

    Pieces that have only one text share their memory, so that a column of one text takes nearly
    none.

    Args:
        kinds: one per row, a place in *codes*.
        codes: the place in *words* of the text of each kind; -1 for a missing value.
        words: the distinct texts.

    >>> kinds, codes = np.array([2, 0, 0]), np.array([1, 0, -1])
    >>> text_array(repeated_texts(kinds, codes=codes, words=["a", "b"])).tolist()
    [nan, 'b', 'b']
    """
    all_words = from_texts([*words, None])
    constant: dict[tuple[int, int], Any] = {}
    for start in range(0, len(kinds), PIECE_ROWS):
        part = codes[kinds[start : start + PIECE_ROWS]]
        places = np.where(part == MISSING, len(words), part)
        first = int(places[0])
        if (places != first).any():
            yield all_words.take(places)
            continue
        if (first, len(places)) not in constant:
            constant[first, len(places)] = all_words.take(places)
        yield constant[first, len(places)]


def from_bytes(block: bytes | memoryview, ends: Integers, *, is_missing: Any) -> Any:
    """A piece of texts that lie one after the other in UTF-8.

    Args:
        block: the texts; pyarrow uses this memory itself, so it must not change any more.
        ends: the place in *block* where each text begins, and where the last one ends: one more
            than texts, as int64.
        is_missing: one boolean per text, whether it is missing.

    >>> no = np.array([False, False])
    >>> text_array([from_bytes(b"abc", np.array([0, 1, 3]), is_missing=no)]).tolist()
    ['a', 'bc']
    """
    if text_storage() != "python":
        pa = _arrow()
        valid = np.packbits(~is_missing, bitorder="little")
        buffers = [pa.py_buffer(valid), pa.py_buffer(ends), pa.py_buffer(block)]
        array = pa.Array.from_buffers(pa.large_string(), len(is_missing), buffers)
        try:
            array.validate(full=True)
        except pa.ArrowInvalid:  # half a surrogate pair is refused as pandas refuses it
            return from_texts(_decoded(block, ends, is_missing))
        return array
    return _objects(_decoded(block, ends, is_missing))


def _decoded(block: bytes | memoryview, ends: Integers, is_missing: Any) -> list[str | None]:
    places = ends.tolist()
    return [
        None if missing else str(block[start:end], "utf-8", "surrogatepass")
        for start, end, missing in zip(places, places[1:], is_missing.tolist(), strict=False)
    ]


def _objects(texts: Sequence[str | None]) -> np.ndarray[Any, np.dtype[np.object_]]:
    cells = np.empty(len(texts), dtype=object)
    cells[:] = [np.nan if text is None else text for text in texts] if None in texts else texts
    return cells


@cache
def _arrow() -> Any:
    import pyarrow as pa  # noqa: PLC0415 - not a dependency; pandas uses it where it is installed

    return pa
