"""A TCP proxy in front of a server: it can cut its connections and change what passes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 65_536


class Proxy:
    """A port of this machine that leads to another one.

    Args:
        port: of the server.
        answers: called with each part of an answer; returns what the client gets.
        questions: called with each part of a question, before the server gets it.
    """

    def __init__(
        self,
        port: int,
        *,
        answers: Callable[[bytes], bytes] = bytes,
        questions: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._to, self._answers, self._questions = port, answers, questions
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End every connection at once, on both sides."""
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [client, server]
                for source, target, change in (
                    (client, server, self._questions),
                    (server, client, self._answers),
                ):
                    threading.Thread(
                        target=self._pass, args=(source, target, change), daemon=True
                    ).start()

    def _pass(
        self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]
    ) -> None:
        with suppress(OSError):
            while part := source.recv(_CHUNK):
                target.sendall(change(part))
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
