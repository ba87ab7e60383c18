"""Limits on the memory and time for a reply, with real sockets and a separate process."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zlib
from functools import cache

import pytest

from mailframe.postmark.client import Postmark
from mailframe.postmark.responses import Verdict, read_batch
from tests.wire import (
    TOKEN,
    Turn,
    accepted,
    batch_of,
    http,
    scripted_server,  # noqa: F401 - a fixture
)

MB = 2**20
MOST_MB = 330
"""The answer itself has 64 MiB at most, and is copied twice while it is read."""
CHILD = """
import json, sys
from pathlib import Path
from mailframe.postmark.client import Postmark
from tests.wire import batch_of

def memory_kb(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

batch = batch_of(1)
for line in sys.stdin:
    url, kind = line.split()
    server = Postmark("any", base_url=url, timeout=30)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = memory_kb("VmRSS")
    if kind == "ask":
        result = server.ask("/server")
        is_failed = result.object is None
    else:
        message = batch.messages[0]
        result = server.send_batch(batch) if kind == "batch" else server.send_email(message)
        is_failed = result.verdict == "unknown"
    grown_mb = (memory_kb("VmHWM") - before) // 1024
    print(json.dumps([is_failed, result.reason, grown_mb]), flush=True)
"""


@cache
def zeros(times: int, *, packed: int = 512 * MB) -> bytes:
    """512 MiB of zeros, compressed *times* times."""
    if times == 1:
        packer = zlib.compressobj(wbits=31)
        return b"".join(packer.compress(bytes(MB)) for _ in range(packed // MB)) + packer.flush()
    return gzip.compress(zeros(times - 1), mtime=0)


BOMBS = {
    "gzip": lambda: http(200, zeros(1), Content_Encoding="gzip"),
    "gzip in gzip": lambda: http(200, zeros(2), Content_Encoding="gzip, gzip"),
    "gzip in gzip in gzip": lambda: http(200, zeros(3), Content_Encoding="gzip, gzip, gzip"),
    "gzip in deflate": lambda: http(200, zlib.compress(zeros(1)), Content_Encoding="gzip, deflate"),
    "two headers": lambda: http(200, zeros(2), Content_Encoding="gzip", content_encoding="gzip"),
    "a refusal": lambda: http(422, zeros(2), Content_Encoding="gzip, gzip"),
    "many small values": lambda: http(200, b"[" + b"{}," * (20 * MB) + b"{}]"),
    "many small values in gzip": lambda: http(
        200, gzip.compress(b"[" + b"{}," * (20 * MB) + b"{}]"), Content_Encoding="gzip"
    ),
    "many lists": lambda: http(200, b"[" + b"[]," * (20 * MB) + b"[]]"),
    "deep lists": lambda: http(200, b"[" * (60 * MB)),
    "one long text": lambda: http(200, b'["' + b"x" * (60 * MB) + b'"]'),
    "a body without end": lambda: (
        http(200, b" ")[:-1].replace(b": 1\r", b": 99999999999\r") + b" " * (100 * MB)
    ),
    "a head without end": lambda: b"HTTP/1.1 200 OK\r\nX: " + b"x" * (100 * MB),
    "many headers": lambda: b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * (10 * MB),
    "trailers without end": lambda: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: x\r\n" * (10 * MB)
    ),
}


@pytest.fixture(scope="module")
def reader():
    """A process that sends a request per line and prints how much its memory grew."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", CHILD], **pipes) as child:
        yield child
        child.stdin.close()


@pytest.mark.sampled(3)
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("kind", ["batch", "single", "ask"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_reply_takes_limited_memory(wire, reader, bomb, kind):
    """The encoding and the request do not matter; the reply is not used."""
    wire.plays(Turn(says=BOMBS[bomb]()))
    print(wire.url, kind, file=reader.stdin, flush=True)
    is_none, why, grown_mb = json.loads(reader.stdout.readline())
    assert is_none, why
    assert grown_mb < MOST_MB, why


@pytest.mark.parametrize("pack", ["gzip", "deflate"])
def test_a_reply_that_a_proxy_has_compressed_is_read(wire, pack):
    """The request did not ask for it, but the reply is clear."""
    batch = batch_of()
    body = json.dumps(accepted(batch)).encode()
    packed = gzip.compress(body) if pack == "gzip" else zlib.compress(body)
    wire.plays(Turn(says=http(200, packed, Content_Encoding=pack)))
    assert (
        Postmark(TOKEN, base_url=wire.url, timeout=30).send_batch(batch).verdict is Verdict.ANSWERED
    )


SLOW_HEADS = {
    "a head byte by byte": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000, 1),
    "answers that announce an answer": (b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, 25),
}


@pytest.mark.parametrize("kind", ["batch", "ask"])
@pytest.mark.parametrize("head", SLOW_HEADS)
def test_the_head_of_a_reply_has_a_time_limit(wire, head, kind):
    """The request was sent, so the result is unknown; the whole head would take 100 seconds."""
    says, drip_bytes = SLOW_HEADS[head]
    wire.plays(Turn(says=says, drip_bytes=drip_bytes, drip_s=0.1))
    server = Postmark(TOKEN, base_url=wire.url, timeout=1.5)
    if kind == "ask":
        assert server.ask("/server").reason == "the reply took too long"
    else:
        answer = server.send_batch(batch_of())
        assert answer.verdict is Verdict.UNKNOWN
        assert answer.reason == "no reply after the request was sent (the reply took too long)"


def test_postmarks_text_is_stored_with_a_maximum_length():
    """Long texts of many rows would use too much memory."""
    item = {"ErrorCode": 300, "Message": "x" * 100_000, "SubmittedAt": "2026" * 100}
    [outcome] = read_batch(
        status=200, headers={}, body=json.dumps([item]).encode(), expected_to=[None]
    ).outcomes
    assert outcome.message == "x" * 16_383 + "…"
    assert outcome.submitted_at is None
