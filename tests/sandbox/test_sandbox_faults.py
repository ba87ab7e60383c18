"""Every fault: what the client sees, and what the sandbox accepts."""

from __future__ import annotations

import dataclasses
import inspect
import json
import socket
import time

import httpx
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import Arrival, Fault, FaultName, LocalPostmark
from tests.sandbox.sandbox_mail import client, mail, post

FIVE = [mail(To=f"p{i}@example.com") for i in range(5)]
LONG_S = 60.0
RAW_HEAD = (
    "POST /email/batch HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: "
    "application/json\r\n"
    "X-Postmark-Server-Token: t\r\nContent-Length: {length}\r\n\r\n"
)

# fault → (HTTP status or exception of httpx, how many of five messages are accepted)
EXPECTED = {
    "http_429": (429, 0),
    "http_429_retry_after": (429, 0),
    "http_500_lost": (500, 0),
    "http_500_accepted": (500, 5),
    "http_503_json": (503, 0),
    "http_503_html_lost": (503, 0),
    "http_503_html_accepted": (503, 5),
    "http_504_accepted": (504, 5),
    "http_413_html": (413, 0),
    "http_307": (307, 0),
    "slow": (200, 5),
    "close_accepted": (httpx.RemoteProtocolError, 5),
    "reset_accepted": (httpx.ReadError, 5),
    "half_answer_accepted": (httpx.RemoteProtocolError, 5),
    "hang_accepted": (httpx.ReadTimeout, 5),
    "part_accepted": (httpx.RemoteProtocolError, 2),
    "late_accepted": (httpx.ReadTimeout, 5),
    "hang_lost": (httpx.ReadTimeout, 0),
    "close_before_body": (httpx.RemoteProtocolError, 0),
    "close_lost": (httpx.RemoteProtocolError, 0),
    "short_reply": (200, 5),
    "long_reply": (200, 5),
    "shuffled_reply": (200, 5),
    "html_reply": (200, 5),
    "object_reply": (200, 5),
    "delayed_reply": (200, 5),
}


def outcome(sandbox, payload, *, timeout_s=10.0):
    """The status, or the class of the exception of httpx."""
    try:
        return post(sandbox, payload, timeout_s=timeout_s).status_code
    except httpx.HTTPError as error:
        return type(error)


def eventually(holds, *, timeout_s=LONG_S):
    """Wait until a condition of the sandbox holds, after the client has disconnected."""
    end = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


def test_every_fault_has_a_case():
    """A fault without a case would not be tested."""
    assert set(EXPECTED) == set(FaultName)


def test_the_method_takes_every_option_of_a_fault():
    """``sandbox.fault`` passes each one on, with the same default."""
    given = {"request": 2, "times": 3, "delay_s": 0.5, "retry_after_s": 7, "path": "/server"}
    options = {field.name: field.default for field in dataclasses.fields(Fault)[1:]}
    parameters = list(inspect.signature(LocalPostmark.fault).parameters.values())[2:]
    assert {each.name: each.default for each in parameters} == options
    assert {*given, "first"} == set(options)
    sandbox = LocalPostmark(in_process=True)
    sandbox.fault("slow", **given)
    sandbox.fault("partial", first=4)
    added = [fault for _, fault, _ in sandbox._handler.schedule._faults]
    assert added == [Fault("slow", **given), Fault("partial", first=4)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_has_its_reply_and_accepts_its_messages(either, name):
    """It is the same over a socket and in process; the next request is answered normally."""
    seen, taken = EXPECTED[name]
    waits = seen is httpx.ReadTimeout
    either.fault(name, delay_s=LONG_S if waits else 0.05 if name == "slow" else None)
    result = outcome(either, FIVE, timeout_s=0.1 if waits else 10.0)
    # A socket that is closed before its data is read may be reset.
    assert result == seen or (name == "close_before_body" and result is httpx.ReadError)
    assert eventually(lambda: len(either.messages()) == taken)
    assert either.messages()["To"].tolist() == [f"p{i}@example.com" for i in range(taken)]
    row = either.requests().iloc[0]
    assert (row["fault"], row["accepted"], row["number"]) == (name, taken, 1)
    assert Fault(name).accepts == (taken > 0)
    if isinstance(seen, int):
        assert row["http_status"] == seen
    else:
        assert either.requests()["http_status"].isna().all()
    assert outcome(either, FIVE) == 200
    assert len(either.messages()) == taken + 5


@pytest.mark.parametrize("name", EXPECTED)
def test_a_single_message_has_the_same_fault(sandbox, name):
    """``POST /email`` has no list, so faults of the list do not change it."""
    seen, _ = EXPECTED[name]
    sandbox.fault(name, delay_s=LONG_S if seen is httpx.ReadTimeout else 0)
    assert outcome(sandbox, mail(), timeout_s=0.02) == seen
    expected = 0 if not Fault(name).accepts or name == "part_accepted" else 1
    assert len(sandbox.messages()) == expected


def test_a_fault_accepts_no_invalid_message(sandbox):
    """The 504 of a gateway hides both a refusal and a success."""
    sandbox.fault("http_504_accepted")
    assert outcome(sandbox, [mail(To="abc"), mail()]) == 504
    assert sandbox.messages()["To"].tolist() == ["ann@example.com"]


def test_a_fault_of_the_list_does_not_change_a_refused_request(sandbox):
    """A 422 has no list."""
    sandbox.fault("short_reply")
    assert post(sandbox, [mail()] * 501).json()["ErrorCode"] == 410


def test_short_long_and_shuffled_lists(sandbox):
    """They have one item less, one item more, and the same items in another order."""
    for name in ("short_reply", "long_reply", "shuffled_reply"):
        sandbox.fault(name)
    short, long, shuffled = (post(sandbox, FIVE).json() for _ in range(3))
    sent = [message["To"] for message in FIVE]
    assert [item["To"] for item in short] == sent[:4]
    assert [item.get("To") for item in long] == [*sent, None]
    assert sorted(item["To"] for item in shuffled) == sent
    assert [item["To"] for item in shuffled] != sent


@pytest.mark.parametrize("count", [2, 3, 4, 9])
def test_a_shuffled_list_is_never_in_its_original_order(sandbox, count):
    """Otherwise the fault would have no effect."""
    sandbox.fault("shuffled_reply")
    sent = [mail(To=f"p{i}@example.com") for i in range(count)]
    assert [item["To"] for item in post(sandbox, sent).json()] != [
        message["To"] for message in sent
    ]


def test_a_delayed_reply_has_no_error_code_for_an_accepted_message(sandbox):
    """A refused item keeps its code."""
    sandbox.fault("delayed_reply")
    taken, refused = post(sandbox, [mail(), mail(To="abc")]).json()
    assert "ErrorCode" not in taken
    assert taken["Message"] == "Message accepted, but delivery may be delayed."
    assert refused["ErrorCode"] == 300


def test_retry_after_has_the_given_seconds(sandbox):
    """It is in whole seconds; the other fault has no such header."""
    sandbox.fault("http_429_retry_after", retry_after_s=7)
    sandbox.fault("http_429")
    assert [post(sandbox, FIVE).headers.get("Retry-After") for _ in range(2)] == ["7", None]


@pytest.mark.parametrize("path", ["/email", "/Email/batch"])
def test_a_redirect_points_to_the_same_path(listening, path):
    """A client that follows it posts twice, and the second request is accepted."""
    listening.fault("http_307")
    with client(listening) as http:
        assert http.post(path, json=[mail()]).headers["location"] == path
        listening.fault("http_307")
        http.post(path, json=[mail()] if path.endswith("batch") else mail(), follow_redirects=True)
    assert listening.requests()["http_status"].tolist() == [307, 307, 200]
    assert len(listening.messages()) == 1


def raw(sandbox, payload, *, declared=None):
    """The received bytes of a raw socket and its error; Content-Length is *declared*."""
    body = json.dumps(payload).encode()
    head = RAW_HEAD.format(length=len(body) if declared is None else declared)
    received = b""
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=LONG_S) as connection:
        connection.sendall(head.encode() + body)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError as error:
            return received, error
    return received, None


def test_closed_is_fin_and_reset_is_rst(listening):
    """A raw socket gets the end of the stream or ECONNRESET, and no bytes."""
    for name in ("close_accepted", "reset_accepted", "close_lost"):
        listening.fault(name)
    assert raw(listening, FIVE) == (b"", None)
    received, error = raw(listening, FIVE)
    assert (received, type(error)) == (b"", ConnectionResetError)
    assert raw(listening, FIVE) == (b"", None)
    assert len(listening.messages()) == 10


def test_half_an_answer_is_a_complete_head_and_half_a_body(listening):
    """The Content-Length is twice the length of the received body."""
    listening.fault("half_answer_accepted")
    received, error = raw(listening, FIVE)
    head, _, body = received.partition(b"\r\n\r\n")
    promised = int(head.partition(b"content-length: ")[2].split()[0])
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (len(body), error) == (promised // 2, None)


def test_a_connection_can_end_before_the_body_is_received(listening):
    """The fault needs only the head; the client is still uploading."""
    listening.fault("close_before_body")
    received, error = raw(listening, FIVE, declared=30_000_000)
    assert received == b""
    assert error is None or isinstance(error, ConnectionResetError)
    assert listening.requests()["bytes"].tolist() == [0]


def test_a_large_upload_ends_when_the_server_does_not_read_it(listening):
    """30 MB exceed the buffers of the kernel; no message is accepted."""
    listening.fault("close_before_body")
    with client(listening) as http, pytest.raises(httpx.TransportError):
        http.post("/email/batch", content=b" " * 30_000_000)
    assert listening.messages().empty


def test_an_incomplete_upload_is_recorded_and_accepts_nothing(listening):
    """The sandbox records the request, and serves the next one."""
    body = json.dumps(FIVE).encode()
    with socket.create_connection(("127.0.0.1", listening.port)) as connection:
        connection.sendall(
            b"POST /email/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            % (len(body) + 1)
            + body
        )
    assert eventually(lambda: listening.requests()["bytes"].tolist() == [len(body)])
    assert listening.messages().empty
    assert outcome(listening, FIVE) == 200


def test_a_complete_request_counts_even_if_the_client_disconnects_at_once(listening):
    """Postmark would not check whether the client still waits for the answer."""
    body = json.dumps(FIVE).encode()
    with socket.create_connection(("127.0.0.1", listening.port)) as connection:
        connection.sendall(RAW_HEAD.format(length=len(body)).encode() + body)
    assert eventually(lambda: len(listening.messages()) == 5)
    assert listening.requests()["bytes"].tolist() == [len(body)]


def test_late_messages_are_accepted_after_the_client_has_disconnected(listening):
    """The messages are accepted after the timeout of the client."""
    listening.fault("late_accepted", delay_s=LONG_S)
    with socket.create_connection(("127.0.0.1", listening.port)) as connection:
        body = json.dumps(FIVE).encode()
        connection.sendall(RAW_HEAD.format(length=len(body)).encode() + body)
        assert eventually(lambda: len(listening.requests()) == 1)
        time.sleep(0.05)
        assert listening.messages().empty
    assert eventually(lambda: len(listening.messages()) == 5)


def test_closing_the_sandbox_ends_waiting_connections():
    """The connection of the client ends at once, not after a minute."""
    sandbox = LocalPostmark(faults=[Fault("hang_accepted", delay_s=LONG_S)]).start()
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=LONG_S) as connection:
        connection.sendall(
            b"POST /email HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        )
        assert eventually(lambda: len(sandbox.requests()) == 1)
        start = time.monotonic()
        sandbox.close()
        assert connection.recv(1) == b""
    assert time.monotonic() - start < LONG_S / 2


def test_a_fault_hits_the_requests_of_its_number(sandbox):
    """Numbers count the POSTs of messages from 1, whatever their result; GETs do not count."""
    sandbox.fault("http_503_json", request=2, times=2)
    with client(sandbox) as http:
        http.get("/server")
    assert [outcome(sandbox, FIVE) for _ in range(4)] == [200, 503, 503, 200]
    assert sandbox.requests()["number"].tolist()[1:] == [1, 2, 3, 4]
    assert sandbox.messages()["request"].unique().tolist() == [1, 4]


def test_faults_without_a_number_are_a_queue(sandbox):
    """The first added fault hits first; a fault with an earlier number never hits."""
    sandbox.fault("http_429", times=2)
    sandbox.fault("http_504_accepted")
    sandbox.fault("http_413_html", request=1)
    assert [outcome(sandbox, FIVE) for _ in range(4)] == [429, 429, 504, 200]


def test_a_fault_without_end_goes_on(sandbox):
    """With ``times=None`` it hits all requests from its number until the reset."""
    sandbox.fault("http_429", request=2, times=None)
    assert [outcome(sandbox, FIVE) for _ in range(4)] == [200, 429, 429, 429]
    sandbox.reset()
    assert [outcome(sandbox, FIVE) for _ in range(3)] == [200, 200, 200]


def test_a_rule_decides_by_the_arrival():
    """It is called for every send; a fault with a name comes before it."""
    arrivals = []

    def rule(arrival):
        arrivals.append(arrival)
        return {1: "http_429", 3: "http_429", 4: Fault("http_504_accepted")}.get(arrival.number)

    with LocalPostmark(
        in_process=True, faults=[rule, Fault("http_413_html", request=5)]
    ) as sandbox:
        assert [outcome(sandbox, FIVE) for _ in range(5)] == [429, 200, 429, 504, 413]
    assert [arrival.number for arrival in arrivals] == [1, 2, 3, 4]
    size = int(sandbox.requests()["bytes"][0])
    assert arrivals[0] == Arrival(1, "POST", "/email/batch", size)


def test_an_unknown_fault_is_refused_with_the_list_of_all_faults(sandbox):
    """A number below one and other values are refused too."""
    with pytest.raises(
        SandboxError, match="there is no fault 'http_418'; the faults are http_429, "
    ):
        sandbox.fault("http_418")
    with pytest.raises(SandboxError, match="request is a whole number, 1 or more; found 0"):
        sandbox.fault("slow", request=0)
    with pytest.raises(SandboxError, match="a name, a Fault or a callable; found int"):
        sandbox.fault(429)


def test_in_process_emits_the_events_of_a_request(sandbox):
    """The last event is missing if the connection ends before the body."""
    events = []
    sandbox.fault("close_before_body")
    with client(sandbox) as http:
        for _ in range(2):
            extensions = {"trace": lambda name, info: events.append(name)}
            request = http.build_request("POST", "/email", json=mail(), extensions=extensions)
            try:
                http.send(request)
            except httpx.RemoteProtocolError:
                events.append("ended")
    parts = [
        "send_request_headers.started",
        "send_request_headers.complete",
        "send_request_body.started",
    ]
    head = [f"http11.{part}" for part in parts]
    assert events == [*head, "ended", *head, "http11.send_request_body.complete"]


def test_a_delay_longer_than_the_read_timeout_is_a_timeout(either):
    """The messages are accepted."""
    either.fault("slow", delay_s=LONG_S)
    assert outcome(either, FIVE, timeout_s=0.05) is httpx.ReadTimeout
    assert len(either.messages()) == 5
