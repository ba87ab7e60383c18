"""Columns of the frame that no template uses, although the letter was probably meant to."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.letter.jinja.environment import variable
from mailframe.letter.suggestions import folded
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MOST_CELLS: Final = 100
"""Cells of a column that are read to see whether it has lists of records."""


def unused_columns(
    frame: pd.DataFrame,
    used: Collection[object],
    *,
    field: str,
    with_records: Collection[object] | None = None,
) -> Iterator[Problem]:
    """A warning for each unused column with almost the name of a used one, or with records.

    Args:
        frame: one row per message.
        used: the columns that templates use.
        field: the part of the letter that could use it.
        with_records: the columns with records, if the frame is a part of another one; by default
            the cells of the frame show it.
    """
    by_letters: dict[str, object] = {}
    for name in used:
        by_letters.setdefault(folded(str(name)), name)
    for i, name in enumerate(frame.columns):
        if name in used:
            continue
        similar = by_letters.get(folded(str(name))) if folded(str(name)) else None
        if similar is not None:
            detail = (
                f"the letter uses the column {similar!r}, and the frame also has {name!r}, which "
                f"no template uses. Write {variable(name)} if you mean that one, or "
                f"df.drop(columns={name!r})"
            )
            yield Problem(None, field, Code.NEAR_COLUMN, detail)
        elif name in with_records if with_records is not None else _has_records(frame.iloc[:, i]):
            way = f"loop over it, {{% for item in {variable(name)} %}}…{{% endfor %}}"
            if field == "model":
                way = f"give it to the template, model={{…: lambda df: df[{name!r}]}}"
            detail = (
                f"no template uses the column {name!r}, whose cells are lists of records; {way}, "
                "or drop the column"
            )
            yield Problem(None, field, Code.UNUSED_LIST, detail)


def _has_records(series: pd.Series[Any]) -> bool:
    """Whether the first cell with any item is a list of dicts; the first cells are enough."""
    if series.dtype != object and not isinstance(series.dtype, pd.ArrowDtype):
        return False
    first = first_list(islice(series.array, MOST_CELLS))
    return first is not None and first[1]


def first_list(cells: Iterable[Any]) -> tuple[int, bool] | None:
    """The position of the first list with items, and whether they are records; None without one.

    >>> first_list([None, [], [{"id": 1}]])
    (2, True)
    """
    for position, cell in enumerate(cells):
        is_array = hasattr(cell, "dtype") and getattr(cell, "ndim", 0) == 1
        if (is_array or isinstance(cell, list | tuple)) and len(cell):
            return position, isinstance(cell[0], dict)
    return None
