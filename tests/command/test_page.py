"""docs/command-line.md: its commands run, and print what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import mailframe as mf
from mailframe.command.arguments import make_parser
from tests.command.commands import in_process
from tests.test_docs import FENCE, steady

PAGE = Path(__file__).parent.parent.parent / "docs" / "command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")
COMMAND = re.compile(r"^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)


def test_the_commands_of_the_page_print_what_it_shows(tmp_path):
    """One after the other, with the files of the page, and a sandbox at its address."""
    shown = []
    for block in FENCE.finditer(TEXT):
        if block["language"] in ("csv", "markdown"):
            (tmp_path / block["more"].strip()).write_text(block["body"], encoding="utf-8")
        elif block["language"] == "console":
            shown += COMMAND.finditer(block["body"])
    assert shown
    with mf.Sandbox() as sandbox:
        for example in shown:
            command = example["command"].replace("http://127.0.0.1:8025", sandbox.url)
            done = in_process(*shlex.split(command)[1:], cwd=tmp_path)
            assert done.stderr == ""
            printed = f"{done.stdout}[exit code {done.returncode}]\n"
            assert same(printed) == same(example["output"]), example["command"]


def same(text: str) -> str:
    """Without what another version may change."""
    return re.sub(r"([0-9a-f]{4}-){4}[0-9a-f]{4}", "FINGERPRINT", steady(text))


def test_the_page_names_every_command_and_no_option_that_does_not_exist():
    """An option in code style belongs to a command."""
    [commands] = [action for action in make_parser()._actions if action.dest == "command"]
    assert not [name for name in commands.choices if f"`mailframe {name}" not in TEXT]
    options = {
        option
        for parser in commands.choices.values()
        for action in parser._actions
        for option in action.option_strings
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) <= options
