"""Every endpoint under ``/_sandbox/`` with wrong methods, bodies, parameters and IDs."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.serving.routes import ALL_ROUTES
from tests.sandbox.sandbox_mail import client, mail, post

JSON = {"Content-Type": "application/json"}
ROUTES = {
    path: methods
    for path, methods in ALL_ROUTES.items()
    if path.startswith("/_sandbox/") and "unsubscribe" not in path
}
CALLS = sorted((method, path) for path, methods in ROUTES.items() for method in methods)
CHANGES = [call for call in CALLS if call[0] != "GET"]
READS = [path for method, path in CALLS if method == "GET"]
NAMES = """
    Name Path Request Times RetryAfter First EmailAddress Stream Reason ServerID Opens Clicks
    Bounces Complaints Unsubscribes Seed Over Tag To Upcoming Queued Tracked By From Subject
    TextBody SpamScore Headers Attachments Read Paused IndexDelay Approval Bulk WebhookRetries
    WebhookTimeout
""".split()  # noqa: SIM905 - as a list it is one name a line
PARAMETERS = ["q", "count", "before", "after", "server", "stream", "message", "type", "errors"]
NUMBERS = [0, -1, 1, 500, 501, 2**31, 2**63, 2**64, 10**30, -(10**30), 0.5, 1e308, True, False]
TEXTS = ["", " ", "x", "1", "outbound", "é\u0000", "9" * 400, "http_429", "2h", "99999999d", "'--"]
VALUES = st.recursive(
    st.none() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from([*NAMES, *map(str.lower, NAMES)]) | st.text(max_size=8)
IDS = [
    "1",
    "0",
    "x",
    "9" * 30,
    "-1",
    "%00",
    "%2F",
    "é",
    "1e3",
    "00000000-0000-4000-8000-000000000001",
]


@pytest.fixture(scope="module")
def http():
    """A client of a sandbox that has one of everything."""
    with LocalPostmark(in_process=True, seed=1, server_id=1) as sandbox, client(sandbox) as http:
        post(sandbox, mail(To="hardbounce@bounce-testing.postmarkapp.com"))
        sandbox.receive({"From": "ann@example.com", "TextBody": "Hi"})
        http.post("/webhooks", json={"Url": "http://127.0.0.1:9/"})
        yield http


def placed(path, value="1"):
    """A path with a value for each name in it."""
    return re.sub(r"\{\w+\}", value, path)


def check(answer):
    """No failure of the sandbox, and each refusal has Postmark's shape and a sentence."""
    assert answer.status_code in (200, 403, 404, 409, 415, 422), answer.text
    if answer.status_code != 200:
        assert set(answer.json()) == {"ErrorCode", "Message"}
        assert re.fullmatch(r"\S.*\.", answer.json()["Message"], re.DOTALL), answer.text
        assert len(answer.text) < 1_500
    return answer


@pytest.mark.parametrize("path", ROUTES)
def test_another_method_is_405_and_the_header_allow_names_the_methods(http, path):
    """OPTIONS and HEAD are answered."""
    allowed = [*ROUTES[path], *(["HEAD"] if "GET" in ROUTES[path] else []), "OPTIONS"]
    assert http.options(placed(path)).status_code == 204
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"):
        if method not in allowed:
            answer = http.request(method, placed(path), headers=JSON)
            assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(allowed))
            assert method == "HEAD" or answer.json()["ErrorCode"] == 405
    if "GET" in ROUTES[path]:
        full, head = http.get(placed(path)), http.head(placed(path))
        assert (head.status_code, head.content) == (full.status_code, b"")


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_body_that_is_no_json_object_is_refused(http, method, path):
    """With 402 or 415; and a field that does not exist with the names of those that do."""
    deep = b'{"Name":' + b"[" * 200 + b"]" * 200 + b"}"
    for body in (b"[]", b"7", b'"x"', b"null", b"{", b"\xff", b"{'a': 1}", b'{"a": NaN}', deep):
        answer = http.request(method, placed(path), content=body, headers=JSON)
        assert answer.status_code in (404, 422), body
        assert answer.json()["ErrorCode"] in (402, 404, 701, 300), (body, answer.text)
    answer = http.request(method, placed(path), content=b"a=1", headers={"Content-Type": "text/x"})
    assert answer.status_code in (404, 415)
    answer = check(http.request(method, placed(path), json={"Nonsense": 1}, headers=JSON))
    assert (
        answer.status_code == 404
        or '"Nonsense" is not a field of this request; ' in (answer.json()["Message"])
    )


@settings(max_examples=150, deadline=None)
@given(call=st.sampled_from(CHANGES), body=st.dictionaries(FIELDS, VALUES, max_size=4))
def test_no_body_makes_the_sandbox_fail(http, call, body):
    """Wrong types, huge numbers, other names, the same name in two cases."""
    text = json.dumps(body).encode("utf-8", "surrogatepass")
    check(http.request(call[0], placed(call[1]), content=text, headers=JSON))


@settings(max_examples=100, deadline=None)
@given(
    path=st.sampled_from(READS),
    query=st.dictionaries(
        st.sampled_from(PARAMETERS) | st.text(min_size=1, max_size=5),
        st.sampled_from([str(number) for number in NUMBERS]) | st.sampled_from(TEXTS),
        max_size=3,
    ),
)
def test_no_query_makes_the_sandbox_fail(http, path, query):
    """Also parameters that a list does not have."""
    check(http.get(placed(path), params=query))


@pytest.mark.parametrize("value", IDS)
def test_no_id_in_a_path_makes_the_sandbox_fail(http, value):
    """One that does not exist is 404."""
    for method, path in CALLS:
        if "{" in path:
            content = {"content": b'{"Read": true}'} if "messages/{id}" in path else {}
            body = content if method == "PUT" else {}
            check(http.request(method, placed(path, value), headers=JSON, **body))


@pytest.mark.parametrize(
    ("call", "body", "text"),
    [
        ("POST simulate", {"Opens": 2}, "Opens is a share from 0 to 1, such as 0.02; found 2."),
        (
            "POST simulate",
            {"opens": "x"},
            'Opens is a share from 0 to 1, such as 0.02; found "x".',
        ),
        ("POST simulate", {"Opens": 1, "opens": 0}, "Opens is in the body twice."),
        ("POST simulate", {"Seed": 1.5}, "Seed is a whole number, 0 or more; found 1.5."),
        ("POST simulate", {"Tracked": 1}, "Tracked is true or false; found 1."),
        (
            "POST simulate",
            {"ServerID": 9},
            "ServerID is the ID or the name of a server: 1 (mailframe sandbox); found 9.",
        ),
        (
            "POST simulate",
            {"Stream": "news"},
            'Stream is the ID of a stream: outbound, broadcast, inbound; found "news".',
        ),
        ("POST simulate", {"Queued": "2h"}, "Queued holds for every message that is accepted lat"),
        ("POST advance", {"By": "3661d"}, 'By is a text such as "2h", "90m" or "1d 12h", up to '),
        (
            "POST simulate",
            {"Bounces": {"Love": 1}},
            "Bounces is a share from 0 to 1, or an object",
        ),
        (
            "POST simulate",
            {"Bounces": {"HardBounce": 0.7, "SoftBounce": 0.7}},
            "Bounces is a sh",
        ),
        ("POST advance", {}, 'By is missing; it is a text such as "2h", "90m" or "1d 12h"'),
        (
            "POST advance",
            {"By": 7},
            'By is a text such as "2h", "90m" or "1d 12h", up to ten year',
        ),
        ("POST faults", {"Name": "fire"}, "Name is one of http_429, "),
        (
            "POST faults",
            {"Name": "slow", "Delay": 1e9},
            "Delay is a number of seconds from 0 to 3",
        ),
        (
            "POST faults",
            {"Name": "slow", "Times": 0},
            "Times is a whole number, 1 or more, or null;",
        ),
        (
            "POST faults",
            {"Name": "slow", "Path": "/x"},
            "Path is a path of Postmark's API, such as",
        ),
        (
            "POST faults",
            {"Name": "partial", "Path": "/server"},
            "Path is /messages/outbound for the",
        ),
        ("POST suppress", {}, "EmailAddress is missing; it is an email address."),
        ("POST suppress", {"EmailAddress": "x"}, 'EmailAddress is an email address; found "x".'),
        (
            "POST suppress",
            {"EmailAddress": "x" * 999},
            'EmailAddress is an email address; found "x',
        ),
        (
            "POST suppress",
            {"EmailAddress": "a@b.example", "Stream": "inbound"},
            'Stream is the ID of a stream that sends: outbound, broadcast; found "inbound".',
        ),
        (
            "POST suppress",
            {"Color": 1},
            '"Color" is not a field of this request; the fields are Ema',
        ),
        ("POST clear", {"All": 1}, '"All" is not a field of this request; it takes no fields.'),
        ("POST inbound", {"From": 7}, "From is a text; found 7."),
        (
            "POST inbound",
            {"From": "a@b.example", "Headers": [7]},
            "Headers is a list of objects",
        ),
        ("PUT messages", {"Read": "yes"}, 'Read is true or false; found "yes".'),
        (
            "PUT settings",
            {"Approval": "no"},
            "Approval is one of approved, pending, refused; found",
        ),
        (
            "PUT settings",
            {"IndexDelay": -1},
            "IndexDelay is a number of seconds from 0 to 3,600;",
        ),
        (
            "PUT settings",
            {"WebhookRetries": [-1]},
            "WebhookRetries is a list of at most 100 numbers",
        ),
        ("GET messages?count=0", None, "count is a whole number, from 1 to 500; found"),
        (
            "GET messages?cout=3",
            None,
            '"cout" is not a parameter of this request; the parameters',
        ),
        (
            "GET messages?before=2&after=1",
            None,
            "before and after exclude each other; write one of",
        ),
        (
            'GET messages?q="x',
            None,
            'q is a search of the inbox: a quote has no end; write "two w',
        ),
        (
            "GET events?type=Opn",
            None,
            "type is one of Bounce, SpamComplaint, Open, Click, Subscript",
        ),
        (
            "GET suppressions?stream=x",
            None,
            "stream is the ID of a stream: outbound, broadcast, inb",
        ),
        (
            "GET suppressions?server=x",
            None,
            "server is the ID or the name of a server: 1 (mailframe sandbox); found",
        ),
        ("GET requests?errors=perhaps", None, 'errors is true or false; found "perhaps".'),
        (
            "GET changes?x=1",
            None,
            '"x" is not a parameter of this request; it takes no parameters.',
        ),
    ],
)
def test_an_error_names_the_field_the_rule_and_the_value(http, call, body, text):
    """In one way for all endpoints, with the names that the request has."""
    content = {} if body is None else {"json": body}
    method, _, path = call.partition(" ")
    answer = check(http.request(method, f"/_sandbox/{path}", **content))
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 300)
    assert answer.json()["Message"].startswith(text)
