"""No ledger, no sending: with any fault of the file nothing is sent, and the error helps."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.paths import default_path
from mailframe.sandbox import Fault
from mailframe.send.ledger import Ledger, MessageState
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import campaign, people, send_with
from tests.send.ledger.child import Job, finish, start
from tests.send.ledger.judging import judged
from tests.systems import press_ctrl_c

WAY_OUT = "Use another path with ledger= or MAILFRAME_LEDGER; ledger=None sends without a ledger"


@pytest.fixture
def sandbox():
    """A Postmark without a socket."""
    with mf.Sandbox(in_process=True) as opened:
        yield opened


def posts(sandbox: mf.Sandbox) -> int:
    """How many batches arrived."""
    return int((sandbox.requests()["path"] == "/email/batch").sum())


def assert_refused(
    sandbox: mf.Sandbox, match: str, *, ledger: Path | None = None, kind=errors.LedgerError
) -> None:
    """Sending raises, names the ledger, posts nothing, and gives the results all the same."""
    before = posts(sandbox)
    with pytest.raises(kind, match=match) as caught:
        send_with(campaign(3), sandbox.server, ledger=str(ledger or default_path()))
    assert posts(sandbox) == before
    assert len(caught.value.results) == 3
    assert str(ledger or default_path()) in str(caught.value)


# --- the file ------------------------------------------------------------------------------------


def test_a_file_that_is_not_a_database_is_refused_and_unchanged(sandbox, tmp_path):
    """A CSV that somebody named by mistake stays a CSV."""
    path = tmp_path / "customers.csv"
    path.write_bytes(b"email,n\n" * 200)
    assert_refused(sandbox, "file is not a database.*nothing was sent", ledger=path)
    assert path.read_bytes() == b"email,n\n" * 200


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_another_program_s_database_is_refused_and_unchanged(sandbox, tmp_path, mode):
    """Also its journal mode stays its own."""
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
        other.execute("CREATE TABLE places (url TEXT)")
    other.close()
    before = path.read_bytes()
    assert_refused(sandbox, "not a ledger of mailframe", ledger=path)
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_mailframe_is_refused(sandbox):
    """What an older version does not understand it does not touch."""
    Ledger(default_path()).close()
    with sqlite3.connect(default_path()) as other:
        other.execute("PRAGMA user_version = 4")
    other.close()
    assert_refused(sandbox, "newer mailframe.*version 4, not 3.*nothing was sent")


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_never_makes_a_second_copy(sandbox, seed):
    """Bytes overwritten anywhere: refused, or what is left is still true; there is no duplicate."""
    send_with(campaign(40), sandbox.server, limit=20)
    path = default_path()
    whole = bytearray(path.read_bytes())
    chance = random.Random(seed)
    start_at = (0, 16, 100, *range(4096, len(whole), 4096))[seed % 9]
    whole[start_at : start_at + 64] = chance.randbytes(64)
    path.write_bytes(whole)
    with suppress(errors.LedgerError, errors.LedgerStopped):
        send_with(campaign(40), sandbox.server)
    assert sandbox.messages()["To"].is_unique


@pytest.mark.parametrize("seed", range(24))
def test_a_few_changed_bytes_make_no_second_copy_and_no_false_status(sandbox, seed):
    """Anywhere in the file, also in the middle of a page: a changed key would look new."""
    send_with(campaign(300), sandbox.server, limit=200)
    chance = random.Random(seed)
    whole = bytearray(default_path().read_bytes())
    start_at = chance.randrange(4_096, len(whole) - 64)
    size = chance.choice([1, 4, 64])
    whole[start_at : start_at + size] = chance.randbytes(size)
    default_path().write_bytes(whole)
    try:
        results = send_with(campaign(300), sandbox.server)
    except errors.MailframeError as error:
        results = error.results
    there = set(sandbox.messages()["To"])
    assert not there & set(results.loc[results["status"].isin(["unsent", "rejected"]), "email"])
    assert sandbox.messages()["To"].is_unique


@pytest.mark.skipif(sys.platform != "linux", reason="reads the open files from /proc")
def test_a_refused_ledger_is_closed():
    """Also if the first query fails; Python 3.13 warns of connections that are left open."""
    path = default_path()
    Ledger(path).close()
    whole = bytearray(path.read_bytes())
    whole[4096:4160] = b"\xff" * 64  # the second page holds the salt
    path.write_bytes(whole)
    with pytest.raises(errors.LedgerError) as caught:
        Ledger(path)
    assert caught.tb is not None  # its frames keep the connection alive
    assert path.resolve() not in {file.resolve() for file in Path("/proc/self/fd").iterdir()}


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
    mf.compose  # imported now: another user may not read the files of Python
    with mf.Sandbox(in_process=True) as sandbox:
        sandbox.server.send_email(campaign(1).message(0))
        len(sandbox.messages()), len(sandbox.requests())
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
        timeout=300,
        **options,
    )
    assert done.returncode == 0, done.stderr
    *output, counts = done.stdout.splitlines()
    return "\n".join(output), [int(count) for count in counts.split()]


DROP = "os.setgid(65534); os.setuid(65534)" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
"""Root may write everywhere, so the child becomes the user ``nobody``."""


@pytest.mark.skipif(os.name != "posix", reason="the modes of files are POSIX")
@pytest.mark.parametrize(
    ("what", "says"),
    [("file", "cannot be written (Permission denied)"), ("folder", "Permission denied")],
)
def test_a_read_only_file_or_folder_is_refused(what, says):
    """Nothing can be noted there, so nothing leaves."""
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)  # also the other user gets here
        folder = Path(outer) / "data"
        ledger = folder / "ledger.sqlite3"
        Ledger(ledger).close()
        ledger.chmod(0o444 if what == "file" else 0o600)
        if DROP and what == "folder":
            os.chown(ledger, 65534, 65534)
        folder.chmod(0o555)
        output, counts = child(ledger, before=DROP)
        folder.chmod(0o755)
    assert output.startswith("LedgerError")
    assert says in output
    assert WAY_OUT in output
    assert counts == [0, 0]


@pytest.mark.skipif(os.name != "posix", reason="limits of the size of a file are POSIX")
def test_a_full_disk_stops_at_every_size_and_the_rest_goes_out_once(tmp_path):
    """Ten sizes of a full disk: what could not be recorded was not sent; the next run sends it."""
    stopped = 0
    rows = 600
    with mf.Sandbox() as sandbox:
        for number, kib in enumerate((0, 1, 8, 20, 40, 50, 60, 70, 80, 100)):
            ledger = tmp_path / f"{number}.sqlite3"
            job = Job(
                people(rows),
                sandbox.url,
                str(ledger),
                str(tmp_path / "report"),
                fsize=kib * 1024,
                retry_policy=HASTE,
            )
            error, results = finish(start(job), job)
            stopped += error in ("LedgerError", "LedgerStopped")
            there = set(sandbox.messages()["To"])
            if results is not None:
                status = dict(zip(results["email"], results["status"], strict=True))
                assert not [to for to in there if status[to] in ("unsent", "rejected")]
            else:
                assert not there
            send_with(campaign(rows), sandbox.server, ledger=str(ledger), retry_policy=HASTE)
            assert judged(people(rows), ledger, sandbox).fault == ""
            sandbox.clear()
    assert stopped >= 5


HASTE = RetryPolicy(first_wait_s=0.02, search_s=0.2)


def test_a_ledger_locked_by_another_program_is_refused(tmp_path):
    """After the wait for the lock, which the child makes shorter for itself."""
    ledger = tmp_path / "ledger.sqlite3"
    Ledger(ledger).close()
    holder = sqlite3.connect(ledger, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    shorter = (
        "from mailframe.send.ledger import file; file._opened.__kwdefaults__['timeout_s'] = 0.3"
    )
    output, counts = child(ledger, before=shorter)
    holder.close()
    assert output.startswith("LedgerError")
    assert "locked" in output
    assert WAY_OUT in output
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
        va_list l; va_start(l, cmd); void *a = va_arg(l, void *); va_end(l);
        return answer("fcntl", fd, cmd, a);
    }
    int fcntl64(int fd, int cmd, ...) {
        va_list l; va_start(l, cmd); void *a = va_arg(l, void *); va_end(l);
        return answer("fcntl64", fd, cmd, a);
    }
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("cc") is None,
    reason="imitating a file system without locks needs Linux and a C compiler",
)
def test_a_file_system_that_grants_every_lock_is_refused(tmp_path):
    """As some network homes do; SQLite itself would not notice it from one process."""
    source, library = tmp_path / "nolocks.c", tmp_path / "nolocks.so"
    source.write_text(textwrap.dedent(NO_LOCKS))
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"],  # noqa: S607
        check=True,
        capture_output=True,
    )
    output, counts = child(
        tmp_path / "ledger.sqlite3", env={**os.environ, "LD_PRELOAD": str(library)}
    )
    assert output.startswith("LedgerError")
    assert "does not lock files; put the ledger on a local disk" in output
    assert counts == [0, 0]


# --- interrupts ----------------------------------------------------------------------------------


def test_a_run_after_two_interrupts_makes_no_duplicate():
    """The request that was given up goes on behind our back; the next run knows that and asks."""
    # far apart: two signals that come before Python handles the first are one
    presses = [threading.Timer(after_s, press_ctrl_c) for after_s in (0.3, 5.0)]

    def interrupted_in_the_first(arrival):
        if arrival.number > 1:
            return None
        for press in presses:
            press.start()
        return Fault("slow", delay_s=30)

    with mf.Sandbox() as sandbox:
        sandbox.fault(interrupted_in_the_first)
        first = send_with(campaign(700), sandbox.server)
        for press in presses:
            press.join()
        assert first["status"].value_counts().to_dict() == {"unknown": 500, "unsent": 200}
        second = send_with(campaign(700), sandbox.server)
        assert second["status"].iloc[500:].tolist() == ["accepted"] * 200
        assert set(second["status"].iloc[:500]) <= {"skipped", "unknown"}
        assert judged(people(700), default_path(), sandbox).fault == ""
        assert len(sandbox.messages()) == 700


@pytest.mark.parametrize("request_number", [1, 2])
def test_a_keyboard_interrupt_in_the_transport_leaves_no_false_status(request_number):
    """A BaseException before or after the request was accepted: the next runs make no duplicate."""

    class Interrupted(httpx.BaseTransport):
        left = request_number

        def handle_request(self, request):
            if request.method != "POST":
                return inner.handle_request(request)
            self.left -= 1
            if self.left == 0:
                if request_number == 1:
                    inner.handle_request(request)
                raise KeyboardInterrupt
            return inner.handle_request(request)

    with mf.Sandbox(in_process=True) as sandbox:
        inner = sandbox.transport()
        server = mf.Postmark("any", base_url="http://127.0.0.1", transport=Interrupted())
        send_with(campaign(1_100), server)
        assert judged(people(1_100), default_path(), sandbox).fault == ""
        send_with(campaign(1_100), sandbox.server)
        send_with(campaign(1_100), sandbox.server)
        judgement = judged(people(1_100), default_path(), sandbox)
        assert judgement.fault == ""
        assert judgement.states.get(MessageState.UNKNOWN, 0) == (0 if request_number == 1 else 500)
