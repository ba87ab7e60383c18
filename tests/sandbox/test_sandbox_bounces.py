"""``/bounces``, ``/deliverystats``, opens and clicks: what the API shows of events."""

from __future__ import annotations

import re

import pytest

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.state.bounce_types import TYPES
from tests.sandbox.lives import campaign
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import PAGE, get

DOMAIN = "bounce-testing.postmarkapp.com"
CODES = {
    "HardBounce": 1,
    "Transient": 2,
    "Unsubscribe": 16,
    "Subscribe": 32,
    "AutoResponder": 64,
    "AddressChange": 128,
    "DnsError": 256,
    "SpamNotification": 512,
    "OpenRelayTest": 1024,
    "Unknown": 2048,
    "SoftBounce": 4096,
    "VirusNotification": 8192,
    "ChallengeVerification": 16384,
    "BadEmailAddress": 100000,
    "SpamComplaint": 100001,
    "ManuallyDeactivated": 100002,
    "Unconfirmed": 100003,
    "Blocked": 100006,
    "SMTPApiError": 100007,
    "InboundError": 100008,
    "DMARCPolicy": 100009,
    "TemplateRenderingFailed": 100010,
}
KEYS = [
    "RecordType",
    "ID",
    "Type",
    "TypeCode",
    "Name",
    "Tag",
    "MessageID",
    "ServerID",
    "MessageStream",
    "Description",
    "Details",
    "Email",
    "From",
    "BouncedAt",
    "DumpAvailable",
    "Inactive",
    "CanActivate",
    "Subject",
]


def put(sandbox, path, **options):
    """PUT *path* on a new connection."""
    with client(sandbox) as http:
        return http.put(path, **options)


def bounced(sandbox, *names, **fields):
    """Send one message to each bounce-testing address; returns the MessageIDs."""
    messages = [mail(To=f"{name}@{DOMAIN}", **fields) for name in names]
    return [item["MessageID"] for item in post(sandbox, messages).json()]


def listed(sandbox, **query):
    """The addresses of a page of bounces, without their domain; the count is checked."""
    body = get(sandbox, "/bounces", **PAGE | query).json()
    assert body["TotalCount"] == len(body["Bounces"])
    return [bounce["Email"].partition("@")[0] for bounce in body["Bounces"]]


def refused(sandbox, path, **query):
    """Status, code and text of an answer to GET."""
    response = get(sandbox, path, **query)
    return response.status_code, response.json()["ErrorCode"], response.json()["Message"]


def test_every_type_has_its_documented_code():
    """Name and description are those of the Bounce API."""
    assert {name: kind.code for name, kind in TYPES.items()} == CODES
    assert TYPES["SoftBounce"].name == "Soft bounce"
    assert TYPES["HardBounce"].description == (
        "The server was unable to deliver your message (ex: unknown user, mailbox not found)."
    )


def test_a_bounce_has_every_documented_key(sandbox):
    """The list, the single bounce and its activation show the same object."""
    bounced(sandbox, "hardbounce", Tag="t", From='"A, B" <a@example.com>', Subject="Hi")
    (item,) = get(sandbox, "/bounces", **PAGE).json()["Bounces"]
    assert list(item) == KEYS
    assert (item["Type"], item["TypeCode"], item["Tag"]) == ("HardBounce", 1, "t")
    assert (item["From"], item["Subject"]) == ("a@example.com", "Hi")
    assert (item["Inactive"], item["CanActivate"], item["DumpAvailable"]) == (True, True, True)
    assert get(sandbox, f"/bounces/{item['ID']}").json() == item
    dump = get(sandbox, f"/bounces/{item['ID']}/dump").json()["Body"]
    assert f"Final-Recipient: rfc822; hardbounce@{DOMAIN}" in dump


def test_activating_a_bounce_removes_the_suppression(sandbox):
    """It needs no body, as clients differ; the address can be sent to again."""
    bounced(sandbox, "hardbounce")
    with client(sandbox) as http:
        del http.headers["Content-Type"]
        answer = http.put("/bounces/1/activate")
    assert (answer.json()["Message"], answer.json()["Bounce"]["Inactive"]) == ("OK", False)
    assert sandbox.suppressions().empty
    assert post(sandbox, mail(To=f"hardbounce@{DOMAIN}")).status_code == 200
    change = sandbox.events().query("RecordType == 'SubscriptionChange'")["Details"].iloc[1]
    assert change == {"Origin": "Customer", "SuppressSending": False, "SuppressionReason": None}


def test_activating_leaves_a_suppression_that_has_another_reason(sandbox):
    """A manual suppression is lifted by the suppressions API only."""
    sandbox.suppress(f"softbounce@{DOMAIN}", reason="ManualSuppression", stream="broadcast")
    bounced(sandbox, "softbounce")
    sandbox.suppress(f"softbounce@{DOMAIN}", reason="ManualSuppression")
    assert put(sandbox, "/bounces/1/activate", json={}).status_code == 200
    assert len(sandbox.suppressions()) == 1


def test_an_address_that_complained_cannot_be_activated(sandbox):
    """1003, and it stays suppressed."""
    campaign(sandbox, 1)
    sandbox.simulate(complaints=1.0)
    assert get(sandbox, "/bounces/1").json()["CanActivate"] is False
    answer = put(sandbox, "/bounces/1/activate")
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 1003)
    assert sandbox.suppressions()["SuppressionReason"].tolist() == ["SpamComplaint"]


def test_each_filter_of_bounces_finds_its_own(sandbox):
    """Newest first; names and types ignore case."""
    first, _ = bounced(sandbox, "softbounce", "hardbounce", Tag="a")
    bounced(sandbox, "dnserror", MessageStream="broadcast")
    assert listed(sandbox) == ["hardbounce", "softbounce"]
    assert listed(sandbox, messagestream="broadcast") == ["dnserror"]
    assert listed(sandbox, Type="softbounce") == ["softbounce"]
    assert listed(sandbox, inactive="True") == listed(sandbox, inactive="1") == ["hardbounce"]
    assert listed(sandbox, inactive="false") == ["softbounce"]
    assert listed(sandbox, emailFilter="OFTB") == ["softbounce"]
    assert listed(sandbox, emailFilter="notexist292random") == []
    assert listed(sandbox, tag="a", messageID=first.upper()) == ["softbounce"]
    assert listed(sandbox, tag="A") == []
    assert listed(sandbox, fromdate="2100-01-01") == []
    assert len(listed(sandbox, fromdate="2020-01-01", todate="2100-01-01T00:00:00")) == 2
    body = get(sandbox, "/bounces", messageID=first).json()  # needs no count and offset (D)
    assert body["TotalCount"] == 1
    assert len(get(sandbox, "/bounces", count=1, offset=1).json()["Bounces"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        {"count": -1},
        {"count": 501},
        {"offset": -1},
        {"offset": 9_600},
        {"count": "x"},
        {"type": "Bounce"},
        {"inactive": "maybe"},
        {"fromdate": "yesterday"},
        {"todate": "2026-13-01"},
    ],
)
def test_a_wrong_query_of_bounces_is_1000(query, sandbox):
    """As documented."""
    assert refused(sandbox, "/bounces", **PAGE | query)[:2] == (422, 1000)


@pytest.mark.parametrize("path", ["/bounces/7", "/bounces/x", "/bounces/99999999999999999999/dump"])
def test_an_unknown_bounce_is_1001(path, sandbox):
    """Another server's bounce is unknown, too."""
    assert refused(sandbox, path)[:2] == (422, 1001)
    with LocalPostmark(in_process=True, servers={"b": "two"}) as two, client(two) as http:
        bounced(two, "hardbounce")
        http.headers["X-Postmark-Server-Token"] = "two"
        assert http.get("/bounces/1").json()["ErrorCode"] == 1001
        assert http.get("/deliverystats").json()["Bounces"] == [{"Name": "All", "Count": 0}]


def test_the_newest_bounces_are_kept():
    """As many as messages."""
    with LocalPostmark(in_process=True, keep=3) as sandbox:
        for _ in range(5):
            bounced(sandbox, "softbounce")
        assert sandbox.bounces()["ID"].tolist() == [3, 4, 5]


def test_an_unknown_stream_is_1226(sandbox):
    """For bounces, opens and clicks."""
    for path in ("/bounces", "/messages/outbound/opens", "/messages/outbound/clicks"):
        assert refused(sandbox, path, **PAGE, messagestream="none")[:2] == (422, 1226)


def test_deliverystats_count_by_type_without_zeros(sandbox):
    """The row for all of them has no type, as recorded."""
    bounced(sandbox, "hardbounce", "softbounce", "softbounce")
    assert get(sandbox, "/deliverystats").json() == {
        "InactiveMails": 1,
        "Bounces": [
            {"Name": "All", "Count": 3},
            {"Type": "HardBounce", "Name": "Hard bounce", "Count": 1},
            {"Type": "SoftBounce", "Name": "Soft bounce", "Count": 2},
        ],
    }


def test_tags_are_those_of_bounced_messages(sandbox):
    """A list of texts, each once."""
    campaign(sandbox, 1, Tag="delivered")
    bounced(sandbox, "softbounce", "dnserror", Tag="b")
    bounced(sandbox, "softbounce", Tag="a")
    assert get(sandbox, "/bounces/tags").json() == ["a", "b"]


def test_opens_list_the_first_of_each_recipient(sandbox):
    """Newest first; the list of one message has the same items."""
    (first, *_rest) = campaign(sandbox, 5)
    sandbox.simulate(opens=1.0, seed=4)
    body = get(sandbox, "/messages/outbound/opens", **PAGE).json()
    assert (body["TotalCount"], len(body["Opens"])) == (5, 5)
    assert len(sandbox.events()) > 5
    item = next(item for item in body["Opens"] if item["MessageID"] == first)
    assert item.keys() == {
        "RecordType",
        "MessageStream",
        "FirstOpen",
        "ReadSeconds",
        "Client",
        "OS",
        "Platform",
        "UserAgent",
        "Geo",
        "MessageID",
        "ReceivedAt",
        "Tag",
        "Recipient",
    }
    assert (item["RecordType"], item["FirstOpen"], item["Tag"]) == ("Open", True, "autumn")
    assert get(sandbox, f"/messages/outbound/opens/{first}", **PAGE).json() == {
        "TotalCount": 1,
        "Opens": [item],
    }


def test_clicks_have_their_link_and_location(sandbox):
    """Every click is listed."""
    (first, *_rest) = campaign(sandbox, 5)
    sandbox.simulate(clicks=1.0, seed=4)
    body = get(sandbox, "/messages/outbound/clicks", **PAGE).json()
    assert body["TotalCount"] == len(sandbox.events().query("RecordType == 'Click'"))
    assert {item["ClickLocation"] for item in body["Clicks"]} == {"HTML"}
    assert all(item["OriginalLink"].startswith("https://acme.") for item in body["Clicks"])
    one = get(sandbox, f"/messages/outbound/clicks/{first}", **PAGE).json()
    assert {item["Recipient"] for item in one["Clicks"]} == {"user0@example.com"}


def test_each_filter_of_opens_agrees_with_its_field(sandbox):
    """The counts of all values of a field add up, ignoring case."""
    campaign(sandbox, 60)
    campaign(sandbox, 20, first=60, Tag="winter", MessageStream="broadcast")
    sandbox.simulate(opens=1.0, seed=2)
    items = get(sandbox, "/messages/outbound/opens", **PAGE).json()["Opens"]
    assert len(items) == 60
    fields = {
        "client_name": ("Client", "Name"),
        "client_company": ("Client", "Company"),
        "client_family": ("Client", "Family"),
        "os_name": ("OS", "Name"),
        "os_company": ("OS", "Company"),
        "os_family": ("OS", "Family"),
        "country": ("Geo", "Country"),
        "region": ("Geo", "Region"),
        "city": ("Geo", "City"),
    }
    for parameter, (group, name) in fields.items():
        values = {item[group].get(name) for item in items} - {None}
        assert values, parameter
        for value in values:
            query = {parameter: value.upper() if value.isascii() else value}
            total = get(sandbox, "/messages/outbound/opens", **PAGE, **query).json()["TotalCount"]
            assert total == sum(item[group].get(name) == value for item in items)
    path = "/messages/outbound/opens"
    assert get(sandbox, path, **PAGE, platform="mobile").json()["TotalCount"] > 0
    assert get(sandbox, path, **PAGE, recipient="USER7@").json()["TotalCount"] == 1
    assert get(sandbox, path, **PAGE, tag="winter").json()["TotalCount"] == 0
    broadcast = get(sandbox, path, **PAGE, tag="winter", messagestream="broadcast").json()
    assert broadcast["TotalCount"] == 20
    assert get(sandbox, path, **PAGE, todate="2020-01-01").json()["TotalCount"] == 0


@pytest.mark.parametrize("kind", ["opens", "clicks"])
def test_wrong_paging_is_700_and_an_unknown_message_701(kind, sandbox):
    """As for messages."""
    path = f"/messages/outbound/{kind}"
    assert refused(sandbox, path)[:2] == (422, 700)
    assert refused(sandbox, path, count=500, offset=9_501)[:2] == (422, 700)
    assert refused(sandbox, f"{path}/none")[:2] == (422, 700)
    assert refused(sandbox, f"{path}/none", **PAGE)[:2] == (422, 701)


def test_details_show_every_event_in_the_order_of_time(sandbox):
    """Types and details are Postmark's; BounceID is a text."""
    (message_id,) = campaign(sandbox, 1, MessageStream="broadcast")
    sandbox.simulate(clicks=1.0, complaints=0.0, unsubscribes=1.0, over="1d")
    sandbox.advance("1d")
    path = f"/messages/outbound/{message_id}/details"
    events = get(sandbox, path).json()["MessageEvents"]
    times = [event["ReceivedAt"] for event in events]
    assert times == sorted(times)
    details = {event["Type"]: event["Details"] for event in events}
    assert list(dict.fromkeys(event["Type"] for event in events))[:2] == ["Delivered", "Opened"]
    assert details["SubscriptionChanged"] == {"Origin": "Recipient", "SuppressSending": "True"}
    assert details["LinkClicked"].keys() == {"Summary", "Link", "ClickLocation"}
    assert re.match(r"Email opened with \w", details["Opened"]["Summary"])
    (message_id,) = bounced(sandbox, "hardbounce")
    events = get(sandbox, f"/messages/outbound/{message_id}/details").json()["MessageEvents"]
    assert [event["Type"] for event in events] == ["Bounced"]
    assert events[0]["Details"]["BounceID"] == "1"
