"""How a preview is opened: which rows, as what, and how much of them a saved notebook keeps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from mailframe.errors import FrameError, MailframeError, MissingExtra
from mailframe.html.text import escaped, one_line
from mailframe.message.letter_fingerprint import fingerprint
from mailframe.message.pipeline import Preparer
from mailframe.message.row_selection import positions
from mailframe.notebook import is_static
from mailframe.review.preview.fallback import plain_text, static_html
from mailframe.review.preview.gallery import MAX_TILES, USUAL_TILES, gallery
from mailframe.review.preview.look import RowView
from mailframe.review.preview.pages import Page, write
from mailframe.review.preview.report import report, tour_of
from mailframe.review.tour import Tour, evenly_spaced

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from mailframe.message.composed import Composed
    from mailframe.message.row_selection import Rows
    from mailframe.review.preview.widget import Preview

WHOLE_ROWS: Final = 2_000
"""Up to so many rows a preview looks at all of them when it opens."""
QUICK_ROWS: Final = 500
"""Rows of a larger frame that it looks at for the tour, so that it opens at once on any frame."""
_PROBES: Final = 5
_PROBE_S: Final = 0.3
_OPENING_S: Final = 4.0
"""Of one-by-one work. Rendered all in a row they take about a fifth of it; files take as long as they take."""
_IN_A_ROW: Final = 5.0
_NOT_SHOWN: Final = (
    "nothing is shown, for save=False, and a page that is shown is saved with the notebook"
)
Stops = list[tuple[int, str]]
"""Position and reason of each chosen row."""


@dataclass(frozen=True, slots=True, eq=False)
class StaticPreview:
    """A preview where no widget lives: a card of the first chosen row, and a table of all of them."""

    run: Composed
    tour: Tour
    stops: Stops
    mask: bool
    title: str
    is_shown: bool = True

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one self-contained page of the tour for a colleague who approves, and return its path."""
        return write(path, report(self.run, mask=self.mask))

    def close(self) -> None:
        """Nothing is open; here so that both kinds of preview are used alike."""

    def __repr__(self) -> str:
        if not self.is_shown:
            return f"<Preview of {self.title}: {_NOT_SHOWN}>"
        return plain_text(
            RowView(self.run, mask=self.mask), self.stops, title=f"<Preview of {self.title}>"
        )

    def _repr_html_(self) -> str:
        if not self.is_shown:
            return f"<p><b>{escaped(self.title)}</b>: {_NOT_SHOWN}</p>"
        return static_html(RowView(self.run, mask=self.mask), self.stops, title=self.title)


def preview(
    run: Composed,
    rows: Rows | None,
    *,
    tours: list[Tour],
    static: bool | None,
    mask: bool | None,
    save: bool,
) -> Preview | StaticPreview:
    """A widget or a static page of some rows; see ``Campaign.preview``."""
    refuse_foreign(run, rows)
    known = rows if isinstance(rows, Tour) else quick_tour(run, tours)
    chosen = stops(run, rows, known)
    title = _title(run)
    if is_static(static):
        if save:
            _compare_if_small(run)
        return StaticPreview(run, known, chosen, mask=bool(mask), title=title, is_shown=save)
    try:
        from mailframe.review.preview.widget import Preview  # noqa: PLC0415 - ipywidgets is an extra
    except ImportError:
        raise MissingExtra("the preview widget", "notebook") from None
    keep = None if not save else mask is not False
    small = len(run.frame) <= affordable_rows(run)
    return Preview(
        run,
        chosen=dict(chosen),
        is_tour=rows is None or isinstance(rows, Tour),
        tour=known,
        mask=bool(mask),
        keep_masked=keep,
        title=title,
        is_small=small,
    )


def contact_sheet(
    run: Composed, rows: Rows | None, *, n: int | None, tours: list[Tour], mask: bool
) -> Page:
    """Some rows side by side; see ``Campaign.gallery``."""
    if n is not None and n < 1:
        raise MailframeError(f"gallery shows n={n} messages; write 1 to {MAX_TILES}")
    _compare_if_small(run)
    chosen = stops(run, rows, quick_tour(run, tours))
    if rows is None:
        n = min(n or USUAL_TILES, MAX_TILES)
        chosen += [
            (position, "")
            for position in evenly_spaced(len(run.frame), n)
            if position not in dict(chosen)
        ]
    chosen = chosen[:n]
    more = len(chosen) - MAX_TILES
    title = (
        f"{_title(run)}: the first {MAX_TILES} of {len(chosen):,} rows" if more > 0 else _title(run)
    )
    return gallery(RowView(run, mask=mask), chosen[:MAX_TILES], title=title)


def _compare_if_small(run: Composed) -> None:
    """Look at every row of a small frame, for what only all rows together can tell."""
    if len(run.frame) <= affordable_rows(run):
        run.inspected()


def quick_tour(run: Composed, tours: list[Tour]) -> Tour:
    """The tour that was made already, or one over a sample that takes no time."""
    if not tours:
        made = tour_of(run, progress=False, max_rows=affordable_rows(run))
        if made.sampled:
            return made
        tours.append(made)
    return tours[-1]


def affordable_rows(run: Composed) -> int:
    """How many rows may be looked at when a preview opens: all of a small frame, fewer of a slow letter.

    A few rows are made one by one for it, which takes longer for each than all in a row.
    """
    rows = len(run.frame)
    preparer, began, took = Preparer(run.bound), time.perf_counter(), [0.0]
    for position in evenly_spaced(rows, _PROBES):
        start = time.perf_counter()
        next(iter(preparer.rows(position, position + 1)))
        took.append(time.perf_counter() - start)
        if time.perf_counter() - began > _PROBE_S:
            break
    each_s = median(
        took[1:] or took
    )  # a mean would take one pause of a busy machine for a slow letter
    most = rows if rows <= WHOLE_ROWS else QUICK_ROWS
    reads_files = any(piece is None for _, piece in run.bound.attachments)
    budget_s = _OPENING_S / _IN_A_ROW if reads_files else _OPENING_S
    return max(min(most, int(budget_s / max(each_s, 1e-6))), 1)


def refuse_foreign(run: Composed, rows: object) -> None:
    """The reasons of a tour are true of its own letter and rows alone.

    Raises:
        FrameError: *rows* is a tour of another campaign.
    """
    if not isinstance(rows, Tour) or not rows.letter:
        return
    if not rows.index.is_(run.frame.index) or rows.letter != fingerprint(run.bound):
        raise FrameError(
            "the tour is of another campaign; call campaign.tour(), or give tour.frame().index"
        )


def stops(run: Composed, rows: Rows | None, known: Tour) -> Stops:
    """The rows that were asked for, each with its reason; else those of the tour, else the first row."""
    refuse_foreign(run, rows)
    shown = rows if isinstance(rows, Tour) else known
    reasons = {stop.position: stop.reason for stop in shown}
    wanted = known.positions if rows is None else positions(run.frame.index, rows)
    if rows is None and not wanted and len(run.frame):
        return [(0, "the first row")]  # a letter without branches has no tour
    return [(position, reasons.get(position, "")) for position in wanted]


def _title(run: Composed) -> str:
    rows = f"{len(run.frame):,} row{'' if len(run.frame) == 1 else 's'}"
    return f"{one_line(run.name)}, {rows}" if run.name else f"a campaign of {rows}"
