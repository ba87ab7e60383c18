"""One message as static HTML.

A notebook that is not trusted drops frames and styles; the table, the text and the details remain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.html.environment import Html, render
from mailframe.html.isolation import HEIGHT_PX, Scheme, isolated
from mailframe.html.text import visible

if TYPE_CHECKING:
    from mailframe.html.mail import Mail

LARGE_HTML: Final = 1_000_000
"""Characters of HTML that a page shows without a click; escaped twice it is 2.5 times as long."""


def card(
    mail: Mail,
    *,
    images: bool = False,
    scheme: Scheme = "light",
    width_px: int | None = None,
    height_px: int = HEIGHT_PX,
) -> Html:
    """The whole message: header, problems, attachments, both parts, JSON payload and row data.

    Args:
        mail: what to show.
        images: load remote images.
        scheme: light or dark, for the HTML part.
        width_px: of the HTML part; None for the available width.
        height_px: of the HTML part.

    >>> from mailframe.html.mail import Mail
    >>> "&lt;script&gt;" in card(Mail(subject="<script>", text="Hi"))
    True
    """
    frame = html_part(mail, images=images, scheme=scheme, width_px=width_px, height_px=height_px)
    return render("card", mail=mail, frame=frame, is_dark=scheme == "dark")


def html_part(
    mail: Mail,
    *,
    images: bool = False,
    scheme: Scheme = "light",
    width_px: int | None = None,
    height_px: int = HEIGHT_PX,
) -> Html | None:
    """The HTML part in its frames; None if the message has none."""
    if mail.html is None:
        return None
    return isolated(
        mail.html,
        inline=mail.inline,
        images=images,
        scheme=scheme,
        width_px=width_px,
        height_px=height_px,
        title=f"The HTML part of {visible(mail.label) or 'the message'}",
    )
