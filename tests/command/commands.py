"""The command line in this process, and a letter with its people on disk."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from mailframe.cli import main

if TYPE_CHECKING:
    from pathlib import Path

LETTER = {
    "letter.toml": 'sender = "Acme <hello@acme.example>"\nto = "{{ email }}"\n',
    "subject.txt": "Hello {{ name | default('there') }}",
    "body.txt": "Zip {{ zip }}, {{ seats | default(1) }} seats.",
}
PEOPLE = "id,email,name,zip,seats\nA1,ann@example.com,Ann,02101,3\nA2,bob@example.com,,10115,\n"
BAD_PEOPLE = PEOPLE + "A3,cy@,Cy,10115,2\n"

OF_PANDAS_22 = "ignore:Passing a BlockManager to:DeprecationWarning"
"""pandas 2.2.0 and 2.2.1 say so of every subclass of DataFrame."""


def desk(folder: Path, people: str = PEOPLE) -> Path:
    """A folder with ``letter/`` and ``people.csv``."""
    (folder / "letter").mkdir()
    for name, text in LETTER.items():
        (folder / "letter" / name).write_text(text, encoding="utf-8")
    (folder / "people.csv").write_text(people, encoding="utf-8")
    return folder


def in_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command in this process: a new one takes a second to import pandas."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as ended:  # by argparse
            status = int(ended.code or 0)
    assert "Traceback" not in err.getvalue()
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def facts(*arguments: str, cwd: Path) -> dict:
    """The JSON object of a command, which is all that it prints on standard output."""
    done = in_process(*arguments, "--json", cwd=cwd)
    members = json.loads(done.stdout)
    assert members["exit_code"] == done.returncode
    return members


def command(*arguments: str) -> list[str]:
    """The command line of a real process."""
    return [
        sys.executable,
        "-W",
        "error",
        "-W",
        OF_PANDAS_22,
        "-m",
        "mailframe",
        *map(str, arguments),
    ]


def environment(**more: str) -> dict[str, str]:
    """Ours, without a token."""
    kept = {name: value for name, value in os.environ.items() if "POSTMARK" not in name}
    return kept | {"PYTHONUTF8": "1"} | more
