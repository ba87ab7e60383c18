"""The sandbox over a real socket: an ASGI app that uvicorn runs in a daemon thread.

Starlette and uvicorn cannot reset a connection or send half an answer. Uvicorn takes its protocol
class as an option, so a subclass gives the app the transport of its connection, and the app ends
the connection as the fault says.

This module needs the extra "sandbox". It is imported only when a socket is opened.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailframe.errors import SandboxError
from mailframe.sandbox.api.credentials import MAX_BATCH_BYTES
from mailframe.sandbox.wire.faults import Ending

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from mailframe.sandbox.wire.exchange import Reply
    from mailframe.sandbox.wire.request_handler import PendingRequest, PlannedReply, RequestHandler

LOGGER = logging.getLogger("mailframe.sandbox")
CONNECTION = "mailframe.connection"
# SO_LINGER on, zero seconds: the kernel sends RST instead of FIN.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
GRACE_S = 0.5
START_TIMEOUT_S = 10.0


class Connection(H11Protocol):
    """One connection, which the app can access."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Pass itself to the app; use the logger of the sandbox, and log no requests."""
        super().connection_made(transport)
        self.logger = LOGGER
        self.access_log = False
        app = self.app

        async def with_connection(scope: Any, receive: Any, send: Any) -> None:
            scope[CONNECTION] = self
            await app(scope, receive, send)

        self.app = with_connection


class App:
    """Passes each request to the handler and ends it as planned."""

    def __init__(self, handler: RequestHandler, closing: asyncio.Event) -> None:
        self.handler = handler
        self.closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request, connection = Request(scope, receive), scope[CONNECTION]
        headers = {name.lower(): value for name, value in request.headers.items()}
        declared_bytes = int(headers.get("content-length", 0))
        pending = self.handler.begin(
            request.method, scope["path"], declared_bytes, query=request.url.query
        )
        if pending.effect.before_body:
            self.handler.abandon(pending, 0)
            await _close(connection.transport, receive)
            return
        content = await self._read(request, pending)
        if content is None:
            return
        if pending.hangup_wait_s:
            await self._pause(receive, pending.hangup_wait_s)
        planned = self.handler.respond(pending, headers, *content)
        if planned.delay_s:
            await self._pause(receive, planned.delay_s)
        if planned.ending is Ending.ANSWER:
            await _response(planned.reply)(scope, receive, send)
        else:
            _break(connection.transport, planned)
            await _close(connection.transport, receive)

    async def _read(self, request: Request, pending: PendingRequest) -> tuple[bytes, int] | None:
        """The body and its length; of a body that is too large, only the start."""
        body, read_bytes = bytearray(), 0
        try:
            async for chunk in request.stream():
                read_bytes += len(chunk)
                body += chunk[: MAX_BATCH_BYTES + 1 - len(body)]
        except ClientDisconnect:
            cycle = request.scope[CONNECTION].cycle
            read_bytes += len(cycle.body)
            if cycle.more_body:
                self.handler.abandon(pending, read_bytes)
                return None
            body += cycle.body  # the client disconnected after it had sent the whole body
        return bytes(body), read_bytes

    async def _pause(self, receive: Receive, seconds: float) -> None:
        """Wait until the time has passed, the client disconnects or the sandbox is closed."""
        waits = {
            asyncio.ensure_future(_disconnected(receive)),
            asyncio.ensure_future(self.closing.wait()),
        }
        _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _close(transport: asyncio.Transport, receive: Receive) -> None:
    """Close, and wait until uvicorn has noticed it; otherwise it would try to answer."""
    transport.close()
    await _disconnected(receive)


def _response(reply: Reply) -> Response:
    response = Response(reply.body, reply.status, media_type=None)
    response.headers["content-type"] = reply.content_type
    for name, value in reply.headers:
        response.headers[name] = value
    return response


def _break(transport: asyncio.Transport, planned: PlannedReply) -> None:
    if planned.ending is Ending.RESET:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
        )
        transport.abort()
    elif planned.ending is Ending.HALF:
        transport.write(_half(planned.reply))


def _half(reply: Reply) -> bytes:
    """The head of the whole answer and half of its body."""
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        f"content-length: {len(reply.body)}",
        f"content-type: {reply.content_type}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + reply.body[: len(reply.body) // 2]


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers, its log and its wait of 0.1 s at shutdown."""

    def __init__(self, handler: RequestHandler) -> None:
        self.closing = asyncio.Event()
        super().__init__(
            uvicorn.Config(
                App(handler, self.closing),
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                proxy_headers=False,
                log_config=None,
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Run until ``closing`` is set."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets)

    async def stop(self) -> None:
        """End all waits, allow GRACE_S for answers to be sent, then abort every connection."""
        self.closing.set()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=GRACE_S)
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=GRACE_S)
        for server in self.servers:
            await server.wait_closed()


class SocketServer:
    """The thread that serves one sandbox.

    Raises:
        SandboxError: the address is not available, or the server does not start.
    """

    def __init__(self, handler: RequestHandler, *, host: str, port: int) -> None:
        self._socket = bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._handler = handler
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"mailframe-sandbox-{self.port}", daemon=True
        )
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S) or self._failure is not None:
            self._socket.close()
            raise SandboxError("the sandbox's server did not start") from self._failure

    def close(self) -> None:
        """End the thread and free the port."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_TIMEOUT_S)
        self._socket.close()

    def _run(self) -> None:
        """Run an event loop of its own, since a notebook has a running one in its main thread."""
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # reported in the thread that waits for the start
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = Server(self._handler)
        await server.serve([self._socket])
        self._ready.set()
        await self._stop.wait()
        await server.stop()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; it is made in the caller's thread, so that the caller gets the error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is given; without it a small answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # on Windows it would let two sandboxes share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SandboxError(
            f"the sandbox cannot listen on {host}:{port}: {error.strerror}; port=0 takes a free one"
        ) from error
    return listener
