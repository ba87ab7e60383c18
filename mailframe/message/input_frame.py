"""The frame that ``compose`` takes, and errors that say how to make one of another object."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Final

import pandas as pd

from mailframe.errors import FrameError, NotAFrame

_BY_MODULE: Final = {
    "dask": "df.compute()",
    "dask_expr": "df.compute()",
    "pyspark": "df.toPandas()",
    "modin": "df.modin.to_pandas()",
    "vaex": "df.to_pandas_df()",
    "duckdb": "relation.df()",
}
_READERS: Final = {
    ".parquet": "read_parquet",
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".json": "read_json",
    ".feather": "read_feather",
}
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
            f"compose needs a pandas DataFrame, not a {_type_name(frame)}; make it one with {how}"
        )
    if isinstance(frame.columns, pd.MultiIndex):
        raise FrameError(
            "the frame's columns have several levels; flatten them first: "
            "df.columns = ['_'.join(map(str, column)) for column in df.columns]"
        )
    return frame


def _type_name(given: object) -> str:
    """The name of an object's type, with its library.

    >>> _type_name("a"), _type_name(pd.Series(["a"]))
    ('str', 'pandas.Series')
    """
    kind, module = type(given), type(given).__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


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
    modules = {kind.__module__.split(".")[0] for kind in type(given).__mro__}
    for module in sorted(modules & _BY_MODULE.keys()):
        return _BY_MODULE[module]
    if "pandas" in modules:
        return _of_pandas(given)
    if hasattr(given, "to_pandas"):
        return "df.to_pandas()"
    if hasattr(given, "collect") and type(given).__name__ == "LazyFrame":
        return "df.collect().to_pandas()"
    if type(given).__module__.startswith("mailframe."):
        return "pd.DataFrame(rows); the frame comes first: mf.compose(df, letter)"
    if given is None:
        return (
            "pd.DataFrame(rows); a pandas method with inplace=True returns None, "
            "so give the frame itself"
        )
    return "pd.DataFrame(rows)"


def _of_pandas(given: object) -> str:
    """The same for other types of pandas."""
    if isinstance(given, pd.Index):
        return "index.to_frame(index=False)"
    if isinstance(given, pd.api.typing.DataFrameGroupBy | pd.api.typing.SeriesGroupBy):
        return _GROUPED
    if hasattr(given, "data") and type(given).__name__ == "Styler":
        return "styler.data"
    return "an aggregation and .reset_index()" if hasattr(given, "agg") else "pd.DataFrame(rows)"
