"""The names of rows in texts and frames: the index label, and the key if the campaign has one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PositionArray: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"
_MAX_LABEL: Final = 60
"""Characters of a label or a key in a text."""
_MIDNIGHT: Final = " 00:00:00"
_WRITTEN_AS_THEY_ARE: Final = (
    bool,
    int,
    float,
    np.number,
    np.bool_,
    dt.date,
    pd.Period,
    pd.Interval,
    pd.Timedelta,
)


class RowNames:
    """The names of a frame's rows, looked up by position.

    Args:
        frame: the frame of the campaign.
        key: the columns of its key; empty if it has none.

    Attributes:
        index: the index of the frame.

    >>> orders = pd.DataFrame({"id": ["C-1", "C-2"]}, index=["ann", "bob"])
    >>> RowNames(orders).of(1), RowNames(orders, ["id"]).of(1)
    ("row 'bob'", "row 'bob' (key 'C-2')")
    """

    def __init__(self, frame: pd.DataFrame, key: Sequence[str] = ()) -> None:
        self.index = frame.index
        self._key = [frame[column] for column in key]

    def of(self, position: int) -> str:
        """The name of one row in a sentence; see ``many``."""
        return self.many([position])[0]

    def short(self, position: int) -> str:
        """The name of one row on a screen: its key, or else its label.

        >>> orders = pd.DataFrame({"id": ["C-1", None]}, index=["ann", "bob"])
        >>> RowNames(orders, ["id"]).short(0), RowNames(orders, ["id"]).short(1)
        ('id C-1', "row 'bob'")
        """
        key = [(column.name, column.iloc[position]) for column in self._key]
        if not key or any(is_missing_label(value) for _, value in key):
            return self.of(position)
        return ", ".join(f"{name} {_bare(value)}" for name, value in key)

    def many(self, positions: Sequence[int]) -> list[str]:
        """The names of several rows in sentences.

        Each has the label and the key. Without a key, a label that several rows have is followed by
        the position.
        """
        rows = np.asarray(positions, dtype=np.intp)
        labels = _labels(self.index, rows)
        cells = [column.iloc[rows].tolist() for column in self._key]
        keys = zip(*cells, strict=True) if cells else [()] * len(labels)
        return list(map(self._name, positions, labels, keys))

    def _name(self, position: int, label: object, key: tuple[object, ...]) -> str:
        name = f"row {label_text(label)}"
        if key and not any(is_missing_label(part) for part in key):
            return f"{name} (key {label_text(key if len(key) > 1 else key[0])})"
        return name if self.index.is_unique else f"{name} (position {position})"

    def labels(self, positions: Iterable[int | None]) -> pd.Series[Any]:
        """The labels of rows, as a column.

        Args:
            positions: the positions of the rows; None, or -1 in an array, gives a missing label.

        Returns:
            One label per position, of the index's dtype. Integers are nullable (``Int64``). Labels
            of a MultiIndex are tuples; those and booleans are ``object``.
        """
        rows = _with_none(positions)
        if isinstance(self.index, pd.MultiIndex):
            return _tuples(rows, self.index.take(rows[rows >= 0]).tolist())
        return _taken(self.index, rows)

    def keys(self, positions: Iterable[int | None]) -> pd.Series[Any] | None:
        """The keys of rows, as a column; tuples for several key columns; None without a key."""
        rows = _with_none(positions)
        if len(self._key) > 1:
            cells = (column.iloc[rows[rows >= 0]].tolist() for column in self._key)
            return _tuples(rows, list(zip(*cells, strict=True)))
        return _taken(self._key[0], rows) if self._key else None


def _labels(index: pd.Index[Any], rows: PositionArray) -> list[Any]:
    """The label of each row, as ``index[row]`` gives it."""
    if not isinstance(index, pd.MultiIndex):
        return index.take(rows).tolist()
    # MultiIndex.tolist makes the whole numbers of a level floats if a label is missing
    levels = [[*level.tolist(), None] for level in index.levels]
    places = [np.asarray(codes)[rows].tolist() for codes in index.codes]
    parts = [
        [level[place] for place in of_rows] for level, of_rows in zip(levels, places, strict=True)
    ]
    return list(zip(*parts, strict=True))


def label_text(label: object) -> str:
    """A label or a key as a short text: numbers and dates as they are, texts in quotes.

    >>> label_text(7), label_text("7 "), label_text(("a", pd.Timestamp("2026-11-22")))
    ('7', "'7 '", "('a', 2026-11-22)")
    """
    if isinstance(label, tuple):
        return f"({', '.join(map(label_text, label))})"
    if is_missing_label(label):
        return "<NA>"
    if isinstance(label, dt.datetime):
        return label.isoformat(sep=" ").removesuffix(_MIDNIGHT)
    if isinstance(label, _WRITTEN_AS_THEY_ARE):
        return str(label)
    return shown(label, most=_MAX_LABEL)


def _bare(value: object) -> str:
    """A value as a short text, without quotes where they are not needed."""
    text = label_text(value)
    bare = text[1:-1]
    return bare if isinstance(value, str) and value == bare and bare.strip() == bare else text


def is_missing_label(label: object) -> bool:
    """Whether a label or a key is a missing value, as pandas defines it.

    >>> is_missing_label(None), is_missing_label(pd.NaT), is_missing_label(("a", None))
    (True, True, False)
    """
    return bool(pd.api.types.is_scalar(label) and pd.isna(label))  # type: ignore[call-overload]  # a scalar


def _with_none(positions: Iterable[int | None]) -> PositionArray:
    """The positions as an array, with -1 for None."""
    if isinstance(positions, np.ndarray):
        return positions.astype(np.intp)
    return np.array([-1 if place is None else place for place in positions], dtype=np.intp)


def _tuples(rows: PositionArray, tuples: Sequence[tuple[Any, ...]]) -> pd.Series[Any]:
    """A column of tuples; *tuples* has one for each row that is not -1."""
    cells = np.empty(len(rows), dtype=object)
    rest = iter(tuples)
    cells[:] = [next(rest) if row >= 0 else None for row in rows]
    return pd.Series(cells, dtype=object)


def _taken(values: pd.Index[Any] | pd.Series[Any], rows: PositionArray) -> pd.Series[Any]:
    column: pd.Series[Any] = pd.Series(values.array, dtype=_nullable(values.dtype))
    taken: pd.Series[Any] = column.reindex(rows).reset_index(drop=True)
    return taken


def _nullable(dtype: Any) -> Any:
    """A dtype for the same values and missing ones."""
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return dtype.name.replace("int", "Int").replace("uI", "UI")
    return np.dtype(object) if pd.api.types.is_bool_dtype(dtype) else dtype
