"""The documents of an HTML part: what the frame of a page shows, and what its script measures."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.isolation import MailDocument, Scheme, framed
from mailframe.pages.tree import refuse_many_tags
from mailframe.sandbox.inbox.site import FILE_HEADERS, PAGE_HEADERS, PLAIN_TYPE
from mailframe.sandbox.state.messages.stored_message import delivered_content
from mailframe.sandbox.wire.exchange import HTML_TYPE, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.pages.environment import Html
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store


def fault_of(html: str) -> str:
    """Why the HTML cannot be shown; empty if it can."""
    try:
        refuse_many_tags(html)
    except HtmlFault as fault:
        return str(fault)
    return ""


def mail_frame(message: StoredMessage, values: Mapping[str, str], store: Store) -> Reply:
    """The document of the frame on the page: without rights, also if it is opened alone."""
    scheme, images = _scheme(values), "images" in values
    document = _document(message, store, scheme=scheme, images=images)
    return _html_reply(
        message,
        lambda: framed(document(), images=images, scheme=scheme),
        images=images,
        frames=True,
    )


def measured(message: StoredMessage, values: Mapping[str, str], store: Store) -> Reply:
    """A copy of the mail that the page's script measures: it runs and loads nothing."""
    document = _document(message, store, scheme=_scheme(values), images=False)
    return _html_reply(message, lambda: document().html, rights="allow-same-origin")


def _scheme(values: Mapping[str, str]) -> Scheme:
    return "dark" if "dark" in values else "light"


def _document(
    message: StoredMessage, store: Store, *, scheme: Scheme, images: bool
) -> Callable[[], MailDocument]:
    """What makes the document of the HTML part, without the store."""
    inline = {
        file.content_id.lower(): store.attachments.image_url(file)
        for file in message.attachments
        if file.image_type
    }
    html = delivered_content(message).html_body or ""
    return lambda: _copied(html, tuple(inline.items()), images=images, scheme=scheme)


@lru_cache(maxsize=2)
def _copied(
    html: str, inline: tuple[tuple[str, str], ...], *, images: bool, scheme: Scheme
) -> MailDocument:
    """The copy of a mail, which the frame and the measurement need one after the other."""
    return MailDocument.of(html, inline=dict(inline), images=images, scheme=scheme)


def _html_reply(
    message: StoredMessage,
    html: Callable[[], Html],
    *,
    images: bool = False,
    frames: bool = False,
    rights: str = "",
) -> Reply:
    """The document that *html* makes outside of the lock, or why there is none."""
    fault = fault_of(delivered_content(message).html_body or "")
    if fault:
        return Reply(422, fault.encode(), PLAIN_TYPE, FILE_HEADERS)
    sources = "data: https: http:" if images else "data:"
    policy = (
        f"sandbox {rights}; default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; "
        f"font-src data:; {'frame-src data:; ' if frames else ''}form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'self'"
    )
    headers = [(name, value) for name, value in PAGE_HEADERS if name != "Content-Security-Policy"]
    return Reply(
        200,
        content_type=HTML_TYPE,
        headers=(("Content-Security-Policy", policy), *headers),
        later=lambda: html().encode("utf-8", "replace"),
    )
