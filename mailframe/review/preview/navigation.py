"""The current row of a preview, and the set of rows that it steps through."""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class RowSet(StrEnum):
    """The sets of rows that a reader can step through."""

    TOUR = "tour"
    ALL = "all"
    PROBLEMS = "problems"
    MATCHES = "matches"


class Navigation:
    """Steps through sets of rows; an empty set is never the current one.

    Args:
        rows: the number of rows of the frame.
        tour: the positions of the selected rows, in their own order.

    >>> navigation = Navigation(100, tour=(5, 3))
    >>> navigation.position, navigation.step(1), navigation.step(1), navigation.step(-1)
    (5, 3, 3, 5)
    """

    def __init__(self, rows: int, *, tour: Sequence[int] = ()) -> None:
        self.rows = rows
        self.sets: dict[RowSet, Sequence[int]] = {RowSet.TOUR: (), RowSet.ALL: range(rows)}
        self._set_tour(tour)
        self.current = RowSet.TOUR if tour else RowSet.ALL
        self.position = self.members[0] if rows else -1

    def _set_tour(self, tour: Sequence[int]) -> None:
        self.sets[RowSet.TOUR] = tuple(tour)
        self._tour_places = {position: place for place, position in enumerate(tour)}

    @property
    def members(self) -> Sequence[int]:
        """Positions of the rows of the current set, in its order."""
        return self.sets[self.current]

    @property
    def is_member(self) -> bool:
        """Whether the current row is in the current set."""
        if self.current is RowSet.TOUR:
            return self.position in self._tour_places
        at = bisect_left(self.members, self.position)  # a million matches are not read one by one
        return at < len(self.members) and self.members[at] == self.position

    @property
    def place(self) -> int:
        """The place of the current row in the current set, from 0; else that of the next member."""
        if self.current is RowSet.TOUR:
            return self._tour_places.get(self.position, 0)
        return bisect_left(self.members, self.position)

    def choose(self, row_set: RowSet, members: Sequence[int] | None = None) -> int:
        """Step through another set, starting at its first row that is not before the current one.

        Args:
            row_set: the set.
            members: its rows, in ascending order except for the tour; None for those that it has.
        """
        if members is not None and row_set is RowSet.TOUR:
            self._set_tour(members)
        elif members is not None:
            self.sets[row_set] = members
        if not self.sets.get(row_set):
            self.current = self.current if self.members else RowSet.ALL
            return self.position
        self.current = row_set
        if not self.is_member:
            self.position = self._from(self.members, 0 if row_set is RowSet.TOUR else self.place)
        return self.position

    def step(self, by: int) -> int:
        """Move by so many rows within the current set, not past its ends."""
        members = self.members
        if members:
            at = self.place if self.is_member else self.place - (by > 0)
            self.position = members[min(max(at + by, 0), len(members) - 1)]
        return self.position

    def go(self, position: int) -> int:
        """Go to a row; if the current set does not have it, step through all rows from there."""
        if self.rows:
            self.position = min(max(position, 0), self.rows - 1)
            if not self.is_member:
                self.current = RowSet.ALL
        return self.position

    def after(self, members: Sequence[int]) -> int:
        """Go to the next row among *members* (ascending); the first one follows the last."""
        if members:
            self.go(self._from(members, bisect_left(members, self.position + 1)))
        return self.position

    @staticmethod
    def _from(members: Sequence[int], place: int) -> int:
        return members[place if place < len(members) else 0]
