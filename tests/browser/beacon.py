"""A server on loopback with a door (a port of its own) for each attack: who connects or asks is known by name."""

from __future__ import annotations

import contextlib
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
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><filter id="f"/><path id="p" d="M0 0h9v9z"/></svg>'
TYPES = {
    ".css": "text/css",
    ".gif": "image/gif",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".vtt": "text/vtt",
}
READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that reached a door.

    Attributes:
        door: its name.
        path: what was asked for, such as ``/img``; empty for a bare connection.
    """

    door: str
    path: str = ""


@dataclass(slots=True)
class _Connection:
    door: str
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

    def door(self, name: str) -> str:
        """The address of that name's door, without a slash at its end; it is opened at the first call."""
        if name not in self._urls:
            listener = socket.create_server(("127.0.0.1", 0), backlog=64)
            listener.setblocking(False)
            self._new.put((listener, name))
            self._urls[name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return self._urls[name]

    def page(self, name: str, html: str) -> str:
        """The address of a page with that HTML, behind a door of its own."""
        self._pages[name] = html.encode("utf-8", "replace")
        return f"{self.door(name)}/"

    def paths(self, door: str) -> set[str]:
        """What was asked for at a door; holds ``""`` when somebody connected."""
        return {hit.path for hit in list(self.hits) if hit.door == door}

    def stop(self) -> None:
        """Close every door."""
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

    def _accept(self, listener: socket.socket, door: str) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            self.hits.append(Hit(door))
            self._selector.register(connection, selectors.EVENT_READ, _Connection(door))

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
                self.hits.append(Hit(state.door, path))
                connection.setblocking(True)
                connection.settimeout(2)
                connection.sendall(self._answer(state.door, path))

    def _answer(self, door: str, path: str) -> bytes:
        name = PurePosixPath(path.partition("?")[0])
        script = f"console.log(/ran:{door}/)"
        contents = {
            ".gif": GIF,
            ".svg": SVG,
            ".js": script.encode(),
            ".html": f"<script>{script}</script>".encode(),
            ".opener": b'<script>opener.location = "/reached"</script>',
        }
        content = contents.get(name.suffix, b"")
        if path == "/" and door in self._pages:
            content = self._pages[door]
        head = ["HTTP/1.1 200 OK", "Connection: close", f"Content-Length: {len(content)}"]
        head += [
            f"Content-Type: {TYPES.get(name.suffix, 'text/html')}",
            "Access-Control-Allow-Origin: *",
        ]
        if name.suffix == ".bin":
            head.append("Content-Disposition: attachment")
        return "\r\n".join(head).encode() + b"\r\n\r\n" + content


@contextlib.contextmanager
def listening() -> Iterator[Beacon]:
    """A beacon that ends with the block."""
    beacon = Beacon()
    try:
        yield beacon
    finally:
        beacon.stop()
