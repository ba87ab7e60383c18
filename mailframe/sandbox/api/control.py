"""``/_sandbox/``: what a developer asks the sandbox, under a path that Postmark does not use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request


def show_messages(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/messages``: the accepted messages as JSON, oldest first."""
    del request
    return as_json([message.as_row() for message in store.messages.all()])


ROUTES: Final = {"/_sandbox/messages": {"GET": show_messages}}
