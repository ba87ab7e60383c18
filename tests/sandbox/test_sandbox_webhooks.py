"""``/webhooks``: list, get, create, edit, delete; codes 1350 to 1363."""

from __future__ import annotations

import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_calls import Calls

URL = "http://127.0.0.1:9/hook"
OFF = {
    "Open": {"Enabled": False, "PostFirstOpenOnly": False},
    "Click": {"Enabled": False},
    "Delivery": {"Enabled": False},
    "Bounce": {"Enabled": False, "IncludeContent": False},
    "SpamComplaint": {"Enabled": False, "IncludeContent": False},
    "SubscriptionChange": {"Enabled": False},
}
FULL = {
    "Url": URL,
    "MessageStream": "broadcast",
    "HttpAuth": {"Username": "user", "Password": "pass"},
    "HttpHeaders": [{"Name": "X-Token", "Value": "secret"}],
    "Triggers": {
        name: {option: option != "PostFirstOpenOnly" for option in options}
        for name, options in OFF.items()
    },
}
HOOKS = "/webhooks"


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


def test_a_webhook_needs_only_an_url(calls):
    """It is of the stream outbound, with every trigger off (S: dotnet, java)."""
    webhook = calls.ok("POST", HOOKS, {"Url": URL, "HttpAuth": None, "Triggers": None})
    assert webhook == {
        "ID": webhook["ID"],
        "Url": URL,
        "MessageStream": "outbound",
        "HttpAuth": None,
        "HttpHeaders": [],
        "Triggers": OFF,
        "Status": "verified",
    }


def test_a_webhook_is_shown_as_it_was_sent(calls):
    """Also its password (S: php, dotnet); the list has those of one stream or all."""
    webhook = calls.ok("POST", HOOKS, FULL)
    assert {name: webhook[name] for name in FULL} == FULL
    assert calls.ok("GET", f"{HOOKS}/{webhook['ID']}") == webhook
    other = calls.ok("POST", HOOKS, {"Url": URL})
    assert calls.ok("GET", HOOKS, count=30, offset=0) == {"Webhooks": [webhook, other]}
    assert calls.ok("GET", HOOKS, messageStream="broadcast") == {"Webhooks": [webhook]}
    assert calls.ok("DELETE", f"{HOOKS}/{webhook['ID']}") == {
        "ErrorCode": 0,
        "Message": f"Webhook {webhook['ID']} removed.",
    }
    assert calls.ok("GET", HOOKS)["Webhooks"] == [other]


@pytest.mark.parametrize(
    "url", ["http://example.com", "https://www.test.com/webhook", "http://localhost.acme.test/"]
)
def test_an_url_of_another_machine_is_stored_and_gets_nothing(calls, url):
    """The live suites create these; the sandbox contacts nothing but this machine."""
    webhook = calls.ok("POST", HOOKS, {"Url": url, "Triggers": {"Delivery": {"Enabled": True}}})
    assert (webhook["Url"], webhook["Status"]) == (url, "unverified")
    (shown,) = calls.ok("GET", "/_sandbox/webhooks")["Webhooks"]
    assert "neither this machine nor one of --webhook-host" in shown["Reason"]
    changed = calls.ok("PUT", f"{HOOKS}/{webhook['ID']}", {"Url": "http://LOCALHOST:9/"})
    assert changed["Status"] == "verified"


@pytest.mark.parametrize("query", [{}, {"verify": "false"}])
def test_a_webhook_without_verification_is_unverified(calls, query):
    """By field or by parameter; an edit without them verifies it."""
    body = {"Url": URL} | ({} if query else {"Verify": False})
    webhook = calls.ok("POST", HOOKS, body, **query)
    assert webhook["Status"] == "unverified"
    assert calls.ok("PUT", f"{HOOKS}/{webhook['ID']}", {"Url": URL})["Status"] == "verified"


def test_an_edit_changes_what_is_sent(calls):
    """Triggers one by one; an empty list removes the headers (S: php, dotnet, postmark.js)."""
    webhook = calls.ok("POST", HOOKS, FULL)
    path = f"{HOOKS}/{webhook['ID']}"
    nothing = {"Url": None, "HttpAuth": None, "HttpHeaders": None, "Triggers": {"Open": None}}
    assert calls.ok("PUT", path, nothing) == webhook
    assert calls.ok("PUT", path, webhook | {"Status": None}) == webhook
    changes = {
        "url": "http://127.0.0.1:10/new",
        "httpAuth": {"username": "other", "password": "word"},
        "httpHeaders": [],
        "triggers": {"click": {"enabled": False}, "open": {"PostFirstOpenOnly": True}},
    }
    changed = calls.ok("PUT", path, changes)
    assert changed["Url"] == "http://127.0.0.1:10/new"
    assert changed["HttpAuth"] == {"Username": "other", "Password": "word"}
    assert changed["HttpHeaders"] == []
    assert changed["Triggers"] == webhook["Triggers"] | {
        "Click": {"Enabled": False},
        "Open": {"Enabled": True, "PostFirstOpenOnly": True},
    }
    assert calls.ok("PUT", path, {"HttpAuth": {}})["HttpAuth"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ID": 7}, 1356),
        ({"Url": None}, 1354),
        ({"Url": ""}, 1354),
        ({"Url": 7}, 1354),
        ({"Url": "127.0.0.1/hook"}, 1354),
        ({"Url": "file:///etc/passwd"}, 1354),
        ({"MessageStream": "no-such"}, 1226),
        ({"MessageStream": "inbound"}, 1351),
        ({"MessageStream": 7}, 403),
        ({"HttpAuth": "user:pass"}, 1361),
        ({"HttpAuth": {"Username": "a\r\nb"}}, 1361),
        ({"HttpHeaders": {"X-A": "b"}}, 1361),
        ({"HttpHeaders": ["X-A"]}, 1361),
        ({"HttpHeaders": [{"Value": "b"}]}, 1358),
        ({"HttpHeaders": [{"Name": "X A", "Value": "b"}]}, 1358),
        ({"HttpHeaders": [{"Name": "Content-Length", "Value": "1"}]}, 1358),
        ({"HttpHeaders": [{"Name": "X-A", "Value": "b\r\nX-B: c"}]}, 1361),
        ({"HttpHeaders": [{"Name": "X-A", "Value": "größe"}]}, 1361),
        ({"Triggers": [True]}, 1361),
        ({"Triggers": {"Open": True}}, 1361),
        ({"Triggers": {"Open": {"Enabled": "yes"}}}, 1361),
        ({"Status": "verified"}, 1363),
        ({"Verify": "no"}, 1361),
    ],
)
def test_a_wrong_webhook_is_refused(calls, changes, code):
    """With its code; nothing is stored."""
    assert calls.code("POST", HOOKS, FULL | changes) == code
    assert calls.ok("GET", HOOKS)["Webhooks"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 1355),
        ({"ID": 99}, 1357),
        ({"MessageStream": "outbound"}, 1357),
        ({"Url": "nowhere"}, 1354),
        ({"Status": "unverified"}, 1363),
        ({"Triggers": {"Open": {"Enabled": 1}}}, 1361),
    ],
)
def test_a_wrong_edit_is_refused(calls, changes, code):
    """And changes nothing."""
    webhook = calls.ok("POST", HOOKS, FULL)
    assert calls.code("PUT", f"{HOOKS}/{webhook['ID']}", changes) == code
    assert calls.ok("GET", f"{HOOKS}/{webhook['ID']}") == webhook


def test_an_archived_stream_takes_no_webhook(calls):
    """1350; a list of an unknown stream is 1226, and no body 1355."""
    calls.ok("POST", "/message-streams/broadcast/archive")
    assert calls.code("POST", HOOKS, FULL) == 1350
    assert calls.code("POST", HOOKS) == 1355
    assert calls.code("GET", HOOKS, MessageStream="no-such") == 1226


def test_a_stream_has_thirty_webhooks_at_most(calls):
    """1359, for each stream."""
    for _ in range(30):
        calls.ok("POST", HOOKS, {"Url": URL})
    assert calls.code("POST", HOOKS, {"Url": URL}) == 1359
    calls.ok("POST", HOOKS, FULL)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("number", ["0", "x", "2", "3"])
def test_an_unknown_webhook_is_1352(calls, method, number):
    """Also that of a setting of the server (2), and that of another server (3)."""
    calls.ok("POST", HOOKS, FULL)
    calls.ok("PUT", "/server", {"BounceHookUrl": URL})
    other = Calls(calls.sandbox, token=calls.ok("POST", "/servers", {"Name": "S"})["ApiTokens"][0])
    assert other.ok("POST", HOOKS, {"Url": URL})["ID"] == 3
    status, answer = calls(method, f"{HOOKS}/{number}", {"Url": URL})
    assert (status, answer["ErrorCode"]) == (422, 1352)
    assert answer["Message"] == "The webhook for the provided 'ID' was not found."


def test_webhooks_survive_a_restart(tmp_path):
    """And are gone after a reset."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        webhook = Calls(sandbox).ok("POST", HOOKS, FULL)
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert Calls(sandbox).ok("GET", HOOKS)["Webhooks"] == [webhook]
        sandbox.reset()
        assert Calls(sandbox).ok("GET", HOOKS)["Webhooks"] == []
