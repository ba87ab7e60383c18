"""Finds the rows of two campaigns that belong together: by key, by position or by label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight

By: TypeAlias = Literal["key", "position", "label"]
Positions: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"
_Keys: TypeAlias = "tuple[pd.MultiIndex, np.ndarray[Any, np.dtype[np.bool_]]]"
"""The digests of the keys of all rows, and which rows have a key."""


@dataclass(frozen=True, slots=True, eq=False)
class RowMatches:
    """The rows of two frames that belong together.

    Attributes:
        by: the kind of match: ``key``, ``position`` or ``label``.
        old: their positions in the old frame, in the order of the new frame.
        new: their positions in the new frame.
        removed: the positions of rows that only the old frame has.
        added: the positions of rows that only the new frame has.
    """

    by: By
    old: Positions
    new: Positions
    removed: Positions
    added: Positions


def match_rows(
    old: Composed, new: Composed, *, old_preflight: Preflight, new_preflight: Preflight
) -> RowMatches:
    """Match the rows of two campaigns.

    By key if both have the same key columns and no key is repeated; otherwise by position if both
    indexes are equal; otherwise by label if the labels of each are unique.

    Args:
        old: the campaign before.
        new: the campaign after.
        old_preflight: the preflight check of *old*, with the keys of its rows.
        new_preflight: the preflight check of *new*, with the keys of its rows.

    Raises:
        MailframeError: the rows cannot be matched; the message says what to do.
    """
    before, after = old.frame.index, new.frame.index
    is_same_index = before.equals(after)
    if old.key and old.key == new.key:
        old_keys, new_keys = _keys(old_preflight), _keys(new_preflight)
        if old_keys is not None and new_keys is not None:
            places = _places_of_keys(old_keys, new_keys, in_place=is_same_index)
            return _matches("key", places, len(before))
    if is_same_index:
        return _matches("position", np.arange(len(after)), len(before))
    if before.is_unique and after.is_unique:
        return _matches("label", _places_of_labels(before, after), len(before))
    which = "the first" if not before.is_unique else "the second"
    keys = f"their keys are {_named(old.key)} and {_named(new.key)}"
    keys += ", and some keys are repeated" if old.key and old.key == new.key else ""
    raise MailframeError(
        f"diff cannot match the rows: the labels of {which} frame are not unique, and {keys}; "
        "compose both with the same key=, or give both frames a unique index "
        "(set_index, reset_index)"
    )


def _matches(by: By, places: Positions, old_rows: int) -> RowMatches:
    """The matches, from the place in the old frame (-1 for none) of each row of the new frame."""
    new = np.flatnonzero(places >= 0)
    old = places[new]
    removed = np.setdiff1d(np.arange(old_rows), old)
    return RowMatches(by, old, new, removed, np.flatnonzero(places < 0))


def _keys(preflight: Preflight) -> _Keys | None:
    """The keys of a frame's rows; None if a key is repeated."""
    halves = preflight.keys.halves()
    index = pd.MultiIndex.from_arrays([halves[:, 0], halves[:, 1]])
    has_key = np.asarray(halves.any(axis=1))
    return (index, has_key) if index[has_key].is_unique else None


def _places_of_keys(before: _Keys, after: _Keys, *, in_place: bool) -> Positions:
    """The position of each key in the old frame.

    Rows without a key belong together if they have the same position and the indexes are equal.
    """
    (old, has_old), (new, has_new) = before, after
    places = np.append(np.flatnonzero(has_old), -1)
    with_key = places[old[has_old].get_indexer(new)]
    without_key = np.where(has_old, -1, np.arange(len(old))) if in_place else np.full(len(new), -1)
    return np.where(has_new, with_key, without_key)


def _places_of_labels(before: pd.Index[Any], after: pd.Index[Any]) -> Positions:
    """The position of each label in the old index; -1 for labels of another type."""
    try:
        return before.get_indexer(after)
    except (TypeError, ValueError, pd.errors.InvalidIndexError):
        # Overlapping intervals, or different numbers of levels
        places = {label: place for place, label in enumerate(before.tolist())}
        return np.array([places.get(label, -1) for label in after.tolist()], dtype=np.intp)


def _named(key: tuple[str, ...]) -> str:
    return " + ".join(map(str, key)) if key else "not given"
