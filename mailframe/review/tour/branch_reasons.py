"""Why a row is shown for its branches: each branch in plain English, and the number of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailframe.counting import counted
from mailframe.review.tour.branches import BranchKind, bit_positions
from mailframe.review.tour.conditions import (
    MAX_CHARACTERS,
    goes_without_saying,
    without_false,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.review.tour.branches import Branch
    from mailframe.review.tour.cover import Candidate

ONLY_WITH_ERRORS: Final = "only rows with errors take these branches"


@dataclass(frozen=True, slots=True)
class BranchReasons:
    """Writes the reasons of rows.

    Attributes:
        branches: the branches of the letter.
        counts: the number of rows that take each branch, by its position.
        rows: the number of rows that were rendered.
        is_sample: whether the frame has more rows.
        only_missing: the positions of the branches that only rows without a value in the column of
            the branch take.
        all_missing: the positions of those among them that all such rows take.
    """

    branches: Sequence[Branch]
    counts: Mapping[int, int]
    rows: int
    is_sample: bool
    only_missing: frozenset[int]
    all_missing: frozenset[int]

    def picked(self, row: Candidate, bits: int) -> list[str]:
        """Why a row was picked for the cover, the rarest branch first.

        Args:
            row: the row.
            bits: the bits of the branches that only this row of the cover takes.
        """
        reasons = self.taken(bits) or [self._all_alike()]
        return reasons if row.clean else [*reasons, ONLY_WITH_ERRORS]

    def taken(self, bits: int) -> list[str]:
        """The branches of these bits, the rarest first.

        Left out are branches that every row takes which reaches them. The text part and the HTML
        part often have the same branches; they are listed once.
        """
        positions = sorted(bit_positions(bits), key=lambda position: self.counts[position])
        distinct: dict[tuple[str, int], int] = {}
        for position in filter(self._is_choice, positions):
            key = self._in_words(position), self.counts[position]
            if key not in distinct or not self._condition(position):
                distinct[key] = position
        return list(dict.fromkeys(map(self._reason, distinct.values())))

    def described(self) -> list[Branch]:
        """All branches, each with its final description."""
        return [
            replace(branch, plain=self._plain(position))
            for position, branch in enumerate(self.branches)
        ]

    def _is_choice(self, position: int) -> bool:
        outer = self._outer(position)
        reached = self.rows if outer is None else self.counts[outer]
        return self.counts[position] < reached

    def _reason(self, position: int) -> str:
        count = self.counts[position]
        sampled = f"{count:,} of {self.rows:,} sampled rows"
        return f"{self._plain(position)} · {sampled if self.is_sample else counted(count, 'row')}"

    def _plain(self, position: int) -> str:
        """A branch in plain English, with the conditions of the branches that contain it."""
        condition = self._condition(position)
        words = self._in_words(position)
        if condition is None:
            branch = self.branches[position]
            return words if words == branch.text else f"{words} in line {branch.line}"
        return f"{words} when {condition}" if condition else words

    def _in_words(self, position: int) -> str:
        branch = self.branches[position]
        if position in self.all_missing:
            return f"{branch.column} missing"
        if position in self.only_missing:
            return without_false(branch.plain, branch.column)
        return branch.plain

    def _condition(self, position: int) -> str | None:
        """The condition under which a nested branch is reached.

        Empty if every row reaches it, or if it is in a loop, a macro or a file; None if the words
        of the branch alone would be true of rows that do not reach it.
        """
        if position in self.all_missing:
            return ""
        conditions: list[str] = []
        place = self._outer(position)
        while place is not None and self.counts[place] < self.rows:
            outer = self.branches[place]
            if outer.kind is BranchKind.CALL:
                place = self._outer(place)
                continue
            if outer.kind is not BranchKind.CHOICE:
                break
            if outer.plain == outer.text:
                return None
            words = self._in_words(place)
            if not goes_without_saying(words, self.branches[position].plain):
                conditions.append(words)
            place = None if place in self.all_missing else self._outer(place)
        is_clear = len(conditions) < 2 or not any(" or " in words for words in conditions)  # noqa: PLR2004
        together = " and ".join(reversed(conditions))
        return together if is_clear and len(together) <= MAX_CHARACTERS else None

    def _outer(self, position: int) -> int | None:
        """The branch that contains a branch; None in a loop, which is two branches."""
        within = self.branches[position].within
        is_one = within.bit_count() == 1
        return within.bit_length() - 1 if is_one else None

    def _all_alike(self) -> str:
        if self.rows == 1:
            return "the only row of the sample" if self.is_sample else "the only row"
        rows = "sampled rows" if self.is_sample else "rows"
        return f"all {self.rows:,} {rows} take the same branches"
