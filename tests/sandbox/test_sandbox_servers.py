"""``/server`` and ``/servers``: settings, their checks (600 to 615), several servers."""

from __future__ import annotations

import pandas as pd
import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail

SETTINGS = {
    "Name": "Shop",
    "Color": "purple",
    "RawEmailEnabled": True,
    "SmtpApiActivated": False,
    "InboundHookUrl": "http://www.example.com/inbound",
    "BounceHookUrl": "http://www.example.com/bounce",
    "OpenHookUrl": "http://www.example.com/open",
    "DeliveryHookUrl": "http://www.example.com/delivery",
    "ClickHookUrl": "http://www.example.com/click",
    "PostFirstOpenOnly": True,
    "TrackOpens": True,
    "TrackLinks": "HtmlOnly",
    "InboundDomain": "in.shop.example",
    "InboundSpamThreshold": 30,
    "IncludeBounceContentInHook": True,
    "EnableSmtpApiErrorHooks": True,
}


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


def test_every_setting_can_be_changed(calls):
    """And is shown as it was sent; the ID, the tokens and the type stay."""
    before = calls.ok("GET", "/server")
    after = calls.ok("PUT", "/server", SETTINGS)
    assert {name: after[name] for name in SETTINGS} == SETTINGS
    assert list(after) == list(before)
    assert calls.ok("GET", "/server") == after
    assert {name for name in before if before[name] == after[name]} == {
        "ID",
        "ApiTokens",
        "DeliveryType",
        "ServerLink",
        "InboundAddress",
        "InboundHash",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Shop", "trackLinks": ""},  # as postmark-php sends it
        {"Name": "Shop", "Color": None, "InboundDomain": None, "TrackOpens": None},  # dotnet
        {"Name": "Shop", "Unknown": 1},
    ],
)
def test_what_is_not_sent_or_null_stays(calls, changes):
    """Names of fields ignore case."""
    before = calls.ok("GET", "/server")
    assert calls.ok("PUT", "/server", changes) == before | {"Name": "Shop"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 609),
        ({"Name": " "}, 608),
        ({"Name": "n" * 101}, 608),
        ({"Name": 7}, 403),
        ({"Color": "pink"}, 607),
        ({"Color": ""}, 607),
        ({"BounceHookUrl": "example.com/hook"}, 606),
        ({"OpenHookUrl": "ftp://example.com"}, 606),
        ({"ClickHookUrl": "http://exa mple.com"}, 606),
        ({"DeliveryHookUrl": "http://example.com:99999/"}, 606),
        ({"InboundHookUrl": "http://[::1"}, 606),
        ({"InboundHookUrl": "http://example.com/" + "a" * 2048}, 606),
        ({"InboundDomain": "in.postmarkapp.com"}, 608),
        ({"InboundDomain": "nodot"}, 403),
        ({"InboundSpamThreshold": -1}, 611),
        ({"InboundSpamThreshold": 31}, 611),
        ({"InboundSpamThreshold": "5"}, 403),
        ({"InboundSpamThreshold": True}, 403),
        ({"InboundSpamThreshold": 5.5}, 403),
        ({"TrackLinks": "All"}, 612),
        ({"TrackOpens": "true"}, 403),
        ({"DeliveryType": "Dead"}, 613),
        ({"DeliveryType": "Live"}, 615),
        ([], 403),
    ],
)
def test_a_wrong_setting_is_refused(calls, changes, code):
    """With its code; nothing is changed."""
    before = calls.ok("GET", "/server")
    assert calls.code("PUT", "/server", changes) == code
    assert calls.ok("GET", "/server") == before


def test_the_own_type_and_a_whole_threshold_are_accepted(calls):
    """A client may send back all that it was shown."""
    before = calls.ok("GET", "/server")
    assert calls.ok("PUT", "/server", before) == before
    after = calls.ok("PUT", "/server", {"InboundSpamThreshold": 9.0, "TrackLinks": "textonly"})
    assert (after["InboundSpamThreshold"], after["TrackLinks"]) == (9, "TextOnly")


def test_the_token_of_a_created_server_is_valid_at_once(calls):
    """It has the three streams of a new server, delivers by default, and has its own messages."""
    server = calls.ok("POST", "/servers", {"Name": "Shop", "InboundSpamThreshold": 30})
    assert (server["DeliveryType"], server["InboundSpamThreshold"]) == ("Live", 30)
    assert (server["EnableSmtpApiErrorHooks"], server["InboundDomain"]) == (False, "")
    shop = Calls(calls.sandbox, token=server["ApiTokens"][0])
    assert shop.ok("GET", "/server") == server
    assert shop.ok("GET", "/message-streams")["TotalCount"] == 3
    shop.ok("POST", "/email", mail())
    page = {"count": 1, "offset": 0}
    assert shop.ok("GET", "/messages/outbound", **page)["TotalCount"] == 1
    assert calls.ok("GET", "/messages/outbound", **page)["TotalCount"] == 0


def test_servers_are_listed_changed_and_removed(calls):
    """The list finds a part of a name, ignoring case."""
    names = [f"Shop {number}" for number in range(3)]
    ids = [calls.ok("POST", "/servers", {"name": name})["ID"] for name in names]
    listed = calls.ok("GET", "/servers", count=2, offset=1)
    assert (listed["TotalCount"], len(listed["Servers"])) == (4, 2)
    shops = calls.ok("GET", "/servers", count=500, offset=0, name="SHOP")["Servers"]
    assert [server["Name"] for server in shops] == names
    changed = calls.ok("PUT", f"/servers/{ids[0]}", {"Color": "red", "Name": "Store"})
    assert (changed["Color"], changed["Name"]) == ("red", "Store")
    assert calls.ok("GET", f"/servers/{ids[0]}") == changed
    token = changed["ApiTokens"][0]
    Calls(calls.sandbox, token=token).ok(
        "POST",
        "/message-streams/outbound/suppressions",
        {"Suppressions": [{"EmailAddress": "a@example.com"}]},
    )
    assert calls.ok("DELETE", f"/servers/{ids[0]}") == {
        "ErrorCode": 0,
        "Message": "Server Store removed.",
    }
    assert calls("GET", f"/servers/{ids[0]}")[0] == 404
    assert calls.ok("GET", "/servers", count=1, offset=0)["TotalCount"] == 3
    database = calls.sandbox._store.database
    for table in ("server_tokens", "streams", "suppressions"):
        rows = database.rows(f"select server from {table}")  # noqa: S608 - our own tables
        assert ids[0] not in {row["server"] for row in rows}


def test_the_messages_of_a_removed_server_are_listed_and_not_simulated(calls):
    """Its ID is right for lists as long as a message is kept, and an error for a simulation."""
    server = calls.ok("POST", "/servers", {"Name": "Shop"})
    Calls(calls.sandbox, token=server["ApiTokens"][0]).ok("POST", "/email", mail())
    calls.ok("DELETE", f"/servers/{server['ID']}")
    assert len(calls.ok("GET", "/_sandbox/messages", server=server["ID"])["Messages"]) == 1
    body = {"Opens": 1.0, "ServerID": server["ID"]}
    assert calls.code("POST", "/_sandbox/simulate", body) == 300


def test_the_first_server_stays(calls):
    """Every other token belongs to it (605)."""
    assert calls.code("DELETE", f"/servers/{calls.sandbox.server_id}") == 605


def test_a_sandbox_server_keeps_its_type(calls):
    """Live suite of postmark.js."""
    body = {"Name": "Test", "DeliveryType": "sandbox"}
    assert calls.ok("POST", "/servers", body)["DeliveryType"] == "Sandbox"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 609),
        ({"Color": "red"}, 608),
        ({"Name": "first"}, 603),
        ({"Name": "Other", "InboundDomain": "IN.first.example"}, 602),
        ({"Name": "Other", "DeliveryType": 1}, 403),
        ({"Name": "Other", "Color": "pink"}, 607),
    ],
)
def test_a_wrong_new_server_is_refused(calls, body, code):
    """Names and inbound domains are unique, ignoring case."""
    calls.ok("POST", "/servers", {"Name": "First", "InboundDomain": "in.first.example"})
    assert calls.code("POST", "/servers", body) == code
    assert calls.code("PUT", "/server", {"InboundDomain": "in.first.example"}) == 602
    assert calls.ok("GET", "/servers", count=1, offset=0)["TotalCount"] == 2


@pytest.mark.parametrize("query", [{}, {"count": 1}, {"count": 0, "offset": 0}, {"count": 501}])
def test_the_paging_of_a_list_is_checked(calls, query):
    """600 for servers, 500 for domains and senders, 800 for inbound rules, 700 for messages."""
    paths = {
        "/servers": 600,
        "/domains": 500,
        "/senders": 500,
        "/triggers/inboundrules": 800,
        "/messages/inbound": 700,
    }
    assert {path: calls.code("GET", path, **query) for path in paths} == paths


@pytest.mark.parametrize("path", ["/servers/7", "/servers/x", f"/servers/{'9' * 30}"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_server_is_404(calls, method, path):
    """As the cleanup of postmark.js expects."""
    assert calls(method, path, {"Name": "x"})[0] == 404


@pytest.mark.parametrize("path", ["/servers", "/domains/1", "/senders/1/resend", "/data-removals"])
def test_the_account_needs_an_account_token(sandbox, path):
    """A server token is the wrong kind (401)."""
    calls = Calls(sandbox)
    del calls._headers["X-Postmark-Account-Token"]
    method = "POST" if path.endswith(("resend", "removals")) else "GET"
    status, answer = calls(method, path)
    assert (status, answer["ErrorCode"]) == (401, 10)


def test_settings_survive_a_restart(tmp_path):
    """Also those of a created server, whose token stays valid."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        token = Calls(sandbox).ok("POST", "/servers", SETTINGS)["ApiTokens"][0]
    with LocalPostmark(in_process=True, db=path) as sandbox:
        server = Calls(sandbox, token=token).ok("GET", "/server")
        assert {name: server[name] for name in SETTINGS} == SETTINGS


def test_methods_are_for_all_servers_or_for_one(either):
    """By name, ignoring case, or by ID; each row has its server."""
    first = either.server_id
    shop = Calls(either).ok("POST", "/servers", {"Name": "Shop"})
    either.set_webhook_times(retries_s=[])
    for token, name in ((either.token, "a"), (shop["ApiTokens"][0], "b")):
        hook = {"Url": "http://127.0.0.1:9/", "Triggers": {"Bounce": {"Enabled": True}}}
        Calls(either, token=token).ok("POST", "/webhooks", hook)
        bounce = mail(To="HardBounce@bounce-testing.postmarkapp.com", Subject=name)
        Calls(either, token=token).ok("POST", "/email", bounce)
        Calls(either, token=token).ok(
            "POST", "/email", mail(Subject=name, MessageStream="outbound")
        )
    assert either.wait_for_webhooks()
    either.suppress("c@x.test", server="shop")
    either.suppress("d@x.test", stream="broadcast", server=first)
    frames = (
        either.messages,
        either.delivered,
        either.events,
        either.bounces,
        either.suppressions,
        either.webhook_deliveries,
    )
    for frame in frames:
        assert set(frame()["ServerID"]) == {first, shop["ID"]}
        assert set(frame(server="SHOP")["ServerID"]) == {shop["ID"]}
        pd.testing.assert_frame_equal(frame(server=shop["ID"]), frame(server="Shop"))
        assert len(frame(server=first)) + len(frame(server="shop")) == len(frame())
    assert either.messages(server="shop")["Subject"].tolist() == ["b", "b"]
    assert either.suppressions(server="shop")["EmailAddress"].tolist()[-1] == "c@x.test"
    assert either.suppressions("broadcast")["ServerID"].tolist() == [first]
    either.simulate(opens=1, server="shop")
    assert set(either.events().query("RecordType == 'Open'")["ServerID"]) == {shop["ID"]}
    for unknown in ("store", 999, True, 1.5):
        for method in (*frames, either.simulate, lambda **to: either.suppress("x@x.test", **to)):
            with pytest.raises(SandboxError, match=r"has no server .* it has 'mailframe sandbox' "):
                method(server=unknown)
