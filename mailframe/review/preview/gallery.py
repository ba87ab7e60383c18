"""A contact sheet: many messages side by side, small, in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.pages.environment import render
from mailframe.pages.isolation import MailDocument, Tile, sheet
from mailframe.pages.text import one_line
from mailframe.review.preview.pages import Page

if TYPE_CHECKING:
    from mailframe.pages.mail import Mail
    from mailframe.review.chosen_rows import ChosenRows
    from mailframe.review.preview.row_view import RowView

USUAL_TILES: Final = 12
MAX_TILES: Final = 60
"""So many took 700 MB in Chromium's processes and 1.1 s (measured)."""
_ROW_HEIGHT_PX: Final = 415
_IN_A_ROW: Final = 3
"""As many as fit beside JupyterLab's file browser."""
_SHOWN_LINES: Final = 4


def gallery(view: RowView, stops: ChosenRows, *, title: str) -> Page:
    """The messages of some rows as a page.

    Args:
        view: the view that shows the rows.
        stops: the rows, at most ``MAX_TILES``.
        title: the title of the page.
    """
    mails = [view.mail(position, reason=reason, with_cells=False) for position, reason in stops]
    lines = min(-(-len(mails) // _IN_A_ROW), _SHOWN_LINES)
    frame = sheet([_tile(mail) for mail in mails], height_px=lines * _ROW_HEIGHT_PX + 8)
    texts = [f"{mail.label}: {one_line(mail.subject)}" for mail in mails]
    html = str(render("gallery", title=title, frame=frame, mails=mails))
    return Page(title, html, "\n".join([title, *(one_line(f"  {text}") for text in texts)]))


def _tile(mail: Mail) -> Tile:
    errors = ", ".join(dict.fromkeys(one.code for one in mail.problems if one.is_error))
    html = render("text_tile", text=mail.text or "") if mail.html is None else mail.html
    return Tile(
        MailDocument.of(html, inline=mail.inline),
        title=one_line(mail.subject, most=60) or "no subject",
        label=mail.label,
        note=one_line(f"blocked: {errors}" if errors else mail.reason, most=58),
        is_blocked=mail.is_blocked,
    )
