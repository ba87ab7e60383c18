"""Commands as real processes: killed, interrupted, with closed streams, without pandas."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import mailframe as mf
from tests.command.commands import PEOPLE, command, desk, environment
from tests.systems import IS_POSIX, posix_only

GENEROUS_S = 120
CAMPAIGN = ("letter", "people.csv", "--name", "spring", "--key", "id")
ROWS = 2_000


@pytest.fixture
def many(tmp_path) -> Path:
    """A letter and people for four batches."""
    rows = "".join(f"{n},p{n}@example.com,,02101,{n}\n" for n in range(ROWS))
    return desk(tmp_path, PEOPLE.partition("\n")[0] + "\n" + rows)


def run(*arguments: str, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    streams = {"capture_output": True} if not {"stdout", "stderr"} & set(options) else {}
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        text=True,
        timeout=GENEROUS_S,
        check=False,
        **streams,
        **options,
    )


def started(folder: Path, sandbox, *, rows: int) -> subprocess.Popen[str]:
    """A send that has posted so many messages and goes on."""
    process = subprocess.Popen(
        command("send", *CAMPAIGN, "--live", "--base-url", sandbox.url, "--json", "--out", "r.csv"),
        cwd=folder,
        env=environment(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + GENEROUS_S
    while len(sandbox.messages()) < rows:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    return process


def test_a_send_that_is_killed_and_run_again_reaches_each_recipient_once(many):
    """SIGKILL in the middle, then the same command until it is done."""
    with mf.Sandbox(delay_s=0.3) as sandbox:
        process = started(many, sandbox, rows=500)
        process.kill()
        process.communicate(timeout=GENEROUS_S)
        assert process.returncode
        assert not (many / "r.csv").exists()
        time.sleep(0.6)  # the sandbox ends the request that it had begun
        assert 500 <= len(sandbox.messages()) < ROWS
        arguments = ("send", *CAMPAIGN, "--live", "--base-url", sandbox.url, "--out", "r.csv")
        done = run(*arguments, cwd=many)
        assert done.returncode == 0, done.stderr
        copies = Counter(sandbox.messages()["To"])
    assert copies == {f"p{n}@example.com": 1 for n in range(ROWS)}
    assert set(mf.read_results(many / "r.csv")["status"]) == {"accepted", "skipped"}


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_send_writes_its_results(many, number):
    """Ctrl-C and the signal of schedulers: 130, the results so far, an object of JSON."""
    with mf.Sandbox(delay_s=0.3) as sandbox:
        process = started(many, sandbox, rows=500)
        process.send_signal(number)
        out, err = process.communicate(timeout=GENEROUS_S)
        arrived = len(sandbox.messages())
    assert process.returncode == 130, err
    assert "interrupted; run the command again" in err
    members = json.loads(out)
    assert members["statuses"]["accepted"] == arrived
    assert members["statuses"]["unsent"] == ROWS - arrived > 0
    assert mf.read_results(many / "r.csv")["status"].value_counts()["accepted"] == arrived


CLOSED = {
    "a reader that has ended": (None, 0, ""),
    "a full disk": ("/dev/full", 3, "standard output could not be written: No space left"),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="not Linux")
@pytest.mark.parametrize(("target", "status", "text"), CLOSED.values(), ids=CLOSED)
def test_a_closed_output_ends_no_send(target, status, text, tmp_path):
    """The results are written, and there is no traceback."""
    folder = desk(tmp_path)
    if target is None:
        reader, writer = os.pipe()
        os.close(reader)
    else:
        writer = os.open(target, os.O_WRONLY)
    with mf.Sandbox() as sandbox:
        done = run(
            *("send", *CAMPAIGN, "--live", "--base-url", sandbox.url, "--out", "r.csv"),
            cwd=folder,
            stdout=writer,
            stderr=subprocess.PIPE,
        )
        os.close(writer)
        assert len(sandbox.messages()) == 2
    assert done.returncode == status
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert len(mf.read_results(folder / "r.csv")) == 2


@posix_only
def test_no_stream_at_all_is_survived(tmp_path):
    """As in a service that closes them."""
    folder = desk(tmp_path)
    shell = f"exec {sys.executable} -m mailframe plan letter people.csv --name x >&- 2>&- <&-"
    done = subprocess.run(
        ["/bin/sh", "-c", shell], cwd=folder, env=environment(), timeout=GENEROUS_S, check=False
    )
    assert done.returncode == 0


def test_people_come_from_standard_input_and_names_are_any_bytes(tmp_path):
    """``python -m mailframe`` is the same; a name that is not UTF-8 is printed as an escape."""
    folder = desk(tmp_path)
    arguments = [sys.executable, "-W", "error", "-m", "mailframe", "plan", "letter"]
    done = subprocess.run(
        [*arguments, "-", "--name", "x"],
        input=PEOPLE.encode(),
        cwd=folder,
        env=environment(),
        capture_output=True,
        timeout=GENEROUS_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"2 rows: 2 messages" in done.stdout
    if not IS_POSIX:  # there names are UTF-16
        return
    done = subprocess.run(
        [*(part.encode() for part in arguments), b"caf\xe9\n.csv", b"--name", b"x"],
        cwd=folder,
        env=environment(PYTHONUTF8="0", LC_ALL="C", PYTHONIOENCODING="ascii"),
        capture_output=True,
        timeout=GENEROUS_S,
        check=False,
    )
    assert done.returncode == 3
    assert b"there is no such file" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("--help",), ("send", "--help"), ("send", "--limit", "x")])
def test_help_and_wrong_arguments_need_no_pandas(arguments, tmp_path):
    """As a module, and as the script that is installed."""
    script = tmp_path / "mailframe"
    script.write_text("from mailframe.cli import script\nscript()\n", encoding="utf-8")
    for way in (["-m", "mailframe"], [str(script)]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", *way, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=GENEROUS_S,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == (2 if "x" in arguments else 0)
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "mailframe.command.arguments" in imported
        assert not {"pandas", "numpy", "httpx", "jinja2"} & imported


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["mailframe", "mailframe.py", "other"])
def test_a_program_of_another_name_or_with_pandas_has_the_accessor(name, tmp_path):
    """Only the command itself is started without it."""
    program = tmp_path / "programs" / name
    program.parent.mkdir()
    first = (
        "import pandas, mailframe" if name.startswith("mailframe") else "import mailframe, pandas"
    )
    program.write_text(
        f"import sys; sys.path.pop(0)\n{first}\nprint(pandas.DataFrame({{'a': [1]}}).mail)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )
    assert done.stdout.startswith("<mail accessor of 1 row"), done.stderr
