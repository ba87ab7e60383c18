"""The result of a tour: its rows, why they were picked, and the branches that no row takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.counting import counted
from mailframe.message.row_names import RowNames
from mailframe.pages.environment import render
from mailframe.pandas_versions import text_column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.review.tour.branches import Branch

MAX_REASONS: Final = 2
"""Reasons of a row where there is room for one line."""
_MAX_REASONS_HTML: Final = 4
"""Reasons of a stop in the table of a notebook."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A row of a tour.

    Attributes:
        position: its position in the frame.
        reasons: why it was picked, the rarest branch first; then the other branches that it takes.
            Branches that every row takes are not listed.
        branches: all branches that it takes.

    >>> Stop(3, ("plan missing · 1 row", "shortest body: 9 characters", "n = 1 · 2 rows")).reason
    'plan missing · 1 row; shortest body: 9 characters; and 1 more'
    """

    position: int
    reasons: tuple[str, ...]
    branches: tuple[Branch, ...] = field(default=(), repr=False)

    @property
    def reason(self) -> str:
        """The first two reasons and the number of the others, as one text."""
        return reasons_text(self.reasons)


def first_reasons(reasons: Sequence[str], *, most: int) -> list[str]:
    """The first reasons, and the number of the others.

    >>> first_reasons(["a", "b", "c", "d"], most=2)
    ['a', 'b', 'and 2 more']
    """
    more = len(reasons) - most
    return [*reasons[:most], *([f"and {more:,} more"] if more > 0 else [])]


def reasons_text(reasons: Sequence[str]) -> str:
    """The first two reasons and the number of the others, as one text."""
    return "; ".join(first_reasons(reasons, most=MAX_REASONS))


@dataclass(frozen=True, slots=True, eq=False)
class Tour:
    """The edge cases of a frame: the rows that cover every template branch, and the extreme rows.

    Attributes:
        stops: the rows for the branches, then the extreme rows.
        untaken: the branches that no row takes; of nested ones only the outermost.
        rows: the number of rows of the frame.
        looked_at: the number of rows that were rendered; below *rows* if the frame is very large.
        index: the index of the frame.
        branches: the branches that some row takes, in the order of the templates.
        counts: the number of rows that take each of these branches, of those that were rendered.
        covering: the number of stops that were picked for a branch.
        fewest: whether it is proven that fewer rows do not take all these branches.
        letter: the fingerprint of the letter that has the branches.
        names: the names of the rows, if they have a key.
    """

    stops: tuple[Stop, ...]
    untaken: tuple[Branch, ...]
    rows: int
    looked_at: int
    index: pd.Index
    branches: tuple[Branch, ...] = ()
    counts: tuple[int, ...] = ()
    covering: int = 0
    fewest: bool = True
    letter: bytes = field(default=b"", repr=False)
    names: RowNames | None = field(default=None, repr=False)

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of the stops, in their order."""
        return tuple(stop.position for stop in self.stops)

    @property
    def sampled(self) -> bool:
        """Whether only a sample of the rows was rendered."""
        return self.looked_at < self.rows

    def __len__(self) -> int:
        return len(self.stops)

    def __iter__(self) -> Iterator[Stop]:
        return iter(self.stops)

    def frame(self) -> pd.DataFrame:
        """The stops as a DataFrame.

        ``campaign.frame.iloc[list(tour.positions)]`` has the rows themselves.

        Returns:
            One row per stop, with its label as index. Columns: ``row`` (the label), ``key`` (if the
            campaign has a key) and ``reason``.
        """
        keys = self._names.keys(self.positions)
        columns = {
            "row": self._names.labels(self.positions),
            **({} if keys is None else {"key": keys}),
            "reason": text_column(stop.reason for stop in self.stops),
        }
        return pd.DataFrame(columns).set_axis(self.index.take(list(self.positions)), axis=0)

    @property
    def _names(self) -> RowNames:
        return self.names or RowNames(pd.DataFrame(index=self.index))

    def branches_frame(self) -> pd.DataFrame:
        """Every branch as a DataFrame, those that no row takes last.

        Returns:
            One row per branch. Columns: ``template``, ``line``, ``branch`` (the source), ``plain``
            (plain English), ``rows`` (the number of rows that take it, of those that were rendered)
            and ``stops`` (the labels of the stops that take it).
        """
        branches = [*self.branches, *self.untaken]
        labels = list(self._names.labels(self.positions))
        stops = [
            [label for label, stop in zip(labels, self, strict=True) if branch in stop.branches]
            for branch in branches
        ]
        return pd.DataFrame(
            {
                **_places(branches),
                "plain": text_column(branch.plain for branch in branches),
                "rows": pd.array([*self.counts, *[0] * len(self.untaken)], dtype="Int64"),
                "stops": pd.Series(stops, dtype=object),
            }
        )

    def untaken_frame(self) -> pd.DataFrame:
        """One row per branch that no row takes: ``template``, ``line`` and ``branch``."""
        return pd.DataFrame(_places(self.untaken))

    def __repr__(self) -> str:
        return f"<Tour: {self._sentence()}>"

    def _repr_html_(self) -> str:
        stops = [
            (self._names.of(stop.position), first_reasons(stop.reasons, most=_MAX_REASONS_HTML))
            for stop in self
        ]
        return str(
            render(
                "tour",
                summary=self._sentence(),
                stops=stops,
                branches=self.branches_frame().to_dict("records"),
                untaken=len(self.untaken),
                sampled=self.sampled,
            )
        )

    def _sentence(self) -> str:
        if not self.rows:
            return "no rows"
        clauses = [", ".join(filter(None, [self._about_cover(), self._about_extremes()]))]
        if self.untaken:
            branches = counted(len(self.untaken), "branch is", "branches are")
            clauses.append(f"{branches} taken by no row{' of the sample' if self.sampled else ''}")
        if self.sampled:
            clauses.append(f"sample of {self.looked_at:,} evenly spaced rows")
        return "; ".join(filter(None, clauses)) or "no branches and no extreme rows"

    def _about_cover(self) -> str:
        if not self.covering:
            return ""
        verb = "takes" if self.covering == 1 else "take"
        branches = len(self.branches)
        what = "the one branch" if branches == 1 else f"all {branches:,} branches"
        what += " that any row takes" if self.untaken else ""
        return f"{self.covering:,} of {counted(self.rows, 'row', 'rows')} {verb} {what}"

    def _about_extremes(self) -> str:
        count = len(self.stops) - self.covering
        if not count:
            return ""
        more = f"{count:,} more" if self.covering else f"{count:,} of {self.rows:,} rows"
        return f"{more} with extreme lengths or missing values"


def _places(branches: Sequence[Branch]) -> dict[str, Any]:
    """Where branches are, and their sources, as columns."""
    return {
        "template": text_column(branch.template for branch in branches),
        "line": pd.array([branch.line for branch in branches], dtype="Int64"),
        "branch": text_column(branch.text for branch in branches),
    }


def joined_tour(tours: Mapping[str, Tour]) -> Tour:
    """The tour of several letters, each for some rows of one frame.

    Args:
        tours: the tour of each, by the name of the variant, which each reason begins with.
    """
    each = list(tours.values())
    covering = [
        _of_variant(name, stop)
        for name, tour in tours.items()
        for stop in tour.stops[: tour.covering]
    ]
    extreme = [
        _of_variant(name, stop)
        for name, tour in tours.items()
        for stop in tour.stops[tour.covering :]
    ]
    return Tour(
        stops=(*covering, *extreme),
        untaken=tuple(branch for tour in each for branch in tour.untaken),
        rows=sum(tour.rows for tour in each),
        looked_at=sum(tour.looked_at for tour in each),
        index=each[0].index,
        branches=tuple(branch for tour in each for branch in tour.branches),
        counts=tuple(count for tour in each for count in tour.counts),
        covering=len(covering),
        fewest=all(tour.fewest for tour in each),
        letter=b"".join(tour.letter for tour in each),
        names=each[0].names,
    )


def _of_variant(name: str, stop: Stop) -> Stop:
    reasons = stop.reasons or ("the first row",)
    return replace(stop, reasons=tuple(f"{name}: {reason}" for reason in reasons))
