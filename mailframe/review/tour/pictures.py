"""Columns of pictures that a tour does not draw: it needs the branches of a row, not its look."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mailframe.letter.row_functions import RowCell

if TYPE_CHECKING:
    from mailframe.message.cells import Column


def undrawn(column: Column) -> Column:
    """A column with a placeholder in place of each picture that a function draws from its row.

    Args:
        column: the column; one without pictures is returned as it is.
    """
    if column.series.dtype != object or column.raw or not len(column.series):
        return column
    if not any(map(_is_drawn, column.series.iloc[[0, -1]].tolist())):
        return column
    return replace(column, series=column.series.map(_placeholder))


def _is_drawn(cell: Any) -> bool:
    return type(cell) is RowCell and hasattr(cell.function, "undrawn")


def _placeholder(cell: Any) -> Any:
    return RowCell(cell.function.undrawn, cell.row) if _is_drawn(cell) else cell
