"""The walk over the frame: every row rendered once by templates that tell their branches, and the stops chosen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Template

from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.message.binding import rebound
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.message.render import Renderer
from mailframe.notebook import rows_bar
from mailframe.problems import Code
from mailframe.review.tour.cover import alone
from mailframe.review.tour.extremes import Lengths, MissingCounts, longest_values, placed
from mailframe.review.tour.groups import BranchGroups
from mailframe.review.tour.reasons import ReasonContext
from mailframe.review.tour.stops import Stop, Tour
from mailframe.review.tour.tracing import Tracer, TracingEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.render import Draft
    from mailframe.message.row_names import RowNames

MAX_ROWS: Final = 100_000
"""Rows that are looked at; of a larger frame as many, evenly spread."""
_FILE: Final = "file "
"""Begins the name under which the path of an attachment is rendered; the file itself is not read."""


def tour(
    bound: BoundLetter,
    frame_index: pd.Index,
    *,
    names: RowNames | None = None,
    progress: bool = True,
    max_rows: int = MAX_ROWS,
    watch: Callable[[int], object] | None = None,
) -> Tour:
    """The rows that matter: few that take every branch of every template, then the longest, shortest and emptiest.

    Each row is rendered once, or each row of a sample; attachments are not read. A row whose mail has an error is
    chosen for branches that no other row takes, and for its gaps.

    Args:
        bound: the letter and its frame.
        frame_index: of the frame, one label a row.
        names: of its rows, where they have a key; by default their labels.
        progress: show a bar in rows; it leaves nothing behind.
        max_rows: looked at; of a larger frame as many, evenly spread, the first and the last among them.
        watch: is called with the position of each row that was looked at, after it.

    Raises:
        ValueError: *max_rows* is below 1, or the index has another length than the frame.

    >>> from mailframe.message.binding import bind
    >>> frame = pd.DataFrame({"email": ["a@example.com", "b@example.com"], "plan": ["team", None]}, index=["a", "b"])
    >>> body = "{% if plan %}Your {{ plan }} plan{% else %}No plan{% endif %}"
    >>> letter = mf.Letter(sender="me@example.com", to="{{ email }}", subject="Hi", text_body=body)
    >>> [stop.reasons[0] for stop in tour(bind(letter, frame), frame.index, progress=False)]
    ['the only row: if plan', 'the only row without a plan']
    """
    if max_rows < 1:
        raise ValueError(f"max_rows is {max_rows}; at least one row must be looked at")
    if len(frame_index) != bound.rows:
        raise ValueError(
            f"the index has {len(frame_index):,} labels for {bound.rows:,} rows; give that of the frame"
        )
    positions = sample(bound.rows, max_rows)
    walk = _Walk.over(_only(bound, positions))
    with rows_bar("tour", len(positions), shown=progress) as bar:
        for draft in walk.drafts():
            bar.update()
            if watch is not None:
                watch(positions[draft.position])
    return replace(walk.tour(bound.rows, positions, frame_index), names=names)


def sample(rows: int, max_rows: int) -> Sequence[int]:
    """The positions that are looked at: all, or *max_rows* that are evenly spread; the same at each call.

    >>> list(sample(3, 5)), list(sample(10, 4)), list(sample(10, 1))
    ([0, 1, 2], [0, 3, 6, 9], [0])
    """
    if rows <= max_rows:
        return range(rows)
    return [place * (rows - 1) // max(max_rows - 1, 1) for place in range(max_rows)]


def _only(bound: BoundLetter, positions: Sequence[int]) -> BoundLetter:
    """The letter over some rows of its frame, which are then its rows 0, 1, 2 and so on."""
    if len(positions) == bound.rows:
        return bound
    return bound.take(positions)


@dataclass(slots=True)
class _Walk:
    """What is known of the rows that were rendered so far; rows are counted among those that are looked at."""

    bound: BoundLetter
    tracer: Tracer
    optional: frozenset[str]
    letter: bytes
    groups: BranchGroups = field(default_factory=BranchGroups)
    lengths: Lengths = field(default_factory=Lengths)
    taken: int = 0

    @classmethod
    def over(cls, bound: BoundLetter) -> _Walk:
        """The letter compiled anew with marks, its attachments reduced to the templates of their paths."""
        tracer = Tracer(frozenset(bound.sources))
        traced = rebound(bound, partial(TracingEnvironment, tracer=tracer))
        sources = {
            f"{_FILE}{part}" if part.startswith("attachments") else part: source
            for part, source in traced.sources.items()
            if not part.startswith("attachments") or isinstance(source, Template | SimpleTemplate)
        }
        optional = {
            f"{_FILE}attachments[{i}].name"
            for i, (each, _) in enumerate(bound.attachments)
            if each.optional
        }
        return cls(
            replace(traced, sources=sources, attachments=()),
            tracer,
            frozenset(optional),
            letter_fingerprint(bound),
        )

    def drafts(self) -> Iterator[Draft]:
        """Each row's draft, after it was noted."""
        for draft in Renderer(self.bound).drafts():
            bits = self.tracer.take()
            self.taken |= bits
            clean = not draft.problems or not any(map(self._counts, draft.problems))
            self.groups.add(bits, draft.position, clean=clean)
            if clean:
                self.lengths.add(draft.values, draft.position)
            yield draft

    def _counts(self, problem: Any) -> bool:
        return not (problem.field in self.optional and problem.code is Code.MISSING_VALUE)

    def tour(self, rows: int, positions: Sequence[int], index: pd.Index) -> Tour:
        """The stops among the rows that were noted."""
        found = self.groups.cover()
        arms = self.tracer.table.arms
        gaps = MissingCounts.of(self.bound.columns)
        telling = ReasonContext(
            arms, self.groups.rows_by_branch(), len(positions), gaps, sampled=len(positions) < rows
        )
        chosen = found.chosen if self.taken else ()
        reasons = {
            each.position: telling.of(each, bits)
            for each, bits in zip(chosen, alone(chosen), strict=True)
        }
        extremes = [*self.lengths.subject.found(), *self.lengths.body.found(), *gaps.emptiest()]
        extremes += longest_values(self.bound.columns)
        for row, said in placed(extremes, chosen=reasons).items():
            reasons[row] = [*reasons.get(row, []), *said]
        return Tour(
            stops=tuple(Stop(positions[row], tuple(said)) for row, said in reasons.items()),
            untaken=self.tracer.table.untaken(self.taken) if len(positions) else (),
            rows=rows,
            looked_at=len(positions),
            index=index,
            branches=tuple(arm.branch for place, arm in enumerate(arms) if self.taken >> place & 1),
            covering=len(chosen),
            fewest=found.fewest,
            letter=self.letter,
        )
