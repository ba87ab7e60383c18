"""The results frame: the caller's rows as they are, and columns with the status of each row.

``results_frame`` joins what ``row_results.py`` collected during a run to the caller's columns, by
position; ``summary`` counts it.
"""

from __future__ import annotations

import itertools
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.message.row_names import RowNames
from mailframe.pandas_versions import as_dtype, text_dtype
from mailframe.results.row_results import Status, counts_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pandas.api.extensions import ExtensionArray

    from mailframe.results.row_results import RowResults

DTYPES: Final[Mapping[str, str]] = {
    "status": "str",
    "reason": "str",
    "MessageID": "str",
    "ErrorCode": "Int64",
    "Message": "str",
    "SubmittedAt": "datetime64[ns, UTC]",
    "To": "str",
    "batch": "Int64",
    "changed": "bool",
}
"""The columns of results in their order, with dtypes; ``str`` is what pandas gives to text.

A column that is added here is missing in the files of earlier releases, which have to stay
readable: ``results_columns`` must not require it.
"""
COLUMNS: Final = tuple(DTYPES)
GROUP_SHARES: Final = "mailframe.shares"
"""The name in ``attrs`` of the shares of the holdout and of the variants, as JSON."""
VARIANT: Final = "variant"
"""The column with the name of each row's variant."""

_STATUSES: Final = tuple(Status)
_COUNTED: Final = ["status", "ErrorCode", "reason"]


def results_frame(frame: pd.DataFrame, rows: RowResults, *, last: bool = False) -> pd.DataFrame:
    """The caller's frame with the columns of results after its own.

    Rows, order, index, columns, dtypes, ``attrs`` and subclass are the caller's; the results are
    joined by position. A column of the caller is never overwritten: if the name is taken, the new
    column is ``mail_<name>``, and if that is taken too ``mail_<name>_2``, ``mail_<name>_3``, and so
    on.

    Args:
        frame: any frame of one level of columns; it is not changed.
        rows: one result per row of *frame*.
        last: whether *rows* is not used afterwards; then its memory becomes that of the columns.

    Returns:
        A new frame, one row per row of *frame*.

    Raises:
        ResultsError: the two have different lengths.

    Examples:
        >>> from mailframe.results.row_results import RowResults
        >>> people = pd.DataFrame({"email": ["ada@example.com"], "status": ["gold"]})
        >>> results_frame(people, RowResults(1))[["status", "mail_status"]]
          status mail_status
        0   gold      unsent
    """
    if len(frame) != len(rows):
        raise ResultsError(
            f"{len(rows):,} results cannot be joined to a frame of {len(frame):,} rows"
        )
    return beside(frame, rows.columns(last=last))


def beside(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The frame with more columns after its own, under names that are free, as ``results_frame``.

    Args:
        frame: any frame of one level of columns; it is not changed.
        columns: the values by name, one per row.

    Examples:
        >>> beside(pd.DataFrame({"opens": [1]}), {"opens": [2]}).columns.tolist()
        ['opens', 'mail_opens']
    """
    added = pd.DataFrame(columns, index=frame.index, copy=False)
    whole = pd.concat([frame, added], axis=1)
    whole.index = frame.index.view()  # itself, except that a new name stays in the results
    whole.columns = pd.Index(
        [*frame.columns, *free_names(frame.columns, columns)],
        dtype=_label_dtype(frame.columns),
        name=frame.columns.name,
        tupleize_cols=False,
    )
    whole.attrs = frame.attrs
    return whole


def with_groups(
    results: pd.DataFrame, groups: Mapping[str, ExtensionArray], shares: Mapping[str, Any]
) -> pd.DataFrame:
    """The results with the groups of each row, ``variant`` and ``holdout``, as last columns.

    A column of the caller with the same name and values is not repeated; another one is kept, and
    the new column is ``mail_<name>``.

    Args:
        results: a results frame.
        groups: one value per row, by the name of the column.
        shares: how the groups were assigned, which ``attrs`` get; see ``Groups``.
    """
    if groups:
        results.attrs[GROUP_SHARES] = json.dumps(shares)
    for name, values in groups.items():
        same = name in results.columns and results[name].tolist() == values.tolist()
        if not same:
            label = next(one for one in _candidates(name) if one not in results.columns)
            results[label] = values
    return results


def results_columns(frame: pd.DataFrame) -> dict[str, str]:
    """The columns of the newest results in *frame*: the standard name of each and its actual label.

    A frame that was sent twice has two sets; the newest is the last one.

    Args:
        frame: a results frame.

    Raises:
        ResultsError: a column is missing, or the status column has a value that is no status.

    Examples:
        >>> from mailframe.results.row_results import RowResults
        >>> results = results_frame(pd.DataFrame({"To": ["ada@example.com"]}), RowResults(1))
        >>> results_columns(results)["To"]
        'mail_To'
    """
    labels = {
        standard: label for label in frame.columns if (standard := standard_name(label)) is not None
    }
    missing = [name for name in COLUMNS if name not in labels]
    if missing:
        raise ResultsError(
            f"not a results DataFrame (no column {', '.join(map(repr, missing))}); "
            "use what send() or read_results() returned, with all its columns"
        )
    _refuse_unknown_status(frame, labels["status"])
    return {name: labels[name] for name in COLUMNS}


def standard_name(label: object, columns: tuple[str, ...] = COLUMNS) -> str | None:
    """The standard name of a column of results by its label, or None for any other label.

    Args:
        label: the label.
        columns: the standard names.

    Examples:
        >>> standard_name("mail_To_2"), standard_name("To"), standard_name("To_2")
        ('To', 'To', None)
    """
    match = _our_name(columns).fullmatch(label) if isinstance(label, str) else None
    return (match[1] or match[2]) if match else None


@cache
def _our_name(columns: tuple[str, ...]) -> re.Pattern[str]:
    names = "|".join(columns)
    return re.compile(rf"(?:mail_)?({names})|mail_({names})_[1-9][0-9]*")


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Rows counted by status, ErrorCode and reason, each with its share and a Message of Postmark.

    Args:
        results: a results frame; if it has several sets of results, the newest is counted.

    Returns:
        Columns ``status``, ``ErrorCode``, ``reason``, ``rows``, ``share`` (of all rows, from 0 to
        1) and ``Message``; in the order of ``Status``, then the most rows first.

    Raises:
        ResultsError: *results* is not a results frame.

    Examples:
        >>> from mailframe.results.row_results import RowResults
        >>> summary(results_frame(pd.DataFrame(index=range(3)), RowResults(3)))[["status", "rows"]]
           status  rows
        0  unsent     3
    """
    groups = newest(results).groupby(_COUNTED, dropna=False, sort=False)
    return _counted(groups.agg(rows=("status", "size"), Message=("Message", "first")).reset_index())


def summary_of_rows(rows: RowResults) -> pd.DataFrame:
    """The ``summary`` of results that are no frame yet.

    >>> from mailframe.results.row_results import RowResults
    >>> summary_of_rows(RowResults(3))[["status", "rows"]]
       status  rows
    0  unsent     3
    """
    kinds = [
        (one.status.value, one.error_code, one.reason, count, one.message)
        for one, count in rows.settlements()
    ]
    table = pd.DataFrame(kinds, columns=[*_COUNTED, "rows", "Message"], dtype=object)
    groups = table.groupby(_COUNTED, dropna=False, sort=False)
    return _counted(groups.agg(rows=("rows", "sum"), Message=("Message", "first")).reset_index())


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    """The table with shares, its dtypes, and its rows in order."""
    table["rows"] = table["rows"].astype("int64")
    table.insert(len(_COUNTED) + 1, "share", table["rows"] / max(1, int(table["rows"].sum())))
    rank = table["status"].map({status.value: code for code, status in enumerate(_STATUSES)})
    order = np.lexsort((-table["rows"], rank.astype("int64")))
    table = table.iloc[order].reset_index(drop=True)
    names = [*_COUNTED, "Message"]
    return table.assign(**{name: as_dtype(table[name], DTYPES[name]) for name in names})


def status_sentence(statuses: pd.Series[str]) -> str:
    """One line that counts the rows of a status column.

    >>> status_sentence(pd.Series(["unsent", "accepted"]))
    '2 rows: 1 accepted · 1 unsent.'
    >>> status_sentence(pd.Series([None], dtype="object"))
    '1 row.'
    """
    return counts_sentence(statuses.value_counts(sort=False).to_dict(), len(statuses))


def newest(results: pd.DataFrame, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The newest columns of results under their standard names, with the index of *results*.

    Args:
        results: a results frame.
        labels: the result of ``results_columns``, if it is there.

    Raises:
        ResultsError: *results* is not a results frame.
    """
    names = results_columns(results) if labels is None else labels
    columns = {name: last_column(results, label).array for name, label in names.items()}
    return pd.DataFrame(columns).set_axis(results.index, axis=0)


def last_column(frame: pd.DataFrame, label: str) -> pd.Series:
    """The last column with that label, which another column may have too."""
    return frame.iloc[:, max(place for place, one in enumerate(frame.columns) if one == label)]


def _refuse_unknown_status(frame: pd.DataFrame, label: str) -> None:
    cells = last_column(frame, label)
    foreign = ~cells.isin([status.value for status in Status])
    if foreign.any():
        position = int(foreign.to_numpy().argmax())
        row = RowNames(frame).of(position)
        raise ResultsError(
            f"not a results DataFrame ({row} of column {label!r} is {cells.iloc[position]!r}); "
            f"a status is one of {', '.join(Status)}"
        )


def free_names(labels: Iterable[object], columns: Iterable[str] = COLUMNS) -> list[str]:
    """The names of the columns of results, or of others, beside columns with these labels."""
    taken = set(labels)
    return [next(name for name in _candidates(column) if name not in taken) for column in columns]


def _candidates(standard: str) -> Iterator[str]:
    yield from (standard, f"mail_{standard}")
    yield from (f"mail_{standard}_{number}" for number in itertools.count(2))


def _label_dtype(labels: pd.Index[Any]) -> Any:
    is_text = isinstance(labels.dtype, pd.StringDtype) or len(labels) == 0
    return text_dtype() if is_text else np.dtype(object)
