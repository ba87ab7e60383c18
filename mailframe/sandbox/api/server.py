"""``/server``: the server of the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request


def show_server(request: Request, store: Store) -> Reply:
    """``GET /server``: the server of the token. The answer contains tokens."""
    return as_json(store.servers.as_item(server_of(request, store)))


ROUTES: Final = {"/server": {"GET": show_server}}
