"""The plain rule: what the columns of a results CSV are when no metadata says it.

The columns of the newest results have their dtypes. Another column is int64, Int64, float64,
bool or boolean only if each of its values would be written again with the same characters ("0150",
"1.10", "NA" and "inf" stay text); else it is text. A missing value is an empty cell and nothing
else. Leading columns with an empty header are the index, as ``results.to_csv(path)`` writes it; a
named index stays a column.

Where ``write_csv`` needed a word for a missing value, because the column also has empty texts, only
its metadata knows that word: without it ``<NA>`` is text.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.errors import ResultsError
from mailframe.results import csv_cells
from mailframe.results.csv_cells import DTYPE, KIND, MISSING_KIND
from mailframe.results.csv_table import metadata_of
from mailframe.results.frame import DTYPES, results_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.results.csv_cells import Note, Texts

_KINDS: Final = {
    **dict.fromkeys(["int64", "Int64"], "i"),
    **dict.fromkeys(["bool", "boolean"], "b"),
    "float64": "f",
    "str": "s",
    "datetime64[ns, UTC]": "Z",
}
_INFINITE: Final = {"inf", "-inf"}


def plain_metadata(
    header: Sequence[str], columns: Sequence[Sequence[str]], *, excel_safe: bool
) -> Note:
    """The metadata of a CSV that has none.

    Args:
        header: the title of each column.
        columns: the cells of each column.
        excel_safe: whether text may have a ``'`` in front.

    Raises:
        ResultsError: a column of the results is missing.
    """
    titles = [csv_cells.unshield(title) for title in header] if excel_safe else list(header)
    names = results_columns(pd.DataFrame(columns=titles))
    dtypes = {
        len(titles) - 1 - titles[::-1].index(label): DTYPES[name] for name, label in names.items()
    }
    cells = [csv_cells.with_missing(texts, unshielded=excel_safe) for texts in columns]
    notes = [
        _note(dtypes[place]) if place in dtypes else _inferred(texts)
        for place, texts in enumerate(cells)
    ]
    levels = next((place for place, label in enumerate(titles) if label), 0)
    index = _index(cells[:levels], len(columns[0]))
    labels = pd.Index(titles[levels:], dtype="str")
    return metadata_of(header, notes, index, labels, excel_safe=excel_safe)


def _index(levels: Sequence[Texts], rows: int) -> pd.Index:
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays([pd.Index(texts) for texts in levels])
    default = pd.RangeIndex(rows)
    return pd.Index(levels[0]) if levels and levels[0] != list(map(str, default)) else default


def _inferred(texts: Texts) -> Note:
    dtypes = ("Int64", "boolean", "float64") if None in texts else ("int64", "bool", "float64")
    for dtype in dtypes if any(texts) and _INFINITE.isdisjoint(texts) else ():
        with suppress(ResultsError):
            note = _note(dtype)
            if csv_cells.to_cells(csv_cells.from_cells(texts, note))[0] == texts:
                return note
    return _note("str")


def _note(dtype: str) -> Note:
    return {DTYPE: dtype, KIND: _KINDS[dtype], MISSING_KIND: "n", "null": ""}
