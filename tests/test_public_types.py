"""Every type that a public method returns is in the menu; the import needs no ipywidgets."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

import mailframe as mf
from tests.campaigns import campaign


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (lambda made: made.tour(progress=False), mf.Tour),
        (lambda made: made.tour(progress=False).stops[0], mf.Stop),
        (lambda made: made.plan(), mf.Plan),
        (lambda made: made.message(0), mf.Message),
        (lambda made: next(made.batches()), mf.Batch),
        (lambda made: made.preview(static=True), mf.StaticPreview),
        (lambda made: made.gallery(), mf.Page),
        (lambda made: made.diff(0, 1), mf.Difference),
        (lambda made: made.diff(made, progress=False), mf.Difference),
    ],
    ids=["tour", "stop", "plan", "message", "batch", "preview", "gallery", "rows", "campaigns"],
)
def test_a_returned_type_is_in_the_menu(made, kind):
    """So that a caller can import it, annotate with it, and check for it."""
    text = "{% if n %}Again{% else %}First{% endif %}"
    assert isinstance(made(campaign(3, text_body=text)), kind)
    assert kind.__name__ in mf.__all__


def test_the_frames_have_types_of_their_own():
    """Both are DataFrames."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(1).send(sandbox.server, progress=False, ledger=None)
        answer = sandbox.server.send_email(campaign(1).message(0))
        assert type(sandbox.server.ask("/server")) is mf.GetResult
    assert type(results) is mf.Results
    assert type(campaign(1).problems()) is mf.Problems
    assert issubclass(mf.Results, pd.DataFrame)
    assert (type(answer), type(answer.verdict), type(answer.outcomes[0])) == (
        mf.Answer,
        mf.Verdict,
        mf.Outcome,
    )


def test_the_widget_is_imported_at_its_first_use():
    """``import mailframe`` does not import ipywidgets."""
    script = (
        "import sys, mailframe as mf\n"
        "assert 'ipywidgets' not in sys.modules and 'Preview' in dir(mf)\n"
        "from mailframe import Preview\n"
        "assert Preview is mf.Preview and 'ipywidgets' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_the_menu_works_without_ipywidgets():
    """A star import leaves the widget out, and its name says which extra to install."""
    script = (
        "import sys\n"
        "sys.modules['ipywidgets'] = None\n"
        "from mailframe import *\n"
        "import mailframe as mf\n"
        "assert Tour is mf.Tour and 'Preview' not in globals()\n"
        "try:\n"
        "    mf.Preview\n"
        "except mf.errors.MissingExtra as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert 'mf.Preview needs the extra "notebook"' in done.stdout


def test_pipe_returns_the_result_of_the_function():
    """With the campaign as its first argument, as in pandas."""
    made = campaign(2)
    assert made.pipe(lambda campaign, n, *, m: (campaign, n, m), 1, m=2) == (made, 1, 2)


def test_html_of_public_objects_is_a_plain_str():
    """A str that escapes what is added to it would surprise whoever puts two of them together."""
    people = pd.DataFrame({"email": ["ann@example.com", "bob@example.com"], "n": [1, 2]})
    with mf.Sandbox(in_process=True) as sandbox:
        campaign = people.mail.compose(
            sender="a@acme.example",
            to="{{ email }}",
            subject="{% if n > 1 %}a{% endif %}b",
            text_body="Hi",
            name="plain",
        )
        results = campaign.send(sandbox.server, progress=False)
    edited = people.mail.compose(campaign.letter, subject="c", name="plain")
    shown = [
        campaign,
        campaign.plan(),
        campaign.problems(),
        campaign.tour(progress=False),
        campaign.preview(static=True),
        campaign.gallery(),
        campaign.diff(0, 1),
        campaign.diff(edited, progress=False),
        results,
    ]
    assert {type(each._repr_html_()) for each in shown} == {str}
