"""What a person first sees of the results: one sentence, then the rows, and otherwise a plain frame."""

from __future__ import annotations

import contextlib
import pickle
import sqlite3
import sys
from pathlib import Path

import pandas as pd
import pytest

import mailframe as mf
from mailframe.sandbox import Fault
from tests.campaigns import LETTER, campaign, people, send_with

pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword"
)  # pandas 3.1 warns of it; it still works


@pytest.fixture
def in_doubt():
    """A run whose second batch is unknown."""
    with mf.Sandbox(faults=[Fault("close_lost", request=2)]) as sandbox:
        return send_with(campaign(1_200), sandbox.server)


def test_the_repr_begins_with_what_happened_and_what_to_do(in_doubt):
    """How many accepted, unknown and why, and the next step; the rows follow."""
    first, _, rest = repr(in_doubt).partition("\n\n")
    assert first.startswith(
        "1,200 rows: 500 accepted · 200 unsent · 500 unknown. In doubt: batch 2: no reply after the"
    )
    assert first.endswith(
        "Next: mf.reconcile('numbers', server) asks Postmark what it holds; mf.resolve decides about the rest."
    )
    assert rest == repr(pd.DataFrame(in_doubt))


def unread_by(kind: str, ledger: str) -> tuple[mf.Sandbox, mf.Campaign, pd.DataFrame]:
    """A refused run of a campaign that was sent before, whose history could not be read."""
    sandbox = mf.Sandbox(in_process=True).__enter__()
    sent = campaign(3)
    send_with(sent, sandbox.server, ledger=ledger)
    composed, busy = sent, None
    if kind == "locked":
        busy = sqlite3.connect(ledger)
        busy.execute("BEGIN EXCLUSIVE")
    elif kind == "damaged":
        Path(ledger).write_bytes(b"no ledger" * 1_000)
    elif kind == "behind":
        Path(ledger).unlink()
        sandbox.fault(Fault("http_500_lost", path="/messages/outbound", request=6, times=1))
    elif kind == "other key":
        composed = people(3).assign(n=[7, 8, 9]).mail.compose(LETTER, name="numbers", key="n")
    with pytest.raises(mf.errors.MailframeError) as caught:
        send_with(composed, sandbox.server, ledger=ledger)
    if busy is not None:
        busy.close()
    return sandbox, sent, caught.value.results


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("locked", "run send again when no other program uses the ledger."),
        (
            "damaged",
            "restore the ledger from a backup, or move it away and run {adopt}; then run send again.",
        ),
        ("behind", "{adopt} reads them in; then run send again."),
        ("other key", "run send again with the same key= as before."),
    ],
)
def test_the_advice_for_rows_whose_history_could_not_be_read_works(
    tmp_path, monkeypatch, kind, advice
):
    """``reconcile`` would find nothing there; what is advised leads to rows that are known."""
    monkeypatch.setitem(
        sys.modules["mailframe.send.ledger.file"]._opened.__kwdefaults__, "timeout_s", 0.1
    )
    ledger = str(tmp_path / "ledger.sqlite3")
    sandbox, sent, results = unread_by(kind, ledger)
    adopt = f"mf.adopt('numbers', server, ledger={ledger!r})"
    with contextlib.ExitStack() as stack:
        stack.push(sandbox)
        assert results["status"].eq("unknown").all()
        assert results.headline.endswith(f"Next: {advice.format(adopt=adopt)}")
        assert "reconcile" not in results.headline
        if kind == "damaged":
            Path(ledger).rename(tmp_path / "damaged")
        if adopt in results.headline:
            assert eval(adopt, {"mf": mf, "server": sandbox.server}) == 3  # noqa: S307 - our own sentence
        again = send_with(sent, sandbox.server, ledger=ledger)
        assert again["reason"].eq("already_sent").all()
        assert len(sandbox.messages()) == 3


def test_the_html_repr_begins_with_it_too():
    """Escaped, and out of MathJax's reach."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = (
            people(1)
            .mail.compose(
                sender="a@acme.example",
                to="{{ email }}",
                subject="Hi",
                text_body="x",
                name="<b>$x$</b>",
            )
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
    assert repr(results).startswith(
        "1 row: 1 accepted. No ledger: running send again sends to everybody again."
    )


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


def dropped(results):
    """In place, as the notebook's cell after the send does it."""
    results.drop(results.index[results["status"] == "unknown"], inplace=True)  # noqa: PD002 - what is tested


def relabelled(results):
    """Someone knows better and writes it down."""
    results.loc[results["status"] == "unknown", "status"] = "accepted"


def emptied(results):
    """All rows go."""
    results.drop(results.index, inplace=True)  # noqa: PD002 - what is tested


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            dropped,
            "700 rows: 500 accepted · 200 unsent. Next: run send again; it takes the unsent rows and nobody twice.",
        ),
        (
            relabelled,
            "1,200 rows: 1,000 accepted · 200 unsent. Next: run send again; it takes the unsent rows and nobody twice.",
        ),
        (emptied, "0 rows."),
    ],
)
@pytest.mark.parametrize("pickled", [False, True])
def test_the_sentence_is_about_the_rows_that_are_there(in_doubt, change, sentence, pickled):
    """It is counted when it is shown, so a row that was dropped is not told of."""
    results = pickle.loads(pickle.dumps(in_doubt)) if pickled else in_doubt  # noqa: S301 - our own
    change(results)
    assert results.headline == sentence
    assert repr(results).startswith(f"{sentence}\n\n")
    assert sentence.partition(".")[0] in results._repr_html_()


@pytest.mark.parametrize(
    "change",
    [
        lambda results: results.pop("status"),
        lambda results: results.drop(columns="batch", inplace=True),  # noqa: PD002
        lambda results: results.rename(columns={"reason": "why"}, inplace=True),  # noqa: PD002
        lambda results: results.__setitem__("status", "fine"),
        lambda results: results.__setitem__("changed", "no"),
        lambda results: results.__setitem__("status", None),
    ],
    ids=["pop", "drop", "rename", "other words", "changed", "None"],
)
def test_what_is_no_results_frame_any_more_has_no_sentence(in_doubt, change):
    """It is shown as a plain frame."""
    change(in_doubt)
    assert in_doubt.headline == ""
    assert repr(in_doubt) == repr(pd.DataFrame(in_doubt))
    assert in_doubt._repr_html_() == pd.DataFrame(in_doubt)._repr_html_()


def test_the_sentence_never_passes_to_the_results_of_another_run():
    """Of two sets of columns the sentence is about the newest; without that set there is none."""
    with mf.Sandbox(in_process=True) as sandbox:
        first = people(2).mail.compose(LETTER, name="first").send(sandbox.server, progress=False)
        second = first.mail.compose(LETTER, name="second").send(
            sandbox.server, progress=False, limit=1, allow_repeat=True
        )
    assert second.headline.startswith("2 rows: 1 accepted · 1 unsent.")
    second.drop(columns=[label for label in second if label.startswith("mail_")], inplace=True)  # noqa: PD002 - what is tested
    assert second.headline == ""


def test_a_missing_reason_is_not_printed_as_nan():
    """Whoever writes ``unknown`` into the status gives no reason."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(1).send(sandbox.server, progress=False)
    results["status"] = "unknown"
    assert "In doubt: batch 1: no clear answer." in results.headline


def test_results_of_a_file_say_nothing_of_what_is_not_in_it(tmp_path, in_doubt):
    """Neither the campaign's name nor whether there was a ledger is in a CSV, so no next step is named."""
    in_doubt.mail.to_csv(tmp_path / "r.csv")
    said = mf.read_results(tmp_path / "r.csv").headline
    assert said.startswith(
        "1,200 rows: 500 accepted · 200 unsent · 500 unknown. In doubt: batch 2: "
    )
    assert "Next" not in said
    assert "None" not in said
