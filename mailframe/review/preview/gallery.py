"""A contact sheet: many messages side by side, small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from mailframe.pages.environment import render
from mailframe.pages.isolation import THUMBNAIL_SCALE, isolated
from mailframe.pages.mail_height import mail_height, text_height
from mailframe.pages.text import one_line
from mailframe.review.preview.pages import Page
from mailframe.review.tour.stops import MAX_REASONS, first_reasons

if TYPE_CHECKING:
    from mailframe.pages.environment import Html
    from mailframe.pages.mail import Mail
    from mailframe.review.chosen_rows import ChosenRows

USUAL_TILES: Final = 12
MAX_TILES: Final = 60
"""So many take 400 MB in Chromium's processes (measured)."""
_WIDTH_PX: Final = 640
"""The width at which mails are usually made; on a tile it is 256 pixels."""
_LEAST_PX, _MOST_PX = 120, 360
"""The height of a thumbnail."""


class MailView(Protocol):
    """An object that shows rows, such as ``RowView``."""

    def mail(self, position: int, *, reasons: tuple[str, ...], with_cells: bool) -> Mail:
        """What a page shows of the message of a row."""


@dataclass(frozen=True, slots=True)
class _Tile:
    """One message of the sheet.

    Attributes:
        frame: its thumbnail.
        title: its subject.
        label: the name of its row.
        blocked: why it is blocked, in words; empty if it is not.
        reasons: why it is shown.
    """

    frame: Html
    title: str
    label: str
    blocked: list[str]
    reasons: list[str]


def gallery(view: MailView, stops: ChosenRows, *, title: str) -> Page:
    """The messages of some rows as a page.

    Args:
        view: the view that shows the rows.
        stops: the rows, at most ``MAX_TILES``.
        title: the title of the page.
    """
    mails = [view.mail(position, reasons=reasons, with_cells=False) for position, reasons in stops]
    html = str(render("gallery", title=title, tiles=list(map(_tile, mails))))
    texts = [one_line(f"  {mail.label}: {one_line(mail.subject)}") for mail in mails]
    return Page(title, html, "\n".join([title, *texts]))


def _tile(mail: Mail) -> _Tile:
    errors = dict.fromkeys(one.code.replace("_", " ") for one in mail.problems if one.is_error)
    return _Tile(
        _thumbnail(mail),
        title=one_line(mail.subject, most=90) or mail.no_subject,
        label=mail.label,
        blocked=list(errors),
        reasons=[
            one_line(reason)
            for reason in first_reasons(mail.reasons, most=MAX_REASONS)
            if reason not in errors
        ],
    )


def _thumbnail(mail: Mail) -> Html:
    if mail.html is None:
        model = "\n".join(f"{name}: {value}" for name, value in mail.model)
        text = mail.text or model or mail.no_html
        height = text_height(text, width_px=_WIDTH_PX)
        html = str(render("text_tile", text=text))
    else:
        height, html = mail_height(mail.html, width_px=_WIDTH_PX), mail.html
    return isolated(
        html,
        inline=mail.inline,
        height_px=min(max(round(height * THUMBNAIL_SCALE), _LEAST_PX), _MOST_PX),
        title=f"The message of {mail.label}",
        is_thumbnail=True,
    )
