"""A frame as a table of texts with its metadata, and the exact way back.

The metadata are those of W3C's CSV on the Web (https://www.w3.org/TR/tabular-data-model/), and keys
that begin with ``mailframe:`` for what it has no word for: dtypes, the index and the labels.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import ResultsError
from mailframe.pandas_versions import has_text_dtype, text_dtype
from mailframe.results import csv_cells, csv_texts
from mailframe.results.csv_kinds import DTYPE, TEXTS, datatype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mailframe.results.csv_kinds import Note, Texts

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


class Table:
    """A frame as the header and the rows of a CSV, and then the metadata.

    Args:
        frame: any frame of one level of columns. Its index comes first, unless it is a RangeIndex.
        excel_safe: whether to put a ``'`` in front of text that a spreadsheet would run.

    Attributes:
        header: the title of each column.
    """

    def __init__(self, frame: pd.DataFrame, *, excel_safe: bool) -> None:
        self._index, self._labels, self._is_safe = frame.index, frame.columns, excel_safe
        places = [] if isinstance(self._index, pd.RangeIndex) else range(self._index.nlevels)
        levels = [pd.Series(self._index.get_level_values(place)) for place in places]
        names = labels_note(self._index.names)[TEXTS][: len(levels)]
        names += labels_note(self._labels)[TEXTS]
        self.header = [csv_texts.shield(name or "") if excel_safe else name or "" for name in names]
        self._series = [*levels, *(column for _, column in frame.items())]
        self._columns = [csv_texts.column_cells(column) for column in self._series]
        self._nulls = [cells.null for cells in self._columns]

    def chunks(
        self, *, cells_of: Callable[..., Any] = csv_texts.plain_cells
    ) -> Iterator[list[Any]]:
        """The cells of each column, of some rows at a time.

        Args:
            cells_of: ``csv_texts.plain_cells``, or a function that makes the same cells.
        """
        self._columns = [csv_texts.column_cells(column) for column in self._series]
        for start in range(0, len(self._index), csv_texts.CHUNK_ROWS):
            stop = start + csv_texts.CHUNK_ROWS
            yield [
                cells_of(cells, start, stop, safe=self._is_safe, null=null)
                for cells, null in zip(self._columns, self._nulls, strict=True)
            ]

    def metadata(self) -> Note:
        """The metadata, when all rows were made."""
        described: list[Note] = []
        for title, cells, null in zip(self.header, self._columns, self._nulls, strict=True):
            note = cells.note()
            csvw = {"name": f"column{len(described) + 1}", "titles": title, "null": null}
            described.append({**csvw, "datatype": datatype(note), **note})
        return {
            "@context": "http://www.w3.org/ns/csvw",
            "dialect": {"encoding": "utf-8", "lineTerminators": ["\n"]},
            "tableSchema": {"columns": described},
            INDEX: index_note(self._index),
            _AXIS: {
                _LABELS: labels_note(self._labels),
                _NAMES: labels_note([self._labels.name]),
                DTYPE: labels_dtype(self._labels),
            },
            _ROWS: len(self._index),
            _SAFE: self._is_safe,
        }


def frame_of(
    header: Sequence[str],
    chunks: Iterable[Sequence[csv_cells.Cells]],
    metadata: Mapping[str, Any],
    *,
    rows: int | None = None,
) -> pd.DataFrame:
    """The frame that ``Table`` made this table of.

    Args:
        header: the title of each column.
        chunks: the cells of each column, of some rows at a time; at least one chunk.
        metadata: the metadata of the table.
        rows: the number of rows of all chunks, if it is known.

    Raises:
        ResultsError: the table does not fit the metadata.
        KeyError, TypeError, ValueError, IndexError, AttributeError: the metadata are damaged.
    """
    notes, axis, written = metadata["tableSchema"]["columns"], metadata[_AXIS], metadata[_ROWS]
    titles = [note["titles"] for note in notes]
    _refuse_misfit(header, titles, written if rows is None else rows, written)
    readers: list[csv_cells.ColumnReader] = []
    read = 0
    for columns in chunks:
        read += len(columns[0])
        for place, (title, cells, note) in enumerate(zip(header, columns, notes, strict=True)):
            if place == len(readers):
                readers.append(csv_cells.ColumnReader(note, rows=written))
            with _naming(title, otherwise=WITHOUT_METADATA):
                readers[place].add(cells, null=note["null"], unshielded=metadata[_SAFE])
    _refuse_misfit(header, titles, read, written)
    series = [reader.column() for reader in readers]
    labels = labels_named(axis[_LABELS], axis[DTYPE], name=labels_of(axis[_NAMES])[0])
    levels = len(series) - len(labels)
    return framed(series[levels:], labels, index_of(metadata[INDEX], series[:levels]))


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
    with _naming(title, otherwise=otherwise):
        return csv_cells.from_cells(texts, note)


@contextmanager
def _naming(title: str, *, otherwise: str) -> Iterator[None]:
    """Add the title of the column, and what to do, to the error of a cell."""
    try:
        yield
    except ResultsError as error:
        raise ResultsError(
            f"column {title!r}, {error}; correct the cell, or {otherwise}"
        ) from error


def framed(columns: Sequence[pd.Series], labels: pd.Index, index: pd.Index) -> pd.DataFrame:
    """The frame with these columns, labels and index."""
    return pd.concat(columns, axis=1).set_axis(labels, axis=1).set_axis(index, axis=0)


def labels_note(labels: Iterable[object]) -> Note:
    """Labels of any kind as texts, with the note that ``labels_of`` reads them by."""
    texts, note = csv_texts.to_cells(pd.Series(list(labels), dtype=object))
    return note | {TEXTS: texts}


def labels_of(note: Mapping[str, Any]) -> list[Any]:
    """The labels that ``labels_note`` made this note of."""
    return csv_cells.from_cells(note[TEXTS], note).tolist()


def labels_dtype(labels: pd.Index) -> str:
    """The name of the dtype of labels in a note.

    It is ``str`` also for text where pandas has no dtype for it: another pandas reads it as text.
    """
    is_text = has_text_dtype() or labels.inferred_type == "string"
    is_text = is_text and labels.dtype == text_dtype()
    return "str" if is_text else str(labels.dtype)


def labels_named(note: Mapping[str, Any], dtype: str, *, name: Any) -> pd.Index:
    """The labels of columns, by the notes of ``labels_note`` and ``labels_dtype``."""
    return pd.Index(
        labels_of(note),
        dtype=text_dtype() if dtype == "str" else "object",
        name=name,
        tupleize_cols=False,
    )


def index_note(index: pd.Index) -> Note:
    """What an index is besides its levels: its shape, its names, a range, a frequency."""
    note: Note = {_NAMES: labels_note(index.names)}
    if isinstance(index, pd.RangeIndex):
        limits = {"start": index.start, "stop": index.stop, "step": index.step}
        return note | {_SHAPE: "range", _RANGE: limits}
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        note[_FREQ] = index.freqstr
    return note | {_SHAPE: "levels" if isinstance(index, pd.MultiIndex) else "one"}


def index_of(note: Mapping[str, Any], levels: Sequence[pd.Series]) -> pd.Index:
    """The index of these levels that ``index_note`` made this note of."""
    names = labels_of(note[_NAMES])
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
