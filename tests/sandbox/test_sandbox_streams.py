"""Message streams: list, create, edit, archive; codes 1221 to 1241."""

from __future__ import annotations

from typing import Any

import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail

KEYS = [
    "ID",
    "ServerID",
    "Name",
    "Description",
    "MessageStreamType",
    "CreatedAt",
    "UpdatedAt",
    "ArchivedAt",
    "ExpectedPurgeDate",
    "SubscriptionManagementConfiguration",
]
NEW = {"ID": "news-1", "Name": "News", "MessageStreamType": "Broadcasts"}
STREAMS = "/message-streams"
SECOND_NS = 1_000_000_000
DAY_NS = 86_400 * SECOND_NS


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


def create(calls: Calls, **changes: str) -> dict[str, Any]:
    """Create a stream, and wait until it can be archived."""
    stream = calls.ok("POST", STREAMS, NEW | changes)
    calls.sandbox._store.clock.advance(3 * SECOND_NS)
    return stream


def test_a_new_server_has_three_streams(calls):
    """Live suites of postmark.js, php and dotnet; the types are matched ignoring case."""
    answer = calls.ok("GET", STREAMS)
    assert answer["TotalCount"] == 3
    assert {one["ID"]: one["MessageStreamType"] for one in answer["MessageStreams"]} == {
        "outbound": "Transactional",
        "broadcast": "Broadcasts",
        "inbound": "Inbound",
    }
    names = [one["Name"] for one in answer["MessageStreams"]]
    assert names == [
        "Default Transactional Stream",
        "Default Broadcast Stream",
        "Default Inbound Stream",
    ]
    handling = {
        one["ID"]: one["SubscriptionManagementConfiguration"]["UnsubscribeHandlingType"]
        for one in answer["MessageStreams"]
    }
    assert handling == {"outbound": "None", "broadcast": "Postmark", "inbound": "None"}
    (inbound,) = calls.ok("GET", STREAMS, messageStreamType="inbound")["MessageStreams"]
    assert list(inbound) == KEYS


def test_a_created_stream_sends(calls):
    """UpdatedAt and ArchivedAt are null; the ID is unknown to other servers."""
    stream = calls.ok("POST", STREAMS, NEW | {"Description": "Once a month"})
    assert [stream[key] for key in KEYS[2:5]] == ["News", "Once a month", "Broadcasts"]
    assert (stream["UpdatedAt"], stream["ArchivedAt"], stream["ExpectedPurgeDate"]) == (None,) * 3
    assert stream["ServerID"] == calls.sandbox.server_id
    assert calls.ok("GET", f"{STREAMS}/news-1") == stream
    assert calls.ok("POST", "/email", mail(MessageStream="news-1"))["ErrorCode"] == 0


def test_an_edit_keeps_what_is_not_sent(calls):
    """And takes a whole stream, as postmark-java sends it; what cannot be changed is ignored."""
    before = calls.ok("POST", STREAMS, NEW | {"Description": "Once a month"})
    after = calls.ok("PATCH", f"{STREAMS}/news-1", before | {"ID": "other", "Name": "Weekly"})
    assert (after["ID"], after["Name"], after["Description"]) == (
        "news-1",
        "Weekly",
        "Once a month",
    )
    assert after["UpdatedAt"] is not None
    after = calls.ok("PATCH", f"{STREAMS}/news-1", {"description": None, "name": None})
    assert (after["Name"], after["Description"]) == ("Weekly", "Once a month")
    after = calls.ok("PATCH", f"{STREAMS}/news-1", {"Description": ""})
    assert after["Description"] == ""


def test_an_archived_stream_refuses_sends_until_it_is_restored(calls):
    """It is not listed by default, and is purged after 45 days."""
    create(calls)
    archived = calls.ok("POST", f"{STREAMS}/news-1/archive")
    assert list(archived) == ["ID", "ServerID", "ExpectedPurgeDate"]
    assert calls.ok("POST", f"{STREAMS}/news-1/archive") == archived
    assert calls.ok("GET", f"{STREAMS}/news-1")["ArchivedAt"] is not None
    assert calls.code("POST", "/email", mail(MessageStream="news-1")) == 1235
    assert calls.ok("GET", STREAMS)["TotalCount"] == 3
    assert calls.ok("GET", STREAMS, IncludeArchivedStreams="True")["TotalCount"] == 4
    restored = calls.ok("POST", f"{STREAMS}/news-1/unarchive")
    assert (restored["ArchivedAt"], restored["ExpectedPurgeDate"]) == (None, None)
    assert calls.ok("POST", f"{STREAMS}/news-1/unarchive") == restored
    assert calls.ok("POST", "/email", mail(MessageStream="news-1"))["ErrorCode"] == 0


def test_a_stream_cannot_be_restored_after_45_days(calls):
    """1232, on the clock of the sandbox."""
    create(calls)
    calls.ok("POST", f"{STREAMS}/news-1/archive")
    calls.sandbox._store.clock.advance(45 * DAY_NS)
    assert calls.code("POST", f"{STREAMS}/news-1/unarchive") == 1232


def test_a_stream_cannot_be_archived_at_first(calls):
    """S: postmark.js and postmark-php of 2026, which do not say how long; D: code and text."""
    calls.ok("POST", STREAMS, NEW)
    for _ in range(2):
        assert calls("POST", f"{STREAMS}/news-1/archive") == (
            422,
            {"ErrorCode": 1241, "Message": "Stream is unable to be archived at this time."},
        )
        calls.sandbox._store.clock.advance(SECOND_NS)
    calls.sandbox._store.clock.advance(SECOND_NS)
    calls.ok("POST", f"{STREAMS}/news-1/archive")


def test_default_streams_cannot_be_archived(calls):
    """The first transactional one and the inbound one (1229); a further one can (S: dotnet)."""
    for stream in ("outbound", "inbound"):
        assert calls.code("POST", f"{STREAMS}/{stream}/archive") == 1229
    create(calls, ID="second", MessageStreamType="transactional")
    for stream in ("second", "broadcast"):
        calls.ok("POST", f"{STREAMS}/{stream}/archive")


def test_a_server_has_ten_streams_at_most(calls):
    """Archived ones do not count; neither does one that comes back find a place (1225)."""
    create(calls)
    calls.ok("POST", f"{STREAMS}/news-1/archive")
    for number in range(7):
        calls.ok("POST", STREAMS, NEW | {"ID": f"s{number}"})
    assert calls.ok("GET", STREAMS)["TotalCount"] == 10
    assert calls.code("POST", STREAMS, NEW | {"ID": "s7"}) == 1225
    assert calls.code("POST", f"{STREAMS}/news-1/unarchive") == 1225


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ID": None}, 1222),
        ({"ID": 7}, 403),
        ({"ID": ""}, 1227),
        ({"ID": "1news"}, 1227),
        ({"ID": "a" * 31}, 1227),
        ({"ID": "größe"}, 1227),
        ({"ID": "a b"}, 1227),
        ({"ID": "PM-news"}, 1233),
        ({"ID": "all"}, 1237),
        ({"ID": "outbound"}, 1230),
        ({"Name": None}, 1223),
        ({"Name": "  "}, 1223),
        ({"Name": ["News"]}, 403),
        ({"Name": "n" * 101}, 1224),
        ({"Description": "d" * 1001}, 1231),
        ({"Description": "a <b>bold</b> one"}, 1234),
        ({"MessageStreamType": None}, 1221),
        ({"MessageStreamType": "Bulk"}, 1221),
        ({"MessageStreamType": "Inbound"}, 1228),
        ({"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Custom"}}, 1238),
        ({"SubscriptionManagementConfiguration": {"unsubscribeHandlingType": "none"}}, 1239),
        ({"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Mine"}}, 1240),
        ({"SubscriptionManagementConfiguration": "None"}, 403),
    ],
)
def test_a_wrong_stream_is_refused(calls, changes, code):
    """With its code; no stream is created."""
    assert calls.code("POST", STREAMS, NEW | changes) == code
    assert calls.ok("GET", STREAMS)["TotalCount"] == 3


@pytest.mark.parametrize(
    ("changes", "code"), [({"Name": ""}, 1223), ({"Description": "<p>"}, 1234), ({"Name": 1}, 403)]
)
def test_a_wrong_edit_is_refused(calls, changes, code):
    """And changes nothing."""
    before = calls.ok("GET", f"{STREAMS}/broadcast")
    assert calls.code("PATCH", f"{STREAMS}/broadcast", changes) == code
    assert calls.ok("GET", f"{STREAMS}/broadcast") == before


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PATCH", ""), ("POST", "/archive"), ("POST", "/unarchive")],
)
def test_an_unknown_stream_is_1226(calls, method, path):
    """With the text of the live suite of postmark-php."""
    status, answer = calls(method, f"{STREAMS}/no-such{path}", {"Name": "x"})
    assert (status, answer["ErrorCode"]) == (422, 1226)
    assert answer["Message"] == "The message stream for the provided 'ID' was not found."


def test_the_type_of_a_list_is_checked(calls):
    """1221 for one that does not exist."""
    assert calls.code("GET", STREAMS, MessageStreamType="Bulk") == 1221


def test_ids_of_30_characters_and_other_handling_are_accepted(calls):
    """A transactional stream may have Postmark's handling."""
    handling = {"UnsubscribeHandlingType": "postmark"}
    stream = calls.ok(
        "POST",
        STREAMS,
        {
            "ID": "t" * 30,
            "Name": "T",
            "MessageStreamType": "Transactional",
            "SubscriptionManagementConfiguration": handling,
        },
    )
    assert stream["SubscriptionManagementConfiguration"] == {"UnsubscribeHandlingType": "Postmark"}


def test_streams_survive_a_restart(tmp_path):
    """Archived ones too."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        create(Calls(sandbox))
        Calls(sandbox).ok("POST", f"{STREAMS}/news-1/archive")
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert Calls(sandbox).code("POST", "/email", mail(MessageStream="news-1")) == 1235
        assert Calls(sandbox).ok("POST", f"{STREAMS}/news-1/unarchive")["ArchivedAt"] is None
