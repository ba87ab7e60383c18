"""What the last requests said and were answered, for the page of requests; without any token.

It is kept in memory, because a send would take a fifth longer if it were stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.wire.exchange import Reply, Request

MOST_REQUESTS: Final = 1_000
MOST_BYTES: Final = 16_000_000
"""Of all bodies that are kept; the oldest requests go."""
MOST_OF_ONE: Final = 65_536
"""Bytes of one body that are kept."""
HIDDEN: Final = "[hidden]"
_SECRET: Final = re.compile(r"token|authorization|cookie|api-?key|secret|password", re.IGNORECASE)
_TEXT: Final = rb'"(?:[^"\\]|\\.)*"?'
_IN_JSON: Final = re.compile(
    rb'("(?:ApiTokens|Password|HttpAuth|HttpHeaders)"\s*:\s*)'
    rb'(?:\[(?:[^\]"]|%(text)b)*\]?|\{(?:[^}"]|%(text)b)*\}?|%(text)b)' % {b"text": _TEXT},
    re.IGNORECASE,
)
_USER: Final = re.compile(rb'("\w*Url"\s*:\s*"\w+:[/\\]+)[^"/?#@\s]*@', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer.

    Attributes:
        number: the number of the request, if it is one that sends.
        address: the path and the query.
        query: the part of the address after the ``?``.
        sent_headers: the headers of the request by name.
        sent_body: the start of its body.
        body_bytes: the length of its whole body.
        reply_headers: the headers of the answer; None if there was none.
        reply_body: the start of the answer; empty if there was none.
        reply_bytes: the length of the whole answer.
    """

    number: int | None
    address: str
    query: str
    sent_headers: Mapping[str, str]
    sent_body: bytes
    body_bytes: int
    reply_headers: tuple[tuple[str, str], ...] | None
    reply_body: bytes
    reply_bytes: int

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the request; tokens are hidden."""
        return _shown(self.sent_headers.items())

    @property
    def body(self) -> bytes:
        """The start of the body of the request; secrets are hidden."""
        return _without_secrets(self.sent_body)

    @property
    def is_body_cut(self) -> bool:
        """Whether the body of the request was longer."""
        return len(self.sent_body) < self.body_bytes

    @property
    def answer_headers(self) -> list[tuple[str, str]] | None:
        """The headers of the answer; None if there was none."""
        return None if self.reply_headers is None else _shown(self.reply_headers)

    @property
    def answer(self) -> bytes | None:
        """The start of the answer; None if there was none."""
        return None if self.reply_headers is None else _without_secrets(self.reply_body)

    @property
    def is_answer_cut(self) -> bool:
        """Whether the answer was longer."""
        return len(self.reply_body) < self.reply_bytes

    def names(self, text: bytes) -> bool:
        """Whether *text*, in lower case, is in its address, its body or its answer."""
        parts = (self.address.encode(), self.sent_body, self.reply_body)
        return any(text in part.lower() for part in parts)

    @property
    def kept_bytes(self) -> int:
        """How much memory its bodies take."""
        return len(self.sent_body) + len(self.reply_body)


class ExchangeLog:
    """The bodies and headers of the last requests, by the ID of the request.

    Args:
        lock: the lock of the state.
    """

    def __init__(self, lock: AbstractContextManager[None]) -> None:
        self._lock = lock
        self._kept: dict[int, Exchange] = {}
        self._bytes = 0

    def add(self, request: int, asked: Request, reply: Reply | None) -> None:
        """Keep what was asked and answered; *reply* is None if the answer is not complete."""
        body = reply.body if reply else b""
        exchange = Exchange(
            asked.number,
            f"{asked.path}?{asked.query}",
            asked.query,
            asked.headers,
            asked.body[:MOST_OF_ONE],
            len(asked.body),
            (("content-type", reply.content_type), *reply.headers) if reply else None,
            body[:MOST_OF_ONE],
            len(body),
        )
        with self._lock:
            self._kept[request] = exchange
            self._bytes += exchange.kept_bytes
            while len(self._kept) > MOST_REQUESTS or self._bytes > MOST_BYTES:
                oldest = next(iter(self._kept))
                self._bytes -= self._kept.pop(oldest).kept_bytes

    def get(self, request: int) -> Exchange | None:
        """What the request of that ID said; None if it is no longer kept."""
        with self._lock:
            return self._kept.get(request)

    def remove_of(self, message: StoredMessage, *, bulk: str = "") -> None:
        """Keep nothing of the request that posted *message*, and of those that speak of it.

        Args:
            message: the message.
            bulk: the ID of its bulk request; empty if it is of another one.
        """
        with self._lock:
            named = [one.encode() for one in (message.message_id, bulk) if one]
            for request, exchange in list(self._kept.items()):
                if exchange.number == message.request or any(map(exchange.names, named)):
                    self._bytes -= self._kept.pop(request).kept_bytes

    def clear(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0


def _without_secrets(body: bytes) -> bytes:
    """A body with the tokens of a server and the headers and passwords of webhooks hidden."""
    return _USER.sub(rb"\1[hidden]@", _IN_JSON.sub(rb'\1"[hidden]"', body))


def _shown(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, HIDDEN if _SECRET.search(name) else value) for name, value in pairs]
