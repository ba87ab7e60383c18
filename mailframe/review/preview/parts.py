"""The parts of the widget as HTML: pure, from a mail and a tour to text that is escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from mailframe.html import card
from mailframe.html.isolation import HEIGHT_PX, PHONE_PX, Scheme
from mailframe.html.text import escaped
from mailframe.review.preview.walk import Among

if TYPE_CHECKING:
    from mailframe.html.mail import Mail
    from mailframe.review.tour import Tour


def said(text: str) -> str:
    """A line above the mail."""
    return f'<div class="mf-part mf-where">{escaped(text)}</div>'


def set_in_words(among: Among, tour: Tour, *, is_tour: bool) -> str:
    """What a reader steps through, after a number."""
    if among is Among.TOUR and not is_tour:
        return "rows that you chose"
    if among is Among.TOUR and tour.sampled:
        return f"in a tour of {tour.looked_at:,} of {tour.rows:,} rows"
    return {
        Among.TOUR: "in the tour",
        Among.ALL: "rows",
        Among.PROBLEMS: "rows with problems",
        Among.FOUND: "rows found",
    }[among]


def beside(mail: Mail) -> str:
    """What is wrong with the row, and its files."""
    wrong = card.notes(mail.notes) or '<div class="mf-quiet">None in this row.</div>'
    hint = f'<div class="mf-quiet">{escaped(mail.hint)}</div>' if mail.hint else ""
    files = f"<h4>Attachments</h4>{card.files(mail.files)}" if mail.files else ""
    return f'<div class="mf-part mf-beside"><h4>Problems</h4>{wrong}{hint}{files}</div>'


def is_large(mail: Mail) -> bool:
    """Whether the HTML is too large to be shown unasked."""
    return mail.html is not None and len(mail.html) > card.LARGE_HTML


def html_part(mail: Mail, *, images: bool, scheme: Scheme, is_phone: bool) -> str:
    """The HTML in its frames, as wide as a desk or a phone; a sentence where there is none."""
    if mail.html is None:
        return boxed(f'<span class="mf-quiet">{escaped(mail.no_html)}</span>')
    body = card.body(mail, images=images, scheme=scheme, width_px=PHONE_PX if is_phone else None)
    return f'<div class="mf-shown mf-{"phone" if is_phone else "desktop"}">{body}</div>'


def other_part(mail: Mail, view: str) -> str:
    """The text, the JSON or the row."""
    if view == "Text":
        return card.text(mail)
    return f"<pre>{escaped(mail.payload)}</pre>" if view == "JSON" else card.cells(mail.cells)


def boxed(inside: str) -> str:
    """A part as high as the frame, so that nothing jumps when another is shown."""
    style = f"height:{HEIGHT_PX}px;overflow:auto;resize:vertical;padding:12px 14px;box-sizing:border-box"
    return f'<div class="mf-part mf-box" style="{style}">{inside}</div>'


def untaken(tour: Tour) -> str:
    """The branches that no row takes, folded under one line."""
    if not tour.untaken:
        return ""
    many = len(tour.untaken)
    noun = "branch is" if many == 1 else "branches are"
    of = f" of the {tour.looked_at:,} rows looked at" if tour.sampled else ""
    lines = "".join(
        f"<li>{escaped(branch.template)}, line {branch.line:,}: {escaped(branch.text)}</li>"
        for branch in tour.untaken
    )
    summary = html.escape(f"{many:,} {noun} taken by no row{of}")
    return (
        f'<details class="mf-part mf-quiet"><summary>{summary}</summary><ul>{lines}</ul></details>'
    )
