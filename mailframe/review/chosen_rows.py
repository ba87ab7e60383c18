"""The rows that previews, galleries and test emails show: given ones, or those of the tour."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Final, TypeAlias

from mailframe.errors import FrameError, LetterError
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.message.pipeline import Preparer
from mailframe.message.row_selection import row_positions
from mailframe.review.tour import MAX_ROWS, Tour, evenly_spaced, tour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.message.composed import Composed
    from mailframe.message.row_selection import Rows

ChosenRows: TypeAlias = "Sequence[tuple[int, str]]"
"""Position of each chosen row, and why it is shown; the reason may be empty."""

WHOLE_ROWS: Final = 2_000
"""Up to so many rows a preview renders all of them when it opens."""
QUICK_ROWS: Final = 500
"""Rows of a larger frame that it renders for the tour, so that it opens at once on any frame."""
_PROBES: Final = 5
_PROBE_S: Final = 0.3
_OPENING_S: Final = 4.0
"""Seconds of rows rendered one by one; in sequence they take about a fifth of it, without files."""
_IN_SEQUENCE: Final = 5.0


def choose_rows(composed: Composed, rows: Rows | None, toured: Tour | None = None) -> ChosenRows:
    """The chosen rows; without *rows* those of the tour, or the first row if the tour has none.

    Args:
        composed: the campaign.
        rows: as for ``Campaign.preview``.
        toured: the tour whose rows, and reasons, are used; by default the quick tour, whose
            reasons are only used for its own rows.

    Raises:
        FrameError: *rows* is the tour of another campaign, or names a row that does not exist.
    """
    _refuse_foreign(composed, rows)
    if rows is None:
        rows = toured = quick_tour(composed) if toured is None else toured
        if not toured.stops and len(composed.frame):
            return [(0, "the first row")]  # a letter without branches has no tour
    explained = rows if isinstance(rows, Tour) else toured or ()
    reasons = {stop.position: stop.reason for stop in explained}
    positions = row_positions(composed.frame.index, rows)
    return [(position, reasons.get(position, "")) for position in positions]


def full_tour(
    composed: Composed, *, progress: bool, watch: Callable[[int], object] | None = None
) -> Tour:
    """The tour of all rows; it is made once and then kept.

    Raises:
        LetterError: the letter is nested too deeply to trace its branches.
    """
    kept = composed.kept_tour(Tour)
    if kept is not None:
        return kept
    return composed.keep_tour(_toured(composed, progress=progress, watch=watch))


def quick_tour(composed: Composed) -> Tour:
    """The tour that was kept, or one of a small sample; only a tour of all rows is kept."""
    kept = composed.kept_tour(Tour)
    if kept is not None:
        return kept
    quick = new_tour(composed, progress=False, max_rows=affordable_rows(composed))
    return quick if quick.sampled else composed.keep_tour(quick)


def new_tour(composed: Composed, *, progress: bool, max_rows: int = MAX_ROWS) -> Tour:
    """A tour that is not kept; empty if the letter is nested too deeply to trace its branches."""
    try:
        return _toured(composed, progress=progress, max_rows=max_rows)
    except LetterError:
        return Tour((), (), len(composed.frame), 0, composed.frame.index, names=composed.names)


def _toured(
    composed: Composed,
    *,
    progress: bool,
    max_rows: int = MAX_ROWS,
    watch: Callable[[int], object] | None = None,
) -> Tour:
    return tour(
        composed.bound,
        composed.frame.index,
        names=composed.names,
        progress=progress,
        max_rows=max_rows,
        watch=watch,
    )


def affordable_rows(composed: Composed) -> int:
    """How many rows may be rendered when a preview opens: all of a small frame, fewer if slow.

    A few rows are rendered one by one to measure it, which takes longer per row than in sequence.
    """
    rows = len(composed.frame)
    preparer, began, took = Preparer(composed.bound), time.perf_counter(), [0.0]
    for position in evenly_spaced(rows, _PROBES):
        start = time.perf_counter()
        next(iter(preparer.rows(position, position + 1)))
        took.append(time.perf_counter() - start)
        if time.perf_counter() - began > _PROBE_S:
            break
    each_s = median(took[1:] or took)  # with a mean, one pause of the machine would count fully
    most = rows if rows <= WHOLE_ROWS else QUICK_ROWS
    reads_files = any(piece is None for _, piece in composed.bound.attachments)
    budget_s = _OPENING_S / _IN_SEQUENCE if reads_files else _OPENING_S
    return max(min(most, int(budget_s / max(each_s, 1e-6))), 1)


def _refuse_foreign(composed: Composed, rows: object) -> None:
    """Refuse the tour of another campaign, whose reasons do not hold for this one.

    Raises:
        FrameError: *rows* is a tour of another campaign.
    """
    if not isinstance(rows, Tour) or not rows.letter:
        return
    is_same_frame = rows.index.is_(composed.frame.index)
    if not is_same_frame or rows.letter != letter_fingerprint(composed.bound):
        raise FrameError(
            "the tour is of another campaign; call campaign.tour(), or give tour.frame().index"
        )
