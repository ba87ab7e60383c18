"""``/message-streams/{id}/suppressions``: the inactive addresses of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api import search_parameters
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.api.streams import stream_of
from mailframe.sandbox.checks import field_types, request_json, texts, texts_server
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.events.suppressions import ORIGINS, REASONS
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

MAX_ITEMS: Final = 50  # D


def dump_suppressions(request: Request, store: Store) -> Reply:
    """``GET /message-streams/{id}/suppressions/dump``: those of a stream, filtered, not paged."""
    server = server_of(request, store)
    stream = stream_of(request, store, server)["id"]
    given = {name: value for name, value in request.values.items() if value}
    reason = _choice(request, "suppressionreason", REASONS, 1404, texts_server.BAD_REASON)
    origin = _choice(request, "origin", ORIGINS, 1405, texts_server.BAD_ORIGIN)
    since_ns, end_ns = search_parameters.bounds(given, code=900, text=texts.BAD_DATE)
    items = store.suppressions.listed(
        server,
        stream,
        address=request.values.get("emailaddress", "").strip(),
        reason=reason,
        origin=origin,
        since_ns=since_ns,
        until_ns=end_ns - 1,
    )
    return as_json({"Suppressions": items})


def create_suppressions(request: Request, store: Store) -> Reply:
    """``POST /message-streams/{id}/suppressions``: HTTP 200 with the status of each address."""
    return _change(request, store, _suppress)


def delete_suppressions(request: Request, store: Store) -> Reply:
    """``POST /message-streams/{id}/suppressions/delete``: an address that is not listed, too."""
    return _change(request, store, _reactivate)


def _change(
    request: Request, store: Store, change: Callable[[Store, int, str, str], str | None]
) -> Reply:
    """Change each address of the body by *change*, which returns why it cannot, or None."""
    server = server_of(request, store)
    stream = stream_of(request, store, server)["id"]
    status = "Suppressed" if change is _suppress else "Deleted"
    items = []
    for address in _addresses(request):
        message: str | None = texts_server.BAD_SUPPRESSION_ADDRESS
        if field_types.is_address(address.strip()):
            message = change(store, server, stream, address.strip())
        items.append(
            {
                "EmailAddress": address,
                "Status": "Failed" if message else status,
                "Message": message,
            }
        )
    return as_json({"Suppressions": items})


def _suppress(store: Store, server: int, stream: str, address: str) -> str | None:
    """Suppress *address*; a complaint cannot be changed (D), anything else stays as it is (A)."""
    row = store.suppressions.get(server, stream, address)
    if row is not None:
        return texts_server.NO_AUTHORITY if row["reason"] == "SpamComplaint" else None
    store.outcomes.suppress(server, stream, address, reason="ManualSuppression", origin="Customer")
    return None


def _reactivate(store: Store, server: int, stream: str, address: str) -> str | None:
    """Reactivate *address*, unless it complained (D) or unsubscribed itself (S: php)."""
    row = store.suppressions.get(server, stream, address)
    if row is None:
        return None
    is_own = row["reason"] == "ManualSuppression" and row["origin"] == "Recipient"
    if row["reason"] == "SpamComplaint" or is_own:
        return texts_server.NO_AUTHORITY
    store.outcomes.reactivate(server, stream, address, origin="Customer")
    return None


def _addresses(request: Request) -> list[str]:
    """The addresses of the body."""
    entries: Any = request_json.fields(request.body).get("suppressions")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise CheckFailed(1409, texts_server.NO_SUPPRESSIONS)
    if len(entries) > MAX_ITEMS:
        raise CheckFailed(1410, texts_server.TOO_MANY_SUPPRESSIONS)
    addresses = []
    for entry in entries:
        fields = {name.lower(): value for name, value in entry.items()}
        address = field_types.text(fields, "EmailAddress")
        if address is None:
            raise CheckFailed(1411, texts_server.NO_ADDRESS)
        addresses.append(address)
    return addresses


def _choice(request: Request, name: str, choices: tuple[str, ...], code: int, text: str) -> str:
    value = request.values.get(name, "")
    for choice in ("", *choices):
        if choice.lower() == value.lower():
            return choice
    raise CheckFailed(code, text)


ROUTES: Final = {
    "/message-streams/{id}/suppressions": {"POST": create_suppressions},
    "/message-streams/{id}/suppressions/delete": {"POST": delete_suppressions},
    "/message-streams/{id}/suppressions/dump": {"GET": dump_suppressions},
}
