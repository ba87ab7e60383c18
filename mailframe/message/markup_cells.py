"""Cells of a frame that bring markup: trusted HTML, images and functions that may return them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.letter.row_functions import RowCell
from mailframe.message.images import InlineImage
from mailframe.message.plain_values import MAX_NESTING
from mailframe.message.trusted_html import TrustedHtml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.message.cells import Column

_WITH_MARKUP: Final = frozenset({TrustedHtml, InlineImage, RowCell})
_FLAT: Final = frozenset({str, int, float, bool, type(None), Decimal, dt.datetime, pd.Timestamp})
"""Types of values that have no others inside; most records have only these."""


def markup_of(columns: Iterable[Column]) -> tuple[frozenset[object], bool]:
    """The columns with trusted HTML, and whether any function of a row may return it.

    The second is also true for markup in lists and dicts, such as the records of a person.
    """
    trusted: set[object] = set()
    may_return = False
    for column in columns:
        if column.series.dtype != object:
            continue
        cells = [cell for cell in column.series if type(cell) in _WITH_MARKUP]
        may_return = may_return or bool(cells) or any(map(_has_markup_inside, column.series))
        if any(type(cell) is not RowCell or cell.is_html for cell in cells):
            trusted.add(column.name)
    return frozenset(trusted), may_return


_COLLECTIONS: Final = (list, tuple, dict, np.ndarray)


def _has_markup_inside(cell: Any, depth: int = 0) -> bool:
    """Whether a list or dict has a cell of ``mf.html``, ``mf.image`` or ``mf.each``."""
    kind = type(cell)  # an object can refuse to say its class
    if not issubclass(kind, _COLLECTIONS) or depth > MAX_NESTING:
        return False
    if issubclass(kind, np.ndarray):
        cell = cell.ravel()  # an array can have no dimension
    items = cell.values() if issubclass(kind, dict) else cell
    if set(map(type, items)) == {dict}:  # the records of a person
        items = list(chain.from_iterable(map(dict.values, items)))
    kinds = set(map(type, items))
    if not kinds.isdisjoint(_WITH_MARKUP):
        return True
    return not kinds <= _FLAT and any(_has_markup_inside(item, depth + 1) for item in items)
