"""The rows that a person names: by their labels, by a mask, or by a tour of them."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Positioned(Protocol):
    """What knows the positions of its rows, such as a tour or a batch."""

    @property
    def positions(self) -> tuple[int, ...]:
        """In the campaign's frame."""


Rows: TypeAlias = "Positioned | pd.Series[Any] | Iterable[Any]"


def positions(index: pd.Index[Any], rows: Rows) -> tuple[int, ...]:
    """The positions of the rows that *rows* names, each once, in the order in which they are named.

    Args:
        index: of the campaign's frame.
        rows: labels of the index, where a label that stands for several rows names all of them; a boolean
            Series over the frame; a tour, or a batch. A text is the label of a date index only as a whole
            ISO date, and then midnight: ``2026-03`` is not every day of March.

    Raises:
        FrameError: a label that the index does not have; a mask over another index; a tour of a longer frame.

    >>> positions(pd.Index(["a", "b", "a"]), ["b", "a"])
    (1, 0, 2)
    """
    known = getattr(rows, "positions", None)
    if isinstance(known, tuple):
        return _within(index, known)
    if isinstance(rows, pd.Series) and pd.api.types.is_bool_dtype(rows.dtype):
        return _marked(index, rows)
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise FrameError(f"rows={rows!r} is no list of labels; write rows=[{rows!r}]")
    if isinstance(rows, pd.DataFrame):
        raise FrameError("rows= is a DataFrame; write rows=frame.index, with the labels of its rows")
    if isinstance(rows, tuple) and index.nlevels > 1 and rows in index:
        raise FrameError(f"rows={rows!r} is one label of a MultiIndex; write rows=[{rows!r}]")
    return tuple(dict.fromkeys(position for label in rows for position in _places(index, label)))


def position(index: pd.Index[Any], label: object) -> int:
    """The position of the one row that a label names.

    Raises:
        FrameError: there is no such label, or it names several rows.
    """
    found = _places(index, label)
    if len(found) > 1:
        named = ", ".join(map(str, found[:5]))
        raise FrameError(f"the label {label!r} names the rows {named}; give the frame a unique index (reset_index)")
    return found[0]


def _within(index: pd.Index[Any], known: tuple[int, ...]) -> tuple[int, ...]:
    beyond = next((place for place in known if not 0 <= place < len(index)), None)
    if beyond is not None:
        raise FrameError(f"rows= holds row {beyond:,} and the frame has {len(index):,}; it is of another campaign")
    return known


def _marked(index: pd.Index[Any], mask: pd.Series[bool]) -> tuple[int, ...]:
    if not mask.index.equals(index):
        raise FrameError("rows= is a mask over another index than the frame's; make it from campaign.frame")
    return tuple(np.flatnonzero(mask.fillna(value=False).to_numpy(dtype=bool)).tolist())


def _places(index: pd.Index[Any], label: object) -> Sequence[int]:
    found = _located(index, label)
    if isinstance(found, slice):
        return range(*found.indices(len(index)))
    if isinstance(found, np.ndarray):
        return [int(place) for place in (np.flatnonzero(found) if found.dtype == bool else found)]
    return [int(found)]


def _located(index: pd.Index[Any], label: object) -> Any:
    """Where the label stands: a position, a slice of them, a mask with one value per row, or positions."""
    try:
        if isinstance(label, Hashable):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.PerformanceWarning)  # of an index that is not sorted
                return index.get_loc(_exact(index, label))
    except (KeyError, TypeError, ValueError, pd.errors.InvalidIndexError):
        pass
    first = f"; the first is {index[0]!r}" if len(index) else "; the frame has no rows"
    mask = "; a mask is a boolean Series over the frame" if isinstance(label, bool | np.bool_) else ""
    raise FrameError(f"there is no row {label!r} in the frame's index{first}{mask}")


_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")


def _exact(index: pd.Index[Any], label: Any) -> Any:
    """The label itself, where pandas would read it as a stretch of time.

    Raises:
        ValueError: a text that is no whole date.
        TypeError: a time of day, which pandas takes for all stamps at that time.
    """
    if isinstance(index, pd.MultiIndex):
        parts = label if isinstance(label, tuple) else (label,)
        exact = tuple(_exact(level, part) for level, part in zip(index.levels, parts, strict=False))
        return (*exact, *parts[len(exact) :]) if isinstance(label, tuple) else exact[0]
    if isinstance(index, pd.DatetimeIndex):
        return _stamp(index, label)
    if isinstance(index, pd.PeriodIndex) and isinstance(label, str):
        period = pd.Period(label)
        if period.freqstr != index.freqstr:
            raise ValueError(f"{label!r} is a period of {period.freqstr}, not of {index.freqstr}")
        return period
    return label


def _stamp(index: pd.DatetimeIndex, label: Any) -> Any:
    if isinstance(label, dt.time):
        raise TypeError("a time of day is no label")
    if not isinstance(label, str):
        return label
    if not _ISO_DATE.match(label):
        raise ValueError(f"{label!r} is no whole date")
    stamp = pd.Timestamp(label)
    return stamp.tz_localize(index.tz) if index.tz is not None and stamp.tz is None else stamp
