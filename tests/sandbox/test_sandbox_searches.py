"""``GET /messages/outbound``: filters, boundaries, order and access."""

from __future__ import annotations

import contextlib
import datetime as dt
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.api.search_parameters import parse
from mailframe.sandbox.checks.account import DEFAULT_STREAMS
from mailframe.sandbox.checks.texts import CheckFailed
from tests.sandbox.kept_messages import count_of, empty_store, keep, kept_at
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import PAGE, SEARCH, accept, found, get


def test_the_newest_message_comes_first(either):
    """This holds over a socket and in process, and across batches."""
    accept(either, "a", "b")
    accept(either, "c")
    assert found(either) == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("count", "offset", "expected"),
    [
        (1, 0, [4]),
        (2, 1, [3, 2]),
        (5, 0, [4, 3, 2, 1, 0]),
        (500, 4, [0]),
        (500, 5, []),
        (1, 9_999, []),
        (500, 9_500, []),
    ],
)
def test_a_page_is_a_part_of_all_matches(sandbox, count, offset, expected):
    """TotalCount is the number of all matches for every page."""
    accept(sandbox, *(f"p{i}" for i in range(5)))
    body = get(sandbox, count=count, offset=offset).json()
    assert [message["Recipients"] for message in body["Messages"]] == [
        [f"p{i}@example.com"] for i in expected
    ]
    assert body["TotalCount"] == 5


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"count": 500},
        {"offset": 0},
        {"count": 0, "offset": 0},
        {"count": 501, "offset": 0},
        {"count": -1, "offset": 0},
        {"count": 1, "offset": -1},
        {"count": 1, "offset": 10_000},
        {"count": 500, "offset": 9_501},
        {"count": "x", "offset": 0},
        {"count": "1.0", "offset": 0},
        {"count": "", "offset": 0},
        {"count": "٣", "offset": 0},
    ],
)
def test_a_page_outside_the_limits_is_refused(sandbox, query):
    """It is 422 / 700, also if one of the two is missing."""
    response = get(sandbox, **query)
    assert (response.status_code, response.json()["ErrorCode"]) == (422, 700)
    assert response.headers["X-PM-ApiErrorCode"] == "700"


@pytest.fixture
def filled():
    """A sandbox with a plain message, and another that differs in every searchable field."""
    with LocalPostmark(in_process=True) as sandbox:
        accept(sandbox, "plain")
        accept(
            sandbox,
            "rich",
            From='"Acme, Inc." <Sales@Example.org>',
            Cc="Carol <Carol@example.net>",
            Bcc="dave@example.net",
            Subject="Your Plan renews",
            Tag="renewal",
            Metadata={"Batch": "7", "customer": "42"},
        )
        yield sandbox


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"recipient": "rich@example.com"}, ["rich"]),
        ({"recipient": "CAROL@EXAMPLE.NET"}, ["rich"]),
        ({"recipient": "dave@example.net"}, ["rich"]),
        ({"recipient": "rich@example"}, []),
        ({"recipient": "Carol"}, []),
        ({"fromemail": "sales@example.org"}, ["rich"]),
        ({"fromemail": "hello@example.com"}, ["plain"]),
        ({"fromemail": "example.org"}, []),
        ({"tag": "renewal"}, ["rich"]),
        ({"tag": "renew"}, []),
        ({"subject": "plan"}, ["rich"]),
        ({"subject": "Hi"}, ["plain"]),
        ({"status": "sent"}, ["rich", "plain"]),
        ({"status": "Processed"}, ["rich", "plain"]),
        ({"status": "queued"}, []),
        ({"metadata_Batch": "7"}, ["rich"]),
        ({"metadata_batch": "7"}, ["rich"]),
        ({"METADATA_BATCH": "7"}, ["rich"]),
        ({"metadata_batch": "70"}, []),
        ({"metadata_batch": ""}, []),
        ({"metadata_other": "7"}, []),
        ({"metadata_batch": "7", "tag": "renewal", "recipient": "rich@example.com"}, ["rich"]),
        ({"metadata_batch": "7", "tag": "other"}, []),
        ({"MessageStream": "outbound"}, ["rich", "plain"]),
        ({"FromEmail": "sales@example.org", "Tag": "renewal"}, ["rich"]),
        ({"tag": "", "recipient": ""}, ["rich", "plain"]),
        ({"unknown": "x"}, ["rich", "plain"]),
    ],
)
def test_a_filter_finds_its_matches(filled, query, expected):
    """Names of parameters and metadata, and addresses, ignore case."""
    assert found(filled, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"status": "delivered"},
        {"metadata_a": "1", "metadata_b": "2"},
        {"metadata_a": "1", "Metadata_A": "1"},
        {"metadata_": "1"},
    ],
)
def test_an_invalid_filter_is_refused(filled, query):
    """It is 422 / 700; two metadata fields are documented as impossible."""
    response = get(filled, **PAGE | query)
    assert (response.status_code, response.json()["ErrorCode"]) == (422, 700)


def test_a_search_without_a_stream_searches_only_the_default_stream(sandbox):
    """Broadcasts are not found without ``messagestream``."""
    accept(sandbox, "one", Metadata={"batch": "7"})
    accept(sandbox, "many", MessageStream="broadcast", Metadata={"batch": "7"})
    assert found(sandbox, metadata_batch="7") == ["one"]
    assert found(sandbox, metadata_batch="7", messagestream="broadcast") == ["many"]
    assert found(sandbox, messagestream="inbound") == []
    for unknown in ("newsletter", "Broadcast"):
        response = get(sandbox, **PAGE, messagestream=unknown)
        assert (response.status_code, response.json()["ErrorCode"]) == (422, 1226)


def _before(stamp: str) -> str:
    """The time 100 nanoseconds before *stamp*."""
    whole, ticks = dt.datetime.fromisoformat(stamp[:19]), int(stamp[20:27]) - 1
    whole += dt.timedelta(seconds=ticks // 10_000_000)
    return f"{whole.isoformat()}.{ticks % 10_000_000:07d}Z"


@pytest.mark.parametrize(
    ("name", "text", "stamp"),
    [
        ("fromdate", "2026-01-15", "2026-01-15T05:00:00.0000000Z"),
        ("fromdate", "2026-07-15", "2026-07-15T04:00:00.0000000Z"),
        ("fromdate", "2026-07-15T10:20:30", "2026-07-15T14:20:30.0000000Z"),
        ("todate", "2026-01-15", "2026-01-16T05:00:00.0000000Z"),
        ("todate", "2026-03-08", "2026-03-09T04:00:00.0000000Z"),
        ("todate", "2026-07-15T10:20:30", "2026-07-15T14:20:31.0000000Z"),
        ("fromdate", "2026-11-01T01:30:00", "2026-11-01T05:30:00.0000000Z"),
        ("todate", "2026-11-01T01:30:00", "2026-11-01T06:30:01.0000000Z"),
        ("fromdate", "2026-7-5", "2026-07-05T04:00:00.0000000Z"),  # postmark.js, in statistics
        ("fromdate", "2026-07-15T14:20:30.000Z", "2026-07-15T14:20:30.0000000Z"),  # postmark.js
        ("todate", "2026-07-15T14:20:30.125Z", "2026-07-15T14:20:30.1250001Z"),
        ("fromdate", "2026-07-15T10:20:30.0000000", "2026-07-15T14:20:30.0000000Z"),  # .NET
        ("fromdate", "2026-07-15T16:20:30.1234567%2B02:00", "2026-07-15T14:20:30.1234567Z"),  # .NET
        ("fromdate", "2026-07-15 14:20:30 UTC", "2026-07-15T14:20:30.0000000Z"),  # Ruby
        ("fromdate", "2026-07-15+09:20:30+-0500", "2026-07-15T14:20:30.0000000Z"),  # Ruby
        ("todate", "2026-07-15T10:20", "2026-07-15T14:20:01.0000000Z"),
    ],
)
def test_dates_are_eastern_and_inclusive(name, text, stamp):
    """A day has 23, 24 or 25 hours; a range includes both passes of a repeated hour."""
    query = f"count=1&offset=0&{name}={text}"
    assert count_of(kept_at(stamp), query) == (name == "fromdate")
    just_before = kept_at(_before(stamp))
    assert count_of(just_before, query) == (name == "todate")


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-02-30",
        "2026-01-01T25:00:00",
        "2026-01-01T10",
        "2026-01-01T10:00:00+24:00",
        "2026-01-01T10:00:00 02:00",
        "01/31/2026",
        "20260101",
        "1767225600",
        "9999-12-31",
    ],
)
@pytest.mark.parametrize("name", ["fromdate", "todate"])
def test_an_invalid_date_is_refused(sandbox, name, text):
    """It is 422 / 700; a date after the last possible one is refused only as an end."""
    response = get(sandbox, **PAGE, **{name: text})
    expected = 200 if (name, text) == ("fromdate", "9999-12-31") else 422
    assert response.status_code == expected


@pytest.mark.parametrize(
    "path",
    [
        *("/messages/outbound", "/messages/outbound/opens", "/messages/outbound/clicks"),
        *("/messages/inbound", "/bounces", "/stats/outbound", "/stats/outbound/sends"),
        *("/stats/outbound/opens", "/stats/outbound/opens/platforms"),
    ],
)
@pytest.mark.parametrize("name", ["fromdate", "todate"])
def test_the_first_date_of_all_is_taken(sandbox, path, name):
    """Its nanoseconds since 1970 are fewer than SQLite can store; no message is as old."""
    accept(sandbox, "a")
    with client(sandbox) as http:
        answer = http.get(path, params={"count": 1, "offset": 0, name: "0001-01-01"})
    assert answer.status_code == 200
    if path == "/messages/outbound":
        assert answer.json()["TotalCount"] == (name == "fromdate")


@pytest.mark.parametrize(
    ("stamp", "is_found"),
    [
        ("2026-07-15T14:20:29.9999999Z", False),
        ("2026-07-15T14:20:30.0000000Z", True),
        ("2026-07-15T14:20:31.9999999Z", True),
        ("2026-07-15T14:20:32.0000000Z", False),
    ],
)
def test_a_range_includes_its_first_and_its_last_second(stamp, is_found):
    """From 10:20:30 to 10:20:31 in New York has two seconds."""
    query = "count=1&offset=0&fromdate=2026-07-15T10:20:30&todate=2026-07-15T10:20:31"
    assert count_of(kept_at(stamp), query) == is_found


def test_only_accepted_messages_are_found(sandbox):
    """Refused messages, messages of the test token and lost messages are not found."""
    post(sandbox, [mail(To="abc"), mail(To="good@example.com")])
    post(sandbox, mail(), headers={"X-Postmark-Server-Token": "POSTMARK_API_TEST"})
    sandbox.fault("http_500_lost")
    post(sandbox, mail())
    assert found(sandbox) == ["good"]


def test_clear_empties_the_index(sandbox):
    """Removed messages are not found."""
    (message_id,) = accept(sandbox, "a", Metadata={"batch": "7"})
    sandbox.clear()
    assert found(sandbox, metadata_batch="7") == []
    assert get(sandbox, f"{SEARCH}/{message_id}/details").status_code == 422


@pytest.mark.parametrize("path", ["/server", SEARCH, f"{SEARCH}/x/details", f"{SEARCH}/x/dump"])
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X-Postmark-Server-Token": "wrong"}, 401, 10),
        ({"X-Postmark-Server-Token": ""}, 401, 10),
        ({"X-Postmark-Server-Token": "POSTMARK_API_TEST"}, 401, 10),
        ({"Accept": "text/html"}, 415, 409),
    ],
)
def test_a_request_without_access_is_refused(path, headers, status, code):
    """It has a wrong token or no JSON."""
    with LocalPostmark(in_process=True, tokens=["right"]) as sandbox, client(sandbox) as http:
        response = http.get(path, params=PAGE, headers=headers)
        assert (response.status_code, response.json()["ErrorCode"]) == (status, code)
        assert http.get(path, params=PAGE, headers={"Host": "api.postmarkapp.com"}).status_code in (
            200,
            422,
        )
        assert http.post(path).status_code == 405


def test_paths_ignore_case_and_ids_do_too(either):
    """Postmark documents it for paths; for ids it is an assumption."""
    (message_id,) = accept(either, "a")
    answer = get(either, f"/Messages/Outbound/{message_id.upper()}/Details").json()
    assert answer["MessageID"] == message_id


def test_requests_show_the_path_of_a_search_and_not_its_query(either):
    """A query can contain an address."""
    get(either, **PAGE, recipient="ann@example.com")
    get(either, "/server")
    frame = either.requests()
    assert frame[["method", "path", "http_status"]].to_numpy().tolist() == [
        ["GET", SEARCH, 200],
        ["GET", "/server", 200],
    ]
    assert "ann" not in frame.to_string()
    assert frame["number"].isna().all()


def test_a_body_is_cut_at_a_megabyte(sandbox):
    """This is only in the details; ``sandbox.messages()`` and the dump have the whole body."""
    (message_id,) = accept(sandbox, "a", TextBody="ä" * 500_001, HtmlBody="x" * 1_000_000)
    answer = get(sandbox, f"{SEARCH}/{message_id}/details").json()
    assert (answer["TextBody"], answer["HtmlBody"]) == ("ä" * 500_000, "x" * 1_000_000)
    assert len(answer["Body"]) == 1_000_000
    assert len(get(sandbox, f"{SEARCH}/{message_id}/dump").json()["Body"]) > 2_000_000


SUBJECTS = ["Ann_1", "ANN-1", "Grüße an Ann", "a\\b", 'say "Ann"', "50 % off", "ſann", "K"]  # noqa: RUF001 - s and k in upper case


@pytest.mark.parametrize("part", ["ann", "ANN_", "_", "%", '"', "\\", "grü", "s", "k", "K", "50 %"])
def test_a_search_finds_what_every_message_was_read_for(part):
    """Packs that cannot match are left out by the database, which knows the case of ASCII only."""
    store = empty_store()
    for subject in SUBJECTS:
        keep(store, mail(Subject=subject, To=f"{subject[0]}nn@example.com", Tag=subject))
    for name in ("subject", "tag", "recipient"):
        query = f"count=500&offset=0&{urlencode({name: part})}"
        search = parse(query, streams=DEFAULT_STREAMS)
        expected = sum(search.matches(message.head) for message in store.messages.all())
        assert count_of(store, query) == expected


@settings(max_examples=30, deadline=None)
@given(query=st.text(max_size=60))
def test_any_query_is_parsed_or_refused(query):
    """Every query is parsed or refused."""
    for text in (query, "count=1&offset=0&" + query):
        with contextlib.suppress(CheckFailed):
            assert parse(text, streams=DEFAULT_STREAMS).count >= 1
