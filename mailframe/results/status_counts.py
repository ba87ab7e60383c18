"""Rows by status: those that failed, those that were accepted, and counts by other columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import FrameError
from mailframe.message.row_names import RowNames
from mailframe.results.frame import VARIANT, last_column, results_columns, standard_name
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Hashable

FAILED: Final = (Status.REJECTED, Status.INVALID)
_ROWS: Final = "rows"


def with_status(results: pd.DataFrame, *statuses: Status) -> pd.DataFrame:
    """The rows of results that have one of these statuses, in their order.

    Raises:
        ResultsError: *results* is not a results frame.

    >>> from mailframe.results.frame import results_frame
    >>> from mailframe.results.row_results import RowResults
    >>> rows = RowResults(2)
    >>> rows.settle(1, Status.REJECTED)
    >>> with_status(results_frame(pd.DataFrame(index=["a", "b"]), rows), *FAILED).index.tolist()
    ['b']
    """
    cells = last_column(results, results_columns(results)["status"])
    chosen = np.flatnonzero(cells.isin([status.value for status in statuses]).to_numpy())
    return results.iloc[chosen]


def statuses_by(
    results: pd.DataFrame, labels: Hashable | list[Hashable], *, shares: bool = False
) -> pd.DataFrame:
    """The rows with each value of a column, counted by status.

    Args:
        results: a results frame; if it has several sets of results, the newest is counted.
        labels: the label of any column, or a list of labels.
        shares: whether to divide the number of each status by the number of the row.

    Returns:
        One row per value, a missing one too, with the values as index. Columns ``rows`` and the
        statuses that occur. The values of a categorical column are in its order, a missing one
        last; variants are in alphabetical order, as ``compare`` has them; of other columns the
        value with the most rows comes first. For several labels that holds within each value of the
        labels before.

    Raises:
        FrameError: there is no such column, or a cell cannot be compared, such as a list.
        ResultsError: *results* is not a results frame.

    >>> from mailframe.results.frame import results_frame
    >>> from mailframe.results.row_results import RowResults
    >>> people = pd.DataFrame({"plan": ["pro", "free", "pro"]})
    >>> statuses_by(results_frame(people, RowResults(3)), "plan").to_dict("index")
    {'pro': {'rows': 2, 'unsent': 2}, 'free': {'rows': 1, 'unsent': 1}}
    """
    statuses = last_column(results, results_columns(results)["status"])
    group, values = grouped(results, labels)
    words = [status.value for status in Status if (statuses == status.value).any()]
    table = pd.DataFrame({_ROWS: np.bincount(group, minlength=len(values)).astype(np.int64)})
    for word in words:
        of_word = np.bincount(group[(statuses == word).to_numpy()], minlength=len(values))
        table[word] = of_word / table[_ROWS] if shares else of_word.astype(np.int64)
    return table.set_axis(values, axis=0)


def grouped(results: pd.DataFrame, labels: Hashable | list[Hashable]) -> tuple[Any, pd.Index[Any]]:
    """The number of the group of each row, and the value of each group, as ``statuses_by``.

    Raises:
        FrameError: there is no such column, or a cell cannot be compared, such as a list.
    """
    names: list[Any] = list(labels) if isinstance(labels, list) else [labels]
    if not names:
        raise FrameError("by needs the label of a column; summary counts all rows")
    columns = [column_of(results, name) for name in names]
    group, first = _groups(columns, RowNames(results))
    return group, _index([column.iloc[first] for column in columns], names)


def column_of(results: pd.DataFrame, label: Any) -> pd.Series:
    """The column with that label.

    Raises:
        FrameError: there is none, or more than one.
    """
    plain = label.item() if isinstance(label, np.generic) else label  # 0 for np.int64(0)
    places = [place for place, one in enumerate(results.columns) if _is_label(one, plain)]
    if len(places) == 1:
        return results.iloc[:, places[0]]
    if places:
        raise FrameError(f"{len(places)} columns are called {label!r}; rename one of them")
    labels = ", ".join(map(repr, results.columns))
    raise FrameError(f"there is no column {label!r}; the columns are {labels}")


def _is_label(one: object, label: object) -> bool:
    return type(one) is type(label) and one == label


def _groups(columns: list[pd.Series], rows: RowNames) -> tuple[Any, Any]:
    """The number of the group of each row, in the order of the groups, and each one's first row."""
    group = np.zeros(len(rows.index), dtype=np.int64)
    ranks: list[Any] = []
    for column in columns:
        codes, order = _codes(column, rows)
        _, group = np.unique(group * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)
        counts = np.bincount(group)
        ranks += [order[codes] if order is not None else -counts[group], _first(group)[group]]
    first = _first(group)
    order = np.lexsort([rank[first] for rank in reversed(ranks)])
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[group], first[order]


def _first(group: Any) -> Any:
    """The first row of each group."""
    return np.unique(group, return_index=True)[1]


def _codes(column: pd.Series, rows: RowNames) -> tuple[Any, Any]:
    """A number for each distinct value, the last for a missing one, and the order if it has one."""
    try:
        cells: Any = column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array
        codes, values = pd.factorize(cells)
    except (TypeError, NotImplementedError):
        cells = column.tolist()
        _refuse_unhashable(cells, column.name, rows)
        codes, values = pd.factorize(np.array([*cells, None], dtype=object)[:-1])
    codes = np.where(codes < 0, len(values), codes)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        is_variant = standard_name(column.name, (VARIANT,)) == VARIANT
        return codes, _in_order(values) if is_variant else None
    of_value = column.dtype.categories.get_indexer(values.categories.take(values.codes))
    return codes, np.append(of_value, len(column.dtype.categories))


def _in_order(values: Any) -> Any:
    """The place of each name in their order; a missing one is last."""
    names = list(values)
    place = np.empty(len(names) + 1, dtype=np.int64)
    place[sorted(range(len(names)), key=lambda at: name_order(names[at]))] = np.arange(len(names))
    place[-1] = len(names)
    return place


def name_order(name: object) -> tuple[list[tuple[bool, int, str]], str]:
    """What names of groups are sorted by: alphabetical, and numbers in them by their value.

    >>> sorted(["v10", "plain", "v9", 7], key=name_order)
    [7, 'plain', 'v9', 'v10']
    """
    text = str(name)
    parts = re.split("([0-9]{1,9})", text)
    return [
        (not one.isdecimal(), int(one) if one.isdecimal() else 0, one) for one in parts if one
    ], text


def _refuse_unhashable(cells: list[Any], label: object, rows: RowNames) -> None:
    for position, cell in enumerate(cells):
        try:
            hash(cell)
        except TypeError:
            raise FrameError(
                f"column {label!r}, {rows.of(position)}: a {type(cell).__name__} cannot be "
                f"counted; count its text, as in results.assign(x=results[{label!r}].map(str))"
                '.mail.by("x")'
            ) from None


def _index(columns: list[pd.Series], names: list[Any]) -> pd.Index:
    levels = [
        pd.Index(column.array, dtype=_index_dtype(column.dtype), tupleize_cols=False)
        for column in columns
    ]
    if len(levels) == 1:
        index: pd.Index = levels[0].rename(names[0])
        return index
    return pd.MultiIndex.from_arrays(levels, names=names)


def _index_dtype(dtype: Any) -> Any:
    """The dtype itself; pandas has no index of the smallest floats."""
    return np.dtype("float32") if dtype == np.dtype("float16") else dtype
