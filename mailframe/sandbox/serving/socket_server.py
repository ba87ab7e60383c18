"""The sandbox over a real socket: a daemon thread with an event loop of its own.

h11, which reads and writes the HTTP, comes with httpx.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError
from mailframe.sandbox.serving.connection import Connection
from mailframe.sandbox.wire.access import Access
from mailframe.sandbox.wire.limits import Limits

if TYPE_CHECKING:
    from mailframe.sandbox.serving.request_handler import RequestHandler

LOGGER = logging.getLogger("mailframe.sandbox")
GRACE_S = 0.5
"""Seconds for answers to be sent when the sandbox is closed."""
STEP_S = 0.005
START_TIMEOUT_S = 10.0
ACCEPT_STEPS = 3
"""Turns of the loop until a connection that was just accepted is one that can be closed."""
QUIET_S = 10.0
"""Seconds between two warnings that no connection can be accepted."""
BACKLOG = 512
"""Connections that the kernel holds until they are accepted."""
_SERVERS: Final[weakref.WeakSet[SocketServer]] = weakref.WeakSet()


class SocketServer:
    """The thread that serves one sandbox.

    Args:
        handler: the handler of the sandbox.
        host: the host to listen on.
        port: the port; 0 takes a free one.
        access: who may use the sandbox.
        limits: how long clients may take.

    Raises:
        SandboxError: the address is not available, or the server does not start.
    """

    def __init__(
        self,
        handler: RequestHandler,
        *,
        host: str,
        port: int,
        access: Access | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._socket = bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._handler = handler
        self._access, self._limits = access or Access(), limits or Limits()
        self._connections: set[Connection] = set()
        # A simulation takes one of them for long; pages are made in the other.
        self._pages = ThreadPoolExecutor(2, f"mailframe-pages-{self.port}")
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._quiet_until = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"mailframe-sandbox-{self.port}", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            self._socket.close()
            raise SandboxError(
                f"the sandbox cannot listen without a thread of its own ({error}); "
                "in_process=True needs neither a thread nor a socket"
            ) from None
        if not self._ready.wait(START_TIMEOUT_S) or self._failure is not None:
            self._socket.close()
            raise SandboxError("the sandbox's server did not start") from self._failure
        _SERVERS.add(self)

    def close(self) -> None:
        """End the thread and free the port."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not threading.current_thread():  # as in a function of ``listen``
            self._thread.join(START_TIMEOUT_S)
            self._socket.close()

    def leave(self) -> None:
        """Have none of its sockets in this process, which was forked from the one that serves.

        What is closed there would stay open here: its clients would wait, and its port be taken.
        """
        ours = [self._socket.fileno(), *(one.descriptor for one in self._connections)]
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in ours:
            if descriptor >= 0:  # the socket objects stay, and close what is now there
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)

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
        self._loop.set_exception_handler(self._complain)
        server = await self._loop.create_server(
            self._connection, sock=self._socket, backlog=BACKLOG
        )
        self._ready.set()
        await self._stop.wait()
        self._loop.remove_reader(self._socket)
        for _ in range(ACCEPT_STEPS):
            await asyncio.sleep(0)
        server.close()
        for connection in list(self._connections):
            connection.shut_down()
        await self._until_closed()
        self._pages.shutdown(wait=False, cancel_futures=True)
        for connection in list(self._connections):
            connection.abort()
        await self._until_closed()

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log in one line, and not often, that the process can open no more files."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:  # asyncio tries 512 times each second
            self._quiet_until = loop.time() + QUIET_S
            count = len(self._connections)
            LOGGER.warning("cannot accept a connection: %s; %d are open", error.strerror, count)

    def _connection(self) -> Connection:
        return Connection(self._handler, self._access, self._limits, self._connections, self._pages)

    async def _until_closed(self) -> None:
        """Wait until all connections have ended, at most GRACE_S seconds."""
        end = asyncio.get_running_loop().time() + GRACE_S
        while self._connections and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - it ends soon
            await asyncio.sleep(STEP_S)


def _leave_all() -> None:
    for server in list(_SERVERS):
        server.leave()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_leave_all)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; it is made in the caller's thread, so that the caller gets the error."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only if the protocol is given; without it a small answer takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # on Windows it would let two sandboxes share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise SandboxError(
            f"the sandbox cannot listen on {host}:{port}: {error.strerror}; "
            "port=0 (--port 0) takes a free one"
        ) from error
    return listener
