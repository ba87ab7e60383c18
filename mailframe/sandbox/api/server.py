"""``/server``: the server of the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.checks import request_json, server_settings, texts_server
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request


def show_server(request: Request, store: Store) -> Reply:
    """``GET /server``: the server of the token. The answer contains tokens."""
    return as_json(store.servers.as_item(server_of(request, store)))


def edit_server(request: Request, store: Store) -> Reply:
    """``PUT /server``: change its name and settings; what is not sent stays."""
    server = server_of(request, store)
    return as_json(edit(store, server, request_json.fields(request.body)))


def edit(store: Store, server: int, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Change a server, and return it.

    Args:
        store: the state of the sandbox.
        server: its ID.
        fields: the fields of the body, by name in lower case.

    Raises:
        CheckFailed: 422 with 602, 603, 606 to 609, 611 to 613 or 615.
    """
    if not fields:
        raise CheckFailed(609, texts_server.NO_SERVER_DATA)
    name, changes = server_settings.name(fields), server_settings.changes(fields)
    check_unique(store, name, changes, server=server)
    row = store.servers.get(server)
    kind = server_settings.delivery_type(fields)
    if row is not None and kind not in (None, "", row["delivery_type"]):
        raise CheckFailed(615, texts_server.FIXED_DELIVERY_TYPE)
    store.servers.edit(server, name=name, changes=changes)
    store.webhooks.follow_server(server, store.servers.settings(server))
    return store.servers.as_item(server)


def check_unique(
    store: Store, name: str | None, changes: Mapping[str, Any], *, server: int | None = None
) -> None:
    """Check that no other server has the name or the inbound domain.

    Args:
        store: the state of the sandbox.
        name: the name; None if it is not changed.
        changes: the changed settings.
        server: the ID of the server that is changed; None for a new one.

    Raises:
        CheckFailed: 422 with 602 or 603.
    """
    if name is not None and store.servers.of_name(name) not in (None, server):
        raise CheckFailed(603, texts_server.SERVER_NAME_TAKEN)
    domain = changes.get("InboundDomain")
    if domain and store.servers.of_inbound_domain(domain) not in (None, server):
        raise CheckFailed(602, texts_server.INBOUND_DOMAIN_TAKEN)


ROUTES: Final = {"/server": {"GET": show_server, "PUT": edit_server}}
