"""How a preview opens: as a widget or a page, and what a saved notebook keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.counting import counted
from mailframe.errors import MailframeError, MissingExtra
from mailframe.notebook import is_static
from mailframe.pages.text import one_line
from mailframe.review.chosen_rows import choose_rows, is_checked_at_once, quick_tour
from mailframe.review.preview.gallery import MAX_TILES, USUAL_TILES, gallery
from mailframe.review.preview.row_view import RowView
from mailframe.review.preview.static_preview import StaticPreview
from mailframe.review.preview.subject import ComposedSubject
from mailframe.review.tour import Tour, evenly_spaced

if TYPE_CHECKING:
    from mailframe.message.composed import Composed
    from mailframe.message.row_selection import Rows
    from mailframe.pages.mail import Rendering
    from mailframe.review.chosen_rows import ChosenRows
    from mailframe.review.preview.pages import Page
    from mailframe.review.preview.subject import Subject
    from mailframe.review.preview.widget import Preview


def preview(
    composed: Composed,
    rows: Rows | None,
    *,
    static: bool | None,
    mask: bool | None,
    save: bool,
    rendering: Rendering | None = None,
) -> Preview | StaticPreview:
    """A widget or a static page of some rows; see ``Campaign.preview``."""
    tour = rows if isinstance(rows, Tour) else quick_tour(composed)
    chosen, title = choose_rows(composed, rows, tour), _title(composed)
    if is_static(static) and save:
        _check_if_small(composed)
    return open_preview(
        ComposedSubject(composed, rendering),
        chosen,
        tour=tour,
        is_tour=rows is None or isinstance(rows, Tour),
        title=title,
        is_small=is_checked_at_once(composed),
        static=static,
        mask=mask,
        save=save,
    )


def open_preview(
    subject: Subject,
    chosen: ChosenRows,
    *,
    tour: Tour,
    is_tour: bool,
    title: str,
    is_small: bool,
    static: bool | None,
    mask: bool | None,
    save: bool,
) -> Preview | StaticPreview:
    """A widget or a static page of the chosen rows.

    Args:
        subject: the campaign.
        chosen: the rows that it opens on, each with its reasons.
        tour: the tour of the campaign.
        is_tour: whether the chosen rows are the tour.
        title: the title of the campaign.
        is_small: whether the widget checks all rows when it opens.
        static: see ``Campaign.preview``.
        mask: see ``Campaign.preview``.
        save: see ``Campaign.preview``.
    """
    if is_static(static):
        return StaticPreview(subject, tour, chosen, mask=bool(mask), title=title, is_shown=save)
    try:
        from mailframe.review.preview.widget import Preview  # noqa: PLC0415 - ipywidgets is an extra
    except ImportError:
        raise MissingExtra("the preview widget", "notebook") from None
    return Preview(
        subject,
        chosen=dict(chosen),
        is_tour=is_tour,
        tour=tour,
        mask=bool(mask),
        keep_masked=mask is not False if save else None,
        title=title,
        is_small=is_small,
    )


def open_gallery(composed: Composed, rows: Rows | None, *, n: int | None, mask: bool) -> Page:
    """Some rows side by side; see ``Campaign.gallery``."""
    if n is not None and n < 1:
        raise MailframeError(f"gallery shows n={n} messages; write 1 to {MAX_TILES}")
    _check_if_small(composed)
    chosen = choose_rows(composed, rows, quick_tour(composed))
    if rows is None:
        n = min(n or USUAL_TILES, MAX_TILES)
        shown = dict(chosen)
        spread = evenly_spaced(len(composed.frame), n)
        chosen = [*chosen, *((position, ()) for position in spread if position not in shown)]
    chosen, title = chosen[:n], _title(composed)
    if len(chosen) > MAX_TILES:
        title = f"{title}: the first {MAX_TILES} of {len(chosen):,} rows"
    return gallery(RowView(composed, mask=mask), chosen[:MAX_TILES], title=title)


def _check_if_small(composed: Composed) -> None:
    """Run the preflight check of a small frame, which finds what takes all rows to find."""
    if is_checked_at_once(composed):
        composed.preflight()


def _title(composed: Composed) -> str:
    rows = counted(len(composed.frame), "row")
    return f"{one_line(composed.name)}, {rows}" if composed.name else f"a campaign of {rows}"
