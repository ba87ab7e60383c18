"""``/_sandbox/``: what a developer reads and changes over HTTP."""

from __future__ import annotations

import time

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import accept, get

JSON = {"Content-Type": "application/json"}


def asked(sandbox, method, path, value=None, **headers):
    """The answer to a request that is not one of Postmark's."""
    with client(sandbox) as http:
        return http.request(method, path, json=value, headers=headers)


def test_messages_are_listed_in_pages(either):
    """Newest first; ``Older`` is the value of ``before`` for the next page."""
    accept(either, *(f"p{number}" for number in range(7)))
    first = get(either, "/_sandbox/messages?count=3").json()
    assert [row["To"] for row in first["Messages"]] == [f"p{n}@example.com" for n in (6, 5, 4)]
    second = get(either, f"/_sandbox/messages?count=4&before={first['Older']}").json()
    assert [row["To"] for row in second["Messages"]] == [f"p{n}@example.com" for n in (3, 2, 1, 0)]
    assert second["Older"] is None
    back = get(either, f"/_sandbox/messages?count=2&after={second['Newer']}").json()
    assert [row["To"] for row in back["Messages"]] == ["p5@example.com", "p4@example.com"]


def test_a_message_of_the_list_has_its_head_and_no_body(sandbox):
    """What the list of the inbox shows."""
    (message_id,) = accept(sandbox, "ann", Tag="t", Metadata={"k": "v"}, Cc="cc@example.com")
    (row,) = get(sandbox, "/_sandbox/messages").json()["Messages"]
    assert row == {
        "MessageID": message_id,
        "ServerID": sandbox.server_id,
        "MessageStream": "outbound",
        "SubmittedAt": row["SubmittedAt"],
        "From": "hello@example.com",
        "To": "ann@example.com",
        "Cc": "cc@example.com",
        "Bcc": "",
        "Subject": "Hi",
        "Tag": "t",
        "Metadata": {"k": "v"},
        "Attachments": [],
        "Snippet": "Hi Ann",
        "Status": "Delivered",
        "Read": False,
        "Request": 1,
    }


def test_a_message_has_its_bodies_files_links_and_events(sandbox):
    """As delivered; the paths of its files lead to their bytes."""
    pdf = {"Name": "a.pdf", "ContentType": "application/pdf", "Content": "aGk="}
    html = '<a href="https://a.example/reset?token=1">Reset</a>'
    (message_id,) = accept(sandbox, "ann", HtmlBody=html, Attachments=[pdf])
    message = get(sandbox, f"/_sandbox/messages/{message_id.upper()}").json()
    assert message["HtmlBody"] == html
    assert message["TextBody"] == "Hi Ann"
    assert message["Links"] == [
        {"Text": "Reset", "Url": "https://a.example/reset?token=1", "Part": "HTML"}
    ]
    (file,) = message["Attachments"]
    assert get(sandbox, file["Path"]).content == b"hi"
    assert [event["RecordType"] for event in message["Events"]] == ["Delivery"]
    assert get(sandbox, f"/_sandbox/messages/{message_id}/parts/text").text == "Hi Ann"


@pytest.mark.parametrize(
    "path",
    ["/_sandbox/messages?count=0", "/_sandbox/messages?count=501", "/_sandbox/requests?count=x"]
    + [f"/_sandbox/messages?{name}=x" for name in ("before", "after", "server", "count")],
)
def test_a_parameter_that_is_no_number_is_refused(sandbox, path):
    """With 422 and code 300."""
    answer = get(sandbox, path)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 300)


@pytest.mark.parametrize(
    "path",
    [
        "/_sandbox/messages/none",
        "/_sandbox/messages/{id}/attachments/0",
        "/_sandbox/messages/{id}/parts/none",
        "/_sandbox/requests/99",
        "/_sandbox/requests/x",
        "/_sandbox/nothing",
    ],
)
def test_what_is_not_there_is_a_404_in_the_shape_of_postmark(sandbox, path):
    """A message, a file, a part, a request, an endpoint."""
    (message_id,) = accept(sandbox, "ann")
    answer = get(sandbox, path.format(id=message_id))
    assert answer.status_code == 404
    assert set(answer.json()) == {"ErrorCode", "Message"}


def test_a_message_is_marked_and_removed(either):
    """One that was removed is in no list, and removing it again is a 404."""
    first, second = accept(either, "ann", "bea")
    assert asked(either, "PUT", f"/_sandbox/messages/{first}", {"Read": True}).status_code == 200
    assert get(either, "/_sandbox/messages?q=is:read").json()["Messages"][0]["MessageID"] == first
    assert asked(either, "PUT", f"/_sandbox/messages/{first}", {"Read": False}).status_code == 200
    assert get(either, "/_sandbox/changes").json()["Unread"] == 2
    for value in ({}, {"Read": "yes"}, {"Read": None}):
        assert asked(either, "PUT", f"/_sandbox/messages/{first}", value).status_code == 422
    assert asked(either, "DELETE", f"/_sandbox/messages/{first}").status_code == 200
    assert asked(either, "DELETE", f"/_sandbox/messages/{first}").status_code == 404
    rows = get(either, "/_sandbox/messages").json()["Messages"]
    assert [row["MessageID"] for row in rows] == [second]
    assert get(either, "/_sandbox/changes").json()["Messages"] == 1
    assert len(either.messages()) == 1


def test_all_messages_are_marked_and_the_count_of_unread_ones_stays_right():
    """Also after messages were removed, by a person or because the oldest go."""
    with LocalPostmark(in_process=True, keep=8) as sandbox:
        unread = lambda: get(sandbox, "/_sandbox/changes").json()["Unread"]  # noqa: E731
        ids = accept(sandbox, *"abcdef")
        get(sandbox, f"/inbox/{ids[1]}")
        assert unread() == 5
        asked(sandbox, "DELETE", f"/_sandbox/messages/{ids[1]}")
        assert unread() == 5
        assert asked(sandbox, "PUT", "/_sandbox/messages", {"Read": True}).status_code == 200
        assert unread() == 0
        accept(sandbox, *"ghijk")
        assert unread() == 5
        assert asked(sandbox, "PUT", "/_sandbox/messages", {"Read": False}).status_code == 200
        assert unread() == get(sandbox, "/_sandbox/changes").json()["Messages"]
        assert asked(sandbox, "PUT", "/_sandbox/messages", {"Read": 1}).status_code == 422


def test_the_revision_changes_with_every_change_and_with_nothing_else(sandbox):
    """A page that is open asks for it each second; asking changes nothing."""
    seen = []

    def revision():
        seen.append(get(sandbox, "/_sandbox/changes").json()["Revision"])
        return seen[-1]

    assert revision() == revision()
    (message_id,) = accept(sandbox, "ann")
    revision()
    get(sandbox, f"/inbox/{message_id}")
    assert revision() == (get(sandbox, f"/inbox/{message_id}") and revision())
    asked(sandbox, "DELETE", f"/_sandbox/messages/{message_id}")
    revision()
    sandbox.clear()
    assert len(set(seen)) == 4
    with LocalPostmark(in_process=True) as other:
        assert get(other, "/_sandbox/changes").json()["Revision"] not in seen


def test_clear_and_reset_work_over_http(sandbox):
    """Clear keeps the suppressions; reset does not."""
    accept(sandbox, "ann")
    asked(sandbox, "POST", "/_sandbox/suppress", {"EmailAddress": "bea@example.com"})
    assert asked(sandbox, "POST", "/_sandbox/clear").json()["ErrorCode"] == 0
    assert len(sandbox.messages()) == len(sandbox.requests()) == 0
    assert post(sandbox, mail(To="bea@example.com")).json()["ErrorCode"] == 406
    listed = get(sandbox, "/_sandbox/suppressions").json()["Suppressions"]
    assert [row["EmailAddress"] for row in listed] == ["bea@example.com"]
    assert asked(sandbox, "POST", "/_sandbox/reset", {}).json()["ErrorCode"] == 0
    assert post(sandbox, mail(To="bea@example.com")).status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"EmailAddress": "nobody"},
        {"EmailAddress": 7},
        {"EmailAddress": "a@a.example", "Stream": "none"},
        {"EmailAddress": "a@a.example", "Reason": "Boredom"},
        {"EmailAddress": "a@a.example", "Color": "red"},
    ],
)
def test_a_suppression_that_is_not_valid_is_refused(sandbox, value):
    """With 422 and a text that says why."""
    answer = asked(sandbox, "POST", "/_sandbox/suppress", value)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 300)


def test_faults_are_added_listed_and_removed(either):
    """They work as those of ``sandbox.fault``; the list has all names."""
    added = asked(either, "POST", "/_sandbox/faults", {"Name": "http_429", "Times": 2}).json()
    (fault,) = added["Faults"]
    assert (fault["Name"], fault["Times"], fault["Hits"]) == ("http_429", 2, 0)
    assert post(either, mail()).status_code == 429
    listed = get(either, "/_sandbox/faults").json()
    assert listed["Faults"][0]["Hits"] == 1
    assert {"http_429", "hang_lost", "partial"} <= {name["Name"] for name in listed["Names"]}
    assert "/messages/outbound" in listed["Paths"]
    assert asked(either, "DELETE", f"/_sandbox/faults/{fault['ID']}").status_code == 200
    assert asked(either, "DELETE", f"/_sandbox/faults/{fault['ID']}").status_code == 404
    assert post(either, mail()).status_code == 200
    asked(either, "POST", "/_sandbox/faults", {"Name": "http_500_lost", "Path": "/server"})
    either.fault(lambda _: "http_503_json")
    assert [one["Name"] for one in get(either, "/_sandbox/faults").json()["Faults"]] == [
        "http_500_lost",
        "a rule",
    ]
    assert asked(either, "DELETE", "/_sandbox/faults").status_code == 200
    assert get(either, "/server").status_code == post(either, mail()).status_code == 200


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"Name": None},
        {"Name": "earthquake"},
        {"Name": ["http_429"]},
        {"Name": "http_429", "Times": 0},
        {"Name": "http_429", "Times": "2"},
        {"Name": "http_429", "Times": True},
        {"Name": "http_429", "Times": 1.5},
        {"Name": "http_429", "Request": -1},
        {"Name": "http_429", "Path": "/nowhere"},
        {"Name": "slow", "Delay": -1},
        {"Name": "slow", "Delay": 1e9},
        {"Name": "slow", "Delay": "1"},
        {"Name": "partial", "Path": "/server"},
        {"Name": "http_429", "Color": "red"},
    ],
)
def test_a_fault_that_is_not_valid_is_refused(sandbox, value):
    """With 422 and a text that says why; nothing is added."""
    answer = asked(sandbox, "POST", "/_sandbox/faults", value)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 300), answer.text
    assert get(sandbox, "/_sandbox/faults").json()["Faults"] == []


def test_an_aftermath_is_simulated_over_http(either):
    """At once, or as the clock moves; the list and the search know what happened."""
    accept(either, "ann", "bea", HtmlBody='<a href="https://a.example/">x</a>')
    options = {"Opens": 1, "Clicks": 0.5, "Seed": 3, "Over": "1h"}
    answer = asked(either, "POST", "/_sandbox/simulate", options).json()
    assert (answer["ErrorCode"], answer["Messages"], answer["Opened"]) == (0, 2, 2)
    assert answer["Message"].startswith("2 messages: 2 delivered, 0 bounced, 2 opened")
    moved = asked(either, "POST", "/_sandbox/advance", {"By": "1d"}).json()
    assert moved["Events"]["Open"] == 2
    rows = get(either, "/_sandbox/messages?q=status:opened").json()["Messages"]
    assert len(rows) == 2
    message = get(either, f"/_sandbox/messages/{rows[0]['MessageID']}").json()
    assert [event["RecordType"] for event in message["Events"]][:2] == ["Delivery", "Open"]
    assert message["Events"][1]["Details"]["FirstOpen"] is True


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("simulate", {"opens": 1, "SEED": 3}),
        ("advance", {"by": "1h"}),
        ("suppress", {"emailAddress": "ann@example.com", "stream": "outbound"}),
        ("faults", {"name": "http_429"}),
    ],
)
def test_the_keys_of_a_body_ignore_case(sandbox, path, fields):
    """As those of Postmark's own bodies."""
    assert asked(sandbox, "POST", f"/_sandbox/{path}", fields).json()["ErrorCode"] == 0


def test_a_message_that_waits_is_queued(sandbox):
    """Until the clock reaches the time at which it is sent."""
    options = {"Upcoming": True, "Queued": "2h"}
    assert asked(sandbox, "POST", "/_sandbox/simulate", options).status_code == 200
    accept(sandbox, "ann")
    assert len(get(sandbox, "/_sandbox/messages?q=status:queued").json()["Messages"]) == 1
    assert "<bdi>Queued</bdi>" in get(sandbox, "/").text
    asked(sandbox, "POST", "/_sandbox/advance", {"By": "3h"})
    assert len(get(sandbox, "/_sandbox/messages?q=status:delivered").json()["Messages"]) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("simulate", {"Opens": 2}),
        ("simulate", {"Opens": "many"}),
        ("simulate", {"Opened": 0.5}),
        ("simulate", {"Stream": "none"}),
        ("simulate", {"Over": "soon"}),
        ("advance", {}),
        ("advance", {"By": "-1h"}),
        ("advance", {"By": 7}),
        ("advance", {"By": "99999d"}),
        ("advance", {"Until": "2h"}),
    ],
)
def test_a_simulation_that_is_not_valid_is_refused(sandbox, path, value):
    """With 422 and a text that says why."""
    answer = asked(sandbox, "POST", f"/_sandbox/{path}", value)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 300), answer.text


CHANGES = [
    ("POST", "/_sandbox/advance"),
    ("POST", "/_sandbox/clear"),
    ("POST", "/_sandbox/reset"),
    ("POST", "/_sandbox/suppress"),
    ("POST", "/_sandbox/simulate"),
    ("POST", "/_sandbox/faults"),
    ("DELETE", "/_sandbox/faults"),
    ("DELETE", "/_sandbox/faults/1"),
    ("PUT", "/_sandbox/messages"),
    ("PUT", "/_sandbox/messages/{id}"),
    ("DELETE", "/_sandbox/messages/{id}"),
]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_no_page_of_another_site_changes_anything(listening, method, path):
    """Its Origin is refused, and a form, which needs no permission, cannot send JSON."""
    (message_id,) = accept(listening, "ann")
    listening.fault("slow", path="/server")
    path = path.format(id=message_id)
    for origin in (
        "https://evil.example",
        "null",
        "http://127.0.0.1.evil.example",
        "x",
        "http://[",
    ):
        answer = asked(listening, method, path, {"Read": True}, Origin=origin)
        assert (answer.status_code, answer.json()["ErrorCode"]) == (403, 403)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        with client(listening) as http:
            answer = http.request(method, path, content=b"{}", headers={"Content-Type": kind})
            assert answer.status_code == 415
            refused = http.request(method, path, headers={"Host": "evil.example"})
            assert refused.status_code == 421
    counts = get(listening, "/_sandbox/changes").json()
    assert (counts["Messages"], counts["Unread"]) == (1, 1)
    assert len(get(listening, "/_sandbox/faults").json()["Faults"]) == 1


def test_pages_of_this_machine_and_programs_change_what_they_like(listening):
    """The inbox itself, an app on another local port, and a client that sends no Origin."""
    for origin in (listening.url, "http://localhost:3000", "http://[::1]:5173"):
        assert asked(listening, "POST", "/_sandbox/clear", Origin=origin).status_code == 200
    assert asked(listening, "POST", "/_sandbox/clear").status_code == 200


@pytest.mark.parametrize("body", [b"[]", b"7", b"{", b"\xff", b"null"])
def test_a_body_that_is_no_object_is_refused(sandbox, body):
    """With 422 and code 402."""
    with client(sandbox) as http:
        answer = http.post("/_sandbox/suppress", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (422, 402)


def test_requests_are_listed_with_their_answers(either):
    """Newest first, in pages; a refused one has its ErrorCode, and pages of the inbox are none."""
    post(either, mail())
    post(either, mail(To="nobody"))
    either.fault("close_lost")
    with pytest.raises(httpx.HTTPError):
        post(either, mail())
    get(either, "/")
    calls = get(either, "/_sandbox/requests").json()["Requests"]
    assert [
        (call["Method"], call["Path"], call["Status"], call["ErrorCode"]) for call in calls
    ] == [
        ("POST", "/email", None, None),
        ("POST", "/email", 422, 300),
        ("POST", "/email", 200, None),
    ]
    assert [call["Fault"] for call in calls] == ["close_lost", None, None]
    assert [(call["Messages"], call["Accepted"]) for call in calls] == [(1, 0), (1, 0), (1, 1)]
    page = get(either, "/_sandbox/requests?count=2").json()
    rest = get(either, f"/_sandbox/requests?before={page['Older']}").json()
    assert [call["ID"] for call in page["Requests"] + rest["Requests"]] == [c["ID"] for c in calls]
    errors = get(either, "/_sandbox/requests?errors").json()["Requests"]
    assert len(errors) == 2


def test_a_server_is_named_without_its_tokens():
    """With several, a list and a search can be limited to one."""
    with LocalPostmark(in_process=True, tokens=["one"], servers={"Second": "two"}) as sandbox:
        post(sandbox, mail(Subject="first"))
        post(sandbox, mail(Subject="second"), headers={"X-Postmark-Server-Token": "two"})
        servers = get(sandbox, "/_sandbox/servers").json()["Servers"]
        assert [server["Name"] for server in servers] == ["mailframe sandbox", "Second"]
        assert "two" not in str(servers)
        chosen = f"?server={servers[1]['ID']}"
        rows = get(sandbox, f"/_sandbox/messages{chosen}").json()["Messages"]
        assert [row["Subject"] for row in rows] == ["second"]
        page = get(sandbox, f"/{chosen}").text
        assert "first" not in page
        assert ">Second</a>" in page


def test_the_list_of_a_hundred_thousand_messages_is_read_from_its_page(sandbox):
    """A page of them reads what it shows; no count of all is made (only the order is tested)."""
    for _ in range(4):
        post(sandbox, [mail()] * 500)
    database, reads = sandbox._store.database, []
    database.connection.set_trace_callback(reads.append)
    start = time.perf_counter()
    assert len(get(sandbox, "/_sandbox/messages").json()["Messages"]) == 50
    database.connection.set_trace_callback(None)
    assert time.perf_counter() > start
    assert not [sql for sql in reads if "count(*)" in sql and "packs" in sql]


def test_the_record_of_a_request_hides_the_secrets_of_a_webhook(either):
    """Its headers, its password and the user of its URL."""
    webhook = {
        "Url": "http://secret:secret@127.0.0.1:9/hook",
        "HttpAuth": {"Username": "}", "Password": "secret"},
        "HttpHeaders": [{"Name": "Authorization", "Value": "] secret"}],
    }
    with client(either) as http:
        answer = http.post("/webhooks", json=webhook)
    assert answer.status_code == 200
    call = get(either, "/_sandbox/requests").json()["Requests"][0]["ID"]
    shown = get(either, f"/_sandbox/requests/{call}").json()
    assert "secret" not in f"{shown['Body']} {shown['Answer']}"
    assert "127.0.0.1:9/hook" in shown["Body"]
