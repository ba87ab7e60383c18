"""GET requests of the tests of the sandbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.sandbox.sandbox_mail import client, mail, post

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from mailframe.sandbox import LocalPostmark

SEARCH = "/messages/outbound"
PAGE = {"count": 500, "offset": 0}


def get(
    sandbox: LocalPostmark, path: str = SEARCH, *, timeout_s: float = 10.0, **query: Any
) -> httpx.Response:
    """GET *path* on a new connection."""
    with client(sandbox, timeout_s=timeout_s) as http:
        return http.get(path, params=query or None)


def found(sandbox: LocalPostmark, **query: Any) -> list[str]:
    """The first address of each message of a search, in its order; the count is checked."""
    body = get(sandbox, **PAGE | query).json()
    assert body["TotalCount"] == len(body["Messages"])
    return [message["Recipients"][0].partition("@")[0] for message in body["Messages"]]


def accept(sandbox: LocalPostmark, *names: str, **fields: Any) -> list[str]:
    """Send one message to each of *names* in one batch and return their ids."""
    messages = [mail(**{"To": f"{name}@example.com"} | fields) for name in names]
    return [item["MessageID"] for item in post(sandbox, messages).json()]


def eventually(holds: Callable[[], bool], *, timeout_s: float = 60.0) -> bool:
    """Wait until a condition of the sandbox holds."""
    end = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


def unsubscribe_url(sandbox: LocalPostmark, message_id: str, *, to: str = "") -> str:
    """The link by which a recipient, by default the first, unsubscribes."""
    store = sandbox._store
    message = store.messages.get(message_id)
    assert message is not None
    return store.unsubscribe_links.url(message, to or message.recipients[0].address)
