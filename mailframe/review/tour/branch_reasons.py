"""Why a row is shown for its branches: the source of the branch and the number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.review.tour.branches import bit_positions

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
        missing: the positions of the branches that are taken by exactly the rows without a value in
            the column of the branch.
    """

    branches: Sequence[Branch]
    counts: Mapping[int, int]
    rows: int
    is_sample: bool
    missing: frozenset[int]

    def of(self, row: Candidate, bits: int) -> list[str]:
        """The reasons for a row, the rarest branch first; without branches that every row takes.

        Args:
            row: the row.
            bits: the bits of the branches that only this row of the tour takes.
        """
        positions = sorted(bit_positions(bits), key=lambda position: self.counts[position])
        distinct: dict[object, int] = {}
        for position in positions:  # the text part and the HTML part often have the same branches
            if self.counts[position] < self.rows:
                distinct.setdefault(self._key(position), position)
        reasons = [self._reason(position) for position in distinct.values()] or [self._all_alike()]
        return reasons if row.clean else [*reasons, ONLY_WITH_ERRORS]

    def _key(self, position: int) -> object:
        branch = self.branches[position]
        if position in self.missing:
            return branch.column
        return branch.text, branch.parent and branch.parent.text

    def _reason(self, position: int) -> str:
        branch = self.branches[position]
        count = f"({self.counts[position]:,} of {self.rows:,} {self._rows})"
        if position in self.missing:
            return f"`{branch.column}` is missing {count}"
        return f"{branch.template} line {branch.line:,}: {branch.text} {count}"

    def _all_alike(self) -> str:
        if self.rows == 1:
            return "the only row of the sample" if self.is_sample else "the only row"
        return f"all {self.rows:,} {self._rows} take the same branches"

    @property
    def _rows(self) -> str:
        return "sampled rows" if self.is_sample else "rows"
