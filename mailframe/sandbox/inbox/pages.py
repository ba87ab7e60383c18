"""The web pages: the inbox at ``/``, a page for each message, the requests and the tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.sandbox.inbox import calls, tools
from mailframe.sandbox.inbox.addresses import POSITION
from mailframe.sandbox.inbox.documents import mail_frame, measured
from mailframe.sandbox.inbox.listing import Asked, listing, page_of
from mailframe.sandbox.inbox.message import MessagePage
from mailframe.sandbox.inbox.saved import attachment, part
from mailframe.sandbox.inbox.site import Site, asset, missing
from mailframe.sandbox.state.messages.message_list import PAGE

if TYPE_CHECKING:
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request


def show_inbox(request: Request, store: Store) -> Reply:
    """``GET /``: the list of messages, newest first."""
    asked = Asked.of(request.values, store)
    shown = listing(asked, page_of(asked, store), store)
    return _site(request, store).page(
        "list",
        title=f"({shown.unread:,}) Inbox" if shown.unread else "Inbox",
        current="Inbox",
        query=request.values.get("q", ""),
        selected="",
        listing=shown,
    )


def show_message_page(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}``: one message, also one that is not indexed yet; it counts as read.

    With ``again``, by which an open page keeps itself current, it counts as before.
    """
    message = store.messages.get(request.params["id"])
    if message is None:
        return missing(_site(request, store))
    if "again" not in request.values:
        store.read_marks.mark(message.position, is_read=True)
    asked = Asked.of(_with_place(request.values, message, store), store)
    page = MessagePage(message, asked, store, _site(request, store))
    return page.reply(page_of(asked, store))


def _with_place(values: dict[str, str], message: StoredMessage, store: Store) -> dict[str, str]:
    """The parameters; without a page of the list, those of one that has the message."""
    newest = store.messages.next_position
    if {"before", "after", "q", "server"} & set(values) or newest - message.position <= PAGE:
        return values
    return {**values, "before": str(message.position + PAGE // 2)}


def show_frame(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}/frame``: the HTML part in its frame."""
    message = store.messages.get(request.params["id"])
    return _none(request, store) if message is None else mail_frame(message, request.values, store)


def show_measured(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}/measure``: a copy of the HTML part that tells its height."""
    message = store.messages.get(request.params["id"])
    return _none(request, store) if message is None else measured(message, request.values, store)


def show_part(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}/parts/{part}``: a text as a whole, to open or to save."""
    message = store.messages.get(request.params["id"])
    reply = message and part(message, request.params["part"], request.values, store)
    return reply or _none(request, store)


def show_attachment(request: Request, store: Store) -> Reply:
    """``GET /inbox/{id}/attachments/{place}``: the bytes of an attachment."""
    message = store.messages.get(request.params["id"])
    reply = message and attachment(message, request.params["place"], request.values, store)
    return reply or _none(request, store)


def show_asset(request: Request, store: Store) -> Reply:
    """``GET /inbox/assets/{name}``: the style sheet, the script or the icon."""
    return asset(request.params["name"]) or _none(request, store)


def show_icon(request: Request, store: Store) -> Reply:
    """``GET /favicon.ico``: the icon, which browsers ask for beside a text or an image."""
    return asset("icon.svg") or _none(request, store)


def show_requests(request: Request, store: Store) -> Reply:
    """``GET /inbox/requests``: every request with its answer, newest first."""
    return calls.list_page(request.values, store, _site(request, store))


def show_request(request: Request, store: Store) -> Reply:
    """``GET /inbox/requests/{id}``: one request with the bodies of both sides."""
    return calls.page(request.params["id"], store, _site(request, store))


def show_tools(request: Request, store: Store) -> Reply:
    """``GET /inbox/tools``: faults, an aftermath, suppressions and a reset."""
    return tools.page(store, _site(request, store))


def _site(request: Request, store: Store) -> Site:
    any_token = store.account.tokens is None
    server = request.values.get("server", "")
    names = tuple(store.servers.names())
    return Site(
        f"http://{request.headers.get('host', '')}",
        "sandbox-token" if any_token else "YOUR-TOKEN",
        store.revision,
        names,
        int(server) if POSITION.fullmatch(server) else None,
    )


def _none(request: Request, store: Store) -> Reply:
    return missing(_site(request, store), "Nothing is at this address")
