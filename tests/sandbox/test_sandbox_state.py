"""What the sandbox keeps, and for how long: a cap, a file, several servers."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.errors import SandboxError
from mailframe.sandbox import LocalPostmark
from mailframe.sandbox.state.database import Database
from mailframe.sandbox.state.messages.message_ids import RandomBits, message_ids, position_of
from tests.sandbox.kept_messages import SERVER, empty_store, keep
from tests.sandbox.sandbox_mail import client, mail, post

PAGE = {"count": 500, "offset": 0}
FILE = {"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}


@given(
    st.integers(0, 2**40 - 4),
    st.integers(0, 3).flatmap(lambda n: st.binary(min_size=16 * n, max_size=16 * n)),
)
def test_message_ids_tell_their_positions(first, random_bytes):
    """And are UUIDs of version 4 in lower case, in any number at once."""
    identifiers = message_ids(first, random_bytes)
    count = len(random_bytes) // 16
    assert [position_of(one) for one in identifiers] == list(range(first, first + count))
    for identifier in identifiers:
        parsed = uuid.UUID(identifier)
        assert (str(parsed), parsed.version, parsed.variant) == (identifier, 4, uuid.RFC_4122)


def test_a_seed_repeats_message_ids():
    """However many are asked for at once."""
    ids = [RandomBits(7), RandomBits(7)]
    assert ids[0].message_ids(1, 5) == ids[1].message_ids(1, 2) + ids[1].message_ids(3, 3)


@pytest.mark.parametrize("count", [9, 10, 11, 25])
def test_the_newest_messages_are_kept(count):
    """Over several requests, also where the cap cuts a request in two."""
    with LocalPostmark(in_process=True, keep=10) as sandbox:
        for first in range(0, count, 4):
            numbers = range(first, min(first + 4, count))
            post(sandbox, [mail(Subject=str(number)) for number in numbers])
        kept = [str(number) for number in range(count)][-10:]
        assert sandbox.messages()["Subject"].tolist() == kept
        with client(sandbox) as http:
            answer = http.get("/messages/outbound", params=PAGE).json()
        assert answer["TotalCount"] == len(kept)
        assert [message["Subject"] for message in answer["Messages"]] == kept[::-1]
        assert repr(sandbox).endswith(f"{len(kept)} messages>")


def test_a_send_at_the_cap_takes_as_long_whatever_the_cap_is():
    """To remove the oldest message, SQLite had read every other one: 0.07 s at 100,000."""
    steps = []
    for cap in (50, 500):
        with LocalPostmark(in_process=True, keep=cap) as sandbox:
            for _ in range(cap + 10):
                post(sandbox, mail())
            taken = []
            connection = sandbox._store.database.connection
            connection.set_progress_handler(lambda taken=taken: taken.append(1), 1)
            post(sandbox, mail())
            connection.set_progress_handler(None, 1)
            steps.append(len(taken))
            assert len(sandbox.messages()) == cap
    assert steps[1] < steps[0] + 100


def test_a_message_that_has_gone_is_unknown():
    """Its details are 422 / 701, its attachment is removed, and its ID is not used again."""
    with LocalPostmark(in_process=True, keep=1) as sandbox, client(sandbox) as http:
        first = post(sandbox, mail(Attachments=[FILE])).json()["MessageID"]
        second = post(sandbox, mail()).json()["MessageID"]
        codes = [
            http.get(f"/messages/outbound/{message}/details").json().get("ErrorCode")
            for message in (first, second, first.upper(), "7", *message_ids(2, bytes(16)))
        ]
        assert codes == [701, None, 701, 701, 701]
        assert sandbox._store.database.value("select count(*) from attachments") == 0


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "10", None])
def test_the_cap_is_a_whole_number(keep):
    """From 1 on."""
    with pytest.raises(SandboxError, match="keep is a whole number"):
        LocalPostmark(in_process=True, keep=keep)


def test_a_removed_message_leaves_nothing():
    """Its neighbors of the same request stay where they are."""
    store = empty_store()
    ids = keep(store, *(mail(Subject=str(number), Attachments=[FILE]) for number in range(3)))
    store.messages.remove(store.messages.get(ids[1]))
    assert store.messages.get(ids[1]) is None
    assert [store.messages.get(ids[number]).head["Subject"] for number in (0, 2)] == ["0", "2"]
    assert [store.messages.count(server) for server in (None, SERVER, 8)] == [2, 2, 0]
    for number in (0, 2):
        store.messages.remove(store.messages.get(ids[number]))
    assert [*store.database.row("select traits, heads, contents from packs")] == [
        "{}",
        b"{}",
        b"{}",
    ]
    assert store.database.value("select count(*) from pack_metadata") == 0


def test_a_message_does_not_inherit_from_a_removed_one(tmp_path):
    """Not even the last one of a file that is opened again: its position is not used twice."""
    path = tmp_path / "sandbox.db"
    statuses = []
    for _ in range(2):
        with LocalPostmark(in_process=True, db=path) as sandbox, client(sandbox) as http:
            message = post(sandbox, mail(HtmlBody="<p>Hi", TrackOpens=True)).json()["MessageID"]
            own = f"/_sandbox/messages/{message}"
            statuses.append([http.get(own).json()[name] for name in ("Status", "Read")])
            sandbox.simulate(opens=1.0)
            http.get(f"/inbox/{message}")
            assert [http.get(own).json()[name] for name in ("Status", "Read")] == ["Opened", True]
            assert http.delete(own).status_code == 200
            opens = http.get("/messages/outbound/opens", params=PAGE).json()
            assert opens["TotalCount"] == 0
    assert statuses == [["Delivered", False]] * 2


def test_everything_survives_a_restart(tmp_path):
    """Messages, suppressions, the server's ID and its tokens; another process finds them."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path, tokens=["one"]) as sandbox:
        sandbox.suppress("gone@example.com")
        (answer,) = post(sandbox, [mail(Subject="kept", Attachments=[FILE])]).json()
        server_id = sandbox.server_id
    program = (
        "import sys; from mailframe.sandbox import LocalPostmark\n"
        "with LocalPostmark(in_process=True, db=sys.argv[1], tokens=['two']) as sandbox:\n"
        "    print(sandbox.server_id, *sandbox.messages()['MessageID'],\n"
        "          *sandbox.suppressions()['EmailAddress'], len(sandbox.requests()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(server_id), answer["MessageID"], "gone@example.com", "1"]
    with LocalPostmark(in_process=True, db=path, tokens=["two"]) as sandbox:
        with client(sandbox) as http:
            assert http.get("/messages/outbound", params=PAGE).json()["TotalCount"] == 1
        sandbox.reset()
        assert sandbox.messages().empty
        assert sandbox.server_id == server_id


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_its_owner_can_read_the_database(tmp_path):
    """It holds addresses and mails."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_database_of_another_origin_is_refused_and_not_changed(tmp_path):
    """Another program's, also without a table, a text, a folder, a folder that does not exist."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("create table t (x)")
    connection.close()
    with sqlite3.connect(tmp_path / "marked.db") as connection:
        connection.execute("pragma application_id = 7")
    connection.close()
    (tmp_path / "text").write_text("no database, but a longer text of a hundred bytes" * 3)
    for name, why in {
        "other.db": "belongs to another program",
        "marked.db": "belongs to another program",
        "text": "is not a database",
        ".": "cannot be opened",
        "missing/sandbox.db": "cannot be opened",
    }.items():
        before = other.read_bytes()
        with pytest.raises(SandboxError, match=why):
            LocalPostmark(in_process=True, db=tmp_path / name)
        assert other.read_bytes() == before


def test_a_damaged_database_is_named(tmp_path):
    """All but its first page is overwritten, as by a disk that fails."""
    path = tmp_path / "sandbox.db"
    with LocalPostmark(in_process=True, db=path) as sandbox:
        post(sandbox, mail())
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(16_384)
        file.write(b"\xff" * (size - 16_384))
    with pytest.raises(SandboxError, match=r"sandbox.db cannot be opened: .* malformed"):
        LocalPostmark(in_process=True, db=path)


def test_a_file_can_have_a_name_that_sqlite_gives_a_meaning(tmp_path, monkeypatch):
    """``:memory:`` keeps what it got, too."""
    monkeypatch.chdir(tmp_path)
    with LocalPostmark(in_process=True, db=":memory:") as sandbox:
        post(sandbox, mail())
    with LocalPostmark(in_process=True, db=":memory:") as sandbox:
        assert len(sandbox.messages()) == 1


def test_the_log_beside_a_file_does_not_stay_large(tmp_path):
    """A clear writes each page to it; it had stayed as large as all messages until the end."""
    log = tmp_path / "sandbox.db-wal"
    database = Database(["create table if not exists t (x)"], path=tmp_path / "sandbox.db")
    database.run("insert into t values (zeroblob(40000000))")
    assert log.stat().st_size > 40_000_000
    database.run("insert into t values (1)")
    assert log.stat().st_size < 34_000_000
    database.close()


def test_a_refused_database_is_closed(tmp_path):
    """Python 3.13 warns of a connection that is not."""
    path, text = tmp_path / "sandbox.db", tmp_path / "text"
    text.write_text("no database, but a longer text of a hundred bytes" * 3)
    program = (
        "import gc, sys\n"
        "from mailframe.errors import SandboxError\n"
        "from mailframe.sandbox import LocalPostmark\n"
        "with LocalPostmark(in_process=True, db=sys.argv[1]):\n"
        "    for path in sys.argv[1:]:\n"
        "        try:\n"
        "            LocalPostmark(in_process=True, db=path)\n"
        "        except SandboxError as error:\n"
        "            print(error)\n"
        "        gc.collect()\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program, path, text],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("the database") + done.stdout.count("the file") == 2
    assert "ResourceWarning" not in done.stderr


def test_a_database_in_use_is_refused(tmp_path):
    """Two sandboxes would each miss what the other keeps; a closed one frees it."""
    path = tmp_path / "sandbox.db"
    with (
        LocalPostmark(in_process=True, db=path),
        pytest.raises(SandboxError, match="is in use by another sandbox"),
    ):
        LocalPostmark(in_process=True, db=path)
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert sandbox.messages().empty


def test_servers_side_by_side_have_their_own_messages():
    """And suppressions; any other token belongs to the first server, unless it has a list."""
    servers = {"shop": "shop-token", "news": ["news-token", "second-token"]}
    with LocalPostmark(in_process=True, servers=servers) as sandbox, client(sandbox) as http:

        def ask(token, method, path, **options):
            headers = {"X-Postmark-Server-Token": token}
            return http.request(method, path, headers=headers, **options).json()

        for token in ("shop-token", "NEWS-TOKEN", "anything"):
            assert ask(token, "POST", "/email", json=mail(Subject=token))["ErrorCode"] == 0
        seen = {
            token: [
                message["Subject"]
                for message in ask(token, "GET", "/messages/outbound", params=PAGE)["Messages"]
            ]
            for token in ("shop-token", "news-token", "second-token", "sandbox-token")
        }
        assert seen == {
            "shop-token": ["shop-token"],
            "news-token": ["NEWS-TOKEN"],
            "second-token": ["NEWS-TOKEN"],
            "sandbox-token": ["anything"],
        }
        names = [ask(token, "GET", "/server")["Name"] for token in seen]
        assert names == ["shop", "news", "news", "mailframe sandbox"]
        (message,) = sandbox._store.messages.all(sandbox._store.servers.of_token("shop-token"))
        path = f"/messages/outbound/{message.message_id}/details"
        assert ask("news-token", "GET", path)["ErrorCode"] == 701


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        (["shop"], "is a mapping of name to token"),
        ({"shop": ""}, "needs a token"),
        ({"shop": []}, "needs a token"),
        ({"shop": "a", "news": "A"}, "cannot have the same token"),
    ],
)
def test_wrong_servers_are_refused(servers, why):
    """With what is wrong."""
    with pytest.raises(SandboxError, match=why):
        LocalPostmark(in_process=True, servers=servers)
