"""``/_sandbox/messages`` and ``/_sandbox/requests``: what has arrived, as JSON in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import done
from mailframe.sandbox.checks import field_types, texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.control.fields import (
    FLAG,
    MOST,
    PAGE_KINDS,
    TEXT,
    as_page,
    body_of,
    query_of,
    span_of,
    wrong,
)
from mailframe.sandbox.control.places import server_kind
from mailframe.sandbox.inbox.listing import Asked, snippet
from mailframe.sandbox.inbox.statuses import event_item, status_of
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.messages.stored_message import delivered_content
from mailframe.sandbox.state.paging import Page
from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.exchanges import Exchange
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.requests import RequestRecord
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Request

# What needs templates or a parser is imported by the first request for it: a send needs neither.


def show_changes(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/changes``: a text that changes whenever anything does, and the counts."""
    query_of(request, {})
    total = store.message_list.total
    unread = total - store.read_marks.count(store.message_list.oldest)
    return as_json({"Revision": store.revision, "Messages": total, "Unread": max(unread, 0)})


def list_servers(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/servers``: the ID and the name of each server."""
    query_of(request, {})
    return as_json({"Servers": [{"ID": one, "Name": name} for one, name in store.servers.names()]})


def list_messages(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/messages``: the messages that match ``q``, newest first."""
    given = query_of(request, {"q": TEXT, "server": server_kind(store)} | PAGE_KINDS)
    asked = Asked.of(request.values, store)
    if asked.problem:
        raise wrong(f"q is a search of the inbox: {asked.problem}.")
    span = span_of(given)
    page = store.message_list.page(
        asked.query,
        server=given.get("server"),
        before=span.before,
        after=span.after,
        count=span.count,
    )
    items = [_item(message, store) for message in page.messages]
    return as_json(as_page("Messages", Page(items, page.newer, page.older)))


def show_message(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/messages/{id}``: one message with its bodies, files, links and events."""
    from mailframe.sandbox.inbox.links import links_of  # noqa: PLC0415 - see above

    query_of(request, {})
    message = _message(request, store)
    delivered = delivered_content(message)
    files = [
        {
            "Name": file.name,
            "ContentType": file.content_type,
            "ContentID": file.content_id,
            "Size": file.size,
            "Path": f"/_sandbox/messages/{message.message_id}/attachments/{place}",
        }
        for place, file in enumerate(message.attachments)
    ]
    item = _item(message, store) | {
        "ReplyTo": message.head.get("ReplyTo") or "",
        "HtmlBody": delivered.html_body or "",
        "TextBody": delivered.text_body or "",
        "Headers": [{"Name": name, "Value": value} for name, value in delivered.headers],
        "Attachments": files,
        "Links": [],
        "Events": [event_item(event, store) for event in store.deliveries.history(message)],
    }

    def later() -> bytes:
        links = links_of(delivered.html_body, delivered.text_body)[:MOST]
        item["Links"] = [{"Text": one.text, "Url": one.address, "Part": one.part} for one in links]
        return as_json(item).body

    return Reply(200, later=later)


def change_message(request: Request, store: Store) -> Reply:
    """``PUT /_sandbox/messages/{id}``: mark a message as read or unread."""
    message = _message(request, store)
    is_read = _read(request)
    store.read_marks.mark(message.position, is_read=is_read)
    return done("Changed.", Read=is_read)


def mark_all(request: Request, store: Store) -> Reply:
    """``PUT /_sandbox/messages``: mark all messages as read or unread."""
    store.read_marks.mark_all(store.message_list.positions() if _read(request) else ())
    return done("All messages are changed.")


def remove_message(request: Request, store: Store) -> Reply:
    """``DELETE /_sandbox/messages/{id}``: remove one message."""
    body_of(request, {})
    message = _message(request, store)
    store.remove_message(message)
    return done("Message removed.")


def show_part(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/messages/{id}/parts/{part}``: ``source``, ``text``, ``raw`` or ``json``."""
    from mailframe.sandbox.inbox.saved import part  # noqa: PLC0415 - see above

    query_of(request, {"save": FLAG})
    reply = part(_message(request, store), request.params["part"], request.values, store)
    if reply is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
    return reply


def show_attachment(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/messages/{id}/attachments/{place}``: the bytes of an attachment."""
    from mailframe.sandbox.inbox.saved import attachment  # noqa: PLC0415 - see above

    query_of(request, {"save": FLAG, "view": FLAG})
    message = _message(request, store)
    reply = attachment(message, request.params["place"], request.values, store)
    if reply is None:
        raise CheckFailed(404, "This attachment was not found.", http_status=404)
    return reply


def list_requests(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/requests``: the requests, newest first."""
    given = query_of(request, {"errors": FLAG} | PAGE_KINDS)
    page = store.requests.page(span_of(given), only_errors=given.get("errors", False))
    return as_json(as_page("Requests", page.of(lambda entry: _call(*entry))))


def show_request(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/requests/{id}``: one request with the bodies of both sides."""
    query_of(request, {})
    number = field_types.whole_id(request.params["id"])
    record = store.requests.get(number)
    if record is None:
        raise CheckFailed(404, "This request was not found.", http_status=404)
    exchange = store.exchanges.get(number)
    return as_json(_call(number, record) | (_bodies(exchange) if exchange else {}))


def _read(request: Request) -> bool:
    return bool(body_of(request, {"Read": FLAG}, required=("Read",))["Read"])


def _message(request: Request, store: Store) -> StoredMessage:
    message = store.messages.get(request.params["id"])
    if message is None:
        raise CheckFailed(701, texts.NO_MESSAGE, http_status=404)
    return message


def _item(message: StoredMessage, store: Store) -> dict[str, Any]:
    """A message as a list has it."""
    head = message.head
    fields = {name: head.get(name) or "" for name in ("From", "To", "Cc", "Bcc", "Subject", "Tag")}
    return {
        "MessageID": message.message_id,
        "ServerID": message.server,
        "MessageStream": message.stream,
        "SubmittedAt": message.submitted_at,
        **fields,
        "Metadata": message.metadata,
        "Attachments": head.get("Attachments") or [],
        "Snippet": snippet(message),
        "Status": status_of(message, store),
        "Read": store.read_marks.has(message.position),
        "Request": message.request,
    }


def _call(number: int, record: RequestRecord) -> dict[str, Any]:
    return {
        "ID": number,
        "ReceivedAt": timestamp(record.received_ns),
        "Method": record.method,
        "Path": record.path,
        "Status": record.http_status,
        "ErrorCode": record.error_code,
        "Milliseconds": round(record.took_ms, 3),
        "Bytes": record.bytes,
        "Messages": record.messages,
        "Accepted": record.accepted,
        "Fault": record.fault,
    }


def _bodies(exchange: Exchange) -> dict[str, Any]:
    return {
        "Query": exchange.query,
        "Headers": [{"Name": name, "Value": value} for name, value in exchange.headers],
        "Body": exchange.body.decode("utf-8", "replace"),
        "IsBodyCut": exchange.is_body_cut,
        "Answer": None if exchange.answer is None else exchange.answer.decode("utf-8", "replace"),
        "IsAnswerCut": exchange.is_answer_cut,
    }


ROUTES: Final = {
    "/_sandbox/changes": {"GET": show_changes},
    "/_sandbox/servers": {"GET": list_servers},
    "/_sandbox/messages": {"GET": list_messages, "PUT": mark_all},
    "/_sandbox/messages/{id}": {
        "GET": show_message,
        "PUT": change_message,
        "DELETE": remove_message,
    },
    "/_sandbox/messages/{id}/parts/{part}": {"GET": show_part},
    "/_sandbox/messages/{id}/attachments/{place}": {"GET": show_attachment},
    "/_sandbox/requests": {"GET": list_requests},
    "/_sandbox/requests/{id}": {"GET": show_request},
}
