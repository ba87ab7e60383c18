"""A server that accepts messages and stores none: it measures the sender alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httpx

import mailframe as mf

if TYPE_CHECKING:
    from collections.abc import Iterable

_TO: Final = re.compile(rb'"To": ?("(?:[^"\\]|\\.)*")')
"""Quotes inside the values of other fields are escaped in JSON, so only the field matches."""
_URL: Final = "http://127.0.0.1:1"  # never connected to: the transport answers
DESCRIPTION: Final[dict[str, object]] = {"ID": 1, "Name": "benchmark", "DeliveryType": "Sandbox"}
NOTHING_FOUND: Final[dict[str, object]] = {"TotalCount": 0, "Messages": [], "Suppressions": []}
STREAMS: Final[dict[str, object]] = {
    "MessageStreams": [
        {"ID": "outbound", "MessageStreamType": "Transactional", "ArchivedAt": None},
        {"ID": "broadcast", "MessageStreamType": "Broadcasts", "ArchivedAt": None},
    ]
}
TOKEN: Final = "benchmark"  # noqa: S105 - opens nothing


class Answering(httpx.BaseTransport):
    """Accepts every message; keeps 64 kB of a request at a time, and a counter.

    It says that it is a sandbox server, and a search finds nothing.
    """

    def __init__(self) -> None:
        self.accepted = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer the request."""
        if request.method == "GET":
            return httpx.Response(200, json=answer_to(request.url.path))
        if not isinstance(request.stream, httpx.SyncByteStream):
            raise TypeError("a request of a synchronous client")
        items = [self._item(to) for to in recipients(request.stream)]
        headers = {"content-type": "application/json"}
        return httpx.Response(200, headers=headers, content=b"[" + b",".join(items) + b"]")

    def _item(self, to: bytes) -> bytes:
        self.accepted += 1
        return accepted_item(to, self.accepted)

    def client(self) -> httpx.Client:
        """A client of it."""
        return httpx.Client(transport=self, base_url=_URL)

    def server(self) -> mf.Postmark:
        """A server object of mailframe for it."""
        return mf.Postmark(TOKEN, base_url=_URL, transport=self)


def answer_to(path: str) -> dict[str, object]:
    """The answer to a question: a sandbox server with two streams, and nothing in them."""
    answers: dict[str, dict[str, object]] = {"/server": DESCRIPTION, "/message-streams": STREAMS}
    return answers.get(path, NOTHING_FOUND)


def accepted_item(to: bytes, number: int) -> bytes:
    """What Postmark answers for one accepted message, as JSON text; the number makes its ID."""
    return (
        b'{"To":%b,"SubmittedAt":"2026-11-22T09:30:00.1234567-05:00",'
        b'"MessageID":"0000abcd-0000-4000-8000-%012x","ErrorCode":0,"Message":"OK"}' % (to, number)
    )


def recipients(chunks: Iterable[bytes]) -> list[bytes]:
    """The ``To`` of each message, as JSON text, from the pieces of a request's body."""
    found: list[bytes] = []
    rest = b""
    for chunk in chunks:
        rest += chunk
        end = 0
        for match in _TO.finditer(rest):
            found.append(match[1])
            end = match.end()
        rest = rest[end:]
    return found
