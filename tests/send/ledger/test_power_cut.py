"""What is on the disk before the first byte of a batch leaves: the order is the promise."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

import mailframe as mf
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger, MessageState
from tests.campaigns import campaign, people, send_with
from tests.send.ledger.child import Job, finish, start
from tests.send.ledger.digests import random_digests

STRACE = shutil.which("strace")
CALLS = "trace=fdatasync,fsync,unlink,sendto,sendmsg,write,writev,pwrite64"


class Reading(httpx.BaseTransport):
    """Reads the ledger's file through a connection of its own at the moment a request arrives."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.at_post: list[tuple[list[int], list[str]]] = []
        self.after_post: list[tuple[list[int], list[str]]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; around a POST the file is read."""
        if request.method == "GET":
            return self._inner.handle_request(request)
        self.at_post.append(on_disk())
        answer = self._inner.handle_request(request)
        self.after_post.append(on_disk())
        return answer


def on_disk() -> tuple[list[int], list[str]]:
    """The states of messages and of requests, as another process would read them now."""
    other = sqlite3.connect(f"file:{default_path()}?mode=ro", uri=True)
    try:
        packs = other.execute("SELECT states FROM outcome ORDER BY pack")
        messages = [state for (states,) in packs for state in states[:-4]]
        return messages, [row[0] for row in other.execute("SELECT state FROM attempt ORDER BY id")]
    finally:
        other.close()


def test_when_a_request_arrives_its_messages_stand_as_sending():
    """Another connection sees them so before the answer is given, and only those of this batch."""
    with mf.Sandbox(in_process=True) as sandbox:
        wire = Reading(sandbox.transport())
        server = mf.Postmark("any", base_url="http://127.0.0.1", transport=wire)
        send_with(campaign(700), server)
    sending, accepted, planned = (
        int(MessageState.SENDING),
        int(MessageState.ACCEPTED),
        int(MessageState.PLANNED),
    )
    assert wire.at_post[0] == ([sending] * 500 + [planned] * 200, ["sending"])
    assert wire.after_post[0] == wire.at_post[0]
    assert wire.at_post[1] == ([accepted] * 500 + [sending] * 200, ["answered", "sending"])
    assert on_disk() == ([accepted] * 700, ["answered", "answered"])


def test_a_note_is_one_transaction_that_is_committed_before_claim_returns():
    """A claim is BEGIN IMMEDIATE, its messages, the request, COMMIT; nothing after the COMMIT."""
    with Ledger(default_path()) as ledger:
        record = ledger.campaign("test", "numbers")
        ids = ledger.plan(record, random_digests(3))
        statements: list[str] = []
        ledger.db._connection.set_trace_callback(statements.append)
        ledger.claim(record, ids, number=1, streams=["outbound"])
        ledger.db._connection.set_trace_callback(None)
    words = [statement.split()[0] for statement in statements]
    assert [word for word in words if word != "SELECT"] == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]
    assert words[-1] == "COMMIT"
    assert statements[0] == "BEGIN IMMEDIATE"


def test_the_settings_that_protect_it_are_the_ones_in_force():
    """Read back: a rollback journal, EXTRA, zeroed free pages, no untrusted schema."""
    with Ledger(default_path()) as ledger:
        settings = (
            "journal_mode",
            "synchronous",
            "fullfsync",
            "secure_delete",
            "trusted_schema",
            "foreign_keys",
        )
        record = {name: ledger.db.one(f"PRAGMA {name}")[0] for name in settings}
    assert record == {
        "journal_mode": "delete",
        "synchronous": 3,
        "fullfsync": 1,
        "secure_delete": 1,
        "trusted_schema": 0,
        "foreign_keys": 1,
    }


@pytest.mark.skipif(
    STRACE is None, reason="strace is not installed, so system calls cannot be watched"
)
def test_the_last_sync_comes_before_the_first_byte_of_the_batch(tmp_path):
    """Journal and database are synced, the journal deleted, its folder synced; then it is sent."""
    script = """
        import sys
        import mailframe as mf
        from tests.campaigns import campaign
        server = mf.Postmark("any", base_url=sys.argv[1])
        campaign(3).send(server, progress=False, ledger=sys.argv[2])
    """
    with mf.Sandbox() as sandbox:
        done = subprocess.run(
            [
                *(
                    STRACE or "strace",
                    "-f",
                    "-y",
                    "-s",
                    "64",
                    "-e",
                    CALLS,
                    "-o",
                    str(tmp_path / "trace"),
                ),
                *(
                    sys.executable,
                    "-c",
                    textwrap.dedent(script),
                    sandbox.url,
                    str(tmp_path / "ledger.sqlite3"),
                ),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if "ptrace" in done.stderr.lower():
            pytest.skip(
                "this machine does not let one process watch another: "
                + done.stderr.splitlines()[0]
            )
        assert done.returncode == 0, done.stderr
        assert len(sandbox.messages()) == 3
    events = [
        event for line in (tmp_path / "trace").read_text().splitlines() if (event := seen(line))
    ]
    post = events.index("POST")
    body = events.index("body")
    last = [event for event in events[:post] if event != "write ledger"][-7:]
    assert last[-1] == "sync folder"
    assert last[-2] == "unlink journal"
    assert last[-3] == "sync ledger"
    assert "sync journal" in last[-7:-3]
    assert body > post
    written = [place for place, event in enumerate(events) if event == "write ledger"]
    synced = len(events) - 1 - events[::-1].index("sync ledger", len(events) - post)
    assert max(place for place in written if place < post) < synced < post
    assert [
        event for event in events[post:body] if event.startswith(("sync", "write", "unlink"))
    ] == []


def seen(line: str) -> str:
    """What one line of strace says about the ledger or the batch; "" for anything else."""
    call = re.search(r"\b(fdatasync|fsync|unlink|sendto|sendmsg|writev?|pwrite64)\((.*)", line)
    if call is None:
        return ""
    name, rest = call.groups()
    if "-locks" in rest:
        return ""
    if name in ("fdatasync", "fsync", "unlink"):
        verb = "unlink" if name == "unlink" else "sync"
        place = (
            "journal"
            if "ledger.sqlite3-journal" in rest
            else "ledger"
            if "ledger.sqlite3" in rest
            else "folder"
        )
        return f"{verb} {place}"
    signs = (
        ("POST", "POST /email/batch" in rest),
        ("body", '"[{\\"From\\"' in rest),
        ("write ledger", name == "pwrite64" and "ledger.sqlite3>" in rest),
    )
    return next((what for what, is_there in signs if is_there), "")


def test_a_sender_killed_between_record_and_request_leaves_one_batch_unconfirmed(tmp_path):
    """The cost of this order: a batch that was recorded and never sent is unknown, and no other."""
    ledger = tmp_path / "ledger.sqlite3"
    with mf.Sandbox() as sandbox:
        job = Job(
            people(1_200),
            sandbox.url,
            str(ledger),
            str(tmp_path / "report"),
            point="after_t1",
            nth=2,
        )
        assert finish(start(job), job)[0] == "killed"
        assert len(sandbox.messages()) == 500
    with Ledger(Path(ledger)) as opened:
        (record, _), *_ = opened.campaigns()
        assert opened.counts(record) == {
            MessageState.ACCEPTED: 500,
            MessageState.SENDING: 500,
            MessageState.PLANNED: 200,
        }
        opened.recover(record)
        assert opened.counts(record)[MessageState.UNKNOWN] == 500
