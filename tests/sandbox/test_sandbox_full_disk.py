"""A disk that is full, and a file that nothing can be written to."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from random import randbytes

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import get

HARD = "hardbounce@bounce-testing.postmarkapp.com"
ACCOUNT = {"X-Postmark-Account-Token": "account"}
STREAM = {"ID": "news", "Name": "N", "MessageStreamType": "Broadcasts"}
LARGE = [mail(Subject=str(n), TextBody=randbytes(40_000).hex()) for n in range(5)]


@contextlib.contextmanager
def full_disk(sandbox):
    """No page can be added to the database, as on a full disk."""
    connection = sandbox._store.database.connection
    before = connection.execute("pragma max_page_count").fetchone()[0]
    pages = connection.execute("pragma page_count").fetchone()[0]
    connection.execute(f"pragma max_page_count = {pages + 2}")
    yield
    connection.execute(f"pragma max_page_count = {before}")


@contextlib.contextmanager
def read_only(sandbox):
    """SQLite refuses to write."""
    connection = sandbox._store.database.connection
    connection.execute("pragma query_only = on")
    yield
    connection.execute("pragma query_only = off")


@pytest.fixture(params=["in memory", "file"])
def kept(request, tmp_path):
    """A sandbox that keeps its messages in memory, and one with a file."""
    db = None if request.param == "in memory" else tmp_path / "sandbox.db"
    with LocalPostmark(db=db) as sandbox:
        yield sandbox


@pytest.mark.parametrize("broken", [full_disk, read_only])
def test_a_request_that_cannot_be_stored_leaves_nothing(kept, broken):
    """It is refused with the reason, and the next one gets the position that it would have had."""
    first = post(kept, mail(Subject="first")).json()["MessageID"]
    with broken(kept):
        for batch in (LARGE, [mail(To=HARD), *LARGE]):
            answer = post(kept, batch)
            assert (answer.status_code, answer.json()["ErrorCode"]) == (503, 503)
            assert "kept nothing of it" in answer.json()["Message"]
        assert repr(kept).endswith(" 1 messages>")
        assert get(kept, "/_sandbox/changes").json()["Messages"] == 1
    rest = post(kept, [mail(Subject=str(number)) for number in range(3)]).json()
    store = kept._store
    places = [store.messages.get(one["MessageID"]).position for one in rest]
    assert [store.messages.get(first).position, *places] == [1, 2, 3, 4]
    assert kept.messages()["Subject"].tolist() == ["first", "0", "1", "2"]
    assert get(kept, "/_sandbox/changes").json()["Messages"] == 4
    listed = get(kept, "/_sandbox/messages?count=2").json()
    assert [row["Subject"] for row in listed["Messages"]] == ["2", "1"]
    assert kept.suppressions().empty
    assert post(kept, mail(To=HARD)).status_code == 200  # nothing in memory says it is inactive
    assert len(kept.bounces()) == len(kept.suppressions()) == 1


def test_positions_go_on_after_a_clear_and_a_failed_request(kept):
    """A position of a removed message is not used again."""
    post(kept, [mail()] * 3)
    kept.clear()
    with full_disk(kept):
        assert post(kept, LARGE).status_code == 503
    last = post(kept, mail()).json()["MessageID"]
    assert kept._store.messages.get(last).position == 4


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/servers", {"Name": "n" * 90, "DeliveryType": "Sandbox"}),
        ("POST", "/message-streams", STREAM),
        ("POST", "/webhooks", {"Url": "http://127.0.0.1:9/"}),
        ("POST", "/_sandbox/suppress", {"EmailAddress": "ann@example.com"}),
        ("POST", "/_sandbox/simulate", {"Opens": 1, "Upcoming": True}),
        ("POST", "/_sandbox/advance", {"By": "1d"}),
        ("POST", "/_sandbox/clear", {}),
    ],
)
def test_a_change_that_cannot_be_stored_did_not_happen(kept, method, path, body):
    """Also what the sandbox has in memory beside the tables is as it was."""
    post(kept, mail())
    before = state(kept)
    with read_only(kept), client(kept) as http:
        answer = http.request(method, path, json=body, headers=ACCOUNT)
        assert answer.status_code == 503
        assert state(kept) == before
    assert state(kept) == before
    with client(kept) as http:
        answer = http.request(method, path, json=body, headers=ACCOUNT)
        assert answer.status_code == 200, answer.text
    assert state(kept) != before


def state(sandbox):
    """What a change of the test can change."""
    store = sandbox._store
    return (
        store.servers.ids(),
        dict(store.streams.kinds(sandbox.server_id)),
        [webhook.url for webhook in store.webhooks.all()],
        set(store.suppressions.addresses(sandbox.server_id, "outbound")),
        len(store.lives.rules),
        store.clock.ahead_ns,
        store.messages.count(),
        store.messages.next_position,
    )


def test_a_commit_that_fails_is_undone(kept):
    """A constraint that is checked at the end of the transaction; the next one can begin."""
    database = kept._store.database
    database.run("create table parent (id integer primary key)")
    database.run("create table child (p references parent deferrable initially deferred)")
    with pytest.raises(sqlite3.IntegrityError), database.transaction():
        database.run("insert into child values (1)")
    assert database.value("select count(*) from child") == 0
    assert post(kept, mail()).status_code == httpx.codes.OK


# --- what is removed ---------------------------------------------------------------------------


def test_a_removed_message_leaves_no_trace(tmp_path):
    """Not in the tables, not in the records of requests, not in the file."""
    path, marks = tmp_path / "sandbox.db", ["secretname", "secretbody", "secrettag", "secretvalue"]
    secret = mail(
        To=f"{HARD}, secretname@example.com",
        From="secretname@example.org",
        Subject="secretname",
        TextBody="secretbody " * 9_000,
        Tag="secrettag",
        Metadata={"k": "secretvalue"},
        Attachments=[attachment("c2VjcmV0Ym9keQ=="), attachment("bG9nbw==")],
    )
    with Receiver() as receiver, LocalPostmark(db=path) as sandbox, client(sandbox) as http:
        triggers = {"Delivery": {"Enabled": True}, "Bounce": {"Enabled": True}}
        http.post("/webhooks", json={"Url": receiver.url(), "Triggers": triggers})
        other, one = post(sandbox, [mail(Attachments=[attachment("bG9nbw==")]), secret]).json()
        assert sandbox.wait_for_webhooks()
        http.get(f"/messages/outbound/{one['MessageID']}/details")
        http.get("/messages/outbound", params={"count": 9, "offset": 0})
        bulk = {"Subject": "secretname", "TextBody": "secretbody", "Messages": [{"To": "b@x.test"}]}
        job = http.post("/email/bulk", json={"From": "a@x.test", **bulk}).json()["Id"]
        http.get("/stats/outbound")
        assert http.get(f"/email/bulk/{job.upper()}").json()["Subject"] == "secretname"
        newest = http.get("/_sandbox/messages?count=1").json()["Messages"]
        for message in (one, *newest):
            assert http.delete(f"/_sandbox/messages/{message['MessageID']}").status_code == 200
        assert traces(sandbox, marks) == []
        assert http.get(f"/email/bulk/{job}").json()["ReleasedCount"] == 1
        assert http.get("/stats/outbound").json()["Sent"] == 1
        assert sandbox.bounces().empty
        assert len(sandbox.webhook_deliveries()) == 1
        assert len(http.get("/_sandbox/requests").json()["Requests"]) == 9
        files = f"/_sandbox/messages/{other['MessageID']}/attachments/0"
        assert http.get(files).content == b"logo"
        assert sandbox.suppressions()["EmailAddress"].tolist() == [HARD]
    data = path.read_bytes()
    assert [mark for mark in marks if mark.encode() in data] == []


def test_clear_leaves_no_trace_but_the_suppressions(tmp_path):
    """Also of mails that came in, and not in the file."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(db=path) as sandbox:
        post(sandbox, [mail(To="secretname@example.com", TextBody="secretname " * 9_000)] * 9)
        sandbox.receive({"From": "secretname@example.com", "TextBody": "secretname"})
        post(sandbox, mail(To=HARD))
        sandbox.clear()
        assert traces(sandbox, ["secretname"]) == []
        assert sandbox.suppressions()["EmailAddress"].tolist() == [HARD]
    assert b"secretname" not in path.read_bytes()


def attachment(content):
    """A file."""
    return {"Name": f"{content}.txt", "Content": content, "ContentType": "text/plain"}


def traces(sandbox, marks):
    """The tables, and the records of requests, that still have one of the *marks*."""
    database = sandbox._store.database
    tables = database.rows("select name from sqlite_master where type = 'table'")
    texts = {row["name"]: str(rows_of(database, row["name"])) for row in tables}
    texts["exchanges"] = str(sandbox._store.exchanges._kept)
    return [name for name, text in texts.items() if any(mark in text for mark in marks)]


def rows_of(database, table):
    """All rows of a table."""
    return [tuple(row) for row in database.rows(f"select * from {table}")]  # noqa: S608 - a name


def test_requests_that_are_refused_or_given_up_need_no_disk(tmp_path, capfd):
    """Neither a foreign Host nor a client that leaves within its body ends in an error."""
    with LocalPostmark(db=tmp_path / "sandbox.db") as sandbox:
        with read_only(sandbox), client(sandbox) as http:
            with socket.create_connection(("127.0.0.1", sandbox.port)) as half:
                half.sendall(b"POST /email HTTP/1.1\r\nHost: localhost\r\n")
                half.sendall(b"Content-Length: 9\r\n\r\n{")
            assert http.get("/", headers={"Host": "evil.example"}).status_code == 421
            assert http.get("/server").status_code == 200
        assert post(sandbox, mail()).status_code == 200
    assert capfd.readouterr().err == ""
