"""What a row is called: the label of the caller's index, and the key where the campaign has one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PositionArray: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"
MAX_NAME: Final = 60
"""Characters of a label or a key in a text."""
_MIDNIGHT: Final = " 00:00:00"


class RowNames:
    """The names of a frame's rows. Positions come in, names go out.

    Args:
        frame: of the campaign.
        key: the columns of its key; empty if it has none.

    Attributes:
        index: of the frame.

    >>> orders = pd.DataFrame({"id": ["C-1", "C-2"]}, index=["ann", "bob"])
    >>> RowNames(orders).of(1), RowNames(orders, ["id"]).of(1)
    ("row 'bob'", "row 'bob' (key 'C-2')")
    """

    def __init__(self, frame: pd.DataFrame, key: Sequence[str] = ()) -> None:
        self.index = frame.index
        self._key = [frame[column] for column in key]

    def of(self, position: int) -> str:
        """One row in a sentence; labels that repeat are told apart by the key, or by the position without one."""
        return self.many([position])[0]

    def many(self, positions: Sequence[int]) -> list[str]:
        """Several rows, each as in ``of``; they are looked up all at once."""
        places = np.asarray(positions, dtype=np.intp)
        labels = self.index.take(places).tolist()
        cells = [column.iloc[places].tolist() for column in self._key]
        keys = zip(*cells, strict=True) if cells else [()] * len(labels)
        return list(map(self._name, positions, labels, keys))

    def _name(self, position: int, label: object, key: tuple[object, ...]) -> str:
        said = f"row {written(label)}"
        if key and not any(is_missing(part) for part in key):
            return f"{said} (key {written(key if len(key) > 1 else key[0])})"
        return said if self.index.is_unique else f"{said} (position {position})"

    def labels(self, positions: Iterable[int | None]) -> pd.Series[Any]:
        """The labels in the index's own dtype; missing where there is no row.

        Returns:
            One label per position. Whole numbers are nullable (``Int64``); labels of several levels are tuples,
            and those and truth values are ``object``.
        """
        places = _places(positions)
        if isinstance(self.index, pd.MultiIndex):
            return _tuples(places, self.index.take(places[places >= 0]).tolist())
        return _taken(self.index, places)

    def keys(self, positions: Iterable[int | None]) -> pd.Series[Any] | None:
        """The keys as the frame has them, tuples for a key of several columns; None without a key."""
        places = _places(positions)
        if len(self._key) > 1:
            cells = (column.iloc[places[places >= 0]].tolist() for column in self._key)
            return _tuples(places, list(zip(*cells, strict=True)))
        return _taken(self._key[0], places) if self._key else None


def written(label: object) -> str:
    """A label or a key as a short text: numbers and dates as they are, texts in quotes.

    >>> written(7), written("7 "), written(("a", 7)), written(pd.Timestamp("2026-11-22"))
    ('7', "'7 '", "('a', 7)", '2026-11-22')
    """
    if isinstance(label, tuple):
        return f"({', '.join(map(written, label))})"
    if is_missing(label):
        return "<NA>"
    if isinstance(label, dt.datetime):
        return label.isoformat(sep=" ").removesuffix(_MIDNIGHT)
    if isinstance(
        label,
        bool
        | int
        | float
        | np.number
        | np.bool_
        | dt.date
        | pd.Period
        | pd.Interval
        | pd.Timedelta,
    ):
        return str(label)
    return shown(label, most=MAX_NAME)


def is_missing(label: object) -> bool:
    """Whether a label or a key is missing.

    >>> is_missing(None), is_missing(pd.NaT), is_missing(("a", None))
    (True, True, False)
    """
    return bool(pd.api.types.is_scalar(label) and pd.isna(label))  # type: ignore[call-overload]  # a scalar


def _places(positions: Iterable[int | None]) -> PositionArray:
    """The positions, -1 where there is no row."""
    return np.array([-1 if place is None else place for place in positions], dtype=np.intp)


def _tuples(places: PositionArray, tuples: Sequence[tuple[Any, ...]]) -> pd.Series[Any]:
    made = np.empty(len(places), dtype=object)
    rest = iter(tuples)
    made[:] = [next(rest) if place >= 0 else None for place in places]
    return pd.Series(made, dtype=object)


def _taken(values: pd.Index[Any] | pd.Series[Any], places: PositionArray) -> pd.Series[Any]:
    column: pd.Series[Any] = pd.Series(values.array, dtype=_with_gaps(values.dtype))
    taken: pd.Series[Any] = column.reindex(places).reset_index(drop=True)
    return taken


def _with_gaps(dtype: Any) -> Any:
    """A dtype that can hold the same values and a gap."""
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return dtype.name.replace("int", "Int").replace("uI", "UI")
    return np.dtype(object) if pd.api.types.is_bool_dtype(dtype) else dtype
