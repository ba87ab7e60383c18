"""What holds for each endpoint of Postmark's API: methods, tokens, IDs and the limits of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.api.routes import POSTMARK_ROUTES
from mailframe.sandbox.serving.routes import match
from tests.sandbox.sandbox_mail import client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from mailframe.sandbox.state.database import Database

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ENDPOINTS = [(method, path) for path, methods in POSTMARK_ROUTES.items() for method in methods]
SERVER, ACCOUNT = "X-Postmark-Server-Token", "X-Postmark-Account-Token"
# D: these belong to the account, every other path to a server
OF_ACCOUNT = ("/servers", "/domains", "/senders", "/data-removals", "/templates/push")
# D as codes; 404 for a server is S (postmark.js)
UNKNOWN = {
    "/email/bulk/{id}": (404, 12),
    "/messages/outbound/": (422, 701),
    "/messages/inbound/": (422, 701),
    "/triggers/inboundrules/": (422, 812),
    "/bounces/{id}": (422, 1001),
    "/message-streams/{id}": (422, 1226),
    "/templates/{id}": (422, 1101),
    "/webhooks/{id}": (422, 1352),
    "/servers/{id}": (404, 404),
    "/domains/{id}": (422, 510),
    "/senders/{id}": (422, 501),
    "/data-removals/{id}": (422, 1301),
}
# The code of a wrong count or offset (D), and whether their sum may be 10,000 at most
LISTS = {
    "/messages/outbound": (700, True),
    "/messages/outbound/opens": (700, True),
    "/messages/outbound/clicks": (700, True),
    "/messages/inbound": (700, True),
    "/bounces": (1000, True),
    "/triggers/inboundrules": (800, False),
    "/templates": (1100, False),
    "/servers": (600, False),
    "/domains": (500, False),
    "/senders": (500, False),
}


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """A client of a sandbox with one valid token, which it does not send by itself."""
    with LocalPostmark(in_process=True, tokens=["right"]) as sandbox, client(sandbox) as http:
        del http.headers[SERVER]
        yield http


def ask(http: httpx.Client, method: str, path: str, **headers: str) -> tuple[int, object, object]:
    """Status, ErrorCode and Message of one request without a body; IDs are unknown."""
    for name in ("{id}", "{idoralias}"):
        path = path.replace(name, "99999")
    response = http.request(
        method, path, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    answer = response.json()
    answer = answer if isinstance(answer, dict) else {}
    return response.status_code, answer.get("ErrorCode"), answer.get("Message")


def token_of(path: str) -> dict[str, str]:
    """The token that *path* needs."""
    return {ACCOUNT: "any"} if path.startswith(OF_ACCOUNT) else {SERVER: "right"}


def test_each_endpoint_needs_a_token_of_its_kind(http: httpx.Client):
    """401 / 10: without one, with one of the other kind, and with a wrong or the test token."""
    missing = (
        "No Account or Server API tokens were supplied in the HTTP headers. Please add a header "
        "for either X-Postmark-Server-Token or X-Postmark-Account-Token."
    )
    for method, path in ENDPOINTS:
        needs = token_of(path)
        other = {SERVER: "right"} if ACCOUNT in needs else {ACCOUNT: "any"}
        kind = "Account" if ACCOUNT in needs else "Server"
        wrong = (401, 10, f"Request does not contain a valid {kind} token.")
        assert ask(http, method, path) == (401, 10, missing), path
        assert ask(http, method, path, **other) == wrong, path
        assert ask(http, method, path, **{SERVER: "wrong"}) == wrong, path
        assert ask(http, method, path, **needs | {next(iter(needs)): " "}) == wrong, path
        assert ask(http, method, path, **needs)[0] in (200, 404, 422), path
        assert ask(http, method, path, **needs | other)[0] in (200, 404, 422), path
        if not path.startswith("/email") or method == "GET":
            assert ask(http, method, path, **{SERVER: "POSTMARK_API_TEST"}) == wrong, path


def test_another_method_is_405_and_names_those_of_the_path(http: httpx.Client):
    """Before any token is looked at."""
    for path, methods in POSTMARK_ROUTES.items():
        for method in set(METHODS) - set(methods):
            assert ask(http, method, path)[:2] == (405, 405), (method, path)


def test_an_unknown_id_has_the_code_of_its_endpoint(http: httpx.Client):
    """Also one of a server that is asked for by a text."""
    seen = set()
    for method, path in ENDPOINTS:
        if "{" not in path:
            continue
        start = next(start for start in UNKNOWN if path.startswith(start))
        seen.add(start)
        asked = f"{path}?count=1&offset=0"
        assert ask(http, method, asked, **token_of(path))[:2] == UNKNOWN[start], path
        asked = asked.replace("{id}", "no such one")
        assert ask(http, method, asked, **token_of(path))[:2] == UNKNOWN[start], path
    assert seen == UNKNOWN.keys()


@pytest.mark.parametrize("path", LISTS)
def test_a_list_needs_count_and_offset_in_their_limits(http: httpx.Client, path: str):
    """D: 1 to 500, from 0 on, and 10,000 together where the page says so."""
    code, has_reach = LISTS[path]
    for count, offset, is_right in [
        ("", "0", False),
        ("1", "", False),
        ("0", "0", False),
        ("1", "0", True),
        ("500", "0", True),
        ("501", "0", False),
        ("-1", "0", False),
        ("1", "-1", False),
        ("x", "0", False),
        ("1.0", "0", False),
        ("+1", "0", False),
        ("٣", "0", False),
        ("9" * 30, "0", False),
        ("1", "9" * 30, False),
        ("500", "9500", True),
        ("500", "9501", not has_reach),
        ("1", "9999", True),
        ("1", "10000", not has_reach),
    ]:
        query = f"?COUNT={count}&Offset={offset}"
        status, answered, _ = ask(http, "GET", path + query, **token_of(path))
        assert (status, answered) == ((200, None) if is_right else (422, code)), query


GOOD = {"From": "a@x.test", "To": "b@x.test", "Subject": "Hi", "TextBody": "Hi"}
TEMPLATED = {"From": "a@x.test", "To": "b@x.test", "TemplateModel": {}}
WEBHOOK = {"Url": "http://127.0.0.1:9/", "Triggers": {"Click": {"Enabled": 5}}}
ADDRESSES = {"Suppressions": [{"EmailAddress": "a@x.test"}, {"EmailAddress": 5}]}
# The start of each body is right, and its last field or entry is not
HALF_RIGHT = {
    ("POST", "/email"): GOOD | {"Tag": 5},
    ("POST", "/email/batch"): [GOOD, 5],
    ("POST", "/email/withTemplate"): TEMPLATED | {"TemplateAlias": "none"},
    ("POST", "/email/batchWithTemplates"): {"Messages": [TEMPLATED | {"TemplateId": 1}, 5]},
    ("POST", "/email/bulk"): {
        "From": "a@x.test",
        "Subject": "Hi",
        "TextBody": "Hi",
        "MessageStream": "broadcast",
        "Messages": [{"To": "b@x.test"}, {"To": "bad"}],
    },
    ("POST", "/templates"): {
        "Name": "n",
        "Alias": "new",
        "Subject": "s",
        "TextBody": "{{#each x}}",
    },
    ("PUT", "/templates/1"): {"Name": "new", "TextBody": "{{#each x}}"},
    ("PUT", "/templates/push"): {"SourceServerID": 1, "PerformChanges": True},
    ("POST", "/message-streams"): {
        "ID": "new",
        "Name": "n",
        "MessageStreamType": "Broadcasts",
        "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "None"},
    },
    ("PATCH", "/message-streams/broadcast"): {"Name": "new", "Description": "<b>"},
    ("POST", "/message-streams/outbound/archive"): None,
    ("POST", "/message-streams/outbound/suppressions"): ADDRESSES,
    ("POST", "/message-streams/outbound/suppressions/delete"): ADDRESSES,
    ("PUT", "/server"): {"Name": "new", "Color": "none"},
    ("POST", "/webhooks"): WEBHOOK,
    ("PUT", "/webhooks/1"): WEBHOOK | {"Url": "http://127.0.0.1:8/"},
    ("POST", "/triggers/inboundrules"): {"Rule": "no rule"},
    ("POST", "/servers"): {"Name": "new", "InboundDomain": "none"},
    ("PUT", "/servers/1"): {"Name": "new", "InboundDomain": "none"},
    ("POST", "/domains"): {"Name": "new.test", "ReturnPathDomain": "other.test"},
    ("PUT", "/domains/1"): {"CustomTrackingDomain": "t.x.test", "ReturnPathDomain": "other.test"},
    ("POST", "/senders"): {"FromEmail": "a@x.test", "Name": "n", "ReplyToEmail": "bad"},
    ("PUT", "/senders/1"): {"Name": "new", "ReplyToEmail": "bad"},
    ("POST", "/data-removals"): {"RequestedBy": "a@x.test", "RequestedFor": "bad"},
}

# Each has one write, and no body
WITHOUT_BODY = ("verify", "retry", "bypass", "unarchive", "resend", "dkim", "activate")


def filled(http: httpx.Client, other: int) -> None:
    """One entry for each ID of HALF_RIGHT; a push would create a template and change a layout."""
    template = {"Name": "n", "Alias": "a", "Subject": "s", "TextBody": "t"}
    layout = {"Name": "n", "Alias": "b", "TemplateType": "Layout", "TextBody": "{{{@content}}}"}
    for path, body in [
        *[("/templates", template), ("/templates", layout)],
        *[("/webhooks", {"Url": "http://127.0.0.1:9/"}), ("/domains", {"Name": "x.test"})],
        *[("/senders", {"FromEmail": "b@x.test", "Name": "n"})],
    ]:
        assert http.post(path, json=body).status_code == 200, path
    twin = template | {"Alias": "b"}
    assert http.post("/templates", json=twin, headers={SERVER: "two"}).status_code == 200
    HALF_RIGHT["PUT", "/templates/push"]["DestinationServerID"] = other


def test_a_refused_request_changes_nothing():
    """Each endpoint that writes, with a body whose last field or entry is wrong."""
    writing = {(method, path) for method, path in ENDPOINTS if method in ("POST", "PUT", "PATCH")}
    with (
        LocalPostmark(
            in_process=True, server_id=1, tokens=["one"], servers={"other": "two"}
        ) as sandbox,
        client(sandbox) as http,
    ):
        http.headers[ACCOUNT] = "any"
        database = sandbox._store.database
        (other,) = set(sandbox._store.servers.ids()) - {1}
        filled(http, other)
        for (method, path), body in HALF_RIGHT.items():
            before = kept(database)
            answer = http.request(method, path, json=body)
            assert answer.status_code == 422, (path, answer.text)
            assert kept(database) == before, path
            writing.discard((method, match(path)[0]))
    rest = {path for _, path in writing if not any(word in path for word in WITHOUT_BODY)}
    assert rest == {"/templates/validate"}  # which writes nothing


def kept(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table but the requests, and the thread of the webhooks."""
    tables = [row[0] for row in database.rows("select name from sqlite_master where type='table'")]
    left_out = ("requests", "sqlite_sequence", "webhook_cursor", "sums")
    return {
        table: [tuple(row) for row in database.rows(f"select * from {table}")]  # noqa: S608 - ours
        for table in tables
        if table not in left_out
    }
