"""One message as static HTML.

A notebook that is not trusted drops frames and styles; the table, the text and the details remain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from mailframe.pages.environment import Html, render
from mailframe.pages.height import height_of
from mailframe.pages.isolation import Scheme, isolated
from mailframe.pages.text import visible

if TYPE_CHECKING:
    from mailframe.pages.mail import Mail

LARGE_HTML: Final = 1_000_000
"""Characters of HTML that a page shows without a click; escaped twice it is 2.5 times as long."""


class FrameOptions(TypedDict, total=False):
    """How the HTML part is shown; see ``isolated``."""

    images: bool
    scheme: Scheme
    width_px: int | None
    height_px: int


def card(mail: Mail, **options: Unpack[FrameOptions]) -> Html:
    """The whole message: header, problems, attachments, both parts, JSON payload and row data.

    >>> from mailframe.pages.mail import Mail
    >>> "&lt;script&gt;" in card(Mail(subject="<script>", text="Hi"))
    True
    """
    options.setdefault("height_px", height_of(mail.html, mail.text))
    frame = html_part(mail, **options)
    return render("card", mail=mail, frame=frame, is_dark=options.get("scheme") == "dark")


def html_part(mail: Mail, **options: Unpack[FrameOptions]) -> Html | None:
    """The HTML part in its frames; None if the message has none."""
    if mail.html is None:
        return None
    title = f"The HTML part of {visible(mail.label) or 'the message'}"
    return isolated(mail.html, inline=mail.inline, title=title, **options)
