"""One table as frames of every kind that ``compose`` takes, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable


_OPEN: list[duckdb.DuckDBPyConnection] = []


class Exporter:
    """A frame of a library that nobody has heard of, with the Arrow PyCapsule interface."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def relation(table: pa.Table) -> duckdb.DuckDBPyRelation:
    """A relation on a connection of its own."""
    return connect().from_arrow(table)


def connect() -> duckdb.DuckDBPyConnection:
    """A connection that stays open: DuckDB 1 closes one that only a relation needs."""
    _OPEN.append(duckdb.connect())
    return _OPEN[-1]


KINDS: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.DataFrame,
    "pyarrow": lambda table: table,
    "duckdb": relation,
    "narwhals of polars": lambda table: nw.from_native(pl.DataFrame(table)),
    "narwhals of pandas": lambda table: nw.from_native(KINDS["pandas"](table)),
    "record batch": lambda table: table.combine_chunks().to_batches()[0],
    "reader": lambda table: table.to_reader(),
    "capsule": Exporter,
}
RESULTS: dict[str, type] = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.Table,
    "duckdb": duckdb.DuckDBPyRelation,
    "narwhals of polars": nw.DataFrame,
    "narwhals of pandas": nw.DataFrame,
    "record batch": pa.Table,
    "reader": pa.Table,
    "capsule": pa.Table,
}
"""The type of the frames that a campaign over each kind returns."""


def records(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame of any kind as plain values of Python."""
    if isinstance(frame, nw.DataFrame):
        frame = frame.to_native()
    if isinstance(frame, pd.DataFrame):
        return pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False).to_pylist()
    return pa.table(frame).to_pylist()
