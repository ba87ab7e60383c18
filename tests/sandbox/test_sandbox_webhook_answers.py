"""What a receiver of webhooks answers, byte by byte."""

from __future__ import annotations

import pytest

from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail, post
from tests.wire import (
    Turn,
    Wire,
    http,
    scripted_server,  # noqa: F401 - a fixture
    self_signed,
)

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
OK = http(200, b"ok")


def posted(sandbox, url, *, messages=1, **fields):
    """Post deliveries of some messages to *url*; returns HTTP status, error and answer of one."""
    calls = Calls(sandbox)
    calls.ok(
        "POST", "/webhooks", {"Url": url, "Triggers": {"Delivery": {"Enabled": True}}} | fields
    )
    post(sandbox, [mail()] * messages)
    assert sandbox.wait_for_webhooks()
    (attempt,) = calls.ok("GET", "/_sandbox/webhooks/deliveries/1")["Log"]
    return attempt["HttpStatus"], attempt["Error"], attempt["Answer"]


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, "ok"),
        (b"HTTP/1.0 200\r\n\r\nuntil the end", 200, "until the end"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, ""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, "ok"),
        (CHUNKED + b"2;x\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, "abc"),
        (CHUNKED + b"2\r\nab", 200, "ab"),
        (CHUNKED + b"nonsense\r\n", 200, ""),
        (
            CHUNKED + b"258\r\n" + b"x" * 600 + b"\r\n258\r\n" + b"y" * 600,
            200,
            "x" * 600 + "y" * 400,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", 200, "short"),
        (http(404, b"\xff!"), 404, "\ufffd!"),
        (http(200, b"\x1f\x8b", Content_Encoding="gzip"), 200, "\x1f\ufffd"),
    ],
    ids=range(11),
)
def test_the_start_of_an_answer_is_kept(sandbox, wire, answer, status, body):
    """Also of one with chunks, without a length, or that breaks off; 1,000 bytes at most."""
    wire.plays(Turn(says=answer))
    assert posted(sandbox, wire.url) == (status, None, body)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "illegal status line: bytearray(b'SSH-2.0-OpenSSH')"),
        (b"HTTP/1.1 OK\r\n\r\n", "illegal status line: bytearray(b'HTTP/1.1 OK')"),
        (b"HTTP/1.1 200 OK\r\nContent-", "Server disconnected without sending a response."),
        (b"", "Server disconnected without sending a response."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, "Receive buffer too long"),
    ],
    ids=range(5),
)
def test_what_is_no_answer_of_http_is_an_error(sandbox, wire, answer, error):
    """The error is the one of httpx."""
    wire.plays(Turn(says=answer))
    assert posted(sandbox, wire.url) == (None, error, "")


def test_each_post_has_its_own_connection(sandbox, wire):
    """The receiver is told that it can close it."""
    wire.plays(Turn(says=OK))
    assert posted(sandbox, wire.url, messages=3) == (200, None, "ok")
    assert wire.connections == 3
    assert all(b"\r\nConnection: close\r\n" in request for request in wire.requests)


def test_neither_dns_nor_a_proxy_is_asked(sandbox, wire, monkeypatch):
    """``localhost`` is an address of this machine, and stays in Host."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    wire.plays(Turn(says=OK))
    assert posted(sandbox, f"http://LOCALHOST:{wire.port}") == (200, None, "ok")
    assert f"\r\nHost: localhost:{wire.port}\r\n".encode() in wire.requests[0]


def test_the_headers_of_a_webhook_win(sandbox, wire):
    """Over those of each request, over HttpAuth, and over the user of the URL."""
    wire.plays(Turn(says=OK))
    names = ("authorization", "content-type", "X-Twice", "X-Twice")
    fields = {
        "HttpAuth": {"Username": "user", "Password": "pass"},
        "HttpHeaders": [{"Name": name, "Value": "mine"} for name in names],
    }
    url = wire.url.replace("//", "//other:word@")
    assert posted(sandbox, url, **fields) == (200, None, "ok")
    head = wire.requests[0].partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    for name, count in (("authorization", 1), ("content-type", 1), ("x-twice", 2)):
        assert [line for line in head if line.startswith(name)] == [f"{name}: mine"] * count


def test_an_address_of_ipv6_works(sandbox):
    """With its brackets in Host."""
    try:
        wire = Wire(host="::1")
    except OSError:
        pytest.skip("no IPv6")
    wire.plays(Turn(says=OK))
    try:
        assert posted(sandbox, f"http://[::1]:{wire.port}") == (200, None, "ok")
        assert f"\r\nHost: [::1]:{wire.port}\r\n".encode() in wire.requests[0]
    finally:
        wire.stop()


def test_a_certificate_of_this_machine_is_not_checked(sandbox, tmp_path):
    """Over TLS to ``localhost``, with a new certificate that nobody trusts."""
    wire = Wire(tls=self_signed(tmp_path)[0])
    wire.plays(Turn(says=OK))
    try:
        assert posted(sandbox, f"https://localhost:{wire.port}") == (200, None, "ok")
        assert wire.requests[0].startswith(b"POST / HTTP/1.1\r\n")
    finally:
        wire.stop()


def test_tls_with_a_receiver_that_has_none_is_retried(sandbox, wire):
    """The error tells why."""
    wire.plays(Turn(reads=1, says=OK))
    status, error, _ = posted(sandbox, wire.url.replace("http:", "https:"))
    assert status is None
    assert "SSL" in error
