"""A server on a raw socket that follows a script, one turn per connection.

``wire.plays(Turn(…), Turn(…))`` scripts the connections in the order in which they are accepted;
the last turn repeats. It does not know HTTP: it answers with the bytes of the turn.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest

from mailframe.message.batch import Batch
from mailframe.message.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT_S = 1.0
"""For tests in which no reply comes: long enough for what a busy machine does before."""
BIG_BYTES = 30_000_000
TOKEN = "0b5a1c9e-5ec2-4e75-9a1d-7f00c0ffee11"


@dataclass(frozen=True, slots=True)
class Turn:
    """What is done with one connection.

    Attributes:
        reads: how much of the request: "all", or at most so many bytes (0 reads nothing).
        then: called after reading, with the connection still open.
        says: bytes written after that, in pieces of ``drip_bytes`` with ``drip_s`` between them.
        ends: "close" (FIN), "reset" (RST), "hang" (nothing until the test is over), or "drain" (FIN
            after the answer, then the rest of the request is read).
    """

    reads: Literal["all"] | int = "all"
    says: bytes = b""
    ends: Literal["close", "reset", "hang", "drain"] = "close"
    then: Callable[[], object] | None = None
    drip_bytes: int = 2**20
    drip_s: float = 0.0


class Wire:
    """The server; ``requests`` has the bytes that it read, one entry a connection."""

    def __init__(self, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._turns = [Turn()]
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536
        )  # so that an unread upload stops
        self._listener.bind((host, 0))
        self._listener.listen(16)
        self._listener.settimeout(0.05)
        self.requests: list[bytes] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start(self._accept)

    def plays(self, *turns: Turn) -> None:
        """Script the connections."""
        self._turns = list(turns)

    @property
    def connections(self) -> int:
        """How many were accepted."""
        return len(self.requests)

    def stop(self) -> None:
        """End every connection and every thread."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            turn = self._turns[min(self.connections, len(self._turns) - 1)]
            self.requests.append(b"")
            self._start(self._play, connection, turn, self.connections - 1)

    def _play(self, connection: socket.socket, turn: Turn, number: int) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            connection.settimeout(5)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                stack.callback(connection.close)
            self._read(connection, turn, number)
            if turn.then is not None:
                turn.then()
            for start in range(0, len(turn.says), turn.drip_bytes):
                connection.sendall(turn.says[start : start + turn.drip_bytes])
                self._over.wait(turn.drip_s)
            self._end(connection, turn)

    def _read(self, connection: socket.socket, turn: Turn, number: int) -> None:
        wanted = 2**62 if turn.reads == "all" else turn.reads
        while len(self.requests[number]) < wanted and not is_whole(self.requests[number]):
            data = connection.recv(min(wanted, 2**20))
            if not data:
                return
            self.requests[number] += data

    def _end(self, connection: socket.socket, turn: Turn) -> None:
        if turn.ends == "hang":
            self._over.wait(10)
        elif turn.ends == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif turn.ends == "drain":
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(2**20):
                pass


def is_whole(request: bytes) -> bool:
    """Whether *request* has its headers and all the bytes that Content-Length names."""
    head, end, body = request.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return bool(end) and len(body) >= int(line.partition(b":")[2])
    return bool(end)


def http(status: int, body: object = b"", **headers: str) -> bytes:
    """Return an answer's bytes; *body* is bytes, or becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def self_signed(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the context of a server with a new certificate for 127.0.0.1, and its file."""
    openssl = shutil.which("openssl")
    assert openssl, "the tests of TLS need the openssl command"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-nodes", "-days", "1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", *kind, *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def batch_of(count: int = 2, *, padding: int = 0) -> Batch:
    """Return a batch of *count* messages, the first made longer by *padding* bytes."""
    messages = []
    for position in range(count):
        to = f"row{position}@example.com"
        text = "x" * (padding if position == 0 else 1)
        body = json.dumps({"From": "a@example.org", "To": to, "TextBody": text}).encode()
        messages.append(Message(position, to, body))
    return Batch(1, tuple(messages))


def accepted(batch: Batch) -> list[dict[str, object]]:
    """Return what Postmark says when it takes each message of *batch*."""
    return [
        {"To": message.to, "ErrorCode": 0, "Message": "OK", "MessageID": f"id-{message.position}"}
        for message in batch
    ]


@pytest.fixture(name="wire")
def scripted_server() -> Iterator[Wire]:
    """A scripted server on a free port of 127.0.0.1."""
    server = Wire()
    yield server
    server.stop()


@pytest.fixture(name="other_wire")
def second_server() -> Iterator[Wire]:
    """A second one, to see that it gets nothing."""
    server = Wire()
    yield server
    server.stop()
