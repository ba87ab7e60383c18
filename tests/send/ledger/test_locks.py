"""Locks of a ledger: a second opening does not drop them, and many senders share one file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.send.ledger import Ledger
from tests.send.ledger.stress import integrity, stress
from tests.systems import fresh_processes

POSIX = pytest.mark.skipif(
    os.name != "posix", reason="locks that a second descriptor drops are POSIX"
)


def is_locked(path: Path) -> bool:
    """Whether another process is kept from writing."""
    script = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or "database is locked" in done.stderr, done.stderr
    return done.returncode != 0


def open_again(path: Path, failed: list[errors.LedgerError]) -> None:
    """What another cell of the notebook does."""
    try:
        Ledger(path).close()
    except errors.LedgerError as error:
        failed.append(error)


@pytest.mark.slow
def test_processes_and_threads_can_share_a_ledger(tmp_path):
    """Two processes with three senders each, and readers: no damage, no duplicate, all sent."""
    outcome = stress(str(tmp_path / "ledger.sqlite3"), seconds=6.0)
    assert outcome.is_clean, str(outcome)
    assert outcome.campaigns >= 6
    assert outcome.looks >= 2


@POSIX
@pytest.mark.parametrize("spelling", ["same", "symlink", "relative"])
def test_a_transaction_stays_locked_while_this_process_opens_the_ledger_again(
    tmp_path, monkeypatch, spelling
):
    """Under any name of the file, no other process can write during the first one's transaction."""
    path, other = tmp_path / "ledger.sqlite3", tmp_path / "other.sqlite3"
    monkeypatch.chdir(tmp_path)
    with Ledger(path) as ledger:
        if spelling == "symlink":
            other.symlink_to(path)
        again = {"same": path, "relative": Path("ledger.sqlite3")}.get(spelling, other)
        with ledger.db.transaction():
            failed: list[errors.LedgerError] = []
            opening = threading.Thread(target=open_again, args=(again, failed))
            opening.start()
            opening.join(1.0)
            locked = is_locked(path)
        opening.join()
        assert locked
        assert failed == []
    assert not is_locked(path)


@POSIX
def test_a_ledger_that_has_a_second_name_by_a_hard_link_is_refused(tmp_path):
    """SQLite finds the journal of a crashed sender by the name of the file only."""
    path, other = tmp_path / "ledger.sqlite3", tmp_path / "other.sqlite3"
    Ledger(path).close()
    other.hardlink_to(path)
    with pytest.raises(errors.LedgerError, match=r"2 names .*hard link.*nothing was sent"):
        Ledger(path)
    other.unlink()
    Ledger(path).close()


def test_history_is_read_while_another_connection_is_inside_a_transaction(tmp_path):
    """A reader needs no lock of a writer: it neither waits for a sender nor makes one wait."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        ledger.campaign("test", "numbers")
        seen: list[str] = []
        with ledger.db.transaction():
            reading = threading.Thread(
                target=lambda: seen.extend(mf.history(ledger=path)["campaign"]), daemon=True
            )
            reading.start()
            reading.join(5.0)
            assert seen == ["numbers"]


OPENS = """
    import os, sys
    from pathlib import Path
    import mailframe as mf
    from tests.campaigns import campaign, send_with

    ledger = Path(sys.argv[1])
    seen = []

    def listen(event, details):
        if event == "open" and str(details[0]).startswith(str(ledger)):
            seen.append(str(details[0]))

    sys.addaudithook(listen)
    with mf.Sandbox(in_process=True) as sandbox:
        sandbox.fault("close_lost", request=2)
        for rows in (3, 6, 6):
            send_with(campaign(rows), sandbox.server, ledger=ledger)
        mf.history(ledger=ledger)
        mf.reconcile("numbers", sandbox.server, ledger=ledger)
        mf.resolve("numbers", sandbox.server, as_="accepted", reason="a test", ledger=ledger)
        mf.adopt("numbers", sandbox.server, ledger=ledger)
        mf.audit("numbers", sandbox.server, ledger=ledger)
        mf.forget("p1@example.com", ledger=ledger)
        mf.prune("90 days", ledger=ledger)
    print(*seen, sep="\\n")
"""


def test_only_sqlite_ever_opens_the_ledger_its_journal_and_its_lock_files(tmp_path):
    """An audit hook sees every file that Python opens: the ledger is not among them."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        textwrap.dedent(OPENS),
        str(tmp_path / "ledger.sqlite3"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == []


def _create(path: str, gate: str, report: str) -> None:
    while not Path(gate).exists():
        time.sleep(0.001)
    messages = []

    def create() -> None:
        try:
            with Ledger(Path(path)) as ledger:
                ledger.campaign("test", threading.current_thread().name)
        except errors.LedgerError as error:
            messages.append(str(error))

    work = [threading.Thread(target=create, name=f"{os.getpid()}-{n}") for n in range(3)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    Path(report).write_text("\n".join(messages))


def test_processes_and_threads_that_create_a_ledger_at_the_same_instant_all_get_it(tmp_path):
    """Three processes of three threads: one file, of its owner alone, with a line of each."""
    context = fresh_processes()
    for number in range(8):
        path, gate = tmp_path / f"{number}" / "ledger.sqlite3", tmp_path / f"gate{number}"
        reports = [tmp_path / f"{number}-{n}" for n in range(3)]
        ways = [(str(path), str(gate), str(report)) for report in reports]
        children = [context.Process(target=_create, args=way, daemon=True) for way in ways]
        for child in children:
            child.start()
        gate.touch()
        for child in children:
            child.join(60)
        assert [report.read_text() for report in reports] == ["", "", ""]
        assert integrity(str(path)) == "ok"
        assert len(mf.history(ledger=path)) == 9
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600


@POSIX
def test_a_new_ledger_is_its_owner_s_alone_from_its_first_moment(tmp_path):
    """A program that waits for the file never finds it readable for others, with any umask."""
    folder, over, modes = tmp_path / "shared", threading.Event(), set()
    folder.mkdir(mode=0o777)

    def watch() -> None:
        while not over.is_set():
            for path in folder.glob("*.sqlite3"):
                modes.add(stat.S_IMODE(path.stat().st_mode))

    watching = threading.Thread(target=watch)
    before = os.umask(0)
    watching.start()
    try:
        for number in range(30):
            Ledger(folder / f"{number}.sqlite3").close()
    finally:
        os.umask(before)
        over.set()
        watching.join()
    assert modes == {0o600}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_neither_reads_nor_closes_the_connection_of_its_parent(tmp_path):
    """SQLite would roll back the parent's transaction when the child closes the file."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger:
        record = ledger.campaign("test", "numbers")
        with ledger.db.transaction():
            ledger.db.run("UPDATE campaign SET key = 'id' WHERE id = ?", (record.id,))
            child = os.fork()
            if child == 0:
                try:
                    ledger.close()
                    ledger.counts(record)
                except errors.LedgerError as error:
                    os._exit(0 if "fork" in str(error) else 2)
                os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert is_locked(path)
        assert ledger.db.one("SELECT key FROM campaign") == ("id",)


def test_a_ledger_that_the_user_reads_with_sqlite3_in_the_same_process_stays_locked(tmp_path):
    """Connections of the sqlite3 module share the locks of SQLite, so pandas may read the file."""
    path = tmp_path / "ledger.sqlite3"
    with Ledger(path) as ledger, ledger.db.transaction():
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT count(*) FROM campaign").fetchone() == (0,)
        assert is_locked(path)
