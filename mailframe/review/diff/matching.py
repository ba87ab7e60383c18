"""Which row of one campaign is which of another: by position, by label or by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight

Positions: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.intp]]"
Keys: TypeAlias = "tuple[pd.MultiIndex, np.ndarray[Any, np.dtype[np.bool_]]]"
"""The digests of the rows' keys, and which rows have one."""
Matching: TypeAlias = Literal["position", "label", "key"]


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Rows of two frames that are the same.

    Attributes:
        by: what tells that they are.
        old, new: their positions, one pair per row, in the order of the new frame.
        removed: positions of rows that only the old frame has.
        added: positions of rows that only the new frame has.
    """

    by: Matching
    old: Positions
    new: Positions
    removed: Positions
    added: Positions

    @classmethod
    def of(cls, by: Matching, found: Positions, rows: int) -> Match:
        """The match, from the position in the old frame (-1 for none) of each row of the new one."""
        new = np.flatnonzero(found >= 0)
        old = found[new]
        return cls(by, old, new, np.setdiff1d(np.arange(rows), old), np.flatnonzero(found < 0))


def matched(old: Composed, new: Composed, *, old_found: Preflight, new_found: Preflight) -> Match:
    """The rows of two campaigns that are the same.

    By key when both have the same key columns and no two rows share a key; else by position when both
    indexes are equal, else by label when the labels of each are unique.

    Raises:
        MailframeError: nothing tells which row is which; says what to do.
    """
    before, after = old.frame.index, new.frame.index
    known = _keys(old_found), _keys(new_found)
    if old.key and old.key == new.key and known[0] is not None and known[1] is not None:
        return Match.of(
            "key", _where(known[0], known[1], in_place=before.equals(after)), len(before)
        )
    if before.equals(after):
        return Match.of("position", np.arange(len(after)), len(before))
    if before.is_unique and after.is_unique:
        return Match.of("label", _places(before, after), len(before))
    which = "the first" if not before.is_unique else "the second"
    said = f"their keys are {_named(old.key)} and {_named(new.key)}"
    said += ", and not every row has one of its own" if old.key and old.key == new.key else ""
    raise MailframeError(
        f"diff cannot tell which row is which: the labels of {which} frame are not unique, and {said}; "
        "compose both with the same key=, or give both frames a unique index (set_index, reset_index)"
    )


def _keys(found: Preflight) -> Keys | None:
    """The keys of a frame's rows; None where two rows have the same."""
    halves = found.keys.halves()
    index = pd.MultiIndex.from_arrays([halves[:, 0], halves[:, 1]])
    has_key = np.asarray(halves.any(axis=1))
    return (index, has_key) if index[has_key].is_unique else None


def _where(before: Keys, after: Keys, *, in_place: bool) -> Positions:
    """Where each row's key stands before.

    A row without a key is the one without a key in its place, where the indexes are equal; else it is another row
    than any.
    """
    (old, has_old), (new, has_new) = before, after
    places = np.append(np.flatnonzero(has_old), -1)
    found_at = old[has_old].get_indexer(new)
    keyless = np.where(has_old, -1, np.arange(len(old))) if in_place else np.full(len(new), -1)
    return np.where(has_new, places[found_at], keyless)


def _places(before: pd.Index[Any], after: pd.Index[Any]) -> Positions:
    """Where each label stands in the index before; labels of another kind stand nowhere."""
    try:
        return before.get_indexer(after)
    except (
        TypeError,
        ValueError,
        pd.errors.InvalidIndexError,
    ):  # intervals that overlap; levels that differ
        known = {label: place for place, label in enumerate(before.tolist())}
        return np.array([known.get(label, -1) for label in after.tolist()], dtype=np.intp)


def _named(key: tuple[str, ...]) -> str:
    return " + ".join(map(str, key)) if key else "not given"
