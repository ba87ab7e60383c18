"""Which requests are sent, where to, and which arguments are refused."""

from __future__ import annotations

import copy
import math
import pickle
import threading

import httpx
import pytest

from mailframe._version import __version__
from mailframe.errors import MailframeError, TokenError
from mailframe.message.batch import Batch
from mailframe.message.message import Message
from mailframe.postmark.client import Postmark
from mailframe.postmark.connection import MAX_TIMEOUT_S
from mailframe.postmark.responses import Verdict
from tests.wire import (
    TIMEOUT_S,
    TOKEN,
    Turn,
    accepted,
    batch_of,
    http,
    scripted_server,  # noqa: F401 - a fixture
    second_server,  # noqa: F401 - a fixture
)

BATCH = batch_of()
GOOD = http(200, accepted(BATCH))


def to(server, **options) -> Postmark:
    """Return a Postmark that sends to *server*."""
    return Postmark(TOKEN, base_url=server.url, timeout=30, **options)


def test_a_batch_is_one_post_of_its_exact_bytes(wire):
    """The bytes that were checked are sent, with Postmark's headers and the name of mailframe."""
    wire.plays(Turn(says=GOOD))
    assert [outcome.message_id for outcome in to(wire).send_batch(BATCH).outcomes] == [
        "id-0",
        "id-1",
    ]
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == "POST /email/batch HTTP/1.1"
    assert body == BATCH.body
    assert sorted(line.lower() for line in lines[1:]) == sorted(
        [
            "accept: application/json",
            "accept-encoding: identity",
            "connection: close",
            f"content-length: {len(body)}",
            "content-type: application/json",
            f"host: 127.0.0.1:{wire.port}",
            f"user-agent: mailframe/{__version__}",
            f"x-postmark-server-token: {TOKEN}",
        ]
    )


def test_one_message_is_posted_to_the_other_endpoint(wire):
    """POST /email takes the object itself."""
    wire.plays(Turn(says=http(200, accepted(BATCH)[0])))
    message = BATCH.messages[0]
    answer = to(wire).send_email(message)
    assert (answer.verdict, answer.outcomes[0].message_id) == ("answered", "id-0")
    assert wire.requests[0].startswith(b"POST /email HTTP/1.1\r\n")
    assert wire.requests[0].endswith(b"\r\n\r\n" + message.body)


@pytest.mark.parametrize("padding", [65_000, 65_536, 200_000, 2_000_000])
def test_a_long_body_arrives_as_it_is(wire, padding):
    """It is sent in chunks of 64 KB."""
    batch = batch_of(padding=padding)
    wire.plays(Turn(says=http(200, accepted(batch))))
    assert to(wire).send_batch(batch).verdict is Verdict.ANSWERED
    assert wire.requests[0].endswith(b"\r\n\r\n" + batch.body)


def test_an_empty_batch_is_an_empty_array(wire):
    """Postmark replies with an empty array."""
    wire.plays(Turn(says=http(200, [])))
    answer = to(wire).send_batch(Batch(1, ()))
    assert (answer.verdict, answer.outcomes) == ("answered", ())


@pytest.mark.parametrize("ends", ["close", "hang"])
def test_two_batches_take_two_connections(wire, ends):
    """If the server has just closed an idle connection, it is unclear whether a request arrived."""
    wire.plays(Turn(says=GOOD, ends=ends))
    server = to(wire)
    assert [server.send_batch(BATCH).verdict for _ in range(2)] == ["answered", "answered"]
    assert wire.connections == 2


def test_a_transport_of_httpx_gets_a_fresh_connection_too(wire):
    """Its pool may keep connections, but the request asks to close them."""
    wire.plays(Turn(says=GOOD, ends="hang"))
    server = to(wire, transport=httpx.HTTPTransport())
    assert [server.send_batch(BATCH).verdict for _ in range(2)] == ["answered", "answered"]
    assert wire.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(wire, other_wire, status):
    """A 307 would post every message again, to another server."""
    wire.plays(Turn(says=http(status, b"", Location=f"{other_wire.url}/email/batch")))
    answer = to(wire).send_batch(BATCH)
    assert (answer.verdict, answer.http_status) == (Verdict.UNKNOWN, status)
    assert (wire.connections, other_wire.connections) == (1, 0)


def test_a_redirect_to_an_invalid_location_is_unknown(wire):
    """The Location header is not read."""
    wire.plays(Turn(says=http(307, b"", Location="http://[")))
    assert to(wire).send_batch(BATCH).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    wire, other_wire, monkeypatch, variable
):
    """Requests to a sandbox on loopback are sent directly."""
    monkeypatch.setenv(variable, other_wire.url)
    wire.plays(Turn(says=GOOD))
    assert to(wire).send_batch(BATCH).verdict is Verdict.ANSWERED
    assert other_wire.connections == 0


def test_a_proxy_of_the_environment_is_used_for_the_live_host(other_wire, monkeypatch):
    """A company network may require it."""
    url = other_wire.url
    for name, value in {
        "HTTPS_PROXY": url,
        "https_proxy": url,
        "NO_PROXY": "",
        "no_proxy": "",
    }.items():
        monkeypatch.setenv(name, value)
    other_wire.plays(Turn(says=http(502, b"")))
    assert Postmark(TOKEN, timeout=TIMEOUT_S).send_batch(BATCH).verdict is Verdict.UNSENT
    assert other_wire.connections == 1


def test_an_invalid_proxy_is_reported_without_its_password(monkeypatch):
    """The exception of httpx has the URL, so it is not shown."""
    url = "gopher://ann:hunter2@127.0.0.1:1"
    for name, value in {
        "HTTPS_PROXY": url,
        "https_proxy": url,
        "NO_PROXY": "",
        "no_proxy": "",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(MailframeError, match="HTTPS_PROXY") as caught:
        Postmark(TOKEN)
    assert "hunter2" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_no_cookie_is_kept(wire):
    """Requests share no state, such as the cookie of a load balancer."""
    wire.plays(Turn(says=http(200, accepted(BATCH), Set_Cookie="a=b")))
    server = to(wire)
    for _ in range(2):
        server.send_batch(BATCH)
    assert b"cookie" not in wire.requests[1].lower()


def test_threads_can_share_one_server(wire):
    """Each thread gets the reply to its own request."""
    wire.plays(Turn(says=GOOD))
    server, verdicts = to(wire), []
    threads = [
        threading.Thread(target=lambda: verdicts.append(server.send_batch(BATCH).verdict))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [Verdict.ANSWERED] * 8
    assert wire.connections == 8


def test_a_path_in_the_base_url_is_used(wire):
    """A server can be below a path; a trailing slash does not matter."""
    wire.plays(Turn(says=GOOD))
    server = Postmark(TOKEN, base_url=f"{wire.url}/team/", timeout=30)
    server.send_batch(BATCH)
    assert server.base_url == f"{wire.url}/team"
    assert wire.requests[0].startswith(b"POST /team/email/batch ")


def test_retry_after_is_in_the_answer(wire):
    """A 429 has it."""
    wire.plays(Turn(says=http(429, b"slow down", Retry_After="3")))
    answer = to(wire).send_batch(BATCH)
    assert (answer.verdict, answer.retry_after_s) == ("busy", 3.0)


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.postmarkapp.com",
        "//api.postmarkapp.com",
        "ftp://api.postmarkapp.com",
        "https://",
        "https://host:99999",
        "https://host:65536",
        "https://host:0",
        "https://host:-1",
        "http://api.postmarkapp.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.1.example",
        "http://localhost.example",
        "http://[::2]",
        "https://ann@example.com",
        "https://ann:hunter2@example.com",
        "https://example.com?hunter2",
        "https://example.com?",
        "https://example.com#hunter2",
        "https://example.com\nhunter2",
        None,
        7,
        httpx.URL("https://example.com"),
    ],
)
def test_an_invalid_base_url_is_refused_without_its_secrets(base_url):
    """Only https, or http on this machine, without a user, a query or a fragment."""
    with pytest.raises(MailframeError, match="base_url") as caught:
        Postmark(TOKEN, base_url=base_url)
    assert "hunter2" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://localhost:8025",
        "http://[::1]:1",
        "https://pm.example",
    ],
)
def test_plain_http_is_for_this_machine(base_url):
    """These are 127.0.0.0/8, ::1 and localhost."""
    assert Postmark(TOKEN, base_url=base_url).base_url == base_url


def test_plain_http_is_allowed_where_a_transport_is_given():
    """Such a transport does not use the network."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[]))
    server = Postmark(TOKEN, base_url="http://pm.example", transport=transport)
    assert server.send_batch(Batch(1, ())).verdict is Verdict.ANSWERED


@pytest.mark.parametrize(
    "timeout",
    [
        0,
        -1,
        -0.0,
        math.nan,
        math.inf,
        math.nextafter(MAX_TIMEOUT_S, math.inf),
        None,
        "5",
        True,
        [5],
    ],
)
def test_an_invalid_timeout_is_refused(timeout):
    """A timeout is above 0 seconds and at most a day."""
    with pytest.raises(MailframeError, match="timeout must be above 0"):
        Postmark(TOKEN, timeout=timeout)


@pytest.mark.parametrize("timeout", [math.nextafter(0, 1), 1, MAX_TIMEOUT_S])
def test_a_timeout_at_the_bounds_is_accepted(timeout):
    """The bounds are included."""
    assert Postmark(TOKEN, timeout=timeout).timeout == timeout


def test_a_transport_of_another_kind_is_refused():
    """An asynchronous transport would fail for each batch."""
    with pytest.raises(
        MailframeError, match=r"transport must be an httpx\.BaseTransport, not AsyncHTTPTransport"
    ):
        Postmark(TOKEN, transport=httpx.AsyncHTTPTransport())


@pytest.mark.parametrize(
    ("token", "base_url", "live", "test"),
    [
        (TOKEN, "https://api.postmarkapp.com", True, False),
        (TOKEN, "https://postmarkapp.com", True, False),
        (TOKEN, "https://API.PostmarkApp.com.", True, False),
        (TOKEN, "https://eu.api.postmarkapp.com/x", True, False),
        (TOKEN, "https://api.postmarkapp.com.example", False, False),
        (TOKEN, "https://notpostmarkapp.com", False, False),
        (TOKEN, "http://127.0.0.1:1", False, False),
        ("POSTMARK_API_TEST", "https://api.postmarkapp.com", False, True),
        ("postmark_api_test", "https://api.postmarkapp.com", False, True),
        ("POSTMARK_API_TEST2", "https://api.postmarkapp.com", True, False),
        ("POSTMARK_API_TEST", "http://127.0.0.1:1", False, True),
    ],
)
def test_live_is_postmarks_host_with_a_real_token(token, base_url, live, test):
    """Only then is mail delivered."""
    server = Postmark(token, base_url=base_url)
    assert (server.is_live, server.is_test_token) == (live, test)


@pytest.mark.parametrize("name", ["base_url", "timeout", "is_live", "is_test_token"])
def test_a_server_does_not_change(name):
    """Its attributes are read-only."""
    with pytest.raises(AttributeError):
        setattr(Postmark(TOKEN), name, "http://example.com")


def test_a_server_cannot_be_pickled():
    """A pickle would contain the token, or be useless without it."""
    with pytest.raises(TypeError, match="make it where it is needed"):
        pickle.dumps(Postmark(TOKEN))
    with pytest.raises(TypeError, match="make it where it is needed"):
        copy.deepcopy(Postmark(TOKEN))


def test_the_token_comes_from_the_environment(wire, monkeypatch):
    """POSTMARK_SERVER_TOKEN is read when no token is given, and only then."""
    monkeypatch.setenv("POSTMARK_SERVER_TOKEN", TOKEN)
    wire.plays(Turn(says=GOOD))
    Postmark(base_url=wire.url, timeout=30).send_batch(BATCH)
    Postmark("another-token", base_url=wire.url, timeout=30).send_batch(BATCH)
    assert f"\r\nX-Postmark-Server-Token: {TOKEN}\r\n".encode() in wire.requests[0]
    assert b"\r\nX-Postmark-Server-Token: another-token\r\n" in wire.requests[1]


def test_without_a_token_the_error_says_how_to_set_it(monkeypatch):
    """No request is sent without one."""
    monkeypatch.delenv("POSTMARK_SERVER_TOKEN", raising=False)
    with pytest.raises(
        TokenError, match=r"Set the environment variable POSTMARK_SERVER_TOKEN .* mf\.Sandbox\(\)"
    ):
        Postmark()


def test_a_message_whose_body_is_empty_is_still_one_request(wire):
    """The transport trace works without a body."""
    wire.plays(Turn(says=http(422, {"ErrorCode": 402, "Message": "no JSON"})))
    answer = to(wire).send_email(Message(0, None, b""))
    assert (answer.verdict, answer.error_code) == ("refused", 402)
