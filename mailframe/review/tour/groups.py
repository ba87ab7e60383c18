"""What is kept of the rows that were rendered: for each set of branches how many take it, and the first of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailframe.review.tour.branches import bits_of
from mailframe.review.tour.cover import Candidate, Cover, cover

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_KINDS: Final = 20_000
"""Sets of branches that are kept; when there are more, only those that are needed so far stay."""


@dataclass(slots=True)
class BranchGroups:
    """Rows by the branches that they take.

    Attributes:
        max_kinds: kept at once; memory does not grow with the rows.
    """

    max_kinds: int = MAX_KINDS
    _firsts: dict[tuple[int, bool], int] = field(default_factory=dict)
    _counts: Counter[int] = field(default_factory=Counter)
    _settled: Counter[int] = field(default_factory=Counter)
    _dropped: bool = False

    def add(self, bits: int, row: int, *, clean: bool) -> None:
        """Note a row.

        Args:
            bits: of the branches that it takes.
            row: its place among the rows that are looked at; they come in order.
            clean: its mail has no error.
        """
        self._counts[bits] += 1
        if (bits, clean) not in self._firsts:
            self._firsts[bits, clean] = row
            if len(self._firsts) > self.max_kinds:
                self._drop()

    @property
    def kinds(self) -> int:
        """How many are kept now."""
        return len(self._firsts)

    def cover(self) -> Cover:
        """The fewest rows that take every branch that any row takes."""
        found = cover(
            Candidate(bits, row, clean=clean) for (bits, clean), row in self._firsts.items()
        )
        return Cover(found.chosen, fewest=found.fewest and not self._dropped)

    def rows_by_branch(self) -> Mapping[int, int]:
        """How many rows take a branch, by the place of its bit."""
        counts = Counter(self._settled)
        for bits, rows in self._counts.items():
            for place in bits_of(bits):
                counts[place] += rows
        return counts

    def _drop(self) -> None:
        chosen = self.cover().chosen
        self._settled = Counter(self.rows_by_branch())
        self._counts.clear()
        self._firsts = {(each.bits, each.clean): each.position for each in chosen}
        self._dropped = True
