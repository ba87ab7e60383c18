"""The plain rule: what the columns of a results CSV are when no metadata says it.

The nine columns of the newest results have their dtypes. Another column is int64, Int64, float64, bool or
boolean only if each of its values would be written again with the same characters ("0150", "1.10", "NA" and
"inf" stay text); else it is text. A gap is an empty cell and nothing else. Leading columns with an empty
header are the index, as ``results.to_csv(path)`` writes it; a named index stays a column.

Where ``write_csv`` needed a word for a gap, because the column also holds empty texts, only its metadata knows
that word: without it ``<NA>`` is text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.results.columns import stamps
from mailframe.results.csv_cells import DTYPE, GAP, KIND, from_cells, gapped, unshield
from mailframe.results.frame import DTYPES, results_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.results.csv_cells import Note

_WHOLE: Final = re.compile(r"0|-?[1-9][0-9]*")
_INT64_LIMIT: Final = 2**63
_KINDS: Final = {"Int64": "i", "bool": "b"}


def assembled(series: Sequence[pd.Series], labels: pd.Index, index: pd.Index) -> pd.DataFrame:
    """The columns side by side, by position, under their labels."""
    frame = pd.concat(series, axis=1) if series else pd.DataFrame(index=range(len(index)))
    return frame.set_axis(labels, axis=1).set_axis(index, axis=0)


def plain_frame(
    header: Sequence[str], columns: Sequence[Sequence[str]], *, unshielded: bool
) -> pd.DataFrame:
    """The results frame in a CSV file that has no metadata.

    Args:
        header: one text per column.
        columns: the texts of each column, one per row.
        unshielded: whether the file was written with ``excel_safe=True``.

    Raises:
        ResultsError: a column of the results is missing, or one of its cells does not fit its dtype.
    """
    labels = [unshield(title) for title in header] if unshielded else list(header)
    levels = next((place for place, label in enumerate(labels) if label), 0)
    names = results_columns(pd.DataFrame(columns=labels))
    ours = {
        len(labels) - 1 - labels[::-1].index(label): standard for standard, label in names.items()
    }
    cells = [gapped(texts, unshielded=unshielded) for texts in columns]
    series = [
        _standard(ours[place], texts) if place in ours else _inferred(texts)
        for place, texts in enumerate(cells)
    ]
    return assembled(
        series[levels:],
        pd.Index(labels[levels:], dtype="str"),
        _plain_index(series[:levels], len(columns[0])),
    )


def _plain_index(levels: Sequence[pd.Series], rows: int) -> pd.Index:
    if len(levels) > 1:
        return pd.MultiIndex.from_arrays(list(levels), names=[None] * len(levels))
    default = pd.RangeIndex(rows)
    if not levels or levels[0].equals(pd.Series(default)):
        return default
    index: pd.Index = pd.Index(levels[0], dtype=levels[0].dtype, name=None)
    return index


def _standard(name: str, texts: Sequence[str | None]) -> pd.Series:
    if name != "SubmittedAt":
        return _whole_or_text(name, texts)
    read = pd.Series(stamps(texts))
    lost = [row for row, text in enumerate(texts) if text is not None and pd.isna(read.iloc[row])]
    if lost:
        raise ResultsError(
            f"in column {name!r} row {lost[0]} holds {texts[lost[0]]!r}, which is no stamp with an offset "
            "such as 2014-02-17T07:25:01.4178645-05:00; did a spreadsheet change it? Write the results again"
        )
    return read


def _whole_or_text(name: str, texts: Sequence[str | None]) -> pd.Series:
    try:
        return from_cells(texts, _note(DTYPES[name], _KINDS.get(DTYPES[name], "s")))
    except ResultsError as error:
        raise ResultsError(
            f"in column {name!r} {error}; correct the cell, or write the results again"
        ) from error


def _inferred(texts: Sequence[str | None]) -> pd.Series:
    known = [text for text in texts if text is not None]
    gaps = len(known) < len(texts)
    if not known:
        return from_cells(texts, _note("str", "s"))
    if all(_WHOLE.fullmatch(text) and -_INT64_LIMIT <= int(text) < _INT64_LIMIT for text in known):
        return from_cells(texts, _note("Int64" if gaps else "int64", "i"))
    if all(text in {"True", "False"} for text in known):
        return from_cells(texts, _note("boolean" if gaps else "bool", "b"))
    return from_cells(
        texts, _note("float64", "f") if all(map(_is_float, known)) else _note("str", "s")
    )


def _is_float(text: str) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return bool(np.isfinite(number)) and repr(number) == text


def _note(dtype: str, kind: str) -> Note:
    return {DTYPE: dtype, KIND: kind, GAP: "n"}
