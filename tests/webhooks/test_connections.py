"""Connections of the receiver that are slow, silent or too many."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time

import pytest

from mailframe.webhooks.credentials import Credentials
from mailframe.webhooks.event_file import EventFile
from mailframe.webhooks.receiver import Receiver
from mailframe.webhooks.serving import MAX_CONNECTIONS, listening, server_of
from mailframe.webhooks.storing import Storing
from tests.webhooks.receiving import Receiver as Process
from tests.webhooks.receiving import event, events_in

BODY = json.dumps(event(1)).encode()
HEAD = b"POST /postmark HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
PASSWORD = b"Authorization: Basic YTpi\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n" % len(BODY)
UNENDING = b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
SLOW = {
    "nothing": (b"", b"", b""),
    "a head in pieces": (HEAD, b"X: 1\r\n", b""),
    "an answered body in pieces": (HEAD + UNENDING, b"1\r\n \r\n", b"HTTP/1.1 401"),
    "a body that ends too late": (HEAD + PASSWORD + LENGTH + BODY[:9], b"", b"HTTP/1.1 408"),
}


async def keep_sending(port, first, piece):
    """What a client that sends a piece now and then gets until its connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)

    async def send():
        while True:
            await asyncio.sleep(0.02)
            writer.write(piece)

    sending, got = asyncio.create_task(send()), b""
    with contextlib.suppress(ConnectionError):
        while part := await asyncio.wait_for(reader.read(1000), 30):
            got += part
    sending.cancel()
    writer.close()
    return got


async def keep_posting(port, until):
    """The answers to posts on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    while time.monotonic() < until:
        writer.write(HEAD + PASSWORD + LENGTH + BODY)
        answers.append(await reader.readuntil(b"stored"))
        answers[-1] += await reader.read(len(" before")) if len(answers) > 1 else b""
        await asyncio.sleep(0.05)
    writer.close()
    return answers


def test_a_connection_without_an_answer_for_long_is_closed_and_no_other(tmp_path):
    """Also after an answer, and although bytes arrive; a body has a time of its own."""
    path, lines = tmp_path / "events.jsonl", []

    async def served():
        with contextlib.closing(EventFile(path)) as file, listening("127.0.0.1", 0) as at:
            options = {"credentials": Credentials(b"a:b"), "write": lines.append, "body_s": 0.1}
            server = server_of(Receiver(Storing(file), **options).app(), request_s=0.4)
            serving = asyncio.create_task(server.serve(sockets=[at]))
            port, until = at.getsockname()[1], time.monotonic() + 1
            clients = [keep_sending(port, first, piece) for first, piece, _ in SLOW.values()]
            answers = await asyncio.gather(keep_posting(port, until), *clients)
            server.should_exit = True
            await serving
            return answers

    posted, *answers = asyncio.run(served())
    for answer, (_, _, expected) in zip(answers, SLOW.values(), strict=True):
        assert answer[:12] == expected
    assert "408 Request Timeout: the body did not arrive in 0.1 seconds" in lines
    assert len(posted) > 3
    assert [one.startswith(b"HTTP/1.1 200") for one in posted] == [True] * len(posted)
    assert events_in(path) == [event(1)]


def test_more_than_500_connections_are_answered_with_503(tmp_path):
    """The event is not stored then; when others have ended, it is."""
    resource = pytest.importorskip("resource")
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2 * MAX_CONNECTIONS:
        pytest.skip("a process can have too few connections here")
    with Process(tmp_path / "events.jsonl") as receiver, contextlib.ExitStack() as connections:

        def open_one():
            one = socket.create_connection(("127.0.0.1", receiver.port))
            connections.enter_context(contextlib.closing(one))

        def post_until(status):
            end = time.monotonic() + 60
            while (got := receiver.post(event(2)).status_code) != status:
                assert time.monotonic() < end
                assert got in (200, 503)

        assert receiver.post(event(1)).status_code == 200
        for _ in range(MAX_CONNECTIONS - 2):  # it has one of its own
            open_one()
        assert [receiver.post(event(1)).status_code for _ in range(20)] == [200] * 20
        open_one()
        post_until(503)
        connections.close()
        post_until(200)
        assert receiver.events() == [event(1), event(2)]
