"""The DataFrame of pandas that is composed, and errors that say how to make one of an object."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Final

import pandas as pd

from mailframe.errors import FrameError, NotAFrame

REFUSED: Final = {
    "dask": "df.compute()",
    "dask_expr": "df.compute()",
    "pyspark": "df.toPandas()",
    "modin": "df.modin.to_pandas()",
    "vaex": "df.to_pandas_df()",
}
"""Libraries whose frames are on several machines or have an index; how each makes one of pandas."""
_COLLECTED: Final = {
    "LazyFrame": "df.collect()",
    "LazyGroupBy": "df.collect()",
    "GroupBy": "df.group_by('customer_id').all()",
    "Series": "series.to_frame()",
    "ChunkedArray": "pa.table({'email': array})",
    "Dataset": "dataset.to_table()",
    "Scanner": "scanner.to_table()",
    "DuckDBPyConnection": "connection.sql('SELECT …')",
}
"""Of polars, pyarrow, DuckDB and narwhals, by the names of their classes."""
_READERS: Final = {
    ".parquet": "read_parquet",
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".json": "read_json",
    ".feather": "read_feather",
}
_ROWS: Final = "pd.DataFrame(rows)"
_GROUPED: Final = "df.groupby('customer_id').agg(list).reset_index()"


def check_frame(frame: object) -> pd.DataFrame:
    """The frame, if it is a DataFrame that can be composed.

    Raises:
        NotAFrame: it is something else; the text says how to make it a DataFrame.
        FrameError: its columns have several levels; the text says how to flatten them.
    """
    if not isinstance(frame, pd.DataFrame):
        how = _how_to_make_a_frame(frame)
        raise NotAFrame(
            "compose takes a DataFrame of pandas or polars, a pyarrow Table or a DuckDB relation, "
            f"not a {type_name(frame)}; make it one with {how}"
        )
    if isinstance(frame.columns, pd.MultiIndex):
        raise FrameError(
            "the frame's columns have several levels; flatten them first: "
            "df.columns = ['_'.join(map(str, column)) for column in df.columns]"
        )
    return frame


def library_of(given: object) -> str:
    """The package that an object's type is of."""
    return type(given).__module__.split(".")[0].removeprefix("_")  # as in _duckdb


def type_name(given: object) -> str:
    """The name of an object's type, with its library.

    >>> type_name("a"), type_name(pd.Series(["a"]))
    ('str', 'pandas.Series')
    """
    kind, library = type(given).__name__, library_of(given)
    return kind if library == "builtins" else f"{library}.{kind}"


def _how_to_make_a_frame(given: object) -> str:  # noqa: PLR0911 - one per type
    """The code that makes a DataFrame of *given*.

    >>> _how_to_make_a_frame("people.csv"), _how_to_make_a_frame(pd.Series(["a"]))
    ("pd.read_csv('people.csv')", 'series.to_frame()')
    """
    if isinstance(given, str | os.PathLike):
        path = os.fspath(given)
        suffix = PurePath(path).suffix.lower() if isinstance(path, str) else ""
        return f"pd.{_READERS.get(suffix, 'read_csv')}({path!r})"
    if isinstance(given, pd.Series):
        return "series.to_frame()"
    modules = {kind.__module__.split(".")[0] for kind in type(given).__mro__} | {library_of(given)}
    for module in sorted(modules & REFUSED.keys()):
        return REFUSED[module]
    if "pandas" in modules:
        return _of_pandas(given)
    if modules & {"polars", "pyarrow", "duckdb", "narwhals"}:
        names = [kind.__name__ for kind in type(given).__mro__ if kind.__name__ in _COLLECTED]
        is_array = hasattr(given, "to_pylist")
        return _COLLECTED[names[0] if names else "ChunkedArray"] if names or is_array else _ROWS
    if hasattr(given, "to_pandas"):
        return "df.to_pandas()"
    if type(given).__module__.startswith("mailframe."):
        return "pd.DataFrame(rows); the frame comes first: mf.compose(df, letter)"
    if given is None:
        return (
            "pd.DataFrame(rows); a pandas method with inplace=True returns None, "
            "so give the frame itself"
        )
    return _ROWS


def _of_pandas(given: object) -> str:
    """The same for other types of pandas."""
    if isinstance(given, pd.Index):
        return "index.to_frame(index=False)"
    if isinstance(given, pd.api.typing.DataFrameGroupBy | pd.api.typing.SeriesGroupBy):
        return _GROUPED
    if hasattr(given, "data") and type(given).__name__ == "Styler":
        return "styler.data"
    return "an aggregation and .reset_index()" if hasattr(given, "agg") else _ROWS
