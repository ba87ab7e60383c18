"""The rows that previews, galleries and test emails show: given ones, or those of the tour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mailframe.errors import FrameError, LetterError
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.message.row_selection import row_positions
from mailframe.review.tour import MAX_ROWS, Tour, joined_tour, tour
from mailframe.review.tour.pictures import undrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.message.composed import Composed
    from mailframe.message.row_selection import Rows

ChosenRows: TypeAlias = "Sequence[tuple[int, tuple[str, ...]]]"
"""Position of each chosen row, and the reasons why it is shown, if there are any."""

WHOLE_ROWS: Final = 20_000
"""Up to so many rows the quick tour renders all of them."""
SAMPLE_ROWS: Final = 2_000
"""Evenly spaced rows of a larger frame that the quick tour renders, the first and last included."""
BAR_ROWS: Final = 5_000
"""From so many rows on a bar shows the progress. Of fewer rows the bar would be gone at once, and
a saved notebook would keep its empty output on a slow machine."""
CHECKED_ROWS: Final = 2_000
"""Up to so many rows a preview checks all of them when it opens …"""
CHECKED_ROWS_WITH_FILES: Final = 100
"""… and up to so many if the letter reads a file or draws a picture for each row."""


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
            return [(0, ("the first row",))]  # a letter without branches has no tour
    explained = rows if isinstance(rows, Tour) else toured or ()
    reasons = {stop.position: stop.reasons for stop in explained}
    positions = row_positions(composed.frame.index, rows)
    return [(position, reasons.get(position, ())) for position in positions]


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
    """The tour that was kept, or one of all rows up to ``WHOLE_ROWS``, or one of a sample.

    Only a tour of all rows is kept.
    """
    kept = composed.kept_tour(Tour)
    if kept is not None:
        return kept
    rows = len(composed.frame)
    most = rows if rows <= WHOLE_ROWS else SAMPLE_ROWS
    quick = new_tour(composed, progress=rows > BAR_ROWS, max_rows=max(most, 1))
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
    options: Any = {"names": composed.names, "progress": progress, "watch": watch}
    index = composed.frame.index
    if not composed.variants:
        return tour(composed.bound, index, max_rows=max_rows, **options)
    share = max(1, max_rows // len(composed.variants))
    pairs = zip(composed.variants, composed.bounds, strict=True)
    return joined_tour(
        {
            one.name: tour(bound, index, max_rows=share, rows=one.positions.tolist(), **options)
            for one, bound in pairs
        }
    )


def is_checked_at_once(composed: Composed) -> bool:
    """Whether a preview checks all rows when it opens.

    The rule has no clock in it: each opening on the same campaign shows the same.
    """
    bounds = composed.bounds
    has_files = any(piece is None for bound in bounds for _, piece in bound.attachments)
    has_pictures = any(
        undrawn(column) is not column for bound in bounds for column in bound.columns
    )
    slow = has_files or has_pictures
    return len(composed.frame) <= (CHECKED_ROWS_WITH_FILES if slow else CHECKED_ROWS)


def _refuse_foreign(composed: Composed, rows: object) -> None:
    """Refuse the tour of another campaign, whose reasons do not hold for this one.

    Raises:
        FrameError: *rows* is a tour of another campaign.
    """
    if not isinstance(rows, Tour) or not rows.letter:
        return
    is_same_frame = rows.index.is_(composed.frame.index)
    letter = b"".join(map(letter_fingerprint, composed.bounds))
    if not is_same_frame or rows.letter != letter:
        raise FrameError(
            "the tour is of another campaign; call campaign.tour(), or give tour.frame().index"
        )
