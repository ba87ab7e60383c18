"""What a server has stored, as DataFrames, and the changes of its suppressions."""

from __future__ import annotations

import datetime as dt
import json

import httpx
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import AccountError
from mailframe.postmark.account.questions import BUSY_TRIES, LONGEST_WAIT_S, TRIES
from tests.sandbox.sandbox_mail import client, mail, post
from tests.wire import (
    TOKEN,
    Turn,
    http,
    scripted_server,  # noqa: F401 - a fixture
)

REFUSED = {"ErrorCode": 1226, "Message": "The message stream was not found."}


@pytest.fixture
def sandbox():
    """A sandbox over a real socket."""
    with mf.Sandbox(suppressions={"broadcast": ["bob@example.com"]}) as started:
        yield started


def answering(answer) -> tuple[mf.Postmark, list[httpx.Request]]:
    """A server whose answers a function of the request and its number makes, and the requests."""
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer(request, len(requests))

    return mf.Postmark(TOKEN, transport=httpx.MockTransport(handle)), requests


def test_the_messages_are_those_that_arrived(sandbox):
    """Newest first, with typed columns, and the recipients as a letter writes them."""
    names = ["Ann Lee <ann@example.com>", "bob@example.com"]
    post(sandbox, [mail(To=to, Tag="spring", Metadata={"row": to[:3]}) for to in names])
    frame, arrived = sandbox.server.messages(), sandbox.messages()
    assert frame["MessageID"].tolist() == arrived["MessageID"].tolist()[::-1]
    assert frame["To"].tolist() == names[::-1]
    assert frame["Metadata"].tolist() == [{"row": "bob"}, {"row": "Ann"}]
    assert frame["ReceivedAt"].dtype == "datetime64[ns, UTC]"
    assert frame["Cc"].isna().all()


@pytest.mark.parametrize(
    ("filters", "subjects"),
    [
        ({}, ["3", "2", "1", "0"]),
        ({"recipient": "ann2@example.com"}, ["2"]),
        ({"sender": "hello@example.com", "limit": 2}, ["3", "2"]),
        ({"limit": 0}, []),
        ({"tag": "t1"}, ["1"]),
        ({"subject": "3"}, ["3"]),
        ({"status": "sent"}, ["3", "2", "1", "0"]),
        ({"status": "queued"}, []),
        ({"metadata": {"row": "0"}}, ["0"]),
        ({"metadata": {"row": "9"}}, []),
        ({"since": dt.date(2999, 1, 1)}, []),
        ({"until": "2020-01-01"}, []),
        ({"since": pd.Timestamp.now("UTC") - pd.Timedelta(hours=1)}, ["3", "2", "1", "0"]),
        ({"stream": "broadcast"}, []),
    ],
)
def test_messages_can_be_filtered(sandbox, filters, subjects):
    """By what Postmark searches."""
    batch = [
        mail(To=f"ann{n}@example.com", Subject=str(n), Tag=f"t{n}", Metadata={"row": str(n)})
        for n in range(4)
    ]
    post(sandbox, batch)
    assert sandbox.server.messages(**filters)["Subject"].tolist() == subjects


def test_a_list_may_be_longer_than_what_postmark_lists():
    """Beyond 10,000 messages, windows of time are asked for; each message comes once."""
    with mf.Sandbox(in_process=True) as sandbox:
        for _ in range(21):
            post(sandbox, [mail()] * 500)
            sandbox.advance("3h")
        frame = sandbox.server.messages()
        assert len(frame) == frame["MessageID"].nunique() == 10_500
        assert frame["ReceivedAt"].is_monotonic_decreasing
        assert len(sandbox.server.messages(limit=10_001)) == 10_001


def test_bounces_and_their_activation(sandbox):
    """A hard bounce suppresses its address until it is activated."""
    address = "hardbounce@bounce-testing.postmarkapp.com"
    post(sandbox, mail(To=address))
    frame = sandbox.server.bounces(type="HardBounce", inactive=True, email="bounce-testing")
    assert frame[["Email", "TypeCode", "CanActivate"]].to_numpy().tolist() == [[address, 1, True]]
    assert sandbox.server.suppressions()["EmailAddress"].tolist() == [address]
    activated = sandbox.server.activate(frame["ID"].iloc[0])
    assert activated["ID"].tolist() == frame["ID"].tolist()
    assert activated.dtypes.equals(frame.dtypes)
    assert sandbox.server.suppressions().empty
    assert sandbox.server.bounces(stream="broadcast").dtypes.equals(frame.dtypes)


def test_bounces_are_those_of_all_streams(sandbox):
    """Postmark lists those of one stream in each answer; the newest of all come first."""
    addresses = [f"{kind}@bounce-testing.postmarkapp.com" for kind in ("hardbounce", "softbounce")]
    for to, stream in zip(
        addresses * 2, ("outbound", "broadcast", "broadcast", "outbound"), strict=True
    ):
        post(sandbox, mail(To=to, MessageStream=stream))
    frame = sandbox.server.bounces()
    assert frame["MessageStream"].tolist() == ["outbound", "broadcast", "broadcast", "outbound"]
    assert frame["BouncedAt"].is_monotonic_decreasing
    pd.testing.assert_frame_equal(sandbox.server.bounces(limit=2), frame.head(2))
    assert sandbox.server.bounces(tag="none").dtypes.equals(frame.dtypes)


def test_streams_and_templates(sandbox):
    """With what Postmark says of each; an empty list has its columns, too."""
    streams = sandbox.server.streams().set_index("ID")
    assert streams["MessageStreamType"].to_dict() == {
        "outbound": "Transactional",
        "broadcast": "Broadcasts",
        "inbound": "Inbound",
    }
    assert streams.loc["broadcast", "UnsubscribeHandlingType"] == "Postmark"
    assert sandbox.server.templates().empty
    with client(sandbox) as session:
        body = {"Name": "Welcome", "Alias": "welcome", "Subject": "Hi", "TextBody": "Hi"}
        assert session.post("/templates", json=body).status_code == 200
    assert sandbox.server.templates()["Alias"].tolist() == ["welcome"]


def test_statistics_agree_with_each_other(sandbox):
    """The days add up to the totals."""
    post(sandbox, [mail(To=f"ann{n}@example.com", TrackOpens=True) for n in range(50)])
    sandbox.simulate(opens=0.5, bounces=0.1, seed=1)
    server = sandbox.server
    whole, days = server.stats(), server.stats("day")
    assert days["Date"].dtype.kind == "M"
    assert days["Sent"].sum() == whole["Sent"].iloc[0] == 50
    assert days["UniqueOpens"].sum() == whole["UniqueOpens"].iloc[0] > 0
    bounced = days.drop(columns=["Date", "Sent", "Tracked", *days.filter(regex="Opens|Clicks")])
    assert bounced.sum().sum() == whole["Bounced"].iloc[0] > 0
    for by in ("platform", "client", "browser", "location"):
        assert server.stats(by).columns[0] == by
    empty = server.stats("day", tag="none")
    assert (len(empty), set(empty.dtypes[1:].astype(str))) == (0, {"int64"})
    assert empty["Date"].dtype.kind == "M"


def test_suppressing_keeps_the_rows_of_the_caller(sandbox):
    """Order, index, repeated and refused addresses; 50 go in one request."""
    addresses = [f"ann{n}@example.com" for n in range(101)]
    given = pd.Series([*addresses, "bad", "ann0@example.com"]).sample(frac=1, random_state=1)
    done = sandbox.server.suppress(given, "broadcast")
    assert done.index.equals(given.index)
    assert done["EmailAddress"].tolist() == given.tolist()
    assert (done["Status"] == "Failed").tolist() == (given == "bad").tolist()
    listed = sandbox.server.suppressions("broadcast", origin="Customer")
    assert set(listed["EmailAddress"]) == set(addresses)
    removed = sandbox.server.unsuppress(addresses, "broadcast")
    assert set(removed["Status"]) == {"Deleted"}
    assert sandbox.server.suppressions("broadcast")["EmailAddress"].tolist() == ["bob@example.com"]


def test_what_was_suppressed_before_an_error_is_known():
    """The error has the rows, without a status where none was asked for."""

    def answer(request, number):
        if number > 1:
            return httpx.Response(422, json=REFUSED)
        items = json.loads(request.content)["Suppressions"]
        return httpx.Response(
            200, json={"Suppressions": [one | {"Status": "Suppressed"} for one in items]}
        )

    server, _ = answering(answer)
    with pytest.raises(AccountError) as raised:
        server.suppress(f"ann{n}@example.com" for n in range(51))
    statuses = raised.value.results["Status"]
    assert (statuses.notna().sum(), len(statuses), raised.value.error_code) == (50, 51, 1226)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda server: server.suppress(["a@example.com", None]), "row 1 is None"),
        (lambda server: server.suppress(pd.Series([" "], index=["x"])), "row 'x' is ' '"),
        (lambda server: server.suppress([7]), "row 0 is 7"),
        (lambda server: server.suppress({"a@example.com": 1}), "not a dict"),
        (lambda server: server.suppress(pd.DataFrame({"a": ["a@b.example"]})), "not a DataFrame"),
        (lambda server: server.suppress(7), "not a int"),
        (lambda server: server.activate("7"), "not the ID of a bounce"),
        (lambda server: server.activate(True), "not the ID of a bounce"),
        (lambda server: server.stats("week"), "by='week' is none of 'day'"),
        (lambda server: server.messages(since=dt.datetime(2026, 1, 1)), "no time zone"),  # noqa: DTZ001
        (lambda server: server.messages(until="soon"), "until='soon' is not a day or a time"),
        (lambda server: server.bounces(since=pd.NaT), "it is missing"),
        (lambda server: server.bounces(since=20260101), "neither text nor a date"),
        (lambda server: server.messages(limit=-1), "limit=-1 is not a number of rows"),
        (lambda server: server.messages(metadata={}), "has 0 fields"),
        (lambda server: server.messages(metadata={"a": None}), "has a missing value"),
        (lambda server: server.messages(metadata={"a": pd.NA}), "metadata_a is <NA>; write a text"),
        (lambda server: server.messages(tag=float("nan")), "the filter tag is nan; write a text"),
        (lambda server: server.bounces(tag=["a"]), r"the filter tag is \['a'\]"),
        (lambda server: server.stats(tag=pd.NA), "the filter tag is <NA>"),
        (lambda server: server.suppressions(email=7.5), "EmailAddress is 7.5"),
        (lambda server: server.messages(since="2026-02-02", until="2026-02-01"), "is after until"),
        (lambda server: server.stats(since="2026-02-02", until=dt.date(2026, 2, 1)), "is after"),
        (lambda server: server.messages(since=dt.datetime(1, 1, 1, tzinfo=dt.UTC)), "US Eastern"),
        (lambda server: server.suppress(["a@x.example", "b\ud800@x.example"]), "row 1 is"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_request(call, text):
    """The error names the argument and its value."""
    server, requests = answering(lambda *_: httpx.Response(500))
    with pytest.raises(AccountError, match=text):
        call(server)
    assert requests == []


def test_a_refusal_names_the_path_and_the_code(sandbox):
    """And what helps."""
    for ask in (
        lambda: sandbox.server.messages("none"),
        lambda: sandbox.server.suppressions("no/ne"),
        lambda: sandbox.server.suppress("a@example.com", "none"),
    ):
        with pytest.raises(AccountError) as raised:
            ask()
        assert raised.value.status in (404, 422)
        assert "ErrorCode" in str(raised.value)
    assert sandbox.requests()["http_status"].tolist() == [422, 404, 422]


@pytest.mark.parametrize("status", [429, 503, 500, 502])
def test_a_busy_server_is_asked_again(status):
    """Any question, until it answers."""

    def answer(_request, number):
        if number == 1:
            return httpx.Response(status, headers={"Retry-After": "0"})
        return httpx.Response(200, json={"MessageStreams": []})

    server, requests = answering(answer)
    assert server.streams().empty
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("status", "wait", "tries"),
    [
        (429, "0", BUSY_TRIES),
        (500, "0", TRIES),
        (429, str(int(LONGEST_WAIT_S) + 1), 1),
        (401, "0", 1),
        (404, "0", 1),
        (302, "0", 1),
    ],
)
def test_a_question_ends(status, wait, tries):
    """After some tries, at once after a refusal, and instead of a long wait."""
    server, requests = answering(
        lambda *_: httpx.Response(status, headers={"Retry-After": wait}, json={})
    )
    with pytest.raises(AccountError, match=f"HTTP {status}"):
        server.suppressions()
    assert len(requests) == tries


@pytest.mark.parametrize(
    "body",
    [
        '{"Suppressions":[{"EmailAddress":"ann@example.com"},{"Em',
        '{"Suppressions":[{"EmailAddress":"ann@example.com"}',
        '{"Suppressions":[{"EmailAddress":"ann@example.com"}]',
        '{"Suppressions":[{"EmailAddress":"ann@example.com"} 7]}',
        '{"Suppressions":null}',
        "[]",
        "",
    ],
)
def test_a_part_of_the_suppressions_is_never_the_list(body):
    """Whoever is missing in it would get mail."""
    server, _ = answering(
        lambda *_: httpx.Response(200, content=body, headers={"Retry-After": "0"})
    )
    with pytest.raises(AccountError, match="no answer"):
        server.suppressions()


def test_a_reply_that_breaks_off_is_asked_for_again(wire):
    """Over a real socket: the rows of the first reply do not come twice."""
    body = json.dumps({"Suppressions": [{"EmailAddress": f"a{n}@example.com"} for n in range(999)]})
    whole = http(200, json.loads(body))
    wire.plays(Turn(says=whole[: len(whole) // 2]), Turn(says=whole))
    server = mf.Postmark(TOKEN, base_url=wire.url, timeout=30)
    assert len(server.suppressions()) == 999
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"Bounces": []},
        {"TotalCount": "7", "Bounces": []},
        {"TotalCount": -1, "Bounces": []},
        {"Bounce": {}},
        {"Bounce": {"ID": 8}},
        {"Sent": None},
        [],
        7,
    ],
)
def test_an_answer_of_another_shape_is_an_error(value):
    """Not an empty list, no missing values, and no other bounce."""
    server, _ = answering(lambda *_: httpx.Response(200, json=value))
    for ask in (lambda: server.bounces(stream="a"), lambda: server.activate(7)):
        with pytest.raises(AccountError, match="the answer"):
            ask()
    if "TotalCount" not in str(value):
        with pytest.raises(AccountError, match="the answer"):
            server.stats()


def test_a_value_of_another_type_is_missing():
    """The column keeps its dtype."""
    items = [
        {"ID": 1 << 70, "Type": 7, "Inactive": "yes", "BouncedAt": "soon"},
        {"ID": 7, "Type": "HardBounce", "Inactive": True, "BouncedAt": "2026-01-01T00:00:00Z"},
    ]
    value = {"TotalCount": 2, "Bounces": items}
    server, _ = answering(lambda *_: httpx.Response(200, json=value))
    frame = server.bounces(stream="outbound")[["ID", "Type", "Inactive", "BouncedAt"]]
    assert frame.isna().all(axis="columns").tolist() == [True, False]
    assert [str(one) for one in frame.dtypes[["ID", "Inactive"]]] == ["Int64", "boolean"]


def test_no_address_makes_no_request():
    """The result has its columns, and the index of a Series."""
    server, requests = answering(lambda *_: httpx.Response(500))
    done = server.suppress(pd.Series([], index=pd.Index([], name="id"), dtype="str"))
    assert (list(done), done.index.name) == (["EmailAddress", "Status", "Message"], "id")
    assert requests == []


def test_no_token_is_in_an_error():
    """Also if the server repeats it."""
    value = {"ErrorCode": 10, "Message": f"The token {TOKEN} is not valid."}
    server, _ = answering(lambda *_: httpx.Response(401, json=value))
    with pytest.raises(AccountError) as raised:
        server.streams()
    assert TOKEN not in str(raised.value)
    assert "check the server token" in str(raised.value)
