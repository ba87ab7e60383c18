"""Requests of 500 messages of 4 KB, as a client posts them to the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import orjson

if TYPE_CHECKING:
    from mailframe.sandbox import LocalPostmark

PATH: Final = "/email/batch"
BATCH: Final = 500
_HTML: Final = f"<p>{'Sales rise in spring, and so do prices. ' * 74}</p>"
_TEXT: Final = "Sales rise in spring, and so do prices. " * 22
_HEADERS: Final = {"Accept": "application/json", "Content-Type": "application/json"}


def requests_of(messages: int) -> list[bytes]:
    """The bodies of the requests with that many messages, 500 in each.

    >>> len(requests_of(1_000)), 3_900 < len(requests_of(500)[0]) / 500 < 4_400
    (2, True)
    """
    return [
        orjson.dumps([message(number, row) for row in range(BATCH)])
        for number in range(messages // BATCH)
    ]


def message(number: int, row: int) -> dict[str, Any]:
    """One message of the request of that number; no two are equal."""
    return {
        "From": "Acme <hello@acme.example>",
        "To": f"ann{number * BATCH + row}@example.com",
        "Subject": f"Spring news {row}",
        "HtmlBody": f"{_HTML}{row}",
        "TextBody": f"{_TEXT}{row}",
        "Tag": "spring",
        "Metadata": {"batch": str(number), "row": f"{number}-{row}"},
        "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://acme.example/unsubscribe>"}],
        "MessageStream": "outbound",
    }


def client_of(sandbox: LocalPostmark) -> httpx.Client:
    """A client of *sandbox* without a socket."""
    return http_client(sandbox.url, sandbox.token, transport=sandbox.transport())


def http_client(
    url: str, token: str, *, transport: httpx.BaseTransport | None = None
) -> httpx.Client:
    """A client with the headers of Postmark."""
    headers = {**_HEADERS, "X-Postmark-Server-Token": token}
    return httpx.Client(base_url=url, headers=headers, transport=transport, timeout=120.0)
