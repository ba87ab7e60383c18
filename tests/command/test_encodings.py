"""Output to a pipe or a file whose encoding lacks signs: the code pages of Windows, and ASCII."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from mailframe.command.arguments import make_parser
from tests.command.commands import BAD_PEOPLE, command, desk, environment

GENEROUS_S = 300
ENCODINGS = ("cp1252", "cp437", "cp932", "ascii")
COMMANDS = ("", *next(iter(make_parser()._subparsers._group_actions)).choices)


def run(*arguments, encoding, cwd, code=None):
    """A process whose standard streams have this encoding, as those of Windows are strict."""
    done = subprocess.run(
        [sys.executable, "-c", code] if code else command(*arguments),
        cwd=cwd,
        env=environment(PYTHONUTF8="0", PYTHONIOENCODING=encoding),
        capture_output=True,
        timeout=GENEROUS_S,
        check=False,
    )
    errors = done.stderr.decode(encoding)
    assert "Traceback" not in errors
    return done.returncode, done.stdout.decode(encoding), errors


@pytest.mark.parametrize("name", COMMANDS)
def test_each_help_is_printed(name, tmp_path):
    """Python itself would end with an error at the first sign that the encoding lacks."""
    code, text, _ = run(*filter(None, [name]), "--help", encoding="ascii", cwd=tmp_path)
    assert (code, text[:6]) == (0, "usage:")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_signs_are_ascii_and_other_characters_are_escapes(encoding, tmp_path):
    """A sign of mailframe stays where the encoding has it; other text is an escape."""
    folder = desk(tmp_path, BAD_PEOPLE.replace("cy@", "ω@"))
    campaign = ("letter", "people.csv", "--name", "x")
    code, _, errors = run("send", *campaign, "--live", encoding=encoding, cwd=folder)
    assert code == 3
    assert ("→" if encoding == "cp932" else "->") in errors
    code, text, _ = run("problems", *campaign, encoding=encoding, cwd=folder)
    assert code == 1
    assert "ω@".encode(encoding, "backslashreplace").decode(encoding) in text


@pytest.mark.sampled(2)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_demo_ends_well(encoding, tmp_path):
    """Its text has signs, and the names of the sample are of many languages."""
    code, text, _ = run("demo", "--rows", "40", encoding=encoding, cwd=tmp_path)
    assert code == 0
    assert "in a notebook" in text
    sign = "…" if encoding in ("cp1252", "cp932") else "..."
    assert f"sender={sign}" in text


def test_the_sandbox_prints_each_request():
    """A path that it does not have is shown with a sign in place of an address."""
    arguments = command("sandbox", "--port", "0", "--limit", "idle_s=30")
    streams = environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii", PYTHONUNBUFFERED="1")
    with subprocess.Popen(arguments, env=streams, stdout=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        url = next(part.strip(";") for part in first.split() if part.startswith("http:"))
        assert httpx.get(f"{url}/ann@example.com/stats").status_code == 404
        rest = iter(process.stdout.readline, "")
        assert any(line == "GET /{...}/stats  404\n" for line in rest)
        process.kill()


OBJECTS = """
import mailframe as mf, pandas as pd
people = pd.DataFrame({"email": ["a@x.example", "b@"], "seats": [1, 9]})
fields = {"to": "{{ email }}", "sender": "s@x.example", "subject": "Hi"}
text = "{% if seats >= 5 %}many{% elif seats != 3 %}few{% endif %}"
campaign = people.mail.compose(**fields, text_body=text)
other = people.mail.compose(**fields, text_body=text + "!")
shown = (campaign, campaign.plan(), campaign.tour(), campaign.preview(static=True), people.mail)
print(*shown, *map(repr, shown), campaign.problems(), campaign.diff(other), sep="\\n")
print(campaign.tour().frame().to_string(), campaign.diff(a=0, b=1), sep="\\n")
with mf.Sandbox() as sandbox:
    results = campaign.send(sandbox.server, on_invalid="skip", ledger=None)
    print(sandbox, results.summary_line, results.mail.summary(), sep="\\n")
"""


def test_what_objects_print_is_in_each_code_page_of_windows(tmp_path):
    """A script prints campaigns, tours and differences of plain data into a file."""
    code, text, _ = run(code=OBJECTS, encoding="cp1252", cwd=tmp_path)
    assert code == 0, text
    assert "seats >= 5" in text
    assert "Hi -> a@x.example" in text
