"""A search over every column of a frame and its index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import FrameError
from mailframe.message.key_lookup import key_positions
from mailframe.message.row_names import label_text
from mailframe.message.row_selection import row_positions
from mailframe.pages.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.preflight import Mask

_OF_NUMBERS: Final = frozenset("0123456789.+-einfatruls()j")
"""Characters of numbers as text: ``1e-05``, ``inf``, ``true``, ``false`` and ``(1+2j)``."""
_OF_STAMPS: Final = frozenset("0123456789-:+. ")


def rows_with_text(frame: pd.DataFrame, text: str) -> list[int]:
    """The positions of the rows in which a cell or the label contains *text*, ignoring case.

    >>> people = pd.DataFrame({"name": ["Ann", "Bob"], "seats": [5, 15]})
    >>> rows_with_text(people, "5"), rows_with_text(people, "aN")
    ([0, 1], [0])
    """
    wanted = text.strip().lower()
    if not wanted:
        return []
    hit = np.zeros(len(frame), dtype=bool)
    for place in range(frame.shape[1]):
        hit |= _holds(frame.iloc[:, place], wanted)
    for level in range(frame.index.nlevels):
        hit |= _holds(frame.index.get_level_values(level).to_series(), wanted)
    return [int(position) for position in np.flatnonzero(hit)]


def rows_with_label(index: pd.Index[Any], text: str) -> list[int]:
    """The positions of the rows with that label, as it is typed.

    >>> rows_with_label(pd.Index([3, 2, 1]), "1"), rows_with_label(pd.Index(["a", "b", "a"]), "a")
    ([2], [0, 2])
    """
    wanted = text.strip()
    if isinstance(index, pd.RangeIndex):  # no need to read a million labels
        is_whole = wanted.removeprefix("-").isdecimal()
        return [index.tolist().index(int(wanted))] if is_whole and int(wanted) in index else []
    if not wanted:
        return []
    labels = map(label_as_typed, index.tolist())
    matches = [position for position, label in enumerate(labels) if label == wanted]
    return matches or _read(index, wanted)


def _read(index: pd.Index[Any], text: str) -> list[int]:
    """The rows that ``preview(rows)`` would open: a date means its midnight, 3 means 3.0."""
    for convert in (str, float):
        try:
            return list(row_positions(index, [convert(text)]))
        except (ValueError, FrameError):
            continue
    return []


def rows_with_key(frame: pd.DataFrame, columns: Sequence[str], text: str) -> list[int]:
    """The positions of the rows with that key, if the key is one column.

    >>> people = pd.DataFrame({"id": [17, 18]})
    >>> rows_with_key(people, ["id"], "18"), rows_with_key(people, ["id"], "Ann")
    ([1], [])
    """
    try:
        return (
            list(key_positions(frame, columns, text.strip()))
            if len(columns) == 1 and text.strip()
            else []
        )
    except FrameError:
        return []


def label_as_typed(label: object) -> str:
    """A label as it is typed: a text without quotes, the levels of a label separated by commas.

    >>> label_as_typed("ann"), label_as_typed(("a", 2)), label_as_typed(pd.Timestamp("2026-11-22"))
    ('ann', 'a, 2', '2026-11-22')
    """
    if isinstance(label, tuple):
        return ", ".join(map(label_as_typed, label))
    return one_line(label) if isinstance(label, str) else label_text(label)


def _holds(series: pd.Series[Any], wanted: str) -> Mask:
    if _cannot_hold(series, wanted):
        return np.zeros(len(series), dtype=bool)
    if isinstance(series.dtype, pd.StringDtype):
        return _texts(series, wanted)
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, values = series.cat.codes.to_numpy(), series.cat.categories
    elif pd.api.types.is_datetime64_any_dtype(series.dtype):  # few distinct days, slow to format
        codes, values = pd.factorize(series)
    else:
        return _cell_by_cell(series, wanted)
    hits = _cell_by_cell(pd.Series(values), wanted)
    return np.append(hits, False)[codes]  # the code of a missing value is -1


def _texts(series: pd.Series[Any], wanted: str) -> Mask:
    try:
        return series.str.contains(wanted, case=False, regex=False, na=False).to_numpy(dtype=bool)
    except UnicodeEncodeError:  # a lone surrogate, which such a column cannot contain
        return np.zeros(len(series), dtype=bool)


def _cell_by_cell(series: pd.Series[Any], wanted: str) -> Mask:
    """Not by distinct value, because values that pandas calls equal (1 and True) differ as text."""
    hits = (wanted in _written(value).lower() for value in series.tolist())
    return np.fromiter(hits, dtype=bool, count=len(series)) & series.notna().to_numpy(dtype=bool)


def _written(value: object) -> str:
    try:
        return str(value)
    except (ValueError, ArithmeticError):  # an int of more than 4,300 digits
        return ""


def _cannot_hold(series: pd.Series[Any], wanted: str) -> bool:
    """Whether no number or date contains these characters, so that none has to be formatted."""
    if pd.api.types.is_numeric_dtype(series.dtype):
        return not set(wanted) <= _OF_NUMBERS
    return pd.api.types.is_datetime64_any_dtype(series.dtype) and not set(wanted) <= _OF_STAMPS
