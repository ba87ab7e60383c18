"""What a person first sees of the results: one sentence, then the rows, and otherwise a plain frame."""

from __future__ import annotations

import pandas as pd
import pytest

import mailframe as mf
from mailframe.sandbox import Fault
from tests.campaigns import campaign, people, send_with


@pytest.fixture
def in_doubt():
    """A run whose second batch is unknown."""
    with mf.Sandbox(faults=[Fault("close_lost", request=2)]) as sandbox:
        return send_with(campaign(1_200), sandbox.server)


def test_the_repr_begins_with_what_happened_and_what_to_do(in_doubt):
    """How many accepted, unknown and why, and the next step; the rows follow."""
    first, _, rest = repr(in_doubt).partition("\n\n")
    assert first.startswith(
        "1,200 rows: 500 accepted · 200 unsent · 500 unknown. In doubt: batch 2: RemoteProtocolError"
    )
    assert first.endswith("Next: mf.reconcile('numbers', server) asks Postmark what it holds.")
    assert rest == repr(pd.DataFrame(in_doubt))


def test_the_html_repr_begins_with_it_too():
    """Escaped, and out of MathJax's reach."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = (
            people(1)
            .mail.compose(sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="x", name="<b>$x$</b>")
            .send(sandbox.server, limit=0, progress=False)
        )
    shown = results._repr_html_()
    assert "1 row: 1 unsent." in shown
    assert "<b>$x$</b>" not in shown
    assert shown.startswith('<div class="tex2jax_ignore mathjax_ignore"><p><b>1 row')


def test_without_a_ledger_it_says_so():
    """Whoever sends without memory is told what running it again means."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(1).send(sandbox.server, ledger=None, progress=False)
    assert repr(results).startswith("1 row: 1 accepted. No ledger: running send again sends to everybody again.")


def test_what_is_made_from_it_is_a_plain_frame(in_doubt):
    """The sentence is about this frame alone: a part, a copy or a sum of it is a plain DataFrame."""
    for made in (
        in_doubt.head(),
        in_doubt.copy(),
        in_doubt[["email"]],
        in_doubt.query("n > 3"),
        pd.concat([in_doubt] * 2),
    ):
        assert type(made) is pd.DataFrame


def test_it_equals_a_plain_frame_either_way_round(in_doubt):
    """A test that compares frames does not trip over its class."""
    plain = pd.DataFrame(in_doubt)
    pd.testing.assert_frame_equal(in_doubt, plain)
    pd.testing.assert_frame_equal(plain, in_doubt)
