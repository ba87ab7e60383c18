"""What a receiver of webhooks answers, byte by byte."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail, post


class RawReceiver:
    """Accepts connections and answers each request with the same bytes, for ``with``.

    Args:
        answer: the bytes.
        stays: whether a connection stays open after an answer.
        family: of the address.
    """

    def __init__(self, answer, *, stays=False, family=socket.AF_INET):
        self.answer, self.stays, self.family = answer, stays, family
        self.requests, self.connections = [], 0

    def __enter__(self):
        host = "::1" if self.family == socket.AF_INET6 else "127.0.0.1"
        self.listener = socket.create_server((host, 0), family=self.family)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def serve(self):
        """One connection after another."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rb") as lines:
                while self.take(lines):
                    connection.sendall(self.answer)
                    if not self.stays:
                        break

    def take(self, lines):
        """Read one request; False at the end of the connection."""
        head = []
        while (line := lines.readline()) not in (b"\r\n", b""):
            head.append(line.decode().strip())
        length = [one.split()[1] for one in head if one.lower().startswith("content-length")]
        if length:
            self.requests.append((head, lines.read(int(length[0]))))
        return bool(length)


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"


def posted(sandbox, receiver, *, host="127.0.0.1", messages=1, scheme="http"):
    """Post deliveries of some messages to the receiver; returns HTTP status, error and answer."""
    url = f"{scheme}://{host}:{receiver.port}"
    body = {"Url": url, "Triggers": {"Delivery": {"Enabled": True}}}
    calls = Calls(sandbox)
    calls.ok("POST", "/webhooks", body)
    post(sandbox, [mail()] * messages)
    assert sandbox.wait_for_webhooks()
    (attempt,) = calls.ok("GET", "/_sandbox/webhooks/deliveries/1")["Log"]
    return attempt["HttpStatus"], attempt["Error"], attempt["Answer"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, None, "ok")),
        (b"HTTP/1.0 200\r\n\r\nuntil the end", (200, None, "until the end")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, None, "")),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            (200, None, ""),
        ),
        (
            CHUNKED + b"2;x\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            (200, None, "abc"),
        ),
        (CHUNKED + b"2\r\nab", (200, None, "ab")),
        (CHUNKED + b"nonsense\r\n", (200, None, "")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", (200, None, "short")),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n\xff!", (404, None, "\ufffd!")),
        (b"SSH-2.0-OpenSSH\r\n\r\n", (None, "the answer is not HTTP", "")),
        (b"HTTP/1.1 OK\r\n\r\n", (None, "the answer is not HTTP", "")),
        (b"HTTP/1.1 200 OK\r\nContent-", (None, "no answer: the connection broke off", "")),
        (b"", (None, "no answer: the connection was closed without one", "")),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
            (None, "the head of the answer is too long", ""),
        ),
    ],
    ids=range(14),
)
def test_an_answer_is_read_as_http(sandbox, answer, expected):
    """Also one with chunks, without a length, that breaks off, or that is no HTTP."""
    with RawReceiver(answer) as receiver:
        assert posted(sandbox, receiver) == expected


def test_a_long_chunked_answer_is_read_at_its_start_only(sandbox):
    """1,000 bytes."""
    chunks = b"".join(b"258\r\n" + b"x" * 600 + b"\r\n" for _ in range(100))
    with RawReceiver(CHUNKED + chunks) as receiver:
        assert posted(sandbox, receiver) == (200, None, "x" * 1000)


@pytest.mark.parametrize(
    ("head", "connections"),
    [(b"Content-Length: 2", 1), (b"Content-Length: 2\r\nConnection: Close", 3)],
)
def test_a_connection_is_used_again_if_it_stays_open(sandbox, head, connections):
    """The body of a request is exact: each begins where the one before ended."""
    with RawReceiver(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nok", stays=True) as receiver:
        assert posted(sandbox, receiver, messages=3) == (200, None, "ok")
        assert [head[0] for head, _ in receiver.requests] == ["POST / HTTP/1.1"] * 3
        sandbox.close()
    assert receiver.connections == connections


def test_an_address_of_ipv6_works(sandbox):
    """With its brackets in Host."""
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        receiver = RawReceiver(b"HTTP/1.1 200 OK\r\n\r\n", family=socket.AF_INET6).__enter__()
    except OSError:
        pytest.skip("no IPv6")
    try:
        assert posted(sandbox, receiver, host="[::1]") == (200, None, "")
        assert f"Host: [::1]:{receiver.port}" in receiver.requests[0][0]
    finally:
        receiver.__exit__()


def test_tls_with_a_receiver_that_has_none_is_retried(sandbox):
    """The error tells why."""
    with RawReceiver(b"HTTP/1.1 200 OK\r\n\r\n") as receiver:
        receiver.take = lambda lines: True
        status, error, _ = posted(sandbox, receiver, scheme="https")
        assert status is None
        assert "SSL" in error
