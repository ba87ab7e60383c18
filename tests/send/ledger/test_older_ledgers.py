"""Ledgers that older versions of mailframe wrote: read as they are, upgraded when written.

``files/version-1.sqlite3.gz`` and ``files/version-2.sqlite3.gz`` were written by those versions:
two campaigns to a sandbox server with the id 7, with every state and a message that was sent again.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mailframe as mf
from mailframe.errors import LedgerError
from mailframe.paths import default_path
from mailframe.send.ledger import Ledger, packs
from mailframe.send.states import MessageState
from tests.campaigns import send_with
from tests.send.ledger.digests import random_digests
from tests.send.ledger.judging import age
from tests.send.ledger.older_ledgers import made_old
from tests.systems import KILL, KILLED, fresh_processes

FILES = Path(__file__).parent / "files"
VERSIONS = pytest.mark.parametrize("version", [1, 2])
PLANNED, SENDING, ACCEPTED, REJECTED, UNKNOWN = MessageState
OLD = [ACCEPTED, REJECTED, ACCEPTED, ACCEPTED, UNKNOWN, UNKNOWN, PLANNED, PLANNED]
RESENT = [ACCEPTED, REJECTED]


def written_by(version: int, path: Path) -> Path:
    """The ledger that a version wrote."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.decompress((FILES / f"version-{version}.sqlite3.gz").read_bytes()))
    path.chmod(0o600)
    return path


def old_table(path: Path) -> pd.DataFrame:
    """The rows of the old table."""
    with closing(sqlite3.connect(path)) as file:
        return pd.read_sql("SELECT * FROM message ORDER BY id", file)


def composed(rows: int, name: str = "old") -> mf.Campaign:
    """The campaign as it was composed then."""
    frame = pd.DataFrame({"email": [f"p{n}@example.com" for n in range(rows)], "n": range(rows)})
    return frame.mail.compose(
        sender="Acme <hello@acme.example>",
        to="{{ email }}",
        subject="Number {{ n }}",
        text_body="You are number {{ n }}.",
        name=name,
    )


@VERSIONS
@pytest.mark.parametrize("read_only", [True, False])
def test_each_value_of_an_old_ledger_is_in_the_packs(tmp_path, version, read_only):
    """Keys, contents, recipients, states, ids, codes and requests; read-only, no byte changes."""
    path = written_by(version, tmp_path / "ledger.sqlite3")
    before, table = path.read_bytes(), old_table(path)
    with Ledger(path, read_only=read_only) as ledger:
        parts = [ledger.recorded_messages(record) for record, _ in ledger.campaigns()]
        [unconfirmed] = ledger.unconfirmed_attempts(ledger.campaigns()[0][0])
        assert sorted(ledger.unknown_messages(unconfirmed)) == sorted(table["key"][4:6])
        requests = [len(ledger.requests.messages(attempt)) for attempt in (1, 2, 3, 4)]
    assert requests == table["attempt"].value_counts().sort_index().tolist()
    for name, column in (("key", "keys"), ("content", "contents"), ("address", "addresses")):
        rows = np.concatenate([getattr(part, column) for part in parts])
        assert [row.tobytes() for row in rows] == table[name].tolist()
    assert [part.states.tolist() for part in parts] == [OLD, RESENT]
    assert [list(part.is_resent) for part in parts] == [[False] * 8, [True, False]]
    texts = [text for part in parts for text in part.message_id_texts(np.arange(len(part)))]
    assert [text and bytes.fromhex(text.replace("-", "")) for text in texts] == [
        one or None for one in table["message_id"]
    ]
    codes = [part.code(line) for part in parts for line in range(len(part))]
    assert codes == [406 if state == REJECTED else None for state in [*OLD, *RESENT]]
    assert (path.read_bytes() == before) == read_only


@VERSIONS
def test_a_campaign_that_an_older_mailframe_began_goes_on(version):
    """Nobody has a second message, what is unknown stays so, and the rest is sent."""
    written_by(version, default_path())
    with mf.Sandbox(in_process=True, server_id=7, delivery_type="Sandbox") as sandbox:
        results = send_with(composed(9), sandbox.server)
        assert results["status"].tolist() == [
            *("skipped", "rejected", "skipped", "skipped", "unknown", "unknown"),
            *["accepted"] * 3,
        ]
        assert (
            results["MessageID"].isna().tolist()
            == [False, True, False, False, True, True] + [False] * 3
        )
        again = send_with(composed(2, "old resent"), sandbox.server, resend=["p0@example.com"])
        assert again["status"].tolist() == ["skipped", "rejected"]
        with pytest.raises(mf.errors.AlreadySentElsewhere):
            send_with(composed(9, "renamed"), sandbox.server)
        age(default_path())
        decided = mf.resolve(
            "old", sandbox.server, as_="unsent", reason="a test", control="me@acme.example"
        )
        assert decided == 2
        assert mf.history()["accepted"].tolist() == [6, 1, 0]


@pytest.mark.parametrize("damage", ["key = x'00'", "message_id = x'0011'", "state = 9"])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_damaged_row_of_an_old_ledger_is_refused_and_nothing_is_written(
    tmp_path, damage, read_only
):
    """What cannot be packed is not packed."""
    path = written_by(2, tmp_path / "ledger.sqlite3")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"UPDATE message SET {damage} WHERE id = 2")  # noqa: S608 - constants of ours
    table = old_table(path)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3: the ledger"):
        Ledger(path, read_only=read_only)
    pd.testing.assert_frame_equal(old_table(path), table)


@pytest.mark.parametrize("messages", [4_095, 4_096, 4_097])
def test_a_large_old_ledger_is_upgraded_pack_by_pack(tmp_path, messages):
    """One message fewer and more than a pack, beside another campaign; nothing changes."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        for name in ("one", "other"):
            record = ledger.campaign("test", name)
            ids = ledger.plan(record, random_digests(messages, seed=len(name)))
            attempt = ledger.claim(record, ids[10::2], number=1, streams=["outbound"])
            lines = [(row, ACCEPTED, f"odd {row % 7}", 0) for row in ids[10:40].tolist()]
            ledger.record_outcomes(attempt, lines)
        before = [ledger.recorded_messages(record) for record, _ in ledger.campaigns()]
    made_old(path, version=2)
    with Ledger(path) as ledger:
        for (record, _), was in zip(ledger.campaigns(), before, strict=True):
            recorded = ledger.recorded_messages(record)
            for name in ("keys", "contents", "addresses", "stored_states", "message_ids"):
                np.testing.assert_array_equal(getattr(recorded, name), getattr(was, name))
            lines = np.arange(len(was))
            assert recorded.message_id_texts(lines) == was.message_id_texts(lines)
        assert [len(ledger.requests.messages(attempt)) for attempt in (1, 2)] == [
            len(range(10, messages, 2))
        ] * 2
        assert ledger.db.all("SELECT name FROM sqlite_master WHERE name LIKE 'message%'") == []
        assert ledger.db.one("PRAGMA integrity_check") == ("ok",)


def _upgrade(path: str, statement: int) -> None:
    """Open an old ledger; killed when SQLite begins that statement."""
    left = [statement]
    real = sqlite3.connect

    def counted(*args, **options):
        connection = real(*args, **options)
        connection.execute("PRAGMA cache_size = 1")  # so that the file itself has changed
        connection.set_trace_callback(count)
        return connection

    def count(_statement: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), KILL)

    sqlite3.connect = counted
    Ledger(Path(path)).close()
    os._exit(7)


@pytest.mark.slow
def test_a_kill_between_any_two_statements_of_an_upgrade_loses_nothing(tmp_path):
    """The file is the old one or the new one; the next opening has every message."""
    context = fresh_processes("tests.send.ledger.test_older_ledgers")
    for statement in range(1, 300, 3):
        path = written_by(1, tmp_path / f"{statement}.sqlite3")
        child = context.Process(target=_upgrade, args=(str(path), statement))
        child.start()
        child.join(60)
        with Ledger(path) as ledger:
            states = [
                ledger.recorded_messages(record).states.tolist() for record, _ in ledger.campaigns()
            ]
            assert states == [OLD, RESENT]
        if child.exitcode == 7:
            break
        assert child.exitcode == KILLED
    assert child.exitcode == 7


def test_a_content_of_an_older_mailframe_has_no_spelling(tmp_path):
    """It recorded 16 bytes, and nothing of an adopted message."""
    path = written_by(2, tmp_path / "ledger.sqlite3")
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE message SET content = substr(content, 1, 16) WHERE id = 3")
        file.execute("UPDATE message SET content = x'', address = NULL WHERE id = 4")
    with Ledger(path) as ledger:
        recorded = ledger.recorded_messages(ledger.campaigns()[0][0])
    assert recorded.has_spelling.tolist() == [True, True, False, False, *[True] * 4]
    assert recorded.has_content.tolist() == [True, True, True, False, *[True] * 4]
    assert packs.has_any(recorded.addresses).tolist() == [True, True, True, False, *[True] * 4]
