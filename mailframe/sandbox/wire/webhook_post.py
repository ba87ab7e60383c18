"""Posts of webhooks over asyncio: to this machine only, without redirects, with a time limit.

A client for any server would take a millisecond of CPU for each post; this one needs only a status
and the start of an answer, and takes a quarter of it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import SplitResult, unquote, urlsplit

from mailframe.sandbox.state.webhook_delivery import Outcome
from mailframe.sandbox.wire.loopback import loopback_name, without_user

if TYPE_CHECKING:
    from mailframe.sandbox.state.webhook_delivery import Delivery
    from mailframe.sandbox.state.webhooks import Webhook

USER_AGENT: Final = "Postmark"  # A
MAX_ANSWER: Final = 1000
"""How many bytes of the body of an answer are read and kept."""
REUSE_S: Final = 1.0
"""How long a connection waits for the next post; servers close idle ones after some seconds."""
_MAX_HEAD: Final = 64 * 1024
_ADDRESSES: Final = {"localhost": ("127.0.0.1", "::1")}
"""No DNS is asked, so that a name cannot lead to another machine."""
_CONTINUE: Final = 200
"""Statuses below are interim."""


@dataclass
class Connection:
    """A connection to a receiver that may be used again.

    Attributes:
        reader: what the receiver sends.
        writer: what it gets.
        origin: scheme, host and port.
        idle_since: the time at which the last answer was complete.
        can_stay: whether the last answer was complete and leaves the connection open.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    origin: tuple[str, str, int]
    idle_since: float = 0.0
    can_stay: bool = False

    @classmethod
    async def open(cls, parts: SplitResult) -> Self:
        """Connect to the host of an URL, by its address.

        Raises:
            OSError: it is not this machine, or nothing listens there.
        """
        name, port = loopback_name(parts.hostname), origin(parts)[2]
        if name is None:
            raise OSError("the sandbox contacts no other machine")
        tls = _unchecked_tls() if parts.scheme == "https" else None
        hosts = _ADDRESSES.get(name, (name,))
        for host in hosts:
            try:
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=tls, limit=_MAX_HEAD, server_hostname=name if tls else None
                )
            except OSError:
                if host == hosts[-1]:
                    raise
            else:
                return cls(reader, writer, origin(parts))
        raise AssertionError  # pragma: no cover - there is a host

    def fits(self, parts: SplitResult) -> bool:
        """Whether the next post to this URL can use it."""
        is_fresh = time.monotonic() - self.idle_since < REUSE_S
        is_open = not self.reader.at_eof() and not self.writer.is_closing()
        return self.can_stay and is_fresh and is_open and self.origin == origin(parts)

    def close(self) -> None:
        """Close it at once."""
        self.can_stay = False
        transport = self.writer.transport
        if not transport.is_closing():
            transport.abort()

    async def exchange(self, request: bytes) -> tuple[int, str]:
        """Send *request*; returns the status and the start of the body of the answer.

        Raises:
            OSError: what comes is no HTTP answer.
        """
        self.can_stay = False
        self.writer.write(request)
        with contextlib.suppress(ConnectionError):  # an answer may come before all was sent
            await self.writer.drain()
        _acknowledge_at_once(self.writer)
        status, headers = await self._head()
        body, is_complete = await self._body(headers, status)
        self.can_stay = is_complete and headers.get("connection", "").lower() != "close"
        self.idle_since = time.monotonic()
        return status, body.decode("utf-8", "replace")

    async def _head(self) -> tuple[int, dict[str, str]]:
        while True:
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                raise ConnectionError("the head of the answer is too long") from None
            except asyncio.IncompleteReadError as error:
                kind = "broke off" if error.partial else "was closed without one"
                raise ConnectionError(f"no answer: the connection {kind}") from None
            first, *lines = head.decode("latin-1").split("\r\n")
            version, _, rest = first.partition(" ")
            if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
                raise ConnectionError("the answer is not HTTP")
            if int(rest[:3]) >= _CONTINUE:
                pairs = (line.partition(":") for line in lines)
                return int(rest[:3]), {
                    name.strip().lower(): text.strip() for name, _, text in pairs
                }

    async def _body(self, headers: dict[str, str], status: int) -> tuple[bytes, bool]:
        """The start of the body, and whether that was all of it."""
        if status in (204, 304):
            return b"", True
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._chunks()
        length = headers.get("content-length", "")
        if length.isdigit():
            wanted = min(int(length), MAX_ANSWER)
            return await self._at_most(wanted), wanted == int(length)
        return await self._at_most(MAX_ANSWER), False

    async def _chunks(self) -> tuple[bytes, bool]:
        body = b""
        while len(body) < MAX_ANSWER:
            try:
                size = int((await self.reader.readuntil(b"\n")).partition(b";")[0], 16)
            except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                return body, False
            body += await self._at_most(min(size, MAX_ANSWER - len(body)) + 2)
            if size == 0:
                return body.removesuffix(b"\r\n"), True
            body = body.removesuffix(b"\r\n")
        return body[:MAX_ANSWER], False

    async def _at_most(self, count: int) -> bytes:
        """The next *count* bytes, or as many as come."""
        try:
            return await self.reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            return error.partial


async def post(
    connection: Connection | None, webhook: Webhook, delivery: Delivery, *, timeout_s: float
) -> tuple[Outcome, Connection | None]:
    """Post *delivery* to *webhook*; every failure is an outcome.

    Args:
        connection: the connection of the last post to it, if there was one.
        webhook: the webhook, with its URL, authentication and headers.
        delivery: what is posted.
        timeout_s: the seconds until an attempt without a complete answer is given up.

    Returns:
        The outcome, and the connection for the next post.
    """
    started = time.perf_counter()
    status, error, answer = None, None, ""
    parts = urlsplit(webhook.url)
    try:
        async with asyncio.timeout(timeout_s):
            if connection is None or not connection.fits(parts):
                if connection is not None:
                    connection.close()
                connection = await Connection.open(parts)
            status, answer = await connection.exchange(request_of(parts, webhook, delivery))
    except TimeoutError:
        error = f"no answer within {timeout_s:g} s"
    except OSError as failure:
        error = str(failure) or type(failure).__name__
    finally:  # also if the sandbox is closed meanwhile
        if connection is not None and not connection.can_stay:
            connection.close()
            connection = None
    took_ms = round((time.perf_counter() - started) * 1000)
    return Outcome(without_user(webhook.url), status, error, answer, took_ms), connection


def request_of(parts: SplitResult, webhook: Webhook, delivery: Delivery) -> bytes:
    """The bytes of the request; headers of the webhook win over those that are always sent (A)."""
    headers = {
        "Host": parts.netloc.rpartition("@")[2],
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Content-Type": "application/json",
        "X-PM-Webhook-Trace-Id": delivery.trace_id,
        "X-PM-Retries-Remaining": str(delivery.retries_left),
        **_authorization(parts, webhook),
    }
    own = {header["Name"].lower() for header in webhook.headers}
    lines = [f"{name}: {value}" for name, value in headers.items() if name.lower() not in own]
    lines += [f"{header['Name']}: {header['Value']}" for header in webhook.headers]
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    head = [f"POST {target} HTTP/1.1", *lines, f"Content-Length: {len(delivery.body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + delivery.body


def _authorization(parts: SplitResult, webhook: Webhook) -> dict[str, str]:
    user, password = parts.username or "", parts.password or ""
    pair = f"{unquote(user)}:{unquote(password)}"
    if webhook.auth:
        pair = f"{webhook.auth['Username']}:{webhook.auth['Password']}"
    is_given = pair != ":"
    return (
        {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"} if is_given else {}
    )


def origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port of an URL.

    >>> origin(urlsplit("https://user@LOCALHOST/hook"))
    ('https', 'localhost', 443)
    """
    return (
        parts.scheme,
        parts.hostname or "",
        parts.port or (443 if parts.scheme == "https" else 80),
    )


def _acknowledge_at_once(writer: asyncio.StreamWriter) -> None:
    """Acknowledge the next packets without a delay, where the system can.

    A receiver that writes head and body of an answer apart, as http.server does, waits 40 ms for
    the acknowledgment of the first on a connection that is used again.
    """
    option = getattr(socket, "TCP_QUICKACK", None)
    connection = writer.get_extra_info("socket")
    if option is not None and connection is not None:
        with contextlib.suppress(OSError):  # it has just been closed
            connection.setsockopt(socket.IPPROTO_TCP, option, 1)


def _unchecked_tls() -> ssl.SSLContext:
    """TLS without a check: a receiver on this machine often has a certificate of its own making."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
