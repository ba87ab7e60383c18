"""Runs the receiver on a socket until Ctrl-C or SIGTERM."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from starlette.applications import Starlette

MAX_CONNECTIONS: Final = 500
"""Further ones are answered with 503, and Postmark repeats the post."""
REQUEST_S: Final = 60.0
"""The seconds from the begin of a connection, or from an answer, to the next answer."""
END_S: Final = 5
"""The seconds that requests under way get at the end."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that accepts connections.

    Raises:
        MailframeError: the address is in use, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
        # for each connection: an answer of two packets would wait for the client's ACK, 40 ms
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise MailframeError(
            f"nothing can listen on {host}, port {port} ({why}); name another --port or --host"
        ) from None
    return listener


def serve(app: Starlette, *, at: socket.socket) -> None:
    """Answer requests until Ctrl-C or SIGTERM; those under way are answered before it returns.

    Args:
        app: the application.
        at: the socket, which is closed at the end.
    """
    with contextlib.suppress(KeyboardInterrupt), _terminated_as_interrupted():
        server_of(app).run(sockets=[at])


def server_of(app: Starlette, *, request_s: float = REQUEST_S) -> uvicorn.Server:
    """The server that answers requests.

    Args:
        app: the application.
        request_s: the seconds until each next answer. uvicorn itself waits without end for the
            head of a request, and for the rest of a body after its answer, so that few clients,
            also without a password, could take all connections.
    """

    class Connection(H11Protocol):
        """A connection that is closed if no answer is sent for so long."""

        end: asyncio.TimerHandle

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.end = self.loop.call_later(request_s, transport.abort)

        def on_response_complete(self) -> None:
            self.end.cancel()
            self.end = self.loop.call_later(request_s, self.transport.abort)
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self.end.cancel()
            super().connection_lost(exc)

    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=END_S,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM, which uvicorn sends again when it has ended, do what Ctrl-C does."""
    before = signal.getsignal(signal.SIGTERM)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or before in (None, signal.SIG_IGN):
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
