"""Results as Parquet, written one part of the rows after the other: key columns and statuses.

Only one part at a time becomes columns, so that a file of many millions of rows takes the memory of
some ten thousand.
"""

from __future__ import annotations

import tempfile
from functools import partial
from typing import IO, TYPE_CHECKING, Any, Final

from mailframe.errors import ResultsError
from mailframe.paths import local_path
from mailframe.results.files import write_files
from mailframe.results.frame import DTYPES, free_names
from mailframe.results.parquet import SUFFIX, import_pyarrow, is_parquet

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from mailframe.results.row_results import RowResults

_STAMP: Final = DTYPES["SubmittedAt"]
_BLOCK_ROWS: Final = 50_000
"""Rows of a row group, at most."""


def results_path(path: str | os.PathLike[str]) -> Path:
    """The path of a file for results, which can be written.

    Raises:
        MissingExtra: pyarrow is not installed.
        ResultsError: it is no path of a Parquet file, or its folder cannot be written.
    """
    given = local_path(path, what="results=", example=f"results{SUFFIX}", error=ResultsError)
    target = given.resolve()
    if not is_parquet(target) or target.is_dir():
        raise ResultsError(f"results={target.name!r} is not the path of a {SUFFIX} file")
    import_pyarrow("send(results=…)")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise ResultsError(
            f"results={target.name!r} cannot be written in {target.parent} ({error.strerror}); "
            "nothing was sent"
        ) from error
    return target


def check_keys(parts: Iterable[Any], key: Sequence[object]) -> None:
    """Refuse keys that the file cannot hold.

    Args:
        parts: ``Sendable.key_parts``.
        key: the columns of the key.

    Raises:
        ResultsError: Parquet cannot hold a column.
    """
    if key:
        next(_key_columns(parts, key))  # the other parts have the same schema


def write_parts(
    path: Path, parts: Iterable[Any], rows: RowResults, *, key: Sequence[object]
) -> None:
    """Write the key columns and the columns of results; the file appears whole or not at all.

    Args:
        path: the result of ``results_path``.
        parts: ``Sendable.key_parts``.
        rows: the results.
        key: the columns of the key; without any, the file has the columns of results alone.

    Raises:
        ResultsError: the file cannot be written.
    """
    import_pyarrow("send(results=…)")
    blocks = _key_columns(parts, key) if key else _no_columns(len(rows))
    write_files((path, partial(_write, blocks, rows, key)))


def _write(
    blocks: Iterable[tuple[int, list[Any]]],
    rows: RowResults,
    key: Sequence[object],
    file: IO[bytes],
) -> None:
    import pyarrow as pa  # noqa: PLC0415 - needs the extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = [*map(str, key), *free_names(map(str, key))]
    writer: Any = None
    first = 0
    for size, keys in blocks:
        made = [
            pa.array(column, _types()[DTYPES[name]], from_pandas=True)
            for name, column in rows.columns(slice(first, first + size)).items()
        ]
        table = pa.table([*keys, *made], names=names)
        if writer is None:
            writer = pq.ParquetWriter(
                file, table.schema, compression="zstd", write_page_checksum=True
            )
        writer.write_table(table)
        first += size
    writer.close()


def _types() -> dict[str, Any]:
    import pyarrow as pa  # noqa: PLC0415 - needs the extra

    stamp = pa.timestamp("ns", "UTC")
    return {"str": pa.large_string(), "Int64": pa.int64(), "bool": pa.bool_(), _STAMP: stamp}


def _key_columns(parts: Iterable[Any], key: Sequence[object]) -> Iterator[tuple[int, list[Any]]]:
    """The key columns in blocks: the number of rows, and the columns."""
    import pyarrow as pa  # noqa: PLC0415 - needs the extra

    for part in parts:
        try:
            columns = (
                part.columns
                if isinstance(part, pa.Table)
                else [pa.array(part[column], from_pandas=True) for column in key]
            )
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise ResultsError(
                f"Parquet cannot hold the key {' + '.join(map(str, key))} in one column ({error}); "
                "make it text, or whole numbers; nothing was sent"
            ) from error
        for start in range(0, max(1, len(part)), _BLOCK_ROWS):
            block = [column.slice(start, _BLOCK_ROWS) for column in columns]
            yield len(block[0]), block


def _no_columns(rows: int) -> Iterator[tuple[int, list[Any]]]:
    for start in range(0, max(1, rows), _BLOCK_ROWS):
        yield min(_BLOCK_ROWS, rows - start), []
