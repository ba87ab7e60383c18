"""Mail that comes in: the inbound hook, the list of messages, rules (codes 700 to 812)."""

from __future__ import annotations

import base64
import email
import email.policy
from email.utils import parsedate_to_datetime

import pytest

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_calls import Calls

LIST, RULES = "/messages/inbound", "/triggers/inboundrules"
PAGE = {"count": 50, "offset": 0}
MAIL = {"From": '"Ann Smith" <Ann@example.com>', "Subject": "Order 7", "TextBody": "Hello"}
MINUTE_NS = 60_000_000_000


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


def test_the_inbound_hook_gets_a_mail_as_postmark_posts_it(sandbox):
    """Every documented key, with the hash of the address it came in at."""
    with Receiver() as receiver:
        calls = Calls(sandbox)
        server = calls.ok("PUT", "/server", {"InboundHookUrl": receiver.url("/in?token=x")})
        address = server["InboundAddress"].replace("@", "+order-7@")
        content = base64.b64encode(b"hi").decode()
        message_id = sandbox.receive(
            MAIL,
            To=f"Shop <{address}>",
            Cc='"Bob" <bob@example.com>, eve@example.com',
            Headers=[{"Name": "In-Reply-To", "Value": "<1@example.com>"}],
            TextBody="Yes.\n\nOn Monday, Shop wrote:\n> Order?",
            Attachments=[{"Name": "a.txt", "Content": content, "ContentType": "text/plain"}],
        )
        assert sandbox.wait_for_webhooks()
        (arrived,) = receiver.posts
    item = arrived.json
    assert arrived.path == "/in?token=x"
    assert arrived.headers["x-pm-retries-remaining"] == "10"
    assert parsedate_to_datetime(item.pop("Date")).year >= 2026
    assert [header["Name"] for header in item.pop("Headers")] == [
        "X-Spam-Status",
        "X-Spam-Score",
        "X-Spam-Tests",
        "In-Reply-To",
    ]
    assert item == {
        "FromName": "Ann Smith",
        "MessageStream": "inbound",
        "From": "Ann@example.com",
        "FromFull": {"Email": "Ann@example.com", "Name": "Ann Smith", "MailboxHash": ""},
        "To": f"Shop <{address}>",
        "ToFull": [{"Email": address, "Name": "Shop", "MailboxHash": "order-7"}],
        "Cc": '"Bob" <bob@example.com>, eve@example.com',
        "CcFull": [
            {"Email": "bob@example.com", "Name": "Bob", "MailboxHash": ""},
            {"Email": "eve@example.com", "Name": "", "MailboxHash": ""},
        ],
        "Bcc": "",
        "BccFull": [],
        "OriginalRecipient": address,
        "Subject": "Order 7",
        "MessageID": message_id,
        "ReplyTo": "",
        "MailboxHash": "order-7",
        "TextBody": "Yes.\n\nOn Monday, Shop wrote:\n> Order?",
        "HtmlBody": "",
        "StrippedTextReply": "Yes.",
        "Tag": "",
        "Attachments": [
            {
                "Name": "a.txt",
                "Content": content,
                "ContentType": "text/plain",
                "ContentLength": 2,
                "ContentID": "",
            }
        ],
    }


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_source_of_a_mail_is_posted_if_the_server_wants_it(sandbox, is_enabled):
    """RawEmail, with all parts; its headers are on one line each."""
    with Receiver() as receiver:
        settings = {"InboundHookUrl": receiver.url(), "RawEmailEnabled": is_enabled}
        Calls(sandbox).ok("PUT", "/server", settings)
        sandbox.receive(
            MAIL,
            Subject="Größe\r\nBcc: eve@example.com",
            ReplyTo="r@example.com",
            HtmlBody="<p>Hello</p>",
            Attachments=[
                {"Name": "a", "Content": "aGk=", "ContentType": kind}
                for kind in ("text/plain; charset=utf-8", "message/rfc822", "nonsense")
            ],
        )
        assert sandbox.wait_for_webhooks()
        (arrived,) = receiver.posts
    assert ("RawEmail" in arrived.json) == is_enabled
    if is_enabled:
        source = email.message_from_string(arrived.json["RawEmail"], policy=email.policy.default)
        assert source["Subject"] == "Größe Bcc: eve@example.com"
        assert (source["Bcc"], source["Reply-To"]) == (None, "r@example.com")
        parts = [part for part in source.walk() if not part.is_multipart()]
        assert [part.get_content().strip() for part in parts[:3]] == ["Hello", "<p>Hello</p>", "hi"]
        octets = ["application/octet-stream"] * 2
        kinds = [part.get_content_type() for part in parts]
        assert kinds == ["text/plain", "text/html", "text/plain", *octets]


def test_an_inbound_mail_is_retried_until_200(sandbox):
    """Also after 204 and 404, ten times in ten hours; 403 ends it (D)."""
    calls = Calls(sandbox)
    with Receiver([204, 404, 200, 403]) as receiver:
        calls.ok("PUT", "/server", {"InboundHookUrl": receiver.url()})
        first = sandbox.receive(MAIL)
        for status in ("Scheduled", "Scheduled", "Processed"):
            assert sandbox.wait_for_webhooks()
            assert calls.ok("GET", f"{LIST}/{first}/details")["Status"] == status
            sandbox._store.clock.advance(5 * MINUTE_NS)
        second = sandbox.receive(MAIL)
        assert sandbox.wait_for_webhooks()
        assert calls.ok("GET", f"{LIST}/{second}/details")["Status"] == "Failed"
        assert calls.code("PUT", f"{LIST}/{first}/retry") == 701
        assert calls.ok("PUT", f"{LIST}/{second}/retry")["ErrorCode"] == 0
        assert sandbox.wait_for_webhooks()
        assert calls.ok("GET", f"{LIST}/{second}/details")["Status"] == "Processed"
        assert len(receiver.posts) == 5


def test_a_blocked_mail_reaches_the_hook_only_when_it_is_bypassed(sandbox):
    """By a rule for its address or its domain, ignoring case, or by its spam score."""
    calls = Calls(sandbox)
    with Receiver() as receiver:
        calls.ok("PUT", "/server", {"InboundHookUrl": receiver.url(), "InboundSpamThreshold": 4})
        calls.ok("POST", RULES, {"Rule": "spam.example"})
        calls.ok("POST", RULES, {"Rule": "Bad@example.com"})
        senders = ["a@Spam.example", "bad@example.com", "good@example.com"]
        blocked = [sandbox.receive(MAIL, From=sender) for sender in senders]
        blocked[2] = sandbox.receive(MAIL, SpamScore=4.5)
        assert sandbox.wait_for_webhooks()
        assert [post.json["From"] for post in receiver.posts] == ["good@example.com"]
        assert calls.ok("GET", LIST, status="blocked", **PAGE)["TotalCount"] == 3
        details = calls.ok("GET", f"{LIST}/{blocked[0].upper()}/details")
        assert details["BlockedReason"] == "Blocked by the inbound rule spam.example"
        answer = calls.ok("PUT", f"{LIST}/{blocked[0]}/bypass")
        assert answer["Message"] == f"Successfully bypassed message: {blocked[0]}."
        assert sandbox.wait_for_webhooks()
        assert receiver.posts[-1].json["MessageID"] == blocked[0]
        assert calls.code("PUT", f"{LIST}/{blocked[0]}/bypass") == 701


@pytest.mark.parametrize("url", ["", "http://www.example.com/inbound"])
def test_without_a_hook_on_this_machine_a_mail_is_processed(sandbox, url):
    """It can be read by the API."""
    calls = Calls(sandbox)
    calls.ok("PUT", "/server", {"InboundHookUrl": url})
    message_id = sandbox.receive(MAIL)
    assert sandbox.wait_for_webhooks()
    details = calls.ok("GET", f"{LIST}/{message_id}/details")
    assert (details["Status"], details["TextBody"]) == ("Processed", "Hello")
    assert details["BlockedReason"] is None
    listed = calls.ok("GET", LIST, **PAGE)
    assert listed["TotalCount"] == 1
    assert set(details) - set(listed["InboundMessages"][0]) == {
        "TextBody",
        "HtmlBody",
        "Headers",
        "BlockedReason",
    }


def test_inbound_messages_are_searched(calls):
    """Newest first; of the own server only."""
    address = calls.ok("GET", "/server")["InboundAddress"]
    calls.sandbox.receive(MAIL, Tag="a")
    calls.sandbox._store.clock.advance(3 * 1440 * MINUTE_NS)
    hashed = address.replace("@", "+h@")
    calls.sandbox.receive(MAIL, From="bob@example.com", Subject="Other", To=hashed)
    for query, subjects in (
        ({}, ["Other", "Order 7"]),
        ({"fromemail": "ANN@example.com"}, ["Order 7"]),
        ({"subject": "oTHe"}, ["Other"]),
        ({"recipient": hashed}, ["Other"]),
        ({"mailboxhash": "h"}, ["Other"]),
        ({"tag": "a"}, ["Order 7"]),
        ({"status": "Processed"}, ["Other", "Order 7"]),
        ({"status": "queued"}, []),
        ({"fromdate": "2020-01-01", "todate": "2020-12-31"}, []),
        ({"fromdate": "2020-01-01"}, ["Other", "Order 7"]),
    ):
        messages = calls.ok("GET", LIST, **PAGE | query)["InboundMessages"]
        assert [message["Subject"] for message in messages] == subjects
    other = calls.ok("POST", "/servers", {"Name": "Other"})["ApiTokens"][0]
    assert Calls(calls.sandbox, token=other).ok("GET", LIST, **PAGE)["TotalCount"] == 0


@pytest.mark.parametrize(
    "query", [{"status": "lost"}, {"fromdate": "yesterday"}, {"count": 500, "offset": 9501}]
)
def test_a_wrong_search_is_refused(calls, query):
    """700."""
    assert calls.code("GET", LIST, **PAGE | query) == 700


def test_an_unknown_message_has_the_recorded_texts(calls):
    """Recorded by postmarker."""
    messages = {
        path: calls(method, f"{LIST}/7/{path}")[1]["Message"]
        for method, path in (("GET", "details"), ("PUT", "bypass"), ("PUT", "retry"))
    }
    assert messages == {
        "details": "This message was not found.",
        "bypass": "This message was not found or cannot be bypassed.",
        "retry": "This message was not found or cannot be retried.",
    }


def test_the_server_of_an_inbound_domain_gets_its_mail(calls):
    """Any address of the domain; the hash of an address names its server as well."""
    shop = calls.ok("POST", "/servers", {"Name": "Shop", "InboundDomain": "in.shop.example"})
    for to in ("orders@in.SHOP.example", shop["InboundAddress"].upper()):
        calls.sandbox.receive(MAIL, To=f"nobody@example.com, {to}")
    own = Calls(calls.sandbox, token=shop["ApiTokens"][0])
    assert own.ok("GET", LIST, **PAGE)["TotalCount"] == 2
    assert calls.ok("GET", LIST, **PAGE)["TotalCount"] == 0


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"From": None}, "needs one 'From' address"),
        ({"From": "nobody"}, "It must contain the '@' symbol"),
        ({"To": "ann@example.com"}, "No server receives mail at this address"),
        ({"Subject": 7}, r"\$\.Subject"),
        ({"SpamScore": "high"}, r"\$\.SpamScore"),
        ({"Headers": {"X-A": "b"}}, r"\$\.Headers"),
        ({"Attachments": [{"Name": "a", "Content": "not base64!"}]}, r"\$\.Attachments"),
    ],
)
def test_a_wrong_mail_cannot_come_in(calls, changes, why):
    """By method and over HTTP, with the same text; nothing is kept."""
    with pytest.raises(SandboxError, match=why):
        calls.sandbox.receive(MAIL | changes)
    assert calls.code("POST", "/_sandbox/inbound", MAIL | changes) in (300, 403)
    assert calls.ok("GET", LIST, **PAGE)["TotalCount"] == 0


def test_a_mail_comes_in_over_http(calls):
    """The answer has its ID and status."""
    answer = calls.ok("POST", "/_sandbox/inbound", MAIL)
    assert answer == {
        "MessageID": answer["MessageID"],
        "Status": "Processed",
        "BlockedReason": None,
    }


def test_the_newest_inbound_messages_are_kept():
    """As many as other messages; ``clear`` removes them, rules stay."""
    with LocalPostmark(in_process=True, keep=2) as sandbox:
        calls = Calls(sandbox)
        calls.ok("POST", RULES, {"Rule": "spam.example"})
        for number in range(3):
            sandbox.receive(MAIL, Subject=str(number))
        messages = calls.ok("GET", LIST, **PAGE)["InboundMessages"]
        assert [message["Subject"] for message in messages] == ["2", "1"]
        sandbox.clear()
        assert calls.ok("GET", LIST, **PAGE)["TotalCount"] == 0
        assert calls.ok("GET", RULES, **PAGE)["TotalCount"] == 1


def test_rules_are_listed_created_and_removed(calls):
    """As recorded by postmarker; an address or a domain."""
    rules = ["someone@example.com", "acme.test"]
    created = [calls.ok("POST", "/triggers/inboundRules", {"rule": rule}) for rule in rules]
    assert created == [{"ID": 1, "Rule": rules[0]}, {"ID": 2, "Rule": rules[1]}]
    page = calls.ok("GET", RULES, count=1, offset=1)
    assert page == {"TotalCount": 2, "InboundRules": created[1:]}
    assert calls.ok("DELETE", f"{RULES}/1") == {
        "ErrorCode": 0,
        "Message": "Rule someone@example.com removed.",
    }
    for number in ("1", "x"):
        assert calls.code("DELETE", f"{RULES}/{number}") == 812
    other = calls.ok("POST", "/servers", {"Name": "Other"})["ApiTokens"][0]
    assert Calls(calls.sandbox, token=other).code("DELETE", f"{RULES}/2") == 812


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, 809),
        ({"Rule": " "}, 809),
        ({"Rule": "not a rule"}, 809),
        ({"Rule": 7}, 403),
        ({"Rule": "ACME.test"}, 810),
    ],
)
def test_a_wrong_rule_is_refused(calls, body, code):
    """With its code."""
    calls.ok("POST", RULES, {"Rule": "acme.test"})
    assert calls.code("POST", RULES, body) == code
    assert calls.ok("GET", RULES, **PAGE)["TotalCount"] == 1
