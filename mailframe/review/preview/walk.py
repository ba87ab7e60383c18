"""Where a reader is: one row of one set of rows, such as the tour, all rows, or those that a search found."""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Among(StrEnum):
    """The sets of rows that a reader can step through."""

    TOUR = "tour"
    ALL = "all"
    PROBLEMS = "problems"
    FOUND = "found"


class Walk:
    """Steps through sets of rows; a set without rows is never stood in.

    Args:
        rows: of the frame.
        tour: positions of the rows that matter, in their own order.

    >>> walk = Walk(100, tour=(5, 3))
    >>> walk.position, walk.step(1), walk.step(1), walk.step(-1)
    (5, 3, 3, 5)
    """

    def __init__(self, rows: int, *, tour: Sequence[int] = ()) -> None:
        self.rows = rows
        self.sets: dict[Among, Sequence[int]] = {Among.TOUR: tuple(tour), Among.ALL: range(rows)}
        self._places = {position: place for place, position in enumerate(tour)}
        self.among = Among.TOUR if tour else Among.ALL
        self.position = self.sets[self.among][0] if rows else -1

    @property
    def members(self) -> Sequence[int]:
        """Positions of the rows of the present set, in its order."""
        return self.sets[self.among]

    @property
    def is_in(self) -> bool:
        """Whether the row is one of the present set."""
        if self.among is Among.TOUR:
            return self.position in self._places
        at = bisect_left(
            self.members, self.position
        )  # a list of a million hits is not read through
        return at < len(self.members) and self.members[at] == self.position

    @property
    def place(self) -> int:
        """Where the reader stands in the present set, from 0; where the next one would be when not in it."""
        members = self.members
        if self.among is Among.TOUR:
            return self._places.get(self.position, 0)
        return bisect_left(members, self.position)

    def choose(self, among: Among, members: Sequence[int] | None = None) -> int:
        """Step through another set from now on, beginning with the first of its rows that is not behind.

        Args:
            among: the set.
            members: its rows, in ascending order but for the tour; None for those that it had.
        """
        if members is not None:
            self.sets[among] = members
            if among is Among.TOUR:
                self._places = {position: place for place, position in enumerate(members)}
        if not self.sets.get(among):
            self.among = self.among if self.members else Among.ALL
            return self.position
        self.among = among
        members = self.members
        if not self.is_in:
            ahead = bisect_left(members, self.position) if among is not Among.TOUR else 0
            self.position = members[ahead if ahead < len(members) else 0]
        return self.position

    def step(self, by: int) -> int:
        """Go so many rows on in the present set, not past its ends."""
        members = self.members
        if members:
            at = self.place if self.is_in else self.place - (by > 0)
            self.position = members[min(max(at + by, 0), len(members) - 1)]
        return self.position

    def go(self, position: int) -> int:
        """Go to a row; where the present set does not have it, through all rows from there on."""
        if self.rows:
            self.position = min(max(position, 0), self.rows - 1)
            if not self.is_in:
                self.among = Among.ALL
        return self.position

    def after(self, members: Sequence[int]) -> int:
        """Go to the next row that is among *members* (in ascending order); after the last the first follows."""
        if members:
            ahead = bisect_left(members, self.position + 1)
            self.go(members[ahead if ahead < len(members) else 0])
        return self.position
