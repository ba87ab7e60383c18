"""Why a row is shown for its branches, in words for a person and relative to the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.review.tour.branches import BranchKind, bits_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.review.tour.branches import Arm
    from mailframe.review.tour.cover import Candidate
    from mailframe.review.tour.extremes import MissingCounts

RARE: Final = 10
"""A branch that fewer than one in ten rows take is said as ``3 of 1,200 rows``."""
FAULTY: Final = "no row without an error does this"


@dataclass(frozen=True, slots=True)
class ReasonContext:
    """What a reason can refer to.

    Attributes:
        arms: of the letter.
        rows_by_branch: how many rows take a branch, by its place.
        rows: that were looked at.
        gaps: of the columns.
        sampled: the frame has more rows than were looked at.
    """

    arms: Sequence[Arm]
    rows_by_branch: Mapping[int, int]
    rows: int
    gaps: MissingCounts
    sampled: bool

    def of(self, candidate: Candidate, bits: int) -> list[str]:
        """The reasons for a row, the rarest branch first; what every row does is no reason.

        Args:
            candidate: the row.
            bits: of the branches that it alone takes within the tour.
        """
        places = sorted(bits_of(bits), key=lambda place: (self.rows_by_branch[place], place))
        telling = {
            self._words(place): place for place in reversed(places)
        }  # two parts often say the same
        told = [place for place in places if telling[self._words(place)] == place]
        said = [
            self._said(place, candidate.position)
            for place in told
            if self.rows_by_branch[place] < self.rows
        ]
        said = said or [self._alike()]
        return said if candidate.clean else [*said, FAULTY]

    def _alike(self) -> str:
        if self.rows == 1:
            return "the only row" + (" looked at" if self.sampled else "")
        return (
            f"all {self.rows:,} rows{' looked at' if self.sampled else ''} take the same branches"
        )

    def _said(self, place: int, row: int) -> str:
        arm, count = self.arms[place], self.rows_by_branch[place]
        of_all = f"of {self.rows:,} rows" + (" looked at" if self.sampled else "")
        if count == 1:
            only = f"the only one {of_all}" if self.sampled else "the only row"
            if arm.without and self.gaps.only(arm.without) == row:
                return f"{only} without {_with_article(arm.without)}"
            return f"{only}: {self._words(place)}"
        return (
            f"{count:,} {of_all}: {self._words(place)}"
            if count * RARE < self.rows
            else f"{self._words(place)} ({count:,} {of_all if self.sampled else 'rows'})"
        )

    def _words(self, place: int) -> str:
        """The branch and the one that it stands in, for ``if seats`` may be written three times."""
        arm = self.arms[place]
        outer = self.arms[next(bits_of(arm.within))] if arm.within else None
        if outer is None or outer.kind is not BranchKind.ARM:
            return arm.branch.text
        return f"{arm.branch.text} inside {outer.branch.text}"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
