"""``/messages/outbound/opens`` and ``/messages/outbound/clicks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api import search_parameters
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.events.events import Event, EventKind
from mailframe.sandbox.state.messages.search_query import DEFAULT_STREAM
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

NO_READER: Final[dict[str, Any]] = {
    "Client": {},
    "OS": {},
    "Platform": "Unknown",
    "UserAgent": "",
    "Geo": {},
}
"""Of an open or a click that was recorded without one."""


def search_opens(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/opens``: the first open of each recipient (D), newest first."""
    return _search(request, store, kind=EventKind.OPEN)


def search_clicks(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/clicks``: every click, newest first."""
    return _search(request, store, kind=EventKind.CLICK)


def _search(request: Request, store: Store, *, kind: EventKind) -> Reply:
    server = server_of(request, store)
    given = {name: value for name, value in request.values.items() if value}
    count, offset = search_parameters.paging(given)
    stream = given.get("messagestream", DEFAULT_STREAM)  # D
    if store.streams.get(server, stream) is None:
        raise CheckFailed(search_parameters.NO_SUCH_STREAM, texts.NO_SUCH_STREAM)
    where, values = ["server = ?", "kind = ?", "stream = ?"], [server, str(kind), stream]
    for condition, value in _conditions(given):
        where.append(condition)
        values += [value] * condition.count("?")
    return _page(store, kind, where, values, count=count, offset=offset)


def show_opens(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/opens/{id}``: the opens of one message."""
    return _of_message(request, store, kind=EventKind.OPEN)


def show_clicks(request: Request, store: Store) -> Reply:
    """``GET /messages/outbound/clicks/{id}``: the clicks in one message."""
    return _of_message(request, store, kind=EventKind.CLICK)


def _of_message(request: Request, store: Store, *, kind: EventKind) -> Reply:
    server = server_of(request, store)
    count, offset = search_parameters.paging(request.values)
    message = store.index.get(server, request.params["id"])
    if message is None:
        raise CheckFailed(701, texts.NO_MESSAGE)
    where, values = ["position = ?", "kind = ?"], [message.position, str(kind)]
    return _page(store, kind, where, values, count=count, offset=offset)


def _page(
    store: Store,
    kind: EventKind,
    where: list[str],
    values: list[Any],
    *,
    count: int,
    offset: int,
) -> Reply:
    if kind is EventKind.OPEN:
        where = [*where, "is_first"]
    total, events = store.events.find(" and ".join(where), values, count=count, offset=offset)
    items = [_item(event) for event in events]
    return as_json({"TotalCount": total, f"{kind}s": items})


def _item(event: Event) -> dict[str, Any]:
    return {
        "RecordType": str(event.kind),
        "MessageStream": event.stream,
        **event.details,
        **NO_READER,
        **event.reader,
        "MessageID": event.message_id,
        "ReceivedAt": timestamp(event.at_ns),
        "Tag": event.tag,
        "Recipient": event.recipient,
    }


def _conditions(given: Mapping[str, str]) -> list[tuple[str, Any]]:
    """A condition and its value for each filter; times are read as in a search (A)."""
    since_ns, end_ns = search_parameters.bounds(given)
    return [
        ("at_ns >= ?", since_ns),
        ("at_ns < ?", end_ns),
        *((condition, given[name]) for name, condition in _FILTERS.items() if name in given),
    ]


def _in_reader(*paths: str) -> str:
    """The reader has this value at one of *paths*, ignoring case."""
    tests = [f"json_extract(about, '$.{path}') = ? collate nocase" for path in paths]
    return f"({' or '.join(tests)})"


_FILTERS: Final[Mapping[str, str]] = {
    "recipient": "instr(lower(recipient), lower(?))",
    "tag": "tag = ?",
    "client_name": _in_reader("Client.Name"),
    "client_company": _in_reader("Client.Company"),
    "client_family": _in_reader("Client.Family"),
    "os_name": _in_reader("OS.Name"),
    "os_company": _in_reader("OS.Company"),
    "os_family": _in_reader("OS.Family"),
    "platform": _in_reader("Platform"),
    "country": _in_reader("Geo.Country", "Geo.CountryISOCode"),
    "region": _in_reader("Geo.Region", "Geo.RegionISOCode"),
    "city": _in_reader("Geo.City"),
}
ROUTES: Final = {
    "/messages/outbound/opens": {"GET": search_opens},
    "/messages/outbound/opens/{id}": {"GET": show_opens},
    "/messages/outbound/clicks": {"GET": search_clicks},
    "/messages/outbound/clicks/{id}": {"GET": show_clicks},
}
