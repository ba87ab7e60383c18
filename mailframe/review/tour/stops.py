"""The tour as a caller gets it: stops in the order in which they are worth a look, and what no row shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.counting import counted
from mailframe.html.environment import render
from mailframe.message.row_names import RowNames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.review.tour.branches import Branch

_SAID: Final = 2
_SHOWN: Final = 4
"""Reasons of a stop in ``reason``, and in the table of a notebook."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A row that is worth a look.

    Attributes:
        position: of the row in the frame.
        reasons: why; the most telling first.

    >>> Stop(3, ("the only row without a plan", "the shortest body: 80 characters")).reason
    'the only row without a plan; the shortest body: 80 characters'
    """

    position: int
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The first two reasons, as one text."""
        return "; ".join(self.reasons[:_SAID])


@dataclass(frozen=True, slots=True, eq=False)
class Tour:
    """The rows that matter: few that together take every branch of every template, then those at the ends.

    Attributes:
        stops: first those for the branches, then those that are the longest, shortest or emptiest.
        untaken: branches that no row takes; of several inside each other the outermost.
        rows: of the frame.
        looked_at: how many of them were rendered; fewer than *rows* if the frame is very large.
        index: the frame's.
        branches: those that some row takes, in the order of the templates.
        covering: how many of the stops are there for a branch.
        fewest: it is proved that no fewer rows take all these branches.
        letter: stands for the letter whose branches these are.
        names: of the frame's rows, where they have a key.
    """

    stops: tuple[Stop, ...]
    untaken: tuple[Branch, ...]
    rows: int
    looked_at: int
    index: pd.Index
    branches: tuple[Branch, ...] = ()
    covering: int = 0
    fewest: bool = True
    letter: bytes = field(default=b"", repr=False)
    names: RowNames | None = field(default=None, repr=False)

    @property
    def positions(self) -> tuple[int, ...]:
        """Of the stops, in their order."""
        return tuple(stop.position for stop in self.stops)

    @property
    def sampled(self) -> bool:
        """Whether only a sample of the rows was looked at."""
        return self.looked_at < self.rows

    def __len__(self) -> int:
        return len(self.stops)

    def __iter__(self) -> Iterator[Stop]:
        return iter(self.stops)

    def frame(self) -> pd.DataFrame:
        """One row per stop: ``row`` (its label), ``key`` (where the campaign has one) and ``reason``.

        The labels are the index too. ``campaign.frame.iloc[list(tour.positions)]`` shows the rows.
        """
        keys = self._names.keys(self.positions)
        made = pd.DataFrame(
            {
                "row": self._names.labels(self.positions),
                **({} if keys is None else {"key": keys}),
                "reason": pd.array([stop.reason for stop in self.stops], dtype="str"),
            }
        )
        return made.set_axis(self.index.take(list(self.positions)), axis=0)

    @property
    def _names(self) -> RowNames:
        return self.names or RowNames(pd.DataFrame(index=self.index))

    def untaken_frame(self) -> pd.DataFrame:
        """One row per branch that no row takes: ``template``, ``line``, ``branch``."""
        return pd.DataFrame(
            {
                "template": pd.array([branch.template for branch in self.untaken], dtype="str"),
                "line": pd.array([branch.line for branch in self.untaken], dtype="Int64"),
                "branch": pd.array([branch.text for branch in self.untaken], dtype="str"),
            }
        )

    def __repr__(self) -> str:
        return f"<Tour: {self._sentence()}>"

    def _repr_html_(self) -> str:
        lines = [
            (self._names.of(stop.position).removeprefix("row "), _shown(stop.reasons))
            for stop in self
        ]
        untaken = [(branch.template, f"{branch.line:,}", branch.text) for branch in self.untaken]
        return render(
            "tour", summary=self._sentence(), lines=lines, untaken=untaken, sampled=self.sampled
        )

    def _sentence(self) -> str:
        if not self.rows:
            return "no rows"
        said = [self._about_cover(), self._about_ends()]
        clauses = [", ".join(filter(None, said)) or "nothing to tell one row from another"]
        if self.untaken:
            many = counted(len(self.untaken), "branch is", "branches are")
            clauses.append(f"{many} taken by no row{' of these' if self.sampled else ''}")
        if self.sampled:
            clauses.append(f"{self.looked_at:,} rows, evenly spread, were looked at")
        return "; ".join(clauses)

    def _about_cover(self) -> str:
        if not self.covering:
            return ""
        verb = "takes" if self.covering == 1 else "take"
        what = (
            "the one branch" if len(self.branches) == 1 else f"all {len(self.branches):,} branches"
        )
        what += " that any row takes" if self.untaken else ""
        return f"{self.covering:,} of {counted(self.rows, 'row', 'rows')} {verb} {what}"

    def _about_ends(self) -> str:
        more = len(self.stops) - self.covering
        if not more:
            return ""
        ends = (
            counted(more, "more is", "more are")
            if self.covering
            else f"{more:,} of {self.rows:,} rows are"
        )
        return f"{ends} the longest, shortest or emptiest"


def _shown(reasons: tuple[str, ...]) -> str:
    more = len(reasons) - _SHOWN
    return "; ".join([*reasons[:_SHOWN], *([f"and {more:,} more"] if more > 0 else [])])
