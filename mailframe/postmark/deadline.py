"""Limits the time until the head of a reply is complete.

The read timeout of httpx starts again with each byte, and a reply may begin with any number of 1xx
responses. So without this limit, each byte of a head can take as long as the timeout.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONNECTED = ("connect_tcp.complete", "start_tls.complete")
_STARTED = "receive_response_headers.started"
_ENDED = ("receive_response_headers.complete", "receive_response_headers.failed")


class Deadline:
    """Shuts down a connection if the head of its reply is not complete in time.

    Reading then fails as if the server had closed the connection.

    Args:
        after_s: the number of seconds until the head must be complete.

    Attributes:
        passed: whether the connection was shut down.
    """

    def __init__(self, *, after_s: float) -> None:
        self._after_s = after_s
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.passed = False

    def on_event(self, event: str, info: Mapping[str, object]) -> None:
        """Follow one event of httpcore; source: its "trace" request extension."""
        if event.endswith(_CONNECTED):
            stream = info.get("return_value")
            connection = (
                stream.get_extra_info("socket") if hasattr(stream, "get_extra_info") else None
            )
            self._socket = connection if isinstance(connection, socket.socket) else None
        elif event.endswith(_STARTED):
            self._start()
        elif event.endswith(_ENDED):
            self.cancel()

    def cancel(self) -> None:
        """Stop the timer."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _start(self) -> None:
        self.cancel()
        if self._socket is None:
            return
        timer = threading.Timer(self._after_s, self._shut_down, args=(self._socket,))
        timer.daemon = True
        with suppress(RuntimeError):  # no thread can be started; the read timeout still applies
            timer.start()
            self._timer = timer

    def _shut_down(self, connection: socket.socket) -> None:
        self.passed = True
        with suppress(OSError):  # closed already
            # The method of the base class: it also ends a TLS connection at once.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
