"""Sources of rows and their partitions: pandas, Parquet, Dask and Spark."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import pandas as pd

from mailframe.datasets.files import parquet
from mailframe.errors import MailframeError, NotAFrame
from mailframe.message.arrow_columns import frame_of
from mailframe.message.frame_kinds import kind_of as frame_kind
from mailframe.message.given_frame import rows_of
from mailframe.message.input_frame import check_frame, library_of, type_name
from mailframe.paths import local_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARTITION_ROWS: Final = 20_000
"""Rows of a partition of pandas and Parquet, at most; some seconds of work."""


class Partition(Protocol):
    """Some rows of a source; it can be pickled."""

    def frame(self) -> pd.DataFrame:
        """The rows."""


@dataclass(frozen=True, slots=True)
class FramePartition:
    """Rows of a pandas frame."""

    rows: pd.DataFrame

    def frame(self) -> pd.DataFrame:
        """The rows."""
        return self.rows


@dataclass(frozen=True, slots=True)
class ParquetPartition:
    """Rows of one row group of a Parquet file; only the worker reads them."""

    path: str
    group: int
    first: int
    rows: int

    def frame(self) -> pd.DataFrame:
        """The rows.

        Raises:
            MailframeError: the file cannot be read.
        """
        return frame_of(_row_group(self.path, self.group).slice(self.first, self.rows), fast=True)


@lru_cache(maxsize=1)
def _row_group(path: str, group: int) -> Any:
    pa, pq = parquet()
    try:
        return pq.ParquetFile(path).read_row_group(group)
    except (OSError, pa.ArrowException) as error:
        raise MailframeError(f"{path} cannot be read as Parquet: {error}") from None


def readable(source: Any) -> Any:
    """The source; a frame of polars, pyarrow, DuckDB and the like as one of pandas.

    Raises:
        FrameError: see ``given_frame``.
    """
    is_narwhals = library_of(source) == "narwhals" and not hasattr(source, "collect")
    return source if frame_kind(source) is None and not is_narwhals else rows_of(source)


def kind_of(source: object) -> str:
    """The kind of a source: ``pandas``, ``parquet``, ``dask`` or ``spark``.

    Raises:
        NotAFrame: it is none of them.
    """
    if isinstance(source, pd.DataFrame):
        return "pandas"
    if isinstance(source, str | os.PathLike):
        return "parquet"
    module = type(source).__module__.partition(".")[0]
    if module in ("dask", "dask_expr") and hasattr(source, "to_delayed"):
        return "dask"
    if module == "pyspark" and hasattr(source, "mapInArrow"):
        return "spark"
    raise NotAFrame(
        "a source is a DataFrame of pandas, polars, Dask or Spark, a pyarrow Table, a DuckDB "
        f"relation, or the path of Parquet files, not a {type_name(source)}"
    )


def partitions(source: Any) -> Sequence[Partition]:
    """The partitions of a pandas frame or of Parquet files, in the order of the rows."""
    if isinstance(source, pd.DataFrame):
        frame = check_frame(source)
        starts = range(0, max(1, len(frame)), PARTITION_ROWS)
        return [FramePartition(frame.iloc[at : at + PARTITION_ROWS]) for at in starts]
    return _parquet_partitions(local_path(source, what="source", example="people.parquet"))


def _parquet_partitions(path: Path) -> Sequence[Partition]:
    pa, pq = parquet()
    files = parquet_files(path)
    if not files:
        raise MailframeError(f"{path}: there are no Parquet files")
    of_files: list[Partition] = []
    for file in files:
        try:
            metadata = pq.read_metadata(file)
        except (OSError, pa.ArrowException) as error:
            raise MailframeError(f"{file} cannot be read as Parquet: {error}") from None
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            for first in range(0, rows, PARTITION_ROWS):
                size = min(PARTITION_ROWS, rows - first)
                of_files.append(ParquetPartition(str(file.resolve()), group, first, size))
    return of_files


def parquet_files(path: Path) -> list[Path]:
    """A Parquet file, or those of a folder in the order of their names.

    Files and folders whose name begins with a dot or an underscore are left out, as all engines do:
    there Spark keeps the files of tasks that have not ended, such as in ``_temporary``.
    """
    if not path.is_dir():
        return [path] if path.exists() else []
    return sorted(
        file
        for file in path.rglob("*.parquet")
        if file.is_file()
        and not any(name.startswith((".", "_")) for name in file.relative_to(path).parts)
    )
