"""``/bounces`` and ``/deliverystats``: what was not delivered, and which addresses are inactive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api import search_parameters
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.checks import field_types, texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.bounce_types import TYPES
from mailframe.sandbox.state.events.bounces import as_item, dump_of
from mailframe.sandbox.state.messages.search_query import DEFAULT_STREAM
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

BAD_QUERY, NOT_THERE, NOT_TO_ACTIVATE = 1000, 1001, 1003
_FLAGS: Final = {"true": 1, "1": 1, "false": 0, "0": 0}
"""``inactive`` in lower case; clients write True, true and 1."""


def show_stats(request: Request, store: Store) -> Reply:
    """``GET /deliverystats``: the inactive addresses, and the bounces by type without zeros (O)."""
    server = server_of(request, store)
    counts = store.bounces.counts(server)
    rows: list[dict[str, Any]] = [{"Name": "All", "Count": sum(counts.values())}]
    rows += [
        {"Type": name, "Name": kind.name, "Count": counts[name]}
        for name, kind in TYPES.items()
        if name in counts
    ]
    return as_json({"InactiveMails": store.bounces.inactive_addresses(server), "Bounces": rows})


def search(request: Request, store: Store) -> Reply:
    """``GET /bounces``: the bounces that match, newest first."""
    server = server_of(request, store)
    given = {name: value for name, value in request.values.items() if value}
    conditions, values = ["server = ?"], [server]
    try:
        count, offset = _paging(given)
        for condition, value in _conditions(given):
            conditions.append(condition)
            values.append(value)
    except CheckFailed as error:
        raise CheckFailed(BAD_QUERY, error.text) from None
    stream = given.get("messagestream", DEFAULT_STREAM)  # D
    if store.streams.get(server, stream) is None:
        raise CheckFailed(search_parameters.NO_SUCH_STREAM, texts.NO_SUCH_STREAM)
    total, rows = store.bounces.find(
        " and ".join([*conditions, "stream = ?"]), [*values, stream], count=count, offset=offset
    )
    return as_json({"TotalCount": total, "Bounces": [as_item(row) for row in rows]})


def _paging(given: Mapping[str, str]) -> tuple[int, int]:
    """Count and offset; a search for the bounces of one message needs neither (D)."""
    if "messageid" in given:
        given = {"count": str(field_types.MAX_COUNT), "offset": "0", **given}
    return search_parameters.paging(given)


def _conditions(given: Mapping[str, str]) -> list[tuple[str, Any]]:
    """A condition and its value for each filter of the query."""
    filters = [
        (condition, read(given[name]))
        for name, (condition, read) in _FILTERS.items()
        if name in given
    ]
    since_ns, end_ns = search_parameters.bounds(given)
    return [*filters, ("bounced_ns >= ?", since_ns), ("bounced_ns < ?", end_ns)]


def _type(value: str) -> str:
    for name in TYPES:
        if name.lower() == value.lower():
            return name
    raise CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name="type"))


def _flag(value: str) -> int:
    if value.lower() not in _FLAGS:
        raise CheckFailed(BAD_QUERY, texts.BAD_PARAMETER.format(name="inactive"))
    return _FLAGS[value.lower()]


_FILTERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "type": ("kind = ?", _type),
    "inactive": ("inactive = ?", _flag),
    "emailfilter": ("instr(address, ?)", str.lower),
    "tag": ("tag = ?", str),
    "messageid": ("message_id = ?", str.lower),
}


def show_bounce(request: Request, store: Store) -> Reply:
    """``GET /bounces/{id}``: one bounce."""
    return as_json(as_item(_bounce_of(request, store)))


def show_dump(request: Request, store: Store) -> Reply:
    """``GET /bounces/{id}/dump``: its source, made up of what is known."""
    return as_json({"Body": dump_of(_bounce_of(request, store))})


def activate(request: Request, store: Store) -> Reply:
    """``PUT /bounces/{id}/activate``: the address is no longer suppressed; needs no body."""
    row = _bounce_of(request, store)
    if not TYPES[row["kind"]].can_activate:
        raise CheckFailed(NOT_TO_ACTIVATE, texts.NOT_TO_ACTIVATE)
    suppression = store.suppressions.get(row["server"], row["stream"], row["address"])
    if suppression is None or suppression["reason"] == "HardBounce":  # others stay (A)
        store.outcomes.reactivate(row["server"], row["stream"], row["address"], origin="Customer")
    return as_json({"Message": texts.OK, "Bounce": as_item(_bounce_of(request, store))})


def show_tags(request: Request, store: Store) -> Reply:
    """``GET /bounces/tags``: the tags of messages that bounced (A: Postmark does not say which)."""
    return as_json(store.bounces.tags(server_of(request, store)))


def _bounce_of(request: Request, store: Store) -> sqlite3.Row:
    server = server_of(request, store)
    row = store.bounces.get(server, field_types.whole_id(request.params["id"]))
    if row is None:
        raise CheckFailed(NOT_THERE, texts.NO_BOUNCE)
    return row


ROUTES: Final = {
    "/deliverystats": {"GET": show_stats},
    "/bounces": {"GET": search},
    "/bounces/tags": {"GET": show_tags},
    "/bounces/{id}": {"GET": show_bounce},
    "/bounces/{id}/dump": {"GET": show_dump},
    "/bounces/{id}/activate": {"PUT": activate},
}
