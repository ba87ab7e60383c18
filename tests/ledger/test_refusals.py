"""No ledger, no sending: whatever is wrong with the file, nothing leaves, and the error says what to do."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import mailframe as mf
from mailframe import errors
from mailframe.ledger import Ledger, default_path
from mailframe.sender import Patience
from tests.campaigns import campaign, people, send_with
from tests.ledger.child import Job, finish, start, wait_for
from tests.ledger.judging import judged

WAY_OUT = "ledger= or MAILFRAME_LEDGER names another place; ledger=None sends without memory"


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def posts(sandbox: mf.Sandbox) -> int:
    """How many batches arrived."""
    return int((sandbox.requests()["path"] == "/email/batch").sum())


def assert_refused(sandbox: mf.Sandbox, match: str, *, ledger: Path | None = None, kind=errors.LedgerError) -> None:
    """Sending raises, names the ledger, posts nothing, and gives the results all the same."""
    before = posts(sandbox)
    with pytest.raises(kind, match=match) as caught:
        send_with(campaign(3), sandbox.server, ledger=str(ledger or default_path()))
    assert posts(sandbox) == before
    assert len(caught.value.results) == 3
    assert str(ledger or default_path()) in str(caught.value)


# --- the file --------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(sandbox, tmp_path):
    """A CSV that somebody named by mistake stays a CSV."""
    path = tmp_path / "customers.csv"
    path.write_bytes(b"email,n\n" * 200)
    assert_refused(sandbox, "file is not a database.*nothing was sent", ledger=path)
    assert path.read_bytes() == b"email,n\n" * 200


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_another_program_s_database_is_refused_and_left_as_it_was(sandbox, tmp_path, mode):
    """Also its journal mode stays its own."""
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
        other.execute("CREATE TABLE places (url TEXT)")
    other.close()
    before = path.read_bytes()
    assert_refused(sandbox, "no ledger of mailframe", ledger=path)
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_mailframe_is_refused(sandbox):
    """What an older version does not understand it does not touch."""
    Ledger(default_path()).close()
    with sqlite3.connect(default_path()) as other:
        other.execute("PRAGMA user_version = 2")
    other.close()
    assert_refused(sandbox, "newer mailframe.*version 2, not 1.*nothing was sent")


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_never_makes_a_second_copy(sandbox, seed):
    """Bytes overwritten anywhere: refused as a ledger error, or what is left is still true; nobody gets two."""
    send_with(campaign(40), sandbox.server, limit=20)
    path = default_path()
    whole = bytearray(path.read_bytes())
    chance = random.Random(seed)
    start_at = (0, 16, 100, *range(4096, len(whole), 4096))[seed % 9]
    whole[start_at : start_at + 64] = chance.randbytes(64)
    path.write_bytes(whole)
    try:
        send_with(campaign(40), sandbox.server)
    except errors.LedgerError as error:
        assert str(path) in str(error)
        assert posts(sandbox) == 1
    except errors.LedgerStopped:
        pass
    assert sandbox.messages()["To"].is_unique


def test_a_file_cut_off_in_the_middle_is_refused(sandbox):
    """Half a file, as after a copy that broke off."""
    send_with(campaign(500), sandbox.server)
    whole = default_path().read_bytes()
    default_path().write_bytes(whole[: len(whole) // 8192 * 4096])
    assert_refused(sandbox, "malformed")


def test_a_folder_in_the_place_of_the_file_is_refused(sandbox, tmp_path):
    """A folder is no file."""
    assert_refused(sandbox, "cannot be written.*nothing was sent", ledger=tmp_path)


CHILD = """
    import os, sys
    import mailframe as mf
    from mailframe import errors
    from tests.campaigns import campaign, send_with
    {before}
    with mf.Sandbox(in_process=True) as sandbox:
        try:
            send_with(campaign({rows}), sandbox.server, ledger=sys.argv[1])
        except errors.MailframeError as error:
            print(type(error).__name__, error)
        else:
            print("sent")
        print(len(sandbox.messages()), (sandbox.requests()["path"] == "/email/batch").sum())
"""


def child(ledger: Path, *, before: str = "", rows: int = 3, **options) -> tuple[str, list[int]]:
    """Send in a process of its own: what was raised, and the numbers of messages and POSTs."""
    script = textwrap.dedent(CHILD).format(before=before, rows=rows)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(ledger)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )
    assert done.returncode == 0, done.stderr
    *said, counts = done.stdout.splitlines()
    return "\n".join(said), [int(count) for count in counts.split()]


DROP = "os.setgid(65534); os.setuid(65534)" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
"""Root may write everywhere, so the child becomes nobody."""


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are POSIX")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_file_or_folder_is_refused(tmp_path, what):
    """Nothing can be noted there, so nothing leaves."""
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = folder / "ledger.sqlite3"
    Ledger(ledger).close()
    for place in [*tmp_path.parents, tmp_path]:
        if place.owner() == tmp_path.owner() and place.stat().st_mode & 0o077 == 0:
            place.chmod(place.stat().st_mode | 0o011)  # for nobody to get through; of this test's folders only
    ledger.chmod(0o444)
    folder.chmod(0o555)
    if what == "folder":
        ledger.chmod(0o666)
    try:
        said, counts = child(ledger, before=DROP)
    finally:
        folder.chmod(0o755)
    assert said.startswith("LedgerError")
    assert WAY_OUT in said
    assert counts == [0, 0]


@pytest.mark.skipif(os.name != "posix", reason="limits of the size of a file are POSIX")
def test_a_full_disk_stops_at_every_size_and_the_rest_goes_out_once(tmp_path):
    """The file may grow to ten different sizes: what could not be noted did not leave; run again, nobody has two."""
    stopped = 0
    rows = 1_200
    with mf.Sandbox() as sandbox:
        for number, kib in enumerate((0, 1, 8, 30, 45, 60, 80, 100, 130, 160)):
            ledger = tmp_path / f"{number}.sqlite3"
            job = Job(
                people(rows), sandbox.url, str(ledger), str(tmp_path / "report"), fsize=kib * 1024, patience=HASTE
            )
            error, results = finish(start(job), job)
            stopped += error in ("LedgerError", "LedgerStopped")
            there = set(sandbox.messages()["To"])
            if results is not None:
                status = dict(zip(results["email"], results["status"], strict=True))
                assert not [to for to in there if status[to] in ("unsent", "rejected")]
            else:
                assert not there
            job = Job(people(rows), sandbox.url, str(ledger), str(tmp_path / "report"), patience=HASTE)
            finish(start(job), job)
            assert judged(people(rows), ledger, sandbox).fault == ""
            sandbox.clear()
    assert stopped >= 5


HASTE = Patience(first_wait_s=0.02, search_s=0.2)


def test_a_ledger_locked_by_another_program_is_refused(tmp_path):
    """After the wait for the lock, which the child makes shorter for itself."""
    ledger = tmp_path / "ledger.sqlite3"
    Ledger(ledger).close()
    holder = sqlite3.connect(ledger, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    shorter = "from mailframe.ledger import file; file._opened.__kwdefaults__['timeout_s'] = 0.3"
    said, counts = child(ledger, before=shorter)
    holder.close()
    assert said.startswith("LedgerError")
    assert "locked" in said
    assert WAY_OUT in said
    assert counts == [0, 0]


NO_LOCKS = r"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdarg.h>
    static int answer(const char *name, int fd, int cmd, void *arg) {
        if (cmd == F_SETLK || cmd == F_SETLKW || cmd == F_OFD_SETLK) return 0;
        int (*real)(int, int, void *) = dlsym(RTLD_NEXT, name);
        return real(fd, cmd, arg);
    }
    int fcntl(int fd, int cmd, ...) {
        va_list l; va_start(l, cmd); void *a = va_arg(l, void *); va_end(l); return answer("fcntl", fd, cmd, a); }
    int fcntl64(int fd, int cmd, ...) {
        va_list l; va_start(l, cmd); void *a = va_arg(l, void *); va_end(l); return answer("fcntl64", fd, cmd, a); }
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="a file system without locks is imitated by a small C library, which needs Linux and a C compiler",
)
def test_a_file_system_that_says_yes_to_every_lock_is_refused(tmp_path):
    """As some network homes do; SQLite itself would not notice it from one process."""
    source, library = tmp_path / "nolocks.c", tmp_path / "nolocks.so"
    source.write_text(textwrap.dedent(NO_LOCKS))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, capture_output=True)  # noqa: S607
    said, counts = child(tmp_path / "ledger.sqlite3", env={**os.environ, "LD_PRELOAD": str(library)})
    assert said.startswith("LedgerError")
    assert "locks no files; put the ledger on a local disk" in said
    assert counts == [0, 0]


# --- two at once, and forks --------------------------------------------------------------------------------


def test_of_processes_that_start_together_one_sends_and_the_others_are_told(tmp_path):
    """Four at once, in several rounds: the others find the campaign busy or everything sent; nobody has two."""
    busy = 0
    with mf.Sandbox(delay_s=0.15) as sandbox:
        for number in range(3):
            name, ledger = f"round {number}", str(tmp_path / "ledger.sqlite3")
            jobs = [
                Job(people(60), sandbox.url, ledger, str(tmp_path / f"{number}-{child}"), name=name, options=REPEAT)
                for child in range(4)
            ]
            said = [finish(process, job) for process, job in [(start(job), job) for job in jobs]]
            busy += sum(error == "CampaignBusy" for error, _ in said)
            assert {error for error, _ in said} <= {"", "CampaignBusy"}
            assert sum(results["status"].eq("accepted").any() for _, results in said) == 1
            assert sandbox.messages()["To"].value_counts().to_dict() == {f"p{n}@example.com": 1 for n in range(60)}
            sandbox.clear()
    assert busy >= 3


REPEAT = {"allow_repeat": True}


def test_without_the_campaign_lock_the_claim_still_keeps_them_apart(tmp_path):
    """Four processes whose lock is switched off: a batch goes out once, and the others are told who took it."""
    with mf.Sandbox(delay_s=0.05) as sandbox:
        ledger = str(tmp_path / "ledger.sqlite3")
        jobs = [
            Job(people(1_200), sandbox.url, ledger, str(tmp_path / f"{child}"), mutants=("campaign lock off",))
            for child in range(4)
        ]
        for process, job in [(start(job), job) for job in jobs]:
            finish(process, job)
        found = judged(people(1_200), ledger, sandbox)
        assert found.twice == []
        assert found.accepted_not_there == []
        assert found.denied_but_there == []


def test_a_second_run_while_one_is_under_way_is_busy_and_one_after_it_is_not(tmp_path):
    """The lock is dropped with the process that held it, also when that one is killed."""
    ledger, hold = str(tmp_path / "ledger.sqlite3"), tmp_path / "hold"
    hold.mkdir()
    with mf.Sandbox() as sandbox:
        job = Job(
            people(3), sandbox.url, ledger, str(tmp_path / "report"), point="after_post", hold=str(hold), name="numbers"
        )
        process = start(job)
        wait_for(hold / "held")
        with pytest.raises(errors.CampaignBusy, match="'numbers' is being sent by another"):
            send_with(campaign(3), sandbox.server, ledger=ledger)
        with pytest.raises(errors.CampaignBusy):
            mf.reconcile("numbers", sandbox.server, ledger=ledger)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert set(send_with(campaign(3), sandbox.server, ledger=ledger)["reason"]) == {"already_sent"}
        assert len(sandbox.messages()) == 3


def test_two_names_of_one_ledger_are_one_lock(tmp_path):
    """A symbolic link to the ledger does not open a second door."""
    real, link = tmp_path / "real" / "ledger.sqlite3", tmp_path / "link.sqlite3"
    with Ledger(real) as first:
        link.symlink_to(real)
        found = first.campaign("test", "numbers")
        with first.sender_of(found), Ledger(link) as second, pytest.raises(errors.CampaignBusy):
            with second.sender_of(found):
                pass


def test_a_campaign_s_lock_that_nobody_can_take_is_not_called_busy(tmp_path):
    """A lock file that is damaged is an error of the ledger, not another notebook."""
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        found = ledger.campaign("test", "numbers")
        locks = tmp_path / "ledger.sqlite3-locks"
        locks.mkdir()
        (locks / "1.sqlite3").write_bytes(b"no database" * 100)
        with pytest.raises(errors.LedgerError, match="cannot be locked") as caught, ledger.sender_of(found):
            pass
    assert not isinstance(caught.value, errors.CampaignBusy)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_ledger_is_refused_in_a_forked_child():
    """The child would share the connection and the locks of its parent."""
    with Ledger(default_path()) as ledger:
        found = ledger.campaign("test", "numbers")
        child = os.fork()
        if child == 0:
            try:
                ledger.recover(found)
            except errors.LedgerError as error:
                os._exit(0 if "fork" in str(error) else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert ledger.recover(found) == 0


# --- interrupts --------------------------------------------------------------------------------------------


def test_interrupted_twice_and_run_again_nobody_has_two():
    """The request that was given up goes on behind our back; the next run knows that and asks."""
    with mf.Sandbox(delay_s=1.0) as sandbox:
        presses = [threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT)) for after_s in (0.6, 0.8)]
        for press in presses:
            press.start()
        first = send_with(campaign(700), sandbox.server)
        for press in presses:
            press.join()
        assert first["status"].value_counts().to_dict() == {"unknown": 500, "unsent": 200}
        sandbox._exchange.delay_s = 0.0
        second = send_with(campaign(700), sandbox.server)
        assert second["status"].iloc[500:].tolist() == ["accepted"] * 200
        third = send_with(campaign(700), sandbox.server, patience=Patience(first_wait_s=0.05, search_s=3))
        assert set(third["status"]) <= {"skipped", "unknown"}
        assert judged(people(700), default_path(), sandbox).fault == ""


