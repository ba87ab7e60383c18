"""The unsubscribe link of a message: a page that asks, and the one-click POST of RFC 8058.

A GET changes nothing: scanners of mail follow every link. Postmark's page tells a person from a
scanner by a script; here, the person presses a button.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from mailframe.sandbox.state.events.events import Event, EventKind
from mailframe.sandbox.state.events.outcomes import MANUAL
from mailframe.sandbox.state.messages.unsubscribe_links import PATH
from mailframe.sandbox.wire.exchange import HTML_TYPE, Reply

if TYPE_CHECKING:
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

ONE_CLICK: Final = "List-Unsubscribe"
AGAIN: Final = "Subscribe"
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # without any, the Origin of the form is null and refused
    ("Cache-Control", "no-store"),
)


def ask(request: Request, store: Store) -> Reply:
    """``GET``: the page with a button; it changes nothing."""
    message, address = _recipient(request, store)
    if message is None:
        return _page("unknown", status=404)
    suppression = store.suppressions.get(message.server, message.stream, address)
    return _page("ask" if suppression is None else "done", address, message)


def change(request: Request, store: Store) -> Reply:
    """``POST``: unsubscribe by ``List-Unsubscribe=One-Click``, or subscribe again by the page."""
    message, address = _recipient(request, store)
    if message is None:
        return _page("unknown", status=404)
    fields = _fields(request)
    if fields.get(ONE_CLICK) == "One-Click":
        _unsubscribe(store, message, address)
        return _page("done", address, message)
    if fields.get(AGAIN) == "Again":
        suppression = store.suppressions.get(message.server, message.stream, address)
        if suppression is not None and suppression["reason"] == MANUAL:
            store.outcomes.reactivate(message.server, message.stream, address, origin="Recipient")
        return _page("again", address, message)
    return _page("ask", address, message, status=400)


def _unsubscribe(store: Store, message: StoredMessage, address: str) -> None:
    cause = Event(
        EventKind.SUBSCRIPTION_CHANGE,
        message.server,
        message.stream,
        address,
        store.clock.now_ns(),
        message.position,
        message.message_id,
        message.head.get("Tag") or "",
    )
    store.outcomes.suppress(
        message.server, message.stream, address, reason=MANUAL, origin="Recipient", cause=cause
    )


def _recipient(request: Request, store: Store) -> tuple[StoredMessage | None, str]:
    """The message and the recipient of the link; None for a link that was not made here."""
    message = store.messages.get(request.params["id"])
    address = message and store.unsubscribe_links.address(message, request.params["code"])
    return (message, address) if message and address else (None, "")


def _fields(request: Request) -> dict[str, str]:
    """The fields of a form; a multipart body is searched for the one that RFC 8058 names."""
    if "multipart/form-data" in request.headers.get("content-type", "").lower():
        is_one_click = b'name="List-Unsubscribe"' in request.body and b"One-Click" in request.body
        return {ONE_CLICK: "One-Click"} if is_one_click else {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def _page(
    state: str, address: str = "", message: StoredMessage | None = None, *, status: int = 200
) -> Reply:
    stream = message.stream if message else ""
    from mailframe.pages.environment import render  # noqa: PLC0415 - the template engine

    html = render("unsubscribe", state=state, address=address, stream=stream)
    return Reply(status, html.encode("utf-8", "replace"), HTML_TYPE, _HEADERS)


ROUTES: Final = {PATH: {"GET": ask, "POST": change}}
