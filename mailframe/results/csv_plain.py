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
from mailframe.pandas_versions import text_labels
from mailframe.results import csv_cells, csv_texts
from mailframe.results.csv_kinds import plain_note
from mailframe.results.csv_table import column_of, framed
from mailframe.results.frame import DTYPES, results_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.results.csv_kinds import Texts

_INFINITE: Final = {"inf", "-inf"}


def plain_frame(
    header: Sequence[str], columns: Sequence[Sequence[str]], *, excel_safe: bool
) -> pd.DataFrame:
    """The frame of a CSV that has no metadata.

    Args:
        header: the title of each column.
        columns: the cells of each column.
        excel_safe: whether text may have a ``'`` in front.

    Raises:
        ResultsError: a column of the results is missing, or has a cell of another dtype.
    """
    titles = [csv_texts.unshield(title) for title in header] if excel_safe else list(header)
    names = results_columns(pd.DataFrame(columns=titles))
    last = {title: place for place, title in enumerate(titles)}
    dtypes = {last[label]: DTYPES[name] for name, label in names.items()}
    series = []
    for place, cells in enumerate(columns):
        texts = csv_cells.with_missing(cells, unshielded=excel_safe)
        if place in dtypes:
            note = plain_note(dtypes[place])
            series.append(
                column_of(header[place], texts, note, otherwise="write the results again")
            )
        else:
            series.append(_inferred(texts))
    levels = next(place for place, label in enumerate(titles) if label)
    labels = text_labels(titles[levels:])
    return framed(series[levels:], labels, _index(series[:levels], len(columns[0])))


def _index(levels: Sequence[pd.Series], rows: int) -> pd.Index:
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(levels)
    default = pd.RangeIndex(rows)
    # compared as texts, because True and 1.0 are equal to 1
    is_default = not levels or list(map(str, levels[0])) == list(map(str, default))
    return default if is_default else pd.Index(levels[0])


def _inferred(texts: Texts) -> pd.Series:
    dtypes = ("Int64", "boolean", "float64") if None in texts else ("int64", "bool", "float64")
    for dtype in dtypes if any(texts) and _INFINITE.isdisjoint(texts) else ():
        with suppress(ResultsError):
            column = csv_cells.from_cells(texts, plain_note(dtype))
            if csv_texts.to_cells(column)[0] == texts:
                return column
    return csv_cells.from_cells(texts, plain_note("str"))
