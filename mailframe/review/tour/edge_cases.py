"""Picks the edge cases: renders every row with traced templates, and picks the rows of the tour."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from jinja2 import Template

from mailframe.letter.jinja.simple_template import SimpleTemplate
from mailframe.message.binding import rebound
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.message.render import Renderer
from mailframe.notebook import rows_bar
from mailframe.problems import Code
from mailframe.review.tour.branch_reasons import BranchReasons
from mailframe.review.tour.branches import bit_positions
from mailframe.review.tour.conditions import ColumnFacts
from mailframe.review.tour.cover import CandidateRows, unique_bits
from mailframe.review.tour.extremes import (
    MessageLengths,
    MissingValues,
    frame_columns,
    longest_values,
    reasons_by_row,
)
from mailframe.review.tour.pictures import undrawn
from mailframe.review.tour.stops import Stop, Tour
from mailframe.review.tour.tracing import Tracer, TracingEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from mailframe.message.binding import BoundLetter
    from mailframe.message.render import Draft
    from mailframe.message.row_names import RowNames
    from mailframe.problems import Problem

MAX_ROWS: Final = 100_000
"""Rows that a tour renders; of a larger frame it renders this many, evenly spaced."""
_PATH: Final = "path of "
"""Begins the name under which the path of an attachment is rendered; the file is not read."""


def tour(
    bound: BoundLetter,
    frame_index: pd.Index,
    *,
    names: RowNames | None = None,
    progress: bool = True,
    max_rows: int = MAX_ROWS,
    watch: Callable[[int], object] | None = None,
    rows: Sequence[int] | None = None,
) -> Tour:
    """The edge cases: few rows that cover every template branch, then the extreme rows.

    Every row is rendered once; attachments are not read, and pictures not drawn. A row with an
    error is only picked for branches that no other row takes, and for its missing values.

    Args:
        bound: the letter and its frame.
        frame_index: the index of the frame.
        names: the names of its rows, if they have a key; by default their labels.
        progress: whether to draw a progress bar.
        max_rows: the number of rows to render; of a larger frame they are evenly spaced, with the
            first and the last row.
        watch: the callback that gets the position of each row after it was rendered.
        rows: the positions of the rows that get the letter; None for all.

    Raises:
        ValueError: *max_rows* is below 1, or the index and the frame differ in length.

    >>> from mailframe.message.binding import bind
    >>> frame = pd.DataFrame({"email": ["a@example.com", "b@example.com"], "plan": ["team", None]})
    >>> body = "{% if plan %}Your {{ plan }} plan{% else %}No plan{% endif %}"
    >>> letter = mf.Letter(sender="me@example.com", to="{{ email }}", subject="Hi", text_body=body)
    >>> for stop in tour(bind(letter, frame), frame.index, progress=False):
    ...     print(stop.reasons[0])
    plan has a value · 1 row
    plan missing · 1 row
    """
    if max_rows < 1:
        raise ValueError(f"max_rows is {max_rows}; it must be at least 1")
    if len(frame_index) != bound.rows:
        raise ValueError(
            f"the index has {len(frame_index):,} labels for {bound.rows:,} rows; "
            "pass the index of the frame"
        )
    among = range(bound.rows) if rows is None else rows
    positions = [among[place] for place in evenly_spaced(len(among), max_rows)]
    trace = _TracedRows.of(bound if len(positions) == bound.rows else bound.take(positions))
    with rows_bar("looking for edge cases", len(positions), shown=progress) as bar:
        for draft in trace.drafts():
            bar.update()
            if watch is not None:
                watch(positions[draft.position])
    return replace(trace.tour(len(among), positions, frame_index), names=names)


def evenly_spaced(rows: int, count: int) -> Sequence[int]:
    """The positions of at most *count* evenly spaced rows, with the first and the last.

    >>> list(evenly_spaced(10, 4)), list(evenly_spaced(10, 1)), list(evenly_spaced(3, 5))
    ([0, 3, 6, 9], [0], [0, 1, 2])
    """
    if rows <= count:
        return range(rows)
    return [place * (rows - 1) // max(count - 1, 1) for place in range(count)]


@dataclass(slots=True)
class _TracedRows:
    """What was recorded of the rendered rows. Their positions are those among the rendered rows.

    Attributes:
        bound: the letter, compiled with marks.
        tracer: the tracer that records the branches of a row.
        optional: the paths of attachments that may be missing.
        letter: the fingerprint of the letter.
        missing: the rows with missing values.
        candidates: the sets of branches that were taken.
        lengths: the lengths of the messages without errors.
        taken: the bits of the branches that were taken.
        bits: the bits of each row; equal ones are the same object, so that a row needs 8 bytes.
        with_values: the bits of the branches that a row with a value in their column took.
    """

    bound: BoundLetter
    tracer: Tracer
    optional: frozenset[str]
    letter: bytes
    missing: MissingValues
    candidates: CandidateRows = field(default_factory=CandidateRows)
    lengths: MessageLengths = field(default_factory=MessageLengths)
    taken: int = 0
    bits: list[int] = field(default_factory=list)
    with_values: int = 0

    @classmethod
    def of(cls, bound: BoundLetter) -> _TracedRows:
        """Compile a letter with marks; of its attachments only the templates of the paths."""
        columns = tuple(map(undrawn, bound.columns))
        facts = {column.name: ColumnFacts.of(column) for column in frame_columns(columns)}
        tracer = Tracer(frozenset(bound.sources), facts)
        bound = replace(bound, columns=columns)
        traced = rebound(bound, partial(TracingEnvironment, tracer=tracer))
        sources = {
            f"{_PATH}{part}" if part.startswith("attachments") else part: source
            for part, source in traced.sources.items()
            if not part.startswith("attachments") or isinstance(source, Template | SimpleTemplate)
        }
        optional = {
            f"{_PATH}attachments[{i}].name"
            for i, (attachment, _) in enumerate(bound.attachments)
            if attachment.optional
        }
        return cls(
            replace(traced, sources=sources, attachments=()),
            tracer,
            frozenset(optional),
            letter_fingerprint(bound),
            MissingValues.of(columns),
        )

    def drafts(self) -> Iterator[Draft]:
        """The draft of each row, after it was recorded."""
        table = self.tracer.table
        distinct: dict[int, int] = {}
        for draft in Renderer(self.bound).drafts():
            bits = self.tracer.take()
            self.bits.append(distinct.setdefault(bits, bits))
            self.taken |= bits
            if bits & table.bits_with_column & ~self.with_values:
                self._check_missing(bits, draft.position)
            clean = not draft.problems or not any(map(self._is_error, draft.problems))
            self.candidates.add(bits, draft.position, clean=clean)
            if clean:
                self.lengths.add(draft.values, draft.position)
            yield draft

    def _check_missing(self, bits: int, row: int) -> None:
        """Record the branches that a row takes although their columns have a value."""
        table = self.tracer.table
        for position in bit_positions(bits & table.bits_with_column & ~self.with_values):
            if not self.missing.is_missing(table.branches[position].column, row):
                self.with_values |= 1 << position

    def _is_error(self, problem: Problem) -> bool:
        return problem.field not in self.optional or problem.code is not Code.MISSING_VALUE

    def tour(self, rows: int, positions: Sequence[int], index: pd.Index) -> Tour:
        """The tour of the rows that were recorded.

        Args:
            rows: the number of rows of the frame.
            positions: the positions in the frame of the rows that were rendered.
            index: the index of the frame.
        """
        cover = self.candidates.cover()
        covering = cover.rows if self.taken else ()
        counts = self.candidates.counts_by_branch()
        of_branches = self._branch_reasons(counts, is_sample=len(positions) < rows)
        reasons = {
            row.row: of_branches.picked(row, bits)
            for row, bits in zip(covering, unique_bits(covering), strict=True)
        }
        extremes = [
            *self.lengths.extremes(),
            *self.missing.extremes(),
            *longest_values(self.bound.columns),
        ]
        for row, more in reasons_by_row(extremes, shown=reasons).items():
            reasons[row] = [*reasons.get(row, []), *more]
        described = of_branches.described()
        taken = tuple(bit_positions(self.taken))
        untaken = self.tracer.table.untaken(self.taken) if len(positions) else ()
        return Tour(
            stops=tuple(
                Stop(
                    positions[row],
                    tuple(dict.fromkeys([*picked, *of_branches.taken(self.bits[row])])),
                    tuple(described[place] for place in bit_positions(self.bits[row])),
                )
                for row, picked in reasons.items()
            ),
            untaken=tuple(described[place] for place in untaken),
            rows=rows,
            looked_at=len(positions),
            index=index,
            branches=tuple(described[place] for place in taken),
            counts=tuple(counts[place] for place in taken),
            covering=len(covering),
            fewest=cover.fewest,
            letter=self.letter,
        )

    def _branch_reasons(self, counts: Mapping[int, int], *, is_sample: bool) -> BranchReasons:
        table = self.tracer.table
        only_missing = frozenset(bit_positions(table.bits_with_column & ~self.with_values))
        all_missing = frozenset(
            position
            for position in only_missing
            if counts[position] == self.missing.count(table.branches[position].column) > 0
        )
        return BranchReasons(
            table.branches, counts, self.bound.rows, is_sample, only_missing, all_missing
        )
