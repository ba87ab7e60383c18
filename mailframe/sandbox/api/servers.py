"""``/servers``: the servers of the account."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api import server as one_server
from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import check_account
from mailframe.sandbox.checks import field_types, request_json, server_settings, texts_server
from mailframe.sandbox.checks.account import new_server_id
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request


def list_servers(request: Request, store: Store) -> Reply:
    """``GET /servers``: the servers with a part of a name, the oldest first."""
    check_account(request, store)
    count, offset = field_types.paging(request.values, code=600)
    ids = store.servers.ids_named(request.values.get("name", ""))
    page = [store.servers.as_item(server) for server in ids[offset : offset + count]]
    return as_json({"TotalCount": len(ids), "Servers": page})


def show_server(request: Request, store: Store) -> Reply:
    """``GET /servers/{id}``: one server. The answer contains tokens."""
    check_account(request, store)
    return as_json(store.servers.as_item(_server_of(request, store)))


def create_server(request: Request, store: Store) -> Reply:
    """``POST /servers``: create a server, with a token and the streams of a new server."""
    check_account(request, store)
    fields = request_json.fields(request.body)
    if not fields:
        raise CheckFailed(609, texts_server.NO_SERVER_DATA)
    name, changes = server_settings.name(fields), server_settings.changes(fields)
    if name is None:
        raise CheckFailed(608, texts_server.BAD_SERVER_NAME)
    one_server.check_unique(store, name, changes)
    server = new_server_id()
    kind = server_settings.delivery_type(fields) or "Live"  # S: dotnet
    store.add_server(server, name=name, delivery_type=kind, tokens=[str(uuid.uuid4())])
    store.servers.edit(server, name=None, changes=changes)
    store.webhooks.follow_server(server, store.servers.settings(server))
    return as_json(store.servers.as_item(server))


def edit_server(request: Request, store: Store) -> Reply:
    """``PUT /servers/{id}``: change its name and settings; what is not sent stays."""
    check_account(request, store)
    return as_json(
        one_server.edit(store, _server_of(request, store), request_json.fields(request.body))
    )


def delete_server(request: Request, store: Store) -> Reply:
    """``DELETE /servers/{id}``: remove a server, but not the first one of the sandbox.

    Its messages stay in the inbox until the cap removes them.
    """
    check_account(request, store)
    server = _server_of(request, store)
    if server == store.first_server:
        raise CheckFailed(605, texts_server.LAST_SERVER)
    name = store.servers.as_item(server)["Name"]
    store.remove_server(server)
    return done(texts_server.SERVER_REMOVED.format(name=name))


def _server_of(request: Request, store: Store) -> int:
    """The ID in the path.

    Raises:
        CheckFailed: 404 if there is no such server.
    """
    server = field_types.whole_id(request.params["id"])
    if store.servers.get(server) is None:
        raise CheckFailed(404, texts_server.NO_SERVER, http_status=404)
    return server


ROUTES: Final = {
    "/servers": {"GET": list_servers, "POST": create_server},
    "/servers/{id}": {"GET": show_server, "PUT": edit_server, "DELETE": delete_server},
}
