"""Searches of sent messages: ``/messages/outbound``, with details and source of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api import search_parameters, search_results
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.api.message_events import message_events
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.account import DeliveryType
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.messages.message_source import source_maker
from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request


def search(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound``: the indexed messages that match, newest first."""
    server = server_of(request, store)
    query = search_parameters.parse(request.query, streams=store.streams.kinds(server))
    total, page = store.index.find(server, query, first=request.first)
    is_sandboxed = _is_sandboxed(server, store)
    now_ns = store.clock.now_ns()
    items = [
        search_results.list_item(
            message, is_sandboxed=is_sandboxed, is_queued=message.sent_ns > now_ns
        )
        for message in page
    ]
    return as_json({"TotalCount": total, "Messages": items})


def show_details(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/{id}/details``: one message with its bodies and events."""
    server = server_of(request, store)
    message = _message_of(request, store, server)
    source = _source_of(message, store)
    details = search_results.details(
        message,
        message_events(message, store),
        is_sandboxed=_is_sandboxed(server, store),
        is_queued=message.sent_ns > store.clock.now_ns(),
    )
    return Reply(200, later=lambda: as_json(details(source())).body)


def show_dump(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/{id}/dump``: the source of one message."""
    server = server_of(request, store)
    source = _source_of(_message_of(request, store, server), store)
    return Reply(200, later=lambda: as_json({"Body": source()}).body)


def _message_of(request: Request, store: Store, server: int) -> StoredMessage:
    """The message whose ID is in the path; one that is not indexed yet is unknown (assumed)."""
    message = store.index.get(server, request.params["id"])
    if message is None:
        raise CheckFailed(701, texts.NO_MESSAGE)
    return message


def _source_of(message: StoredMessage, store: Store) -> Callable[[], str]:
    contents = [store.attachments.content(file) for file in message.attachments]
    return source_maker(message, contents)


def _is_sandboxed(server: int, store: Store) -> bool:
    row = store.servers.get(server)
    return row is not None and row["delivery_type"] == DeliveryType.SANDBOX


ROUTES: Final = {
    "/messages/outbound": {"GET": search},
    "/messages/outbound/{id}/details": {"GET": show_details},
    "/messages/outbound/{id}/dump": {"GET": show_dump},
}
