"""``/_sandbox/``: what the sandbox has recorded beside messages and requests, in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import done
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.control.actions import receive_mail
from mailframe.sandbox.control.fields import (
    PAGE_KINDS,
    TEXT,
    as_page,
    body_of,
    one_of,
    query_of,
    span_of,
)
from mailframe.sandbox.control.places import server_kind, stream_kind
from mailframe.sandbox.state.events.events import EventKind
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.events.events import Event
    from mailframe.sandbox.state.messages.inbound import InboundMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

_LISTED: Final = ("MessageID", "From", "FromName", "To", "OriginalRecipient", "Subject", "Date")


def list_events(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/events``: what happened to messages, but deliveries, newest first."""
    from mailframe.sandbox.inbox.statuses import event_item  # noqa: PLC0415 - a send needs none

    kinds = [str(kind) for kind in EventKind if kind is not EventKind.DELIVERY]
    given = query_of(
        request, _places(store) | {"message": TEXT, "type": one_of(kinds)} | PAGE_KINDS
    )
    page = store.events.page(
        span_of(given),
        server=given.get("server"),
        stream=given.get("stream"),
        kind=given.get("type"),
        message_id=_lowered(given.get("message")),
    )

    def item(event: Event) -> dict[str, Any]:
        return {
            "ID": event.number,
            "ServerID": event.server,
            "MessageID": event.message_id or None,
            "MessageStream": event.stream,
            "Tag": event.tag,
            **event_item(event, store),
        }

    return as_json(as_page("Events", page.of(item)))


def list_bounces(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/bounces``: bounces and spam complaints as Postmark shows them."""
    given = query_of(request, _places(store) | {"message": TEXT} | PAGE_KINDS)
    page = store.bounces.page(
        span_of(given),
        server=given.get("server"),
        stream=given.get("stream"),
        message_id=_lowered(given.get("message")),
    )
    return as_json(as_page("Bounces", page))


def list_suppressions(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/suppressions``: the inactive addresses, the last one first."""
    given = query_of(request, _places(store) | PAGE_KINDS)
    page = store.suppressions.page(
        span_of(given), server=given.get("server"), stream=given.get("stream")
    )
    return as_json(as_page("Suppressions", page))


def list_inbound(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/inbound``: the mails that came in, newest first."""
    given = query_of(request, {"server": server_kind(store)} | PAGE_KINDS)
    page = store.inbound.page(span_of(given), server=given.get("server"))
    return as_json(as_page("InboundMessages", page.of(_inbound_item)))


def show_inbound(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/inbound/{id}``: one of them as its hook gets it, with its status."""
    message = _inbound(request, store)
    return as_json(message.item | _inbound_item(message))


def remove_inbound(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/inbound/{id}``: remove one of them."""
    body_of(request, {})
    store.remove_inbound(_inbound(request, store).item["MessageID"])
    return done("Message removed.")


def _inbound(request: Request, store: Store) -> InboundMessage:
    message = store.inbound.of_any_server(request.params["id"])
    if message is None:
        raise CheckFailed(404, "This inbound message was not found.", http_status=404)
    return message


def _inbound_item(message: InboundMessage) -> dict[str, Any]:
    return {
        "ServerID": message.server,
        **{name: message.item[name] for name in _LISTED},
        "Status": message.status,
        "BlockedReason": message.blocked or None,
    }


def _places(store: Store) -> dict[str, Any]:
    return {"server": server_kind(store), "stream": stream_kind(store)}


def _lowered(text: str | None) -> str | None:
    return None if text is None else text.lower()


ROUTES: Final = {
    "/_sandbox/events": {"GET": list_events},
    "/_sandbox/bounces": {"GET": list_bounces},
    "/_sandbox/suppressions": {"GET": list_suppressions},
    "/_sandbox/inbound": {"GET": list_inbound, "POST": receive_mail},
    "/_sandbox/inbound/{id}": {"GET": show_inbound, "DELETE": remove_inbound},
}
