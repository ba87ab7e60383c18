"""Warnings of a run: of one class, given when it has ended, and the results are not lost."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings

import pytest

import mailframe as mf
from mailframe.errors import MailframeWarning
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import LETTER, people, send_with

NEW = LETTER.replace(text_body="You are still number {{ n }}.")


def sent_twice(sandbox: mf.Sandbox, **fields):
    """A second run with another letter, more rows, and one planned row that is absent."""
    people(4).mail.compose(LETTER, name="numbers").send(sandbox.server, limit=2, progress=False)
    frame = people(8).drop(index=3)
    return send_with(
        frame.mail.compose(NEW, name="numbers"), sandbox.server, allow_changed=True, **fields
    )


def test_a_warning_that_is_an_error_carries_the_results():
    """Everybody was sent before it is raised, and the second warning is a note of the first."""
    with mf.Sandbox(in_process=True) as sandbox, warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MailframeWarning, match="2 people have an earlier version") as caught:
            sent_twice(sandbox)
        assert len(sandbox.messages()) == 7
    assert caught.value.results["status"].tolist() == ["skipped"] * 2 + ["accepted"] * 5
    assert (
        "1 messages of 'numbers' were planned earlier and are not in this frame"
        in caught.value.__notes__[0]
    )
    assert len(pickle.loads(pickle.dumps(caught.value)).results) == 7  # noqa: S301 - our own


def test_a_warning_is_a_warning_otherwise():
    """The results are returned, and each warning is given once, at the line of the caller."""
    with mf.Sandbox(in_process=True) as sandbox, pytest.warns(MailframeWarning) as warned:
        results = sent_twice(sandbox)
    assert len(results) == 7
    assert [str(warning.message)[:8] for warning in warned] == ["2 people", "1 messag"]


def test_the_warning_points_to_the_callers_line():
    """Not into the package, where the user cannot change anything."""
    with mf.Sandbox(in_process=True) as sandbox:
        people(2).mail.compose(LETTER, name="numbers").send(sandbox.server, progress=False)
        with pytest.warns(MailframeWarning) as warned:
            people(2).mail.compose(NEW, name="numbers").send(
                sandbox.server, allow_changed=True, progress=False
            )
    assert [warning.filename for warning in warned] == [__file__]


def test_an_error_of_the_run_comes_before_its_warnings():
    """With ``-W error`` they are notes of the error, whose results are true."""
    with mf.Sandbox(in_process=True) as sandbox, warnings.catch_warnings():
        warnings.simplefilter("error")
        people(4).mail.compose(LETTER, name="numbers").send(sandbox.server, limit=2, progress=False)
        sandbox.fault("http_429", request=2, times=None)
        again = people(8).mail.compose(NEW, name="numbers")
        with pytest.raises(mf.errors.ServerBusy) as caught:
            send_with(
                again, sandbox.server, allow_changed=True, retry_policy=RetryPolicy(busy_tries=1)
            )
    assert "2 people have an earlier version" in caught.value.__notes__[0]
    assert caught.value.results["status"].tolist() == ["skipped"] * 2 + ["unsent"] * 6


def test_a_run_under_w_error_returns_its_results(tmp_path):
    """In a new process: import, checks, a send over a socket, files and a preview do not warn."""
    script = """
import mailframe as mf, pandas as pd
people = pd.DataFrame({"email": [f"p{n}@example.com" for n in range(600)], "n": range(600)})
letter = mf.Letter(sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="{{ n }}")
campaign = people.mail.compose(letter, name="w")
with mf.Sandbox() as sandbox:
    results = campaign.send(sandbox.server)
    again = campaign.send(sandbox.server)
    campaign.send_test(sandbox.server, to="me@example.com")
results.mail.to_csv("r.csv.gz"); results.mail.to_excel("r.xlsx"); mf.read_results("r.csv.gz")
repr(results); results._repr_html_(); campaign.preview(static=True).save("p.html"); mf.history()
print(results["status"].unique().tolist(), again["status"].unique().tolist())
"""
    with_errors = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(
        with_errors, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['accepted'] ['skipped']\n"
