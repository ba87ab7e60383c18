"""A results frame as a Parquet file and back, exactly.

Each column is written as the Arrow type of its values, for any program that reads Parquet. What
such a type cannot say (dtypes, categories, the index, labels that are no texts) is in the metadata
of the file, in JSON. Before the file appears, it is read and compared with the frame, so that a
column that would come back as something else is an error.
"""

from __future__ import annotations

import io
import json
import zlib
from typing import IO, TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.errors import MissingExtra, ResultsError
from mailframe.message.arrow_columns import frame_of
from mailframe.message.row_names import RowNames
from mailframe.pandas_versions import as_dtype
from mailframe.paths import local_path, other_form
from mailframe.results.csv_table import (
    framed,
    index_note,
    index_of,
    labels_dtype,
    labels_named,
    labels_note,
    labels_of,
)
from mailframe.results.files import write_files
from mailframe.results.frame import DTYPES, results_columns

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from mailframe.results.csv_kinds import Note

SUFFIX: Final = ".parquet"
_NOTE: Final = b"mailframe"
_CHECKSUM: Final = b"mailframe:crc32"
"""The pages of the columns have checksums of their own."""
_COLUMNS: Final = "columns"
_INDEX: Final = "index"
_LABELS: Final = "labels"
_AXIS: Final = "axis"
_NAMES: Final = "names"
_FAULTS: Final = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(RecursionError, NotImplementedError, zlib.error),
)


def write_parquet(results: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a results frame as Parquet; the file appears whole or not at all.

    Args:
        results: a results frame.
        path: the path of the ``.parquet`` file; an existing file is replaced.

    Raises:
        MissingExtra: pyarrow is not installed.
        ResultsError: *results* is not a results frame, Parquet cannot hold a column, or the file
            cannot be written.
    """
    results_columns(results)
    example = f"results{SUFFIX}"
    target = local_path(path, what="to_parquet", example=example, error=ResultsError).resolve()
    if not is_parquet(target):
        raise ResultsError(f"{target.name}: to_parquet writes {SUFFIX} files; to_csv writes CSV")
    import_pyarrow("results.mail.to_parquet")
    table = _Table(results)
    write_files((target, table.write))


def read_parquet(path: Path) -> pd.DataFrame:
    """The frame of a Parquet file that ``write_parquet``, ``write_parts`` or pandas wrote.

    Raises:
        MissingExtra: pyarrow is not installed.
        ResultsError: there is no such file, or it is damaged.
    """
    pa = import_pyarrow("results.mail.to_parquet")
    import pyarrow.parquet as pq  # noqa: PLC0415 - needs the extra

    try:
        with path.open("rb") as file:
            names = (pq.read_schema(file).metadata or {}).keys()
            if not {_NOTE, _CHECKSUM} & names and b"pandas" in names:
                return _with_dtypes(pd.read_parquet(path, page_checksum_verification=True))
            table = pq.read_table(file, page_checksum_verification=True)
            if not {_NOTE, _CHECKSUM} & names:  # pandas would make floats of whole numbers
                return _with_dtypes(frame_of(table, fast=True))
            return _frame(table)
    except FileNotFoundError:
        hint = other_form(path) or "; give the path that to_parquet wrote"
        raise ResultsError(f"there is no such file{hint}") from None
    except ResultsError:
        raise
    except (pa.ArrowException, *_FAULTS) as error:
        raise ResultsError(
            f"it cannot be read as Parquet ({error}); write the results again"
        ) from error


def _with_dtypes(results: pd.DataFrame) -> pd.DataFrame:
    """The columns of results with their dtypes, which another program may not have kept."""
    for name, label in results_columns(results).items():
        place = max(place for place, one in enumerate(results.columns) if one == label)
        column = results.iloc[:, place]
        if str(column.dtype) != DTYPES[name]:
            read: Any = pd.to_datetime(column, utc=True) if name == "SubmittedAt" else column
            results.isetitem(place, as_dtype(read, DTYPES[name]).array)
    return results


def is_parquet(path: Path) -> bool:
    """Whether a file has the name of a Parquet file."""
    return path.suffix.lower() == SUFFIX


def import_pyarrow(part: str) -> Any:
    """The module ``pyarrow``.

    Args:
        part: what needs it, for the error.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - needs the extra
        import pyarrow.parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra(part, "parquet") from error
    return pa


class _Table:
    """A frame as an Arrow table: the levels of its index, then its columns.

    Args:
        frame: any frame of one level of columns; the levels of a RangeIndex are not written.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        from mailframe.results.parquet_columns import Place, as_arrow  # noqa: PLC0415 - needs pyarrow

        index, rows = frame.index, RowNames(frame)
        levels = [] if isinstance(index, pd.RangeIndex) else range(index.nlevels)
        self._places = [
            Place(f"level {level} of the index", "results.set_axis(results.index.map(str))", rows)
            for level in levels
        ]
        self._places += [
            Place(f"column {label!r}", f"results[{label!r}].map(str, na_action='ignore')", rows)
            for label in frame.columns
        ]
        self._series = [pd.Series(index.get_level_values(level)) for level in levels]
        self._series += [column.reset_index(drop=True) for _, column in frame.items()]
        arrays = [as_arrow(*both) for both in zip(self._series, self._places, strict=True)]
        self._arrays = [array for array, _ in arrays]
        self._notes = [note for _, note in arrays]
        names = [index.names[level] for level in levels]
        self._names = _unique(
            [
                *(
                    f"index_{place}" if name is None else str(name)
                    for place, name in enumerate(names)
                ),
                *map(str, frame.columns),
            ]
        )
        self._note = {
            _COLUMNS: self._notes,
            _INDEX: index_note(index),
            _LABELS: labels_note(frame.columns) | {"dtype": labels_dtype(frame.columns)},
            _AXIS: labels_note([frame.columns.name]),
            _NAMES: self._names,
            "rows": len(index),
        }

    def write(self, file: IO[bytes]) -> None:
        """Write the table, read it again, and compare it with the frame."""
        import pyarrow as pa  # noqa: PLC0415 - needs the extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        note = json.dumps(self._note).encode()
        metadata = {_NOTE: note, _CHECKSUM: str(zlib.crc32(note)).encode()}
        table = pa.table(self._arrays, names=self._names, metadata=metadata)
        try:
            pq.write_table(table, file, compression="zstd", write_page_checksum=True)
        except (pa.ArrowException, ValueError) as error:
            raise self._refusal(error) from error
        self._compare(file)

    def _compare(self, file: IO[bytes]) -> None:
        """Read one column after the other, which takes the memory of one."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - needs the extra

        from mailframe.results.parquet_columns import from_arrow, refuse_difference  # noqa: PLC0415

        source = pq.ParquetFile(file)
        columns = zip(self._names, self._series, self._notes, self._places, strict=True)
        for name, series, note, place in columns:
            values = source.read(columns=[name]).column(name)
            refuse_difference(series, from_arrow(values, note), place)

    def _refusal(self, error: Exception) -> ResultsError:
        """The error about the column that cannot be written on its own."""
        import pyarrow as pa  # noqa: PLC0415 - needs the extra
        import pyarrow.parquet as pq  # noqa: PLC0415

        for place, array in zip(self._places, self._arrays, strict=True):
            try:
                pq.write_table(pa.table([array], names=["x"]), io.BytesIO())
            except (pa.ArrowException, ValueError):
                return place.refusal(f"values of the type {array.type}")
        return ResultsError(f"Parquet cannot hold the results ({error}); use to_csv")


def _frame(table: Any) -> pd.DataFrame:
    """The frame of a table with the note of mailframe."""
    from mailframe.results.parquet_columns import from_arrow  # noqa: PLC0415 - imports pyarrow

    metadata = table.schema.metadata
    if metadata[_CHECKSUM] != str(zlib.crc32(metadata[_NOTE])).encode():
        raise ValueError("its metadata is damaged")
    note: Note = json.loads(metadata[_NOTE])
    notes = note[_COLUMNS]
    if len(notes) != table.num_columns or note["rows"] != len(table):
        raise ValueError(
            f"{table.num_columns} columns and {len(table):,} rows, and its metadata is of "
            f"{len(notes)} columns and {note['rows']:,} rows"
        )
    if note[_NAMES] != table.column_names:
        raise ValueError("another program has changed its columns, and not its metadata")
    series = [from_arrow(table.column(place), one) for place, one in enumerate(notes)]
    name = labels_of(note[_AXIS])[0]
    labels = labels_named(note[_LABELS], note[_LABELS]["dtype"], name=name)
    levels = len(series) - len(labels)
    return framed(series[levels:], labels, index_of(note[_INDEX], series[:levels]))


def _unique(names: list[str]) -> list[str]:
    """The names, with a number behind those that another column has.

    >>> _unique(["x", "y", "x"])
    ['x', 'y', 'x_2']
    """
    taken: set[str] = set()
    unique = []
    for name in names:
        number, free = 1, name
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free)
        unique.append(free)
    return unique
