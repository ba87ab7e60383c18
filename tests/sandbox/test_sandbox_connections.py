"""Connections: limits of time and size, and the HTTP that clients send by hand or by mistake."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import select
import socket
import time

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import Limits, LocalPostmark
from mailframe.sandbox.wire.exchange import Reply
from mailframe.sandbox.wire.http_text import answer_bytes
from tests.sandbox.raw_http import WAIT_S, connect, email, head, read_all, read_answer, split
from tests.sandbox.sandbox_mail import client, mail, post

SOON_S = 0.05


def limited(**limits):
    """A sandbox whose other limits no test reaches."""
    return LocalPostmark(limits=Limits(**limits))


def drip(connection, data=b"x"):
    """Send byte by byte until the sandbox answers; returns what it wrote until it closed."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end and not select.select([connection], [], [], 0.005)[0]:
        connection.sendall(data)
    return read_all(connection)


# --- time ----------------------------------------------------------------------------------------


def test_half_open_connections_end():
    """500 clients connect and send nothing; the sandbox closes all, and serves the next."""
    with limited(head_s=SOON_S) as sandbox, contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(sandbox)) for _ in range(500)]
        assert {read_all(connection) for connection in connections} == {b""}
        assert post(sandbox, mail()).status_code == 200


@pytest.mark.parametrize("start", [b"", b"POST /email HTTP/1.1\r\nX: "])
def test_a_head_that_comes_too_slowly_ends_with_408(start):
    """One byte at a time is not an honest client."""
    with limited(head_s=SOON_S) as sandbox, connect(sandbox) as connection:
        connection.sendall(start)
        status, headers, body = split(drip(connection))
    assert (status, headers["connection"], json.loads(body)["ErrorCode"]) == (408, "close", 408)


def test_a_body_that_comes_too_slowly_ends_with_408_and_is_recorded():
    """Nothing of it is accepted."""
    with limited(body_s=SOON_S) as sandbox, connect(sandbox) as connection:
        connection.sendall(head(length=100_000) + b"{")
        assert split(drip(connection, b" "))[0] == 408
        row = sandbox.requests().iloc[0]
    assert (row["path"], row["accepted"]) == ("/email", 0)
    assert 0 < row["bytes"] < 100_000
    assert sandbox.requests()["http_status"].isna().all()


def test_a_slow_client_that_goes_on_sending_is_answered():
    """Each byte adds 0.1 s, so that the time for the whole body never ends."""
    with limited(body_s=SOON_S, bytes_per_s=10) as sandbox, connect(sandbox) as connection:
        whole = email(mail(TextBody="x" * 400))
        connection.sendall(whole[:-200])
        for start in range(len(whole) - 200, len(whole), 40):
            time.sleep(SOON_S / 2)
            connection.sendall(whole[start : start + 40])
        assert read_answer(connection)[0] == 200


def test_an_idle_connection_ends_without_an_answer():
    """The client has its first answer, and nothing after it."""
    with limited(idle_s=SOON_S) as sandbox, connect(sandbox) as connection:
        connection.sendall(email())
        assert read_answer(connection)[0] == 200
        assert read_all(connection) == b""


def test_a_client_that_does_not_read_its_answer_is_disconnected():
    """It gets what was on the way, and the sandbox keeps nothing of the rest."""
    with limited(write_s=SOON_S) as sandbox:
        with client(sandbox) as http:
            file = {"Name": "a.png", "ContentType": "image/png", "Content": "AAAA" * 2_400_000}
            answer = http.post("/email", json=mail(Attachments=[file])).json()  # beyond buffers
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(WAIT_S)
            connection.connect(("127.0.0.1", sandbox.port))
            connection.sendall(head("GET", f"/_sandbox/messages/{answer['MessageID']}/parts/raw"))
            end = time.monotonic() + WAIT_S
            while sandbox._server._connections and time.monotonic() < end:
                time.sleep(0.005)
            _, headers, body = split(read_all(connection))
    assert len(body) < int(headers["content-length"])


@pytest.mark.parametrize("most", [1, 3])
def test_a_connection_over_the_limit_is_closed(most):
    """Those that are open are served, and there is room again when one of them ends."""
    with limited(connections=most) as sandbox:
        with contextlib.ExitStack() as stack:
            allowed = [stack.enter_context(connect(sandbox)) for _ in range(most)]
            allowed[-1].sendall(email())
            assert read_answer(allowed[-1])[0] == 200
            with connect(sandbox) as further:
                assert ended(further)
            allowed[0].sendall(email())
            assert read_answer(allowed[0])[0] == 200
        end = time.monotonic() + WAIT_S
        while sandbox._server._connections and time.monotonic() < end:
            time.sleep(0.005)
        with connect(sandbox) as next_one:
            next_one.sendall(email())
            assert read_answer(next_one)[0] == 200


def ended(connection):
    """Whether the sandbox closes the connection without an answer."""
    try:
        return read_all(connection) == b""
    except ConnectionError:
        return True


def test_a_limit_is_above_zero():
    """The error names it."""
    for value in (0, -1, float("nan"), float("inf"), "5", True, None):
        with pytest.raises(SandboxError, match="idle_s is "):
            Limits(idle_s=value)


# --- size ----------------------------------------------------------------------------------------


def test_a_head_that_is_too_large_is_answered_with_431():
    """Before its end has arrived."""
    with LocalPostmark() as sandbox, connect(sandbox) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000)
        assert split(read_all(connection))[0] == 431


def test_a_body_that_is_too_large_is_answered_before_it_is_read():
    """By its Content-Length, or by its chunks as soon as there are too many."""
    with limited(body_bytes=1_000) as sandbox:
        with connect(sandbox) as connection:
            connection.sendall(head(length=1_001))
            assert split(read_all(connection))[0] == 413
        with connect(sandbox) as connection:
            connection.sendall(head(Transfer_Encoding="chunked") + b"800\r\n" + b"x" * 1_500)
            assert split(read_all(connection))[0] == 413
        assert sandbox.requests()["accepted"].tolist() == [0, 0]
        assert post(sandbox, mail()).status_code == 200


def test_a_client_that_uploads_more_than_50_mb_gets_the_answer_of_postmark():
    """It is read to its end, so that the client can read the answer."""
    with LocalPostmark() as sandbox, client(sandbox) as http:
        answer = http.post("/email/batch", content=b" " * 60_000_000)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (413, 300)


# --- HTTP ----------------------------------------------------------------------------------------

MALFORMED = [
    b"\x00\x01\x02\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",  # no Host
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    b"POST /email HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /email HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /email HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n X: folded\r\nno colon\r\n\r\n",
]


@pytest.mark.parametrize("request_bytes", MALFORMED)
def test_what_is_not_http_is_answered_with_400_in_postmarks_shape(listening, request_bytes):
    """The connection ends, and the sandbox goes on."""
    with connect(listening) as connection:
        connection.sendall(request_bytes)
        status, _, body = split(read_all(connection))
    assert (status, json.loads(body)["ErrorCode"]) == (400, 400)
    assert post(listening, mail()).status_code == 200


def test_clients_that_connect_while_the_sandbox_is_closed_are_disconnected():
    """Their sockets had stayed open until Python found them, with a ResourceWarning."""
    sandbox = LocalPostmark().start()
    clients = [connect(sandbox) for _ in range(20)]
    sandbox.close()
    gc.collect()
    for one in clients:
        with one, contextlib.suppress(ConnectionError):
            assert one.recv(1) == b""


def test_a_client_that_uses_https_is_closed_and_a_warning_says_why(listening, caplog):
    """It is an easy mistake, and the client sees only a failed handshake."""
    with caplog.at_level(logging.WARNING, "mailframe.sandbox"), connect(listening) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100)
        assert read_all(connection) == b""
    assert "the sandbox has only http://" in caplog.text


def test_requests_that_are_sent_together_are_answered_in_order(listening):
    """Also behind one that waits, with more than fits into the buffer for the next request."""
    listening.fault("slow", delay_s=SOON_S)
    large = email(mail(TextBody="x" * 300_000))
    with connect(listening) as connection:
        connection.sendall(email(mail(To="abc")) + large + head("GET", "/server"))
        statuses = [read_answer_of(connection) for _ in range(3)]
    assert statuses == [422, 200, 200]
    assert len(listening.messages()) == 1


def read_answer_of(connection):
    """The status of the next answer, and no byte of the one after it."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    status, headers, _ = split(received)
    connection.recv(int(headers["content-length"]), socket.MSG_WAITALL)
    return status


def test_a_client_that_asks_before_it_sends_a_body_is_told_to_send(listening):
    """As curl asks before a large one."""
    whole = email(Expect="100-continue")
    start, _, body = whole.partition(b"\r\n\r\n")
    with connect(listening) as connection:
        connection.sendall(start + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answer(connection)[0] == 200


@pytest.mark.parametrize(
    "request_bytes",
    [email(Connection="close"), email().replace(b"HTTP/1.1", b"HTTP/1.0", 1)],
    ids=["close", "1.0"],
)
def test_a_connection_ends_after_the_answer_if_the_client_wants_it(listening, request_bytes):
    """HTTP/1.0 has no other way to tell the end of an answer."""
    with connect(listening) as connection:
        connection.sendall(request_bytes)
        status, headers, _ = split(read_all(connection))
    assert (status, headers["connection"]) == (200, "close")


def test_a_path_may_be_a_whole_url_or_have_escapes(listening):
    """Some clients write what they would write to a proxy."""
    with connect(listening) as connection:
        for path in ("http://127.0.0.1/email", "/Em%61il"):
            connection.sendall(email().replace(b"/email", path.encode(), 1))
            assert read_answer(connection)[0] == 200


def test_a_redirect_of_a_path_with_a_line_break_stays_one_header(listening):
    """The path is escaped again."""
    listening.fault("http_307", path="/messages/outbound/{id}/details")
    with client(listening) as http:
        answer = http.get("/messages/outbound/a%0d%0aX-B: c/details")
    assert answer.headers["location"] == "/messages/outbound/a%0D%0AX-B%3A%20c/details"


def test_an_answer_has_the_time_and_no_second_head():
    """A header with a line break would begin one."""
    assert b"\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n" in answer_bytes(
        Reply(200, b""), seconds=0
    )
    with pytest.raises(ValueError, match="line break"):
        answer_bytes(Reply(307, b"", headers=(("Location", "/a\r\nX: b"),)), seconds=0)
