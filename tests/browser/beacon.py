"""A server on loopback with a port for each attack, so that each request has a name."""

from __future__ import annotations

import contextlib
import errno
import random
import selectors
import socket
import threading
from dataclasses import dataclass
from pathlib import PurePosixPath
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GIF = bytes.fromhex(
    "47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b"
)
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    b'<filter id="f"/><path id="p" d="M0 0h9v9z"/></svg>'
)
TYPES = {
    ".css": "text/css",
    ".gif": "image/gif",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".vtt": "text/vtt",
}
READ_BYTES = 65_536
PORTS = range(20_000, 32_000)
"""Below the ports that systems give out by themselves. A client that still looks for a server that
has ended, say the client of a killed kernel, connects to one of those, but never to these."""
_CHANCE = random.SystemRandom()  # the workers of a test run have the same seed


@dataclass(frozen=True, slots=True)
class Hit:
    """A connection or request.

    Attributes:
        name: of the attack.
        path: requested, such as ``/img``; empty for a bare connection.
    """

    name: str
    path: str = ""


@dataclass(slots=True)
class _Connection:
    name: str
    read: bytes = b""


class Beacon:
    """The server; ``hits`` grows while it runs."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        self._pages: dict[str, bytes] = {}
        self._urls: dict[str, str] = {}
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._new: SimpleQueue[tuple[socket.socket, str]] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def address(self, name: str) -> str:
        """The address for that name, without a slash at its end."""
        if name not in self._urls:
            listener = _listener()
            self._new.put((listener, name))
            self._urls[name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return self._urls[name]

    def page(self, name: str, html: str) -> str:
        """The address of a page with that HTML, on a port of its own."""
        self._pages[name] = html.encode("utf-8", "replace")
        return f"{self.address(name)}/"

    def paths(self, name: str) -> set[str]:
        """The paths requested for that name; ``""`` is among them after a connection."""
        return {hit.path for hit in list(self.hits) if hit.name == name}

    def stop(self) -> None:
        """Close every port."""
        self._over.set()
        self._thread.join(timeout=5)
        while not self._new.empty():
            self._new.get()[0].close()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def _serve(self) -> None:
        while not self._over.is_set():
            while not self._new.empty():
                listener, name = self._new.get()
                self._selector.register(listener, selectors.EVENT_READ, name)
            for key, _ in self._selector.select(timeout=0.01):
                if isinstance(key.data, str):
                    self._accept(key.fileobj, key.data)
                else:
                    self._read(key.fileobj, key.data)

    def _accept(self, listener: socket.socket, name: str) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            self.hits.append(Hit(name))
            self._selector.register(connection, selectors.EVENT_READ, _Connection(name))

    def _read(self, connection: socket.socket, state: _Connection) -> None:
        try:
            data = connection.recv(READ_BYTES)
        except OSError:
            data = b""
        state.read += data
        if data and b"\r\n\r\n" not in state.read:
            return
        self._selector.unregister(connection)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            if data:
                path = state.read.split(b" ", 2)[1].decode("ascii", "replace")
                self.hits.append(Hit(state.name, path))
                connection.setblocking(True)
                connection.settimeout(2)
                connection.sendall(self._answer(state.name, path))

    def _answer(self, name: str, path: str) -> bytes:
        file = PurePosixPath(path.partition("?")[0])
        script = f"console.log(/ran:{name}/)"
        contents = {
            ".gif": GIF,
            ".svg": SVG,
            ".js": script.encode(),
            ".html": f"<script>{script}</script>".encode(),
            ".opener": b'<script>opener.location = "/reached"</script>',
        }
        content = contents.get(file.suffix, b"")
        if path == "/" and name in self._pages:
            content = self._pages[name]
        head = ["HTTP/1.1 200 OK", "Connection: close", f"Content-Length: {len(content)}"]
        head += [
            f"Content-Type: {TYPES.get(file.suffix, 'text/html')}",
            "Access-Control-Allow-Origin: *",
        ]
        if file.suffix == ".bin":
            head.append("Content-Disposition: attachment")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def _listener() -> socket.socket:
    """A socket that listens on a free port of PORTS."""
    while True:
        try:
            listener = socket.create_server(("127.0.0.1", _CHANCE.choice(PORTS)), backlog=64)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            listener.setblocking(False)
            return listener


@contextlib.contextmanager
def listening() -> Iterator[Beacon]:
    """A beacon that ends with the block."""
    beacon = Beacon()
    try:
        yield beacon
    finally:
        beacon.stop()
