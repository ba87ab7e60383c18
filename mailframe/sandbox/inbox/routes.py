"""The web pages: the inbox at ``/``, and a page for each message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.wire.exchange import HTML_TYPE, Reply

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request


def show_inbox(request: Request, store: Store) -> Reply:
    """``GET /``: the inbox as a web page."""
    from mailframe.sandbox.inbox import page  # noqa: PLC0415 - a send needs no HTML parser

    url, any_token = f"http://{request.headers['host']}", store.account.tokens is None
    return _html_reply(
        page.inbox(
            list(store.messages.all()), query=request.query, url=url, takes_any_token=any_token
        )
    )


def show_message_page(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}``: one message as a web page, also one that is not indexed yet."""
    from mailframe.sandbox.inbox import page  # noqa: PLC0415 - as above

    messages = list(store.messages.all())
    place = page.place_of(request.params["id"], messages)
    if place is None:
        return _html_reply(page.missing(), 404)
    attachments = store.attachments
    return _html_reply(page.message(messages, place, attachments=attachments, query=request.query))


def _html_reply(html: str, status: int = 200) -> Reply:
    from mailframe.sandbox.inbox.page import SECURITY_HEADERS  # noqa: PLC0415 - as above

    return Reply(status, html.encode(), HTML_TYPE, SECURITY_HEADERS)


ROUTES: Final = {
    "/": {"GET": show_inbox},
    "/inbox/{id}": {"GET": show_message_page},
}
