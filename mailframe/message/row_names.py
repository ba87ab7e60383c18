"""The names of rows in texts and frames: the key if the campaign has one, else the index label."""

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
    ("row 'bob'", 'id C-2')
    """

    def __init__(self, frame: pd.DataFrame, key: Sequence[str] = ()) -> None:
        self.index = frame.index
        self._key = [frame[column] for column in key]

    def of(self, position: int) -> str:
        """The name of one row, on a screen and in a sentence; see ``many``."""
        key = tuple(column.iloc[position] for column in self._key)
        return self._of_key(key) or self._by_label([position])[0]

    def many(self, positions: Sequence[int]) -> list[str]:
        """The names of several rows, on a screen and in a sentence.

        Each is the key of the row; without a key, or with a missing value in it, the label. A label
        that several rows have is followed by the position.

        >>> orders = pd.DataFrame({"id": ["C-1", None]}, index=["ann", "bob"])
        >>> RowNames(orders, ["id"]).many([0, 1])
        ['id C-1', "row 'bob'"]
        """
        rows = np.asarray(positions, dtype=np.intp)
        cells = [column.iloc[rows].tolist() for column in self._key]
        keys = zip(*cells, strict=True) if cells else [()] * len(rows)
        names = list(map(self._of_key, keys))
        if all(names):
            return names
        return [name or label for name, label in zip(names, self._by_label(positions), strict=True)]

    def _by_label(self, positions: Sequence[int]) -> list[str]:
        names = [
            f"row {label_text(label)}"
            for label in _labels(self.index, np.asarray(positions, dtype=np.intp))
        ]
        if self.index.is_unique:
            return names
        return [f"{name} (position {at})" for name, at in zip(names, positions, strict=True)]

    def _of_key(self, key: tuple[object, ...]) -> str:
        """The name by a key; empty if it has a missing value or there is none."""
        if any(map(is_missing_label, key)):
            return ""
        parts = zip(self._key, key, strict=True)
        return ", ".join(f"{column.name} {_bare(value)}" for column, value in parts)

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
