"""A frame as a table of texts with its metadata, and the exact way back.

The metadata are those of W3C's CSV on the Web (https://www.w3.org/TR/tabular-data-model/), and keys
that begin with ``mailframe:`` for what it has no word for: dtypes, the index and the labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import ResultsError
from mailframe.results import csv_cells
from mailframe.results.csv_cells import DTYPE, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailframe.results.csv_cells import Note, Texts

WITHOUT_METADATA: Final = "move the metadata file away to read the CSV without it"
INDEX: Final = "mailframe:index"
_AXIS: Final = "mailframe:columns"
_SHAPE: Final = "mailframe:shape"
_RANGE: Final = "mailframe:range"
_FREQ: Final = "mailframe:freq"
_NAMES: Final = "mailframe:names"
_LABELS: Final = "mailframe:labels"
_ROWS: Final = "mailframe:rows"
_SAFE: Final = "mailframe:excel-safe"


def table_of(
    frame: pd.DataFrame, *, excel_safe: bool
) -> tuple[list[str], list[Sequence[str]], Note]:
    """A frame as the header, the cells of each column, and the metadata of a CSV.

    Args:
        frame: any frame of one level of columns. Its index comes first, unless it is a RangeIndex.
        excel_safe: whether to put a ``'`` in front of text that a spreadsheet would run.
    """
    index, labels = frame.index, frame.columns
    places = [] if isinstance(index, pd.RangeIndex) else range(index.nlevels)
    levels = [pd.Series(index.get_level_values(place)) for place in places]
    names = _labels_note(index.names)[TEXTS][: len(levels)] + _labels_note(labels)[TEXTS]
    header = [csv_cells.shield(name or "") if excel_safe else name or "" for name in names]
    columns: list[Sequence[str]] = []
    described: list[Note] = []
    for title, series in zip(
        header, [*levels, *(column for _, column in frame.items())], strict=True
    ):
        texts, note = csv_cells.to_cells(series)
        texts = csv_cells.shielded(texts, note) if excel_safe else texts
        null = _null(texts)
        columns.append([null if text is None else text for text in texts])
        csvw = {"name": f"column{len(columns)}", "titles": title, "null": null}
        described.append({**csvw, "datatype": csv_cells.datatype(note), **note})
    return (
        header,
        columns,
        {
            "@context": "http://www.w3.org/ns/csvw",
            "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"]},
            "tableSchema": {"columns": described},
            INDEX: _index_note(index),
            _AXIS: {
                _LABELS: _labels_note(labels),
                _NAMES: _labels_note([labels.name]),
                DTYPE: str(labels.dtype),
            },
            _ROWS: len(index),
            _SAFE: excel_safe,
        },
    )


def frame_of(
    header: Sequence[str], columns: Sequence[Sequence[str]], metadata: Mapping[str, Any]
) -> pd.DataFrame:
    """The frame that ``table_of`` made this table of.

    Args:
        header: the title of each column.
        columns: the cells of each column.
        metadata: the metadata of the table.

    Raises:
        ResultsError: the table does not fit the metadata.
        KeyError, TypeError, ValueError, IndexError, AttributeError: the metadata are damaged.
    """
    notes, axis = metadata["tableSchema"]["columns"], metadata[_AXIS]
    _refuse_misfit(header, [note["titles"] for note in notes], len(columns[0]), metadata[_ROWS])
    series = []
    for title, cells, note in zip(header, columns, notes, strict=True):
        texts = csv_cells.with_missing(cells, null=note["null"], unshielded=metadata[_SAFE])
        series.append(column_of(title, texts, note, otherwise=WITHOUT_METADATA))
    labels = pd.Index(
        _labels(axis[_LABELS]),
        dtype="str" if axis[DTYPE] == "str" else "object",
        name=_labels(axis[_NAMES])[0],
        tupleize_cols=False,
    )
    levels = len(series) - len(labels)
    return framed(series[levels:], labels, _index(metadata[INDEX], series[:levels]))


def column_of(title: str, texts: Texts, note: Note, *, otherwise: str) -> pd.Series:
    """The column of these cells.

    Args:
        title: the title of the column.
        texts: the cells of the column.
        note: the metadata of the column, which say how to read the cells.
        otherwise: the alternative to correcting a cell, for the error text.

    Raises:
        ResultsError: a cell does not fit the note.
    """
    try:
        return csv_cells.from_cells(texts, note)
    except ResultsError as error:
        raise ResultsError(
            f"column {title!r}, {error}; correct the cell, or {otherwise}"
        ) from error


def framed(columns: Sequence[pd.Series], labels: pd.Index, index: pd.Index) -> pd.DataFrame:
    """The frame with these columns, labels and index."""
    return pd.concat(columns, axis=1).set_axis(labels, axis=1).set_axis(index, axis=0)


def _null(texts: Texts) -> str:
    """The text of a missing value: empty unless the column has empty texts."""
    null = ""
    while null in texts:
        null = f"<{null or 'NA'}>"
    return null


def _labels_note(labels: Iterable[object]) -> Note:
    texts, note = csv_cells.to_cells(pd.Series(list(labels), dtype=object))
    return note | {TEXTS: texts}


def _labels(note: Mapping[str, Any]) -> list[Any]:
    return csv_cells.from_cells(note[TEXTS], note).tolist()


def _index_note(index: pd.Index) -> Note:
    note: Note = {_NAMES: _labels_note(index.names)}
    if isinstance(index, pd.RangeIndex):
        limits = {"start": index.start, "stop": index.stop, "step": index.step}
        return note | {_SHAPE: "range", _RANGE: limits}
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        note[_FREQ] = index.freqstr
    return note | {_SHAPE: "levels" if isinstance(index, pd.MultiIndex) else "one"}


def _index(note: Mapping[str, Any], levels: Sequence[pd.Series]) -> pd.Index:
    names = _labels(note[_NAMES])
    if note[_SHAPE] == "range":
        return pd.RangeIndex(**note[_RANGE], name=names[0])
    indexes = [pd.Index(level, dtype=level.dtype, tupleize_cols=False) for level in levels]
    if note[_SHAPE] == "levels":
        return pd.MultiIndex.from_arrays(indexes, names=names)
    index = indexes[0].rename(names[0])
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        return type(index)(index, freq=note[_FREQ])
    return index


def _refuse_misfit(
    header: Sequence[str], titles: Sequence[str], rows: int, written_rows: int
) -> None:
    if list(header) != list(titles):
        missing = [title for title in titles if title not in header]
        added = [title for title in header if title not in titles]
        raise ResultsError(
            f"its metadata file does not fit: the CSV lacks the columns {missing} and has the "
            f"columns {added}, or their order is another; {WITHOUT_METADATA}"
        )
    if rows != written_rows:
        raise ResultsError(
            f"its metadata file does not fit: it was written for {written_rows:,} rows and the CSV "
            f"has {rows:,}; {WITHOUT_METADATA}"
        )
