"""An error of mailframe in IPython: the caller's lines and the message, not a wall of frames."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from functools import cache

import pytest

import mailframe as mf
from mailframe import errors
from tests.campaigns import LETTER, campaign, people

SETUP = """
import pandas as pd
import mailframe as mf
people = pd.DataFrame({"email": ["ann@example.com", "bob@"], "n": [1, 2]})
letter = {"sender": "me@acme.example", "subject": "Hi", "text_body": "Hi"}
made = people.mail.compose(to="{{ email }}", name="spring", **letter)
sandbox = mf.Sandbox(in_process=True)
def send_all():
    return made.send(sandbox.server, progress=False, ledger=None)
def boom(value):
    return 1 / 0
def again(times):
    if times:
        again(times - 1)
    raise mf.errors.FrameError("deep")
class Unreadable(mf.errors.FrameError):
    def __str__(self):
        raise RuntimeError
"""
CELLS = {
    "direct": "x = 1\nmade.send(\n    sandbox.server, progress=False, ledger=None\n)",
    "in function": "send_all()",
    "through pandas": "people.pipe(lambda df: df.mail.compose(to='{{ emial }}', **letter))",
    "caused": (
        "try:\n    boom(1)\nexcept ZeroDivisionError as error:\n"
        "    raise mf.errors.FrameError('no') from error"
    ),
    "during": "try:\n    boom(1)\nexcept ZeroDivisionError:\n    raise mf.errors.FrameError('no')",
    "hidden": (
        "try:\n    boom(1)\nexcept ZeroDivisionError:\n    raise mf.errors.FrameError from None"
    ),
    "circle": (
        "a, b = mf.errors.FrameError('a'), mf.errors.FrameError('b')\n"
        "a.__cause__, b.__cause__ = b, a\nraise a"
    ),
    "note": "error = mf.errors.FrameError('no')\nerror.add_note('a note')\nraise error",
    "from a library": "mf.Letter.load('no/such/folder')",
    "deep": "again(100)",
    "unreadable": "raise Unreadable",
    "control characters": "raise mf.errors.FrameError('\\x1b[31m \\ud800')",
    "group as cause": (
        "group = ExceptionGroup('all', [ValueError('inner')])\n"
        "raise mf.errors.FrameError('no') from group"
    ),
    "other": "boom(1)",
    "as cause": (
        "try:\n    send_all()\nexcept mf.errors.InvalidRows as error:\n"
        "    raise RuntimeError('mine') from error"
    ),
    "group": "raise ExceptionGroup('all', [mf.errors.FrameError('no')])",
    "verbose": "%xmode Verbose\nsend_all()",
    "plain": "%xmode Plain\nsend_all()",
    "minimal": "%xmode Minimal\nsend_all()",
}
SCRIPT = f"""
import contextlib, io, json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
shell.run_cell({SETUP!r})
texts = {{}}
for name, cell in {CELLS!r}.items():
    shell.run_line_magic("xmode", "Context")
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        result = shell.run_cell(cell)
    error = result.error_in_exec
    is_for_debug = shell.InteractiveTB.tb is error.__traceback__ is sys.last_traceback
    texts[name] = shown.getvalue(), is_for_debug
json.dump(texts, sys.__stdout__)
"""


@cache
def shown() -> dict[str, tuple[str, bool]]:
    """What IPython shows of each cell, and whether ``%debug`` would open this error."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout[done.stdout.index('{"direct"') :])


def text(cell: str) -> str:
    """What IPython shows of one cell."""
    return shown()[cell][0]


def test_the_line_of_the_cell_stands_above_the_message():
    """And no line of mailframe, pandas or IPython."""
    lines = text("direct").splitlines()
    assert lines[:2] == [lines[0], "----> 2 made.send("]
    assert lines[0].startswith("Cell In[")
    assert lines[0].endswith("], line 2")
    assert lines[3].startswith("InvalidRows: fix 1 blocked row of 2, or send the other 1 with")
    assert lines[4] == "  errors: 1 invalid_address"
    assert lines[5].startswith("  row 1, to: invalid_address: 'bob@' is not a valid email address")
    assert len(lines) == 6
    for cell in ("direct", "in function", "through pandas", "during", "from a library"):
        assert "site-packages" not in text(cell)
        assert ".py" not in text(cell)
        assert "Traceback" not in text(cell)


def test_each_function_of_the_caller_has_its_line():
    """In the order of the calls."""
    lines = [line for line in text("in function").splitlines() if line.startswith("---->")]
    assert lines == [
        "----> 1 send_all()",
        "----> 8 return made.send(sandbox.server, progress=False, ledger=None)",
    ]
    assert ", line 8, in send_all" in text("in function")
    assert text("through pandas").count("---->") == 2


def test_causes_come_first_with_their_lines():
    """As Python shows them; what is hidden there is hidden here."""
    assert text("caused").index("ZeroDivisionError: division by zero") < text("caused").index(
        "The above exception was the direct cause of the following exception:"
    )
    assert "----> 10 return 1 / 0" in text("caused")
    assert "During handling of the above exception" in text("during")
    assert "ZeroDivisionError" not in text("hidden")
    assert text("hidden").endswith("FrameError\n")
    assert text("circle").count("FrameError: ") == 2
    assert text("note").endswith("FrameError: no\na note\n")


def test_awkward_errors_have_a_short_text_too():
    """A deep recursion, an error without text, control characters, a group as the cause."""
    assert text("deep").count("---->") == 20
    assert "… 82 more lines …" in text("deep")
    assert text("unreadable").endswith("Unreadable: <exception str() failed>\n")
    assert text("control characters").endswith("FrameError: ⟨U+001B⟩[31m ⟨U+D800⟩\n")
    assert "ValueError: inner" in text("group as cause")


@pytest.mark.parametrize("cell", ["other", "as cause", "group", "verbose", "plain"])
def test_ipython_shows_all_else_as_ever(cell):
    """Errors of others, and the modes of ``%xmode`` that somebody chose."""
    assert "Traceback" in text(cell)
    if cell in ("as cause", "verbose", "plain"):
        assert "refusals.py" in text(cell) or "run.py" in text(cell)


def test_the_minimal_mode_has_only_the_message():
    """It shows no line."""
    assert "---->" not in text("minimal")
    assert "InvalidRows: fix 1 blocked row" in text("minimal")


@pytest.mark.parametrize("cell", sorted(CELLS.keys() - {"group", "minimal"}))
def test_debug_opens_the_error_that_is_shown(cell):
    """And not the one before it."""
    assert shown()[cell][1]


def test_python_and_other_programs_show_the_whole_traceback():
    """Without IPython nothing is different."""
    with pytest.raises(errors.FrameError) as caught:
        campaign(1).message(9)
    whole = "".join(traceback.format_exception(caught.value))
    assert whole.startswith("Traceback (most recent call last):\n")
    assert caught.value._render_traceback_() == [whole.rstrip()]


def test_invalid_rows_say_what_to_do_then_each_problem():
    """At most ten; the numbers by code are of all."""
    frame = people(14).assign(email=[f"p{n}@" for n in range(13)] + ["p@example.com"])
    made = frame.mail.compose(
        sender="a@acme.example", to="{{ email }}", text_body="Hi", subject="x"
    )
    with mf.Sandbox(in_process=True) as sandbox, pytest.raises(errors.InvalidRows) as caught:
        made.send(sandbox.server, progress=False, ledger=None)
    first, counts, *lines = str(caught.value).splitlines()
    assert first == (
        'fix 13 blocked rows of 14, or send the other 1 with on_invalid="skip"; nothing was sent'
    )
    assert counts == "  errors: 13 invalid_address"
    assert [line.split(":")[0] for line in lines[:-1]] == [f"  row {n}, to" for n in range(10)]
    assert lines[-1] == "  and 3 more: campaign.problems() shows all"
    assert len(caught.value.problems) == 13


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"key": "same"}, "fix these problems, which stop every row"),
        ({"to": "a@"}, "fix the problems of all 2 rows"),
    ],
)
def test_there_is_no_advice_to_skip_what_cannot_be_skipped(fields, first):
    """Or what leaves nothing to send."""
    with mf.Sandbox(in_process=True) as sandbox, pytest.raises(errors.InvalidRows) as caught:
        people(2).assign(same=1).mail.compose(LETTER, **fields, name="x").send(
            sandbox.server, progress=False, ledger=None
        )
    assert str(caught.value).startswith(f"{first}; nothing was sent\n")
    assert "skip" not in str(caught.value)
