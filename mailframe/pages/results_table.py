"""A results frame: the summary line, some rows with their statuses, and a note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailframe.pages.environment import render

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is shown.

    Attributes:
        text: the text.
        is_missing: whether the text stands for a missing value.
    """

    text: str
    is_missing: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is shown.

    Attributes:
        header: its label.
        cells: one per row.
        kind: ``status`` has chips, ``id`` is never broken, ``long`` is wrapped, ``number`` is
            aligned at the right; empty for any other.
    """

    header: str
    cells: Sequence[Cell]
    kind: str = ""


def results_table(
    lead: str, index: Sequence[Column], columns: Sequence[Column], *, note: str
) -> str:
    """The table, which is scrolled sideways where it does not fit.

    Args:
        lead: the summary line.
        index: the labels of the rows, one column per level.
        columns: the columns.
        note: the line below the table; empty for none.
    """
    first, stop, more = lead.partition(". ")
    rows = [
        ([level.cells[row] for level in index], [(one.kind, one.cells[row]) for one in columns])
        for row in range(len(index[0].cells))
    ]
    page = render(
        "results",
        lead=f"{first}{stop.strip()}",
        more=more,
        index=index,
        columns=columns,
        rows=rows,
        note=note,
    )
    return str(page)
