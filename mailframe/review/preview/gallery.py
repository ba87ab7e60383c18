"""A contact sheet: many messages side by side, small, in one frame."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from mailframe.html.isolation import document, sheet
from mailframe.html.style import NO_FORMULAS
from mailframe.html.text import escaped, one_line
from mailframe.review.preview.pages import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.html.mail import Mail
    from mailframe.review.preview.look import RowView

USUAL_TILES: Final = 12
MAX_TILES: Final = 60
"""So many took 700 MB in Chromium's processes and 1.1 s (measured)."""
_ROW_HEIGHT_PX: Final = 415
_IN_A_ROW: Final = 3
"""As many as JupyterLab has room for beside its file browser."""
_SHOWN_LINES: Final = 4


def gallery(look: RowView, stops: Sequence[tuple[int, str]], *, title: str) -> Page:
    """The messages of some rows as a page.

    Args:
        look: shows the rows.
        stops: position and reason of each row, at most ``MAX_TILES``.
        title: of the page.
    """
    mails = [look.mail(position, reason=reason, with_cells=False) for position, reason in stops]
    lines = -(-len(mails) // _IN_A_ROW)
    tiles = [(_caption(mail), document(_shown(mail), inline=mail.inline)) for mail in mails]
    frame = sheet(tiles, height_px=min(lines, _SHOWN_LINES) * _ROW_HEIGHT_PX + 8)
    said = "\n".join([title, *(one_line(f"  {mail.label}: {mail.subject}") for mail in mails)])
    listed = "".join(
        f"<li>{escaped(mail.label)}: {escaped(one_line(mail.subject))}</li>" for mail in mails
    )
    # A notebook that is not trusted drops the frame; the list remains
    body = f"<p><b>{escaped(title)}</b></p>{frame}<details><summary>As a list</summary><ol>{listed}</ol></details>"
    return Page(title, f'<div class="{NO_FORMULAS}">{body}</div>', said)


def _caption(mail: Mail) -> str:
    kind = ' class="mf-bad"' if mail.is_held_back else ""
    errors = ", ".join(dict.fromkeys(note.code for note in mail.notes if note.is_error))
    state = f"held back: {errors}" if errors else mail.reason
    return (
        f"<figcaption{kind}><b>{escaped(one_line(mail.subject, most=60) or 'no subject')}</b><br>"
        f"<small>{escaped(mail.label)}{f' · {escaped(one_line(state, most=58))}' if state else ''}</small></figcaption>"
    )


def _shown(mail: Mail) -> str:
    if mail.html is not None:
        return mail.html
    return f'<pre style="font:26px/1.5 sans-serif;white-space:pre-wrap;padding:30px">{html.escape(mail.text or "")}</pre>'
