"""What is known without a reply, with real sockets and interrupts."""

from __future__ import annotations

import json
import signal
import ssl
import sys
import threading
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.postmark.client import Postmark
from mailframe.postmark.responses import Answer, Verdict, read_batch
from mailframe.postmark.trace import Chunks, TransportTrace
from tests.systems import press_ctrl_c
from tests.wire import (
    BIG_BYTES,
    TIMEOUT_S,
    TOKEN,
    Turn,
    Wire,
    accepted,
    batch_of,
    http,
    scripted_server,  # noqa: F401 - a fixture
    second_server,  # noqa: F401 - a fixture
    self_signed,
)

SMALL = batch_of()
BIG = batch_of(padding=BIG_BYTES)
GOOD = http(200, accepted(SMALL))
AFTER = "after the request was sent"
BEFORE = "before the whole request was sent"


def to(server, **options) -> Postmark:
    """Return a Postmark that sends to *server* and does not wait long."""
    return Postmark(TOKEN, **{"base_url": server.url, "timeout": TIMEOUT_S} | options)


@pytest.mark.parametrize(
    ("turn", "batch", "verdict", "reason"),
    [
        pytest.param(
            Turn(),
            SMALL,
            "unknown",
            f"no reply {AFTER} (RemoteProtocolError)",
            id="reads all, closes",
        ),
        pytest.param(
            Turn(reads=100, ends="reset"),
            BIG,
            "unsent",
            f"no reply {BEFORE} (RemoteProtocolError)",
            id="reads 100, resets",
        ),
        pytest.param(
            Turn(ends="reset"),
            SMALL,
            "unknown",
            f"no reply {AFTER} (ReadError: ConnectionResetError)",
            id="reads all, resets",
        ),
        pytest.param(
            Turn(ends="hang"),
            SMALL,
            "unknown",
            f"no reply {AFTER} (ReadTimeout)",
            id="reads all, hangs",
        ),
        pytest.param(
            Turn(reads=0, ends="hang"),
            BIG,
            "unsent",
            f"no reply {BEFORE} (WriteTimeout)",
            id="never reads 30 MB",
        ),
        pytest.param(
            Turn(reads=0, ends="hang"),
            SMALL,
            "unknown",
            f"no reply {AFTER} (ReadTimeout)",
            id="never reads a tiny body",
        ),
        pytest.param(
            Turn(says=GOOD[:-20]),
            SMALL,
            "unknown",
            f"incomplete HTTP 200 reply {AFTER} (RemoteProtocolError)",
            id="half a 200, closes",
        ),
        pytest.param(
            Turn(says=GOOD[:-20], ends="hang"),
            SMALL,
            "unknown",
            f"incomplete HTTP 200 reply {AFTER} (ReadTimeout)",
            id="half a 200, hangs",
        ),
        pytest.param(
            Turn(says=GOOD[:9]),
            SMALL,
            "unknown",
            f"no reply {AFTER} (RemoteProtocolError)",
            id="half a status line",
        ),
        pytest.param(
            Turn(says=b"\x00garbage\r\n\r\n"),
            SMALL,
            "unknown",
            f"no reply {AFTER} (RemoteProtocolError)",
            id="garbage",
        ),
        pytest.param(
            Turn(says=http(200, b"no gzip", Content_Encoding="gzip")),
            SMALL,
            "unknown",
            f"incomplete HTTP 200 reply {AFTER} (DecodingError)",
            id="bad gzip",
        ),
        pytest.param(
            Turn(reads=100, says=http(413, b"<html>")),
            BIG,
            "too_large",
            "HTTP 413: the request was too large",
            id="early 413, closes",
        ),
        pytest.param(
            Turn(reads=100, says=http(413, b"<html>"), ends="drain"),
            BIG,
            "too_large",
            "HTTP 413: the request was too large",
            id="early 413, drains",
        ),
        pytest.param(
            Turn(says=http(413, b"<html>")[:-3]),
            SMALL,
            "too_large",
            "HTTP 413: the request was too large",
            id="half a 413",
        ),
        pytest.param(
            Turn(says=http(429, b"<html>")[:-3]),
            SMALL,
            "busy",
            "HTTP 429: too many requests",
            id="half a 429",
        ),
        pytest.param(
            Turn(says=http(422, {"ErrorCode": 402, "Message": "bad"})[:-3]),
            SMALL,
            "unknown",
            f"incomplete HTTP 422 reply {AFTER} (RemoteProtocolError)",
            id="half a 422",
        ),
        pytest.param(
            Turn(reads=100, says=http(502, b"<html>")),
            BIG,
            "unsent",
            f"HTTP 502 {BEFORE}",
            id="early 502",
        ),
        pytest.param(
            Turn(reads=100, says=http(401, {"ErrorCode": 10, "Message": "No."})),
            BIG,
            "refused",
            "HTTP 401, ErrorCode 10: No.",
            id="early 401",
        ),
        pytest.param(
            Turn(reads=100, says=http(200, accepted(BIG))),
            BIG,
            "unknown",
            "HTTP 200 accepts a request that was not sent completely",
            id="a 200 for half a request",
        ),
        pytest.param(Turn(says=GOOD), SMALL, "answered", "", id="a good answer"),
    ],
)
def test_what_was_sent_decides_what_is_known(wire, turn, batch, verdict, reason):
    """The same exception has two meanings; the transport trace decides."""
    wire.plays(turn)
    answer = to(wire, timeout=TIMEOUT_S if turn.ends == "hang" else 30).send_batch(batch)
    # On a busy machine the deadline of the reply can strike before the timeout of one read.
    late = answer.reason.replace("(the reply took too long)", "(ReadTimeout)")
    assert (answer.verdict, late) == (verdict, reason)
    assert wire.connections == 1


def test_nothing_listens_is_unsent(wire):
    """With a refused connection nothing is sent."""
    wire.stop()
    answer = to(wire).send_batch(SMALL)
    assert answer == Answer(
        Verdict.UNSENT, reason="nothing was sent (ConnectError: ConnectionRefusedError)"
    )


def test_an_unknown_host_is_unsent():
    """A host name that cannot be resolved; its label is too long for any resolver."""
    answer = Postmark(TOKEN, base_url=f"https://{'a' * 64}.example", timeout=TIMEOUT_S).send_batch(
        SMALL
    )
    assert (answer.verdict, answer.http_status) == (Verdict.UNSENT, None)
    assert answer.reason.startswith("nothing was sent (")


def test_a_failed_handshake_is_unsent(wire):
    """A server without TLS gets no request."""
    wire.plays(Turn(reads=1, says=b"hello, this is no handshake"))
    answer = to(wire, base_url=wire.url.replace("http:", "https:")).send_batch(SMALL)
    assert answer == Answer(Verdict.UNSENT, reason="nothing was sent (ConnectError: SSLError)")


@pytest.fixture
def tls_wire(tmp_path):
    """A server with a new self-signed certificate, and the certificate."""
    context, certificate = self_signed(tmp_path)
    server = Wire(tls=context)
    server.url = f"https://127.0.0.1:{server.port}"
    yield server, certificate
    server.stop()


@pytest.mark.parametrize(
    "variable", ["SSL_CERT_FILE", "PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"]
)
def test_a_self_signed_server_gets_nothing(tls_wire, monkeypatch, variable):
    """Certificates are verified; no environment variable turns this off on this machine."""
    server, certificate = tls_wire
    monkeypatch.setenv(variable, "0" if variable == "PYTHONHTTPSVERIFY" else str(certificate))
    answer = to(server).send_batch(SMALL)
    assert answer == Answer(
        Verdict.UNSENT, reason="nothing was sent (ConnectError: SSLCertVerificationError)"
    )
    assert server.requests == [b""]


@pytest.mark.parametrize(
    ("turn", "batch", "verdict"),
    [
        (Turn(says=GOOD), SMALL, "answered"),
        (Turn(), SMALL, "unknown"),
        (Turn(reads=100, ends="reset"), BIG, "unsent"),
        (Turn(reads=0, ends="hang"), BIG, "unsent"),
    ],
)
def test_the_transport_trace_is_the_same_over_tls(tls_wire, turn, batch, verdict):
    """TLS has the same events; httpx.HTTPTransport can have another trust store."""
    server, certificate = tls_wire
    server.plays(turn)
    transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=certificate))
    assert to(server, transport=transport).send_batch(batch).verdict == verdict


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        (Turn(says=http(407, b"")), "ProxyError)"),
        (Turn(), "RemoteProtocolError)"),
        (Turn(ends="hang"), "ReadTimeout)"),
        (
            Turn(says=b"HTTP/1.1 200 OK\r\n\r\nno handshake"),
            "ConnectError: ",
        ),
    ],
)
def test_what_a_proxy_gets_before_the_tunnel_is_not_the_request(wire, monkeypatch, turn, reason):
    """A CONNECT has the same events as the POST, and is ignored."""
    for name, value in {
        "HTTPS_PROXY": wire.url,
        "https_proxy": wire.url,
        "NO_PROXY": "",
        "no_proxy": "",
    }.items():
        monkeypatch.setenv(name, value)
    wire.plays(turn)
    answer = Postmark(TOKEN, timeout=TIMEOUT_S).send_batch(SMALL)
    assert answer.verdict is Verdict.UNSENT
    assert answer.reason.startswith(f"nothing was sent ({reason}")
    assert wire.requests[0].startswith(b"CONNECT api.postmarkapp.com:443 ")
    assert TOKEN.encode() not in wire.requests[0]


def interrupt() -> None:
    """Interrupt the process, as the stop button of a notebook does."""
    press_ctrl_c()


@pytest.fixture
def stop_button():
    """Let SIGINT raise KeyboardInterrupt, as in a notebook."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("stop_button")
def test_an_interrupt_after_the_request_was_sent_is_unknown(wire):
    """It returns an Answer; the signal can arrive before the event of httpcore."""
    wire.plays(Turn(then=interrupt, ends="hang"))
    answer = to(wire, timeout=30).send_batch(SMALL)
    assert (answer.verdict, answer.interrupted) == (Verdict.UNKNOWN, True)
    assert answer.reason.startswith("interrupted: no reply ")


@pytest.mark.usefixtures("stop_button")
def test_an_interrupt_during_the_upload_is_unsent(wire):
    """The last chunk was not passed on, so the server lacks the closing bracket."""
    wire.plays(Turn(reads=100, then=interrupt, ends="hang"))
    answer = to(wire, timeout=30).send_batch(BIG)
    reason = f"interrupted: no reply {BEFORE} (KeyboardInterrupt)"
    assert answer == Answer(Verdict.UNSENT, reason=reason, interrupted=True)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, MemoryError, RuntimeError, httpx.ConnectError]
)
def test_a_transport_without_events_proves_nothing(error):
    """A ConnectError of another transport may come after its third attempt."""

    def fails(request):
        raise error(TOKEN)

    answer = Postmark(TOKEN, transport=httpx.MockTransport(fails)).send_batch(SMALL)
    assert answer.verdict is Verdict.UNKNOWN
    assert answer.reason.endswith(
        f" from a transport that does not report what was sent ({error.__name__})"
    )
    assert answer.interrupted == issubclass(error, (KeyboardInterrupt, SystemExit))


def test_a_wrapped_transport_proves_nothing(wire):
    """A wrapper of httpx.HTTPTransport may repeat requests, so its events are not used."""

    class Wrapped(httpx.HTTPTransport):
        pass

    wire.stop()
    assert to(wire, transport=Wrapped()).send_batch(SMALL).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("platform", "verdict"), [(sys.platform, Verdict.UNSENT), ("emscripten", Verdict.UNKNOWN)]
)
@pytest.mark.parametrize("options", [{}, {"transport": httpx.HTTPTransport()}], ids=["own", "made"])
def test_in_a_browser_the_transport_of_httpx_proves_nothing(
    wire, monkeypatch, platform, verdict, options
):
    """There it is a fork: its ConnectTimeout can come after the whole request was sent."""
    monkeypatch.setattr(sys, "platform", platform)
    server = to(wire, **options)
    monkeypatch.undo()
    wire.stop()
    assert server.send_batch(SMALL).verdict is verdict


@pytest.mark.parametrize(
    ("seen", "error", "verdict", "reason"),
    [
        ({"called": False}, MemoryError(), "unsent", "nothing was sent (MemoryError)"),
        (
            {},
            KeyboardInterrupt(),
            "unsent",
            "interrupted: nothing was sent (KeyboardInterrupt)",
        ),
        (
            {"started": True},
            KeyboardInterrupt(),
            "unsent",
            f"interrupted: no reply {BEFORE} (KeyboardInterrupt)",
        ),
        (
            {"started": True, "last_chunk_started": True},
            KeyboardInterrupt(),
            "unknown",
            "interrupted: no reply while the end of the request was being sent (KeyboardInterrupt)",
        ),
        (
            {"started": True, "last_chunk_started": True, "write_failed": True},
            SystemExit(),
            "unsent",
            f"interrupted: no reply {BEFORE} (SystemExit)",
        ),
        (
            {"started": True, "last_chunk_started": True, "sent": True},
            MemoryError(),
            "unknown",
            f"no reply {AFTER} (MemoryError)",
        ),
        (
            {"started": True, "last_chunk_started": True, "sent": True, "status": 429},
            SystemExit(),
            "busy",
            "interrupted: HTTP 429: too many requests",
        ),
        (
            {
                "started": True,
                "last_chunk_started": True,
                "sent": True,
                "status": 200,
                "complete": True,
                "body": b"[]",
            },
            KeyboardInterrupt(),
            "answered",
            "interrupted",
        ),
    ],
)
def test_an_interrupt_between_two_events_is_decided_by_the_chunks_passed_on(
    seen, error, verdict, reason
):
    """A signal can arrive after the last byte and before the event; then nothing is proved."""
    trace = TransportTrace(**{"has_events": True, "called": True} | seen)
    trace.record_failure(error)
    answer = trace.answer(partial(read_batch, expected_to=[]))
    assert (answer.verdict, answer.reason) == (verdict, reason)


def test_a_slow_reply_ends(wire):
    """Each byte resets the read timeout, so the whole body has a limit too."""
    long = http(200, json.dumps(accepted(SMALL)).encode() + b" " * 10_000)
    wire.plays(Turn(says=long, drip_bytes=100, drip_s=0.2))  # 20 seconds in all
    answer = to(wire, timeout=2).send_batch(SMALL)
    assert (answer.verdict, answer.http_status) == (Verdict.UNKNOWN, 200)
    assert answer.reason == f"incomplete HTTP 200 reply {AFTER} (the reply took too long)"


def test_an_endless_reply_ends():
    """At most 64 MB are read."""

    class Endless(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                yield b" " * 2**20

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    answer = Postmark(TOKEN, transport=transport).send_batch(SMALL)
    assert answer.verdict is Verdict.UNKNOWN
    assert answer.reason.endswith("(a reply of more than 67,108,864 bytes)")


CHUNK = 65_536
part_sizes = st.integers(0, 40) | st.sampled_from([CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])


@given(st.lists(part_sizes, max_size=12))
def test_chunks_are_the_body_and_the_last_one_is_known(sizes):
    """Of parts of any size; no chunk is longer than 64 KiB, and each is written before the next."""
    parts = [bytes([place]) * size for place, size in enumerate([2, *sizes])]
    trace = TransportTrace(has_events=True)
    chunks = Chunks([memoryview(part) for part in parts], trace=trace)
    assert chunks.size == sum(map(len, parts))
    passed = []
    for chunk in chunks:
        passed.append(chunk)
        assert 0 < len(chunk) <= CHUNK
        assert trace.last_chunk_started == (sum(map(len, passed)) == chunks.size)
    assert b"".join(passed) == b"".join(parts)


def test_that_a_request_was_sent_is_reported_once_before_its_reply(wire):
    """The caller may compute then without delaying the request."""
    is_sent = threading.Event()
    wire.plays(Turn(then=lambda: is_sent.wait(30), says=GOOD))
    calls = []

    def on_sent():
        calls.append(is_sent.is_set())
        is_sent.set()

    assert to(wire).send_batch(SMALL, on_sent=on_sent).verdict is Verdict.ANSWERED
    assert calls == [False]


def test_that_a_request_was_sent_is_not_reported_if_it_was_not(wire):
    """The server reads a part of it and resets the connection."""
    wire.plays(Turn(reads=100, ends="reset"))
    calls = []
    answer = to(wire).send_batch(BIG, on_sent=lambda: calls.append(1))
    assert (answer.verdict, calls) == (Verdict.UNSENT, [])


def test_an_interrupt_while_the_end_is_reported_leaves_the_request_unknown(wire):
    """The whole request was sent before."""
    wire.plays(Turn(says=GOOD))

    def interrupted():
        raise KeyboardInterrupt

    answer = to(wire).send_batch(SMALL, on_sent=interrupted)
    assert (answer.verdict, answer.interrupted) == (Verdict.UNKNOWN, True)
