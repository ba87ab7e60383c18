"""A frame in a frame for HTML from anybody: nothing in it runs, loads, navigates or opens a window.

Three layers isolate it. Each of them has been seen to fail alone (``tests/browser`` shows how):

1. The mail's document has a policy of its own (``default-src 'none'``), before anything of the
   mail.
2. It stands in a frame without rights (``sandbox=""``), inside a document whose policy allows
   frames only ``data:``, so that not even a link with ``target=_self`` leads to a server.
3. That document stands in a frame without rights, too.

Moreover, the document is not the mail itself but a copy written from its tree (``safe_copy``): it
contains only allowed elements and attributes, and its links have no address. This matters because
browsers open connections for some tags before they apply any policy, and no frame keeps the middle
mouse button from opening a link in a new tab.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mailframe.pages.environment import Html, render
from mailframe.pages.safe_copy import safe_copy

if TYPE_CHECKING:
    from collections.abc import Mapping

Scheme: TypeAlias = Literal["light", "dark"]
HEIGHT_PX: Final = 460
PHONE_PX: Final = 390
"""The width of a common phone, in CSS pixels."""

THUMBNAIL_SCALE: Final = 0.4
"""Of a mail in a gallery; ``frame.css`` has it too."""

MAX_ADDRESS: Final = 1_900_000
"""Chromium opens no address of more than 2 MiB; a longer document goes into ``srcdoc``."""
_ENCODED: Final = {letter: f"%{ord(letter):02X}" for letter in "%#\"&'<>\n"}
"""What ends an address or an attribute, or would be dropped from an address; ``%`` comes first."""
_CONTROLS: Final = re.compile("[\\x00-\\x1f\\x7f]")
"""The same for control characters, which are rare."""


@dataclass(frozen=True, slots=True)
class MailDocument:
    """The document of an inner frame; only the frames of ``isolated`` isolate it.

    Attributes:
        html: the policy, then a copy of the mail.
        address: the same page as a ``data:`` address; empty if it is too long for one.
        declares_dark: whether the mail declares that it can be shown on a dark screen.
    """

    html: Html
    address: Html
    declares_dark: bool

    @classmethod
    def of(
        cls,
        html: str,
        *,
        inline: Mapping[str, str] | None = None,
        images: bool = False,
        scheme: Scheme = "light",
    ) -> MailDocument:
        """The document of a mail's HTML; for the arguments see ``isolated``."""
        copy = safe_copy(html, inline=inline, scheme=scheme)
        shown = "dark only" if scheme == "dark" and copy.declares_dark else "light only"
        page = copy.written(_head(images=images, scheme=shown))
        page = page.encode("utf-8", "replace").decode()
        return cls(Html(page), _address(page), copy.declares_dark)


def isolated(
    html: str,
    *,
    inline: Mapping[str, str] | None = None,
    images: bool = False,
    scheme: Scheme = "light",
    width_px: int | None = None,
    height_px: int = HEIGHT_PX,
    title: str = "The HTML part of the message",
    is_thumbnail: bool = False,
) -> Html:
    """The HTML of a mail as a frame that can be put into any page.

    Args:
        html: the HTML of the mail, as it would be sent.
        inline: replacements of ``cid:…`` addresses: content ID in lower case to ``data:`` address.
        images: whether to load remote images, which tells their servers that the mail is viewed.
        scheme: the screen to imitate, light or dark; the actual screen does not matter.
        width_px: the width of the frame in pixels; None for the available width.
        height_px: the height of the frame in pixels.
        title: the title of the frame, for screen readers.
        is_thumbnail: whether to show the mail at ``THUMBNAIL_SCALE``, without scrolling.

    >>> isolated("<p>Hi").count('sandbox=""'), "<p>" in isolated("<p>Hi")
    (1, False)
    """
    document = MailDocument.of(html, inline=inline, images=images, scheme=scheme)
    page = framed(document, images=images, scheme=scheme, title=title, is_thumbnail=is_thumbnail)
    return render(
        "frames/outer",
        page=page,
        title=title,
        width_px=width_px,
        height_px=height_px,
        is_thumbnail=is_thumbnail,
    )


def framed(
    document: MailDocument,
    *,
    images: bool = False,
    scheme: Scheme = "light",
    title: str = "The HTML part of the message",
    is_thumbnail: bool = False,
) -> Html:
    """The page of the outer frame, with *document* in the inner one.

    It must itself stand in a frame without rights; a server that serves it alone sends it with the
    policy ``sandbox``. For the arguments see ``isolated``.
    """
    return render(
        "frames/mail",
        document=document,
        title=title,
        head=_head(images=images, scheme=f"{scheme} only", frames=True),
        has_margin=scheme == "dark" and not document.declares_dark,
        is_thumbnail=is_thumbnail,
    )


@cache
def _head(*, images: bool, scheme: str, frames: bool = False) -> Html:
    """The start of a document: its policy, with or without remote images and frames, and scheme."""
    sources = "data: https: http:" if images else "data:"
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; font-src data:; "
        f"form-action 'none'; base-uri 'none'{'; frame-src data:' if frames else ''}"
    )
    return render("frames/head", policy=policy, scheme=scheme)


def _address(html: str) -> Html:
    """The document as an address.

    A document in ``srcdoc`` is always laid out by today's rules. One with an address is laid out by
    its doctype, as in mail clients.
    """
    address = html
    for letter, code in _ENCODED.items():
        address = address.replace(letter, code)
    address = _CONTROLS.sub(lambda match: f"%{ord(match[0]):02X}", address)
    if len(address) + 8 * (len(address.encode()) - len(address)) > MAX_ADDRESS:
        return Html()
    return Html(f"data:text/html;charset=utf-8,{address}")
