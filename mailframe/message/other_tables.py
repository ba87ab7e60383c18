"""What is given in place of a pandas DataFrame, and how to make one of it."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Final

import pandas as pd

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


def kind_of(thing: object) -> str:
    """The type of a thing with the name of its library.

    >>> kind_of("a"), kind_of(pd.Series(dtype="str"))
    ('str', 'pandas.Series')
    """
    kind, module = type(thing), type(thing).__module__.split(".")[0]
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def how_to_make_a_frame(thing: object) -> str:  # noqa: PLR0911 - one return for each kind
    """What to write to get a DataFrame of *thing*.

    >>> how_to_make_a_frame("people.csv"), how_to_make_a_frame(pd.Series(dtype="str"))
    ("pd.read_csv('people.csv')", 'series.to_frame()')
    """
    if isinstance(thing, str | os.PathLike):
        path = os.fspath(thing)
        suffix = PurePath(path).suffix.lower() if isinstance(path, str) else ""
        return f"pd.{_READERS.get(suffix, 'read_csv')}({path!r})"
    if isinstance(thing, pd.Series):
        return "series.to_frame()"
    modules = {kind.__module__.split(".")[0] for kind in type(thing).__mro__}
    known = next((_BY_MODULE[module] for module in sorted(modules & _BY_MODULE.keys())), None)
    if known is not None:
        return known
    if "pandas" in modules:
        return _of_pandas(thing)
    if hasattr(thing, "to_pandas"):
        return "df.to_pandas()"
    if hasattr(thing, "collect") and type(thing).__name__ == "LazyFrame":
        return "df.collect().to_pandas()"
    if type(thing).__module__.startswith("mailframe."):
        return "pd.DataFrame(rows); the frame comes first: mf.compose(df, letter)"
    if thing is None:
        return "pd.DataFrame(rows); a verb of pandas with inplace=True returns None, so give the frame itself"
    return "pd.DataFrame(rows)"


def _of_pandas(thing: object) -> str:
    """Of what pandas itself makes of a frame."""
    if isinstance(thing, pd.Index):
        return "index.to_frame(index=False)"
    if isinstance(thing, pd.api.typing.DataFrameGroupBy | pd.api.typing.SeriesGroupBy):
        return _GROUPED
    if hasattr(thing, "data") and type(thing).__name__ == "Styler":
        return "styler.data"
    return "an aggregation and .reset_index()" if hasattr(thing, "agg") else "pd.DataFrame(rows)"
