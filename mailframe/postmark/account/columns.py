"""JSON objects of Postmark as a DataFrame with typed columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.pandas_versions import text_column
from mailframe.postmark.timestamps import stamps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST: Final = 1 << 63


def frame_of(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """One row per object, with the given columns.

    A value that is not of its type is missing; other fields are left out.

    Args:
        rows: the objects.
        columns: the name of each column, and ``str``, ``Int64``, ``boolean``, ``time`` or
            ``object``.

    >>> frame_of([{"ID": 7, "Tag": None}], {"ID": "Int64", "Tag": "str"}).to_dict("list")
    {'ID': [7], 'Tag': [nan]}
    """
    index = pd.RangeIndex(len(rows))
    return pd.DataFrame(
        {
            name: _MADE[kind]([row.get(name) for row in rows], index)
            for name, kind in columns.items()
        },
        index=index,
    )


def _texts(values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    return text_column([one if isinstance(one, str) else None for one in values], index)


def _integers(values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    cells = [one if type(one) is int and abs(one) < _MOST else None for one in values]
    return pd.Series(cells, index=index, dtype="Int64")


def _truths(values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    cells = [one if type(one) is bool else None for one in values]
    return pd.Series(cells, index=index, dtype="boolean")


def _times(values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    return pd.Series(stamps([one if isinstance(one, str) else None for one in values]), index=index)


def _objects(values: list[Any], index: pd.Index[Any]) -> pd.Series[Any]:
    return pd.Series(values, index=index, dtype=object)


_MADE: Final = {
    "str": _texts,
    "Int64": _integers,
    "boolean": _truths,
    "time": _times,
    "object": _objects,
}
