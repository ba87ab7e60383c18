"""``/_sandbox/``: the lists with their pages, the settings, and what a removal removes."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.state.settings import settings_of
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import get

LISTS = {
    "messages": ("Messages", "MessageID"),
    "requests": ("Requests", "ID"),
    "events": ("Events", "ID"),
    "bounces": ("Bounces", "ID"),
    "suppressions": ("Suppressions", "EmailAddress"),
    "inbound": ("InboundMessages", "MessageID"),
    "webhooks/deliveries": ("Deliveries", "ID"),
}
COUNT = 5


@pytest.fixture(scope="module")
def filled():
    """A sandbox with at least five entries in each list, and two servers."""
    options = {"tokens": ["one"], "servers": {"shop": "two"}, "server_id": 1, "seed": 1}
    with Receiver() as receiver, LocalPostmark(in_process=True, **options) as sandbox:
        with client(sandbox) as http:
            triggers = {"Bounce": {"Enabled": True}}
            http.post("/webhooks", json={"Url": receiver.url(), "Triggers": triggers})
        for number in range(COUNT):
            address = f"hardbounce+{number}@bounce-testing.postmarkapp.com"
            post(sandbox, mail(To=address, Tag=str(number)))
            sandbox.receive({"From": "ann@example.com", "Subject": str(number)})
        post(sandbox, mail(), headers={"X-Postmark-Server-Token": "two"})
        assert sandbox.wait_for_webhooks()
        yield sandbox


def every(sandbox, path, **query):
    """The values of the entries of a list, page after page, and back again."""
    name, value = LISTS[path]
    pages, down = [], {}
    while down is not None:
        page = get(sandbox, f"/_sandbox/{path}", **query, **down).json()
        pages.append([item[value] for item in page[name]])
        down = None if page["Older"] is None else {"before": page["Older"]}
    back, up = [pages[-1]], page["Newer"]
    while up is not None:
        page = get(sandbox, f"/_sandbox/{path}", **query, after=up).json()
        back.insert(0, [item[value] for item in page[name]])
        up = page["Newer"]
    assert list(chain(*back)) == list(chain(*pages))
    return pages


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("count", [1, 2, 500])
def test_all_lists_are_paged_in_one_way(filled, path, count):
    """Each entry once, newest first, downward and upward; the ends are null."""
    (whole,) = every(filled, path, count=500)
    assert len(whole) == len(set(whole)) >= COUNT
    pages = every(filled, path, count=count)
    assert list(chain(*pages)) == whole
    assert all(len(page) == count for page in pages[:-1])


@pytest.mark.parametrize("path", LISTS)
def test_a_page_beyond_the_ends_is_empty_and_leads_back(filled, path):
    """Also of a list without entries."""
    name, _ = LISTS[path]
    for query in ({"before": 0}, {"before": 1}):
        page = get(filled, f"/_sandbox/{path}", **query).json()
        assert (page[name], page["Older"]) == ([], None)
        back = get(filled, f"/_sandbox/{path}", after=page["Newer"], count=500).json()
        assert len(back[name]) >= COUNT
    page = get(filled, f"/_sandbox/{path}", after=10**14).json()
    assert (page[name], page["Newer"]) == ([], None)
    with LocalPostmark(in_process=True) as empty:
        page = get(empty, f"/_sandbox/{path}").json()
        assert (page[name], page["Newer"], page["Older"]) == ([], None, None)


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("messages", {"server": 1}, 5),
        ("messages", {"server": "other"}, 1),
        ("messages", {"server": "SHOP"}, 1),
        ("webhooks/deliveries", {"server": "mailframe sandbox"}, 5),
        ("bounces", {"server": 1}, 5),
        ("bounces", {"server": "other"}, 0),
        ("bounces", {"stream": "broadcast"}, 0),
        ("bounces", {"message": "first"}, 1),
        ("events", {"type": "Bounce"}, 5),
        ("events", {"type": "SubscriptionChange", "stream": "outbound"}, 5),
        ("events", {"type": "Open"}, 0),
        ("events", {"message": "first"}, 2),
        ("suppressions", {"stream": "outbound"}, 5),
        ("suppressions", {"stream": "broadcast"}, 0),
        ("suppressions", {"server": "other"}, 0),
        ("inbound", {"server": 1}, 5),
        ("webhooks/deliveries", {"server": 1}, 5),
        ("webhooks/deliveries", {"server": "other"}, 0),
        ("requests", {"errors": "false"}, 7),
        ("requests", {"errors": ""}, 0),
    ],
)
def test_a_list_is_limited_to_a_server_a_stream_a_message_or_a_kind(filled, path, query, count):
    """The same parameters mean the same in each list."""
    other = get(filled, "/_sandbox/servers").json()["Servers"][1]["ID"]
    first = filled.messages()["MessageID"][0]
    values = {"other": other, "first": first.upper()}
    query = {name: values.get(value, value) for name, value in query.items()}
    (page,) = every(filled, path, **query)
    assert len(page) == count


def test_an_event_a_bounce_and_a_suppression_name_their_server_and_stream(filled):
    """So that the lists of several servers can be told apart."""
    (event, *_), (bounce, *_), (suppression, *_) = (
        get(filled, f"/_sandbox/{path}").json()[LISTS[path][0]]
        for path in ("events", "bounces", "suppressions")
    )
    for item in (event, bounce, suppression):
        assert (item["ServerID"], item["MessageStream"]) == (1, "outbound")
    assert event["RecordType"] == "SubscriptionChange"
    assert event["Recipient"] == bounce["Email"] == suppression["EmailAddress"]
    assert event["MessageID"] == bounce["MessageID"] == filled.messages()["MessageID"][4]


def test_a_mail_that_came_in_is_shown_and_removed(sandbox):
    """As its hook gets it."""
    message = sandbox.receive({"From": "Ann <ann@example.com>", "Subject": "Hi", "TextBody": "Yes"})
    (listed,) = get(sandbox, "/_sandbox/inbound").json()["InboundMessages"]
    assert (listed["MessageID"], listed["Status"], listed["FromName"]) == (
        message,
        "Processed",
        "Ann",
    )
    shown = get(sandbox, f"/_sandbox/inbound/{message.upper()}").json()
    assert (shown["TextBody"], shown["ServerID"]) == ("Yes", sandbox.server_id)
    with client(sandbox) as http:
        assert http.delete(f"/_sandbox/inbound/{message}").status_code == 200
        assert http.delete(f"/_sandbox/inbound/{message}").status_code == 404
    assert get(sandbox, "/_sandbox/inbound").json()["InboundMessages"] == []


@pytest.mark.parametrize("name", ["shop", "2026"])
@pytest.mark.parametrize("by_name", [False, True])
def test_an_address_is_suppressed_on_one_server(name, by_name):
    """By its ID or its name, also one of digits; the first one by default."""
    with LocalPostmark(in_process=True, servers={name: "two"}) as sandbox:
        shop = get(sandbox, "/_sandbox/servers").json()["Servers"][1]["ID"]
        shop = name.upper() if by_name else shop
        with client(sandbox) as http:
            body = {"EmailAddress": "ann@example.com"}
            http.post("/_sandbox/suppress", json=body | {"ServerID": shop, "Stream": "broadcast"})
            http.post("/_sandbox/suppress", json=body)
        (only,) = get(sandbox, "/_sandbox/suppressions", server=shop).json()["Suppressions"]
        assert (only["EmailAddress"], only["MessageStream"]) == ("ann@example.com", "broadcast")
        page = get(sandbox, "/_sandbox/suppressions", stream="outbound").json()
        assert [one["ServerID"] for one in page["Suppressions"]] == [sandbox.server_id]


# --- settings --------------------------------------------------------------------------------


SETTINGS = {
    "Paused": True,
    "IndexDelay": 60.0,
    "Delay": 0.001,
    "Approval": "pending",
    "Bulk": False,
    "WebhookRetries": [1, 2.5],
    "WebhookTimeout": 2,
}


def test_settings_are_changed_while_the_sandbox_runs_and_reset_restores_them():
    """What is not given stays; Python shows the same."""
    with LocalPostmark(in_process=True, index_delay_s=3, approval="refused") as sandbox:
        first = get(sandbox, "/_sandbox/settings").json()
        assert first == settings_of(sandbox._store)
        assert (first["IndexDelay"], first["Approval"], first["WebhookRetries"]) == (
            3,
            "refused",
            None,
        )
        with client(sandbox) as http:
            for name, value in SETTINGS.items():
                changed = http.put("/_sandbox/settings", json={name: value}).json()
                assert changed[name] == value
            assert changed == SETTINGS == get(sandbox, "/_sandbox/settings").json()
            assert (sandbox.paused, sandbox.index_delay_s) == (True, 60)
            assert post(sandbox, mail(To="a@other.example")).json()["ErrorCode"] == 412
            http.put("/_sandbox/settings", json={"WebhookRetries": None, "Paused": None})
            assert get(sandbox, "/_sandbox/settings").json() == SETTINGS | {"WebhookRetries": None}
            http.post("/_sandbox/reset")
        assert get(sandbox, "/_sandbox/settings").json() == first


def test_a_pause_over_http_hides_messages_from_searches_until_it_ends(either):
    """As ``sandbox.pause()`` does."""
    page = {"count": 9, "offset": 0}
    with client(either) as http:
        http.put("/_sandbox/settings", json={"paused": True})
        post(either, mail())
        assert http.get("/messages/outbound", params=page).json()["TotalCount"] == 0
        http.put("/_sandbox/settings", json={"Paused": False})
        assert http.get("/messages/outbound", params=page).json()["TotalCount"] == 1
        http.put("/_sandbox/settings", json={"IndexDelay": 60})
        assert http.get("/messages/outbound", params=page).json()["TotalCount"] == 0
    assert either.index_delay_s == 60


# --- loops -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/_sandbox/clear", "/email", "/nowhere"])
def test_a_webhook_that_leads_to_the_sandbox_ends_with_a_reason(listening, path):
    """Nothing is cleared, nothing loops; the log of the delivery says why."""
    with client(listening) as http:
        triggers = {"Delivery": {"Enabled": True}, "Open": {"Enabled": True}}
        http.post("/webhooks", json={"Url": f"{listening.url}{path}", "Triggers": triggers})
        http.put("/server", json={"InboundHookUrl": f"{listening.url}{path}"})
        post(listening, mail())
        listening.receive({"From": "ann@example.com"})
        assert listening.wait_for_webhooks()
        deliveries = http.get("/_sandbox/webhooks/deliveries").json()
        assert deliveries["Idle"] is True
        assert [one["Status"] for one in deliveries["Deliveries"]] == ["dropped"] * 2
        for one in deliveries["Deliveries"]:
            (attempt,) = http.get(f"/_sandbox/webhooks/deliveries/{one['ID']}").json()["Log"]
            assert attempt["HttpStatus"] == 403
            text = json.loads(attempt["Answer"])["Message"]
            assert text.startswith("A webhook cannot post to a sandbox")
    assert len(listening.messages()) == 1
