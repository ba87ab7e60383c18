"""The head of an answer comes in bounded time: without this, each byte of it may take as long as the whole."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_BEGUN = "receive_response_headers.started"
_OVER = ("receive_response_headers.complete", "receive_response_headers.failed")


class Deadline:
    """Shuts a connection down whose answer has no head in time; fed with the events of httpcore.

    The read timeout counts anew with each byte, and an answer may begin with any number of 1xx. Reading then fails
    as if the server had closed the connection.

    Args:
        after_s: seconds that the head may take.
    """

    def __init__(self, *, after_s: float) -> None:
        self._after_s = after_s
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.passed = False

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Take note of one event; source: the "trace" request extension of httpcore."""
        if event.endswith(_CONNECTED):
            stream = info.get("return_value")
            found = stream.get_extra_info("socket") if hasattr(stream, "get_extra_info") else None
            self._socket = found if isinstance(found, socket.socket) else None
        elif event.endswith(_BEGUN):
            self._start()
        elif event.endswith(_OVER):
            self.end()

    def end(self) -> None:
        """Stop waiting."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _start(self) -> None:
        self.end()
        if self._socket is None:
            return
        timer = threading.Timer(self._after_s, self._shut, args=(self._socket,))
        timer.daemon = True
        with suppress(RuntimeError):  # no thread can be started: the read timeout is left
            timer.start()
            self._timer = timer

    def _shut(self, connection: socket.socket) -> None:
        self.passed = True
        with suppress(OSError):  # closed already
            socket.socket.shutdown(
                connection, socket.SHUT_RDWR
            )  # also under TLS, without its farewell
