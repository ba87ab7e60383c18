"""HTTP by hand: what no client library sends."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

from tests.sandbox.sandbox_mail import mail

if TYPE_CHECKING:
    from mailframe.sandbox import LocalPostmark

WAIT_S = 60.0
"""Seconds after which a test fails; a busy machine needs a few."""


def connect(sandbox: LocalPostmark) -> socket.socket:
    """A new connection."""
    return socket.create_connection(("127.0.0.1", sandbox.port), timeout=WAIT_S)


def head(
    method: str = "POST", path: str = "/email", *, length: int | None = None, **headers: str
) -> bytes:
    """The head of a request with JSON and a token; *headers* have ``_`` for ``-``."""
    names = {
        "Host": "127.0.0.1",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "X-Postmark-Server-Token": "sandbox-token",
    }
    if length is not None:
        names["Content-Length"] = str(length)
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in names.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def email(body: Any = None, **headers: str) -> bytes:
    """A whole ``POST /email``."""
    content = json.dumps(mail() if body is None else body).encode()
    return head(length=len(content), **headers) + content


def read_all(connection: socket.socket) -> bytes:
    """What comes until the sandbox closes; a reset is an end, too."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(1 << 20):
            received += part
    return received


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The next answer: status, headers by name in lower case, body."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(1 << 20)
        assert part, received
        received += part
    status, headers, body = split(received)
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(1 << 20)
    return status, headers, body


def split(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    first, _, body = answer.partition(b"\r\n\r\n")
    line, *lines = first.decode().split("\r\n")
    return int(line.split()[1]), dict(each.lower().split(": ", 1) for each in lines), body
