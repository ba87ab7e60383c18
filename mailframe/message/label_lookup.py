"""The positions of the labels of an index, without pandas' partial matches of dates and times."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import FrameError
from mailframe.message.row_names import is_missing_label, label_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")


class NoSuchLabel(FrameError):
    """The index does not have a label.

    Attributes:
        label: the label that was looked up.
    """

    def __init__(self, label: object, message: str) -> None:
        super().__init__(message)
        self.label = label


def label_positions(index: pd.Index[Any], label: object) -> Sequence[int]:
    """The positions of one label, which several rows may have.

    Raises:
        NoSuchLabel: the index does not have it.

    >>> label_positions(pd.Index(["a", "b", "a"]), "a")
    [0, 2]
    """
    located = _located(index, label)
    if isinstance(located, slice):
        return range(*located.indices(len(index)))
    if isinstance(located, np.ndarray):
        positions = np.flatnonzero(located) if located.dtype == bool else located
        return [int(position) for position in positions]
    return [int(located)]


def labels_positions(index: pd.Index[Any], labels: Iterable[object]) -> tuple[int, ...]:
    """The positions of several labels, each position once, in the order of the labels.

    A missing label has no position, unless the index has it: in ``problems()`` it is the letter.

    Raises:
        NoSuchLabel: the index does not have one of them.

    >>> labels_positions(pd.Index(["a", "b", "a"]), ["b", "a", None])
    (1, 0, 2)
    """
    if isinstance(labels, pd.Series | pd.Index):
        at_once = _all_at_once(index, pd.Index(labels.drop_duplicates()))
        if at_once is not None:
            return at_once
    return tuple(
        dict.fromkeys(position for label in labels for position in _positions_or_none(index, label))
    )


def _positions_or_none(index: pd.Index[Any], label: object) -> Sequence[int]:
    """The positions of a label; none for a missing label that the index does not have."""
    if not is_missing_label(label):
        return label_positions(index, label)
    if index.nlevels > 1 or not index.hasnans:
        return ()
    try:
        return label_positions(index, label)
    except NoSuchLabel:
        return ()


def _all_at_once(index: pd.Index[Any], labels: pd.Index[Any]) -> tuple[int, ...] | None:
    """The positions of labels of the index's own type; None if each needs a lookup of its own.

    An index that is not unique is searched anew for each label that is looked up alone.
    """
    wanted = labels.dropna() if labels.nlevels == 1 else labels
    if index.nlevels > 1:
        if not all(isinstance(label, tuple) and len(label) == index.nlevels for label in wanted):
            return None
        wanted = pd.MultiIndex.from_tuples(wanted.tolist()) if len(wanted) else wanted[:0]
    elif index.hasnans or not _is_same_type(index.dtype, wanted.dtype):
        return None
    if not len(wanted):
        return ()
    positions, _ = index.get_indexer_non_unique(wanted)
    return None if (positions < 0).any() else tuple(positions.tolist())


def _is_same_type(first: Any, second: Any) -> bool:
    is_integer = pd.api.types.is_integer_dtype
    return first == second or (is_integer(first) and is_integer(second))


def _located(index: pd.Index[Any], label: object) -> Any:
    """The result of ``get_loc``: a position, a slice, a mask of all rows, or positions."""
    try:
        if isinstance(label, Hashable):
            with warnings.catch_warnings():
                # of an index that is not sorted
                warnings.simplefilter("ignore", pd.errors.PerformanceWarning)
                return index.get_loc(_exact(index, label))
    except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
        pass
    first = (
        f"; its first label is {label_text(index[0])}" if len(index) else "; the frame has no rows"
    )
    is_bool = isinstance(label, bool | np.bool_)
    mask = "; a mask is a boolean Series over the frame" if is_bool else ""
    raise NoSuchLabel(
        label, f"there is no row {label_text(label)} in the frame's index{first}{mask}"
    )


def _exact(index: pd.Index[Any], label: Any) -> Any:
    """The label as pandas has to get it, so that it is not read as a period of time.

    Raises:
        ValueError: it is text that is not a whole date.
        TypeError: it is a time of day, which pandas matches with all timestamps at that time.
    """
    if isinstance(index, pd.MultiIndex):
        parts = label if isinstance(label, tuple) else (label,)
        exact = tuple(_exact(level, part) for level, part in zip(index.levels, parts, strict=False))
        return (*exact, *parts[len(exact) :]) if isinstance(label, tuple) else exact[0]
    if isinstance(index, pd.DatetimeIndex):
        return _timestamp(index, label)
    if isinstance(index, pd.PeriodIndex) and isinstance(label, str):
        period = pd.Period(label)
        if period.freqstr != index.freqstr:
            raise ValueError(f"{label!r} is a period of {period.freqstr}, not of {index.freqstr}")
        return period
    return label


def _timestamp(index: pd.DatetimeIndex, label: Any) -> Any:
    if isinstance(label, dt.time):
        raise TypeError("a time of day is not a label")
    if type(label) is dt.date:
        label = label.isoformat()
    if not isinstance(label, str):
        return label
    if not _ISO_DATE.match(label):
        raise ValueError(f"{label!r} is not a whole date")
    stamp = pd.Timestamp(label)
    return stamp.tz_localize(index.tz) if index.tz is not None and stamp.tz is None else stamp
