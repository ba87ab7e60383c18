"""What the receiver answers to each request, and that it answers 200 to stored events alone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailframe.webhooks.event_file import MAX_EVENT_BYTES
from tests.systems import posix_only
from tests.webhooks.receiving import AUTH, Receiver, event


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    """One receiver for all tests of this file."""
    with Receiver(tmp_path_factory.mktemp("webhooks") / "events.jsonl") as running:
        yield running


def of_bytes(size):
    """The JSON of an event with that many bytes."""
    start = json.dumps({**event(size), "Details": ""})[:-2]
    return (start + "x" * (size - len(start) - 2) + '"}').encode()


def in_pieces(body):
    """A body without a Content-Length."""
    yield from (body[start : start + 1_000_000] for start in range(0, len(body), 1_000_000))


JSON = {"Content-Type": "application/json"}
REFUSED = {
    "no password": (event(1), {"auth": None}, 401),
    "wrong password": (event(1), {"auth": (AUTH[0], "x")}, 401),
    "wrong user": (event(1), {"auth": ("x", AUTH[1])}, 401),
    "no Base64": (
        event(1),
        {"auth": None, "headers": JSON | {"Authorization": b"Basic \xe4"}},
        401,
    ),
    "a token": (event(1), {"auth": None, "headers": JSON | {"Authorization": "Bearer x"}}, 401),
    "a form": (event(1), {"headers": {"Content-Type": "text/plain"}}, 415),
    "no type": (event(1), {"headers": {}}, 415),
    "nothing": (b"", {}, 400),
    "no JSON": (b"{", {}, 400),
    "not UTF-8": (b'{"RecordType": "\xff"}', {}, 400),
    "too deep": (b'{"RecordType": "Open", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400),
    "a list": ([event(1)], {}, 400),
    "no event": ({"FromName": "inbound mail"}, {}, 400),
    "no kind": (event(1, RecordType=""), {}, 400),
    "a number": (event(1, RecordType=7), {}, 400),
    "too long": (of_bytes(MAX_EVENT_BYTES + 1), {}, 413),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_event_is_refused_and_not_stored(receiver, case):
    """The answer says why, without what was posted."""
    body, more, status = REFUSED[case]
    before = receiver.out.read_bytes()
    answer = receiver.post(body, **more)
    assert answer.status_code == status
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert receiver.out.read_bytes() == before
    assert "m1" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "", 405), ("PUT", "", 405), ("POST", "/", 404), ("POST", "/../", 404)],
)
def test_another_method_or_path_is_refused(receiver, method, path, status):
    """No redirect leads to the path, because Postmark follows none."""
    answer = receiver.http.request(method, receiver.url + path, auth=AUTH, json=event(1))
    assert (answer.status_code, answer.text) == (status, "webhooks are posted to /postmark")
    assert answer.headers.get("allow") == ("POST" if status == 405 else None)
    receiver.wait_for(f"{status} {answer.reason_phrase}: webhooks are posted to /postmark")


@pytest.mark.parametrize("size", [MAX_EVENT_BYTES - 1, MAX_EVENT_BYTES])
def test_an_event_up_to_the_limit_is_stored(receiver, size):
    """One byte more is refused, with and without a Content-Length."""
    assert receiver.post(of_bytes(size)).status_code == 200
    stored = receiver.out.read_bytes().splitlines()[-1]
    assert stored == of_bytes(size)


def test_the_limit_holds_without_a_length(receiver):
    """A body in chunks is counted as it arrives."""
    body = in_pieces(of_bytes(MAX_EVENT_BYTES + 1))
    answer = receiver.http.post(receiver.url, content=body, auth=AUTH, headers=JSON)
    assert answer.status_code == 413


KEPT = {
    "a new kind": b'{"RecordType": "Teleport", "MessageID": "k1"}',
    "exact numbers": b'{"RecordType": "Open", "n": 12345678901234567890123, "x": 1.10}',
    "half a pair": b'{"RecordType": "Bounce", "Details": "cut \\ud83d"}',
    "text": '{"RecordType": "Open", "Client": "Müller\u2028\\n"}'.encode(),
}


@pytest.mark.parametrize("case", KEPT)
def test_an_event_is_stored_exactly(receiver, case):
    """Also a kind that Postmark has not yet, and what other parsers would change."""
    assert receiver.post(KEPT[case]).status_code == 200
    assert receiver.out.read_bytes().split(b"\n")[-2] == KEPT[case]


def test_line_breaks_between_fields_become_spaces(receiver):
    """One event is one line."""
    lines = receiver.out.read_bytes().count(b"\n")
    pretty = event(7, Details="two\nlines")
    assert receiver.post(json.dumps(pretty, indent=2).encode()).status_code == 200
    assert receiver.post(json.dumps(pretty, indent=1).replace("\n", "\r\n").encode()).is_success
    assert receiver.out.read_bytes().count(b"\n") == lines + 1
    assert receiver.events()[-1] == pretty


BOUNCE = {"RecordType": "Bounce", "ID": 7, "Email": "ann@acme.example", "BouncedAt": "2026"}
SAME = {
    "order": (event(20), dict(reversed(event(20).items()))),
    "details of a delivery": (event(21), event(21, Details="250 OK", Metadata={"a": "b"})),
    "content of a bounce": (event(22, **BOUNCE), event(22, **BOUNCE, Content="raw")),
    "a complaint": (
        event(23, **BOUNCE | {"RecordType": "SpamComplaint"}),
        event(23, **BOUNCE | {"RecordType": "SpamComplaint"}, Tag=None),
    ),
}
OTHERS = {
    "recipient": (event(30), event(30, Recipient="bob@acme.example")),
    "time": (event(31), event(31, DeliveredAt="2026-11-27T12:00:00.1234568Z")),
    "kind": (event(32, **BOUNCE), event(32, **BOUNCE | {"RecordType": "SpamComplaint"})),
    "two opens": (
        event(33, RecordType="Open", UserAgent="a"),
        event(33, RecordType="Open", UserAgent="b"),
    ),
    "tests of a webhook": (event(34, **BOUNCE | {"ID": 0}), event(35, **BOUNCE | {"ID": 0})),
    "without an ID": (event(36, MessageID=None), event(36, MessageID=None, Tag="x")),
}


@pytest.mark.parametrize("case", SAME)
def test_an_event_that_is_posted_again_is_stored_once(receiver, case):
    """By the fields that Postmark names for its kind; the answer is 200, so that it stops."""
    lines = receiver.out.read_bytes().count(b"\n")
    answers = [receiver.post(body) for body in SAME[case]]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].text.endswith("was stored before")
    assert receiver.out.read_bytes().count(b"\n") == lines + 1


@pytest.mark.parametrize("case", OTHERS)
def test_events_that_differ_are_both_stored(receiver, case):
    """Also if they are alike."""
    for body in OTHERS[case]:
        assert receiver.post(body).text.endswith("stored")
    assert receiver.events()[-2:] == list(OTHERS[case])


def test_posts_at_the_same_time_are_stored_once_each(receiver):
    """Forty posts of eight events: forty answers of 200, eight lines."""
    lines = len(receiver.events())
    bodies = [event(100 + number % 8) for number in range(40)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(receiver.post, bodies))
    assert {answer.status_code for answer in answers} == {200}
    stored = receiver.events()[lines:]
    assert sorted(one["MessageID"] for one in stored) == [f"m{100 + n}" for n in range(8)]


@posix_only
def test_a_full_disk_is_answered_with_500_and_the_event_repeated(receiver):
    """The limit of a file's size cuts a line in the middle, as a full disk does."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("the limits of another process can be set on Linux alone")
    before = receiver.out.read_bytes()
    _, most = resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE, (len(before) + 10, most))
    try:
        answers = [receiver.post(event(200)) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [500, 500]
        assert "could not be stored: File too large" in answers[0].text
        assert receiver.out.read_bytes() == before
    finally:
        resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE, (most, most))
    assert receiver.post(event(200)).text == "Delivery stored"
    assert receiver.events()[-1] == event(200)


def test_the_receiver_is_small(receiver):
    """It imports no pandas, so that it runs on the smallest machine."""
    libraries = Path(f"/proc/{receiver.pid}/maps")
    if not libraries.exists():
        pytest.skip("no list of the loaded libraries")
    assert "orjson" in libraries.read_text()
    assert "pandas" not in libraries.read_text()


def test_no_line_of_the_output_has_personal_data_or_the_password(receiver):
    """Whatever was posted before."""
    receiver.post(event(300, RecordType="Op\x1b[31men" + "x" * 100))
    text = "".join(receiver.lines)
    assert AUTH[1] not in text
    assert "acme.example" not in text
    assert "\x1b" not in text
    assert max(map(len, receiver.lines)) < 200
