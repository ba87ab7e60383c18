"""The cell of one row is the same as that of its column."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import Undefined

from mailframe.message.cells import Column
from tests.frames import ZOO


def is_same(one: Any, other: Any) -> bool:
    """Whether two plain cells are equal and of the same type; missing ones by their type."""
    if type(one) is not type(other):
        return False
    return isinstance(one, Undefined) or one == other or repr(one) == repr(other)


@pytest.mark.parametrize("name", ZOO)
def test_a_single_cell_is_that_of_its_column(name: str) -> None:
    """In every dtype and every unusual frame."""
    frame = ZOO[name]()
    for place in range(frame.shape[1]):
        column = Column.of(frame.columns[place], frame.iloc[:, place])
        cells = column.cells(0, len(frame))
        assert all(is_same(column.cell(row), cell) for row, cell in enumerate(cells))
