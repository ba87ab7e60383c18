"""The results are shown with a summary line above the rows; otherwise they are a plain frame."""

from __future__ import annotations

import contextlib
import pickle
import re
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

SEND_AGAIN = "Next: run send again; it sends only the unsent rows."
RESTORE = "restore the ledger from a backup, or move it away and run {adopt}; then run send again."


@pytest.fixture
def unconfirmed():
    """A run whose second batch is unknown."""
    with mf.Sandbox(faults=[Fault("close_lost", request=2)]) as sandbox:
        return send_with(campaign(1_200), sandbox.server)


def test_the_repr_begins_with_what_happened_and_what_to_do_next(unconfirmed):
    """How many accepted, unknown and why, and the next step; the rows follow, failures first."""
    first, _, rest = repr(unconfirmed).partition("\n\n")
    assert first.startswith(
        "1,200 rows: 500 accepted · 200 unsent · 500 unknown. "
        "Unconfirmed: batch 2: no reply after the"
    )
    assert first.endswith(
        "Unconfirmed rows are not sent again without explicit confirmation. "
        "Next: mf.reconcile('numbers', server) asks Postmark which messages it has; "
        "mf.resolve sets the status of the rest."
    )
    assert rest.splitlines()[1].split()[:2] == ["500", "unknown"]
    assert rest.endswith("10 of 1,200 rows, failures first; 6 more columns.")


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
    ("kind", "next_step"),
    [
        ("locked", "run send again when no other program uses the ledger."),
        ("damaged", RESTORE),
        ("behind", "run {adopt} to add them to the ledger; then run send again."),
        ("other key", "run send again with the same key= as before."),
    ],
)
def test_the_advice_for_rows_whose_history_could_not_be_read_works(
    tmp_path, monkeypatch, kind, next_step
):
    """``reconcile`` would find nothing; the recommended call gives every row a status."""
    monkeypatch.setitem(
        sys.modules["mailframe.send.ledger.file"]._opened.__kwdefaults__, "timeout_s", 0.1
    )
    ledger = str(tmp_path / "ledger.sqlite3")
    sandbox, sent, results = unread_by(kind, ledger)
    adopt = f"mf.adopt('numbers', server, ledger={ledger!r})"
    with contextlib.ExitStack() as stack:
        stack.push(sandbox)
        assert results["status"].eq("unknown").all()
        assert results.summary_line.endswith(f"Next: {next_step.format(adopt=adopt)}")
        assert "reconcile" not in results.summary_line
        if kind == "damaged":
            Path(ledger).rename(tmp_path / "damaged")
        if adopt in results.summary_line:
            assert eval(adopt, {"mf": mf, "server": sandbox.server}) == 3  # noqa: S307 - our own sentence
        again = send_with(sent, sandbox.server, ledger=ledger)
        assert again["reason"].eq("already_sent").all()
        assert len(sandbox.messages()) == 3


def test_the_html_repr_begins_with_the_summary_line_too():
    """It is escaped, and MathJax ignores it."""
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
    assert re.match(r'(?:<style>[^<]*</style>\s*)+<div class="mf mf-results tex2jax_ignore', shown)


def test_without_a_ledger_the_summary_line_warns_of_repeats():
    """Without a ledger, the next send repeats every message."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(1).send(sandbox.server, ledger=None, progress=False)
    assert repr(results).startswith(
        "1 row: 1 accepted. No ledger: running send again sends to everybody again."
    )


def test_a_derived_frame_is_a_plain_frame(unconfirmed):
    """A part, a copy or a concatenation of the results has no summary line."""
    for derived in (
        unconfirmed.head(),
        unconfirmed.copy(),
        unconfirmed[["email"]],
        unconfirmed.query("n > 3"),
        pd.concat([unconfirmed] * 2),
    ):
        assert type(derived) is pd.DataFrame


def test_it_equals_a_plain_frame_either_way_round(unconfirmed):
    """``assert_frame_equal`` accepts its class."""
    plain = pd.DataFrame(unconfirmed)
    pd.testing.assert_frame_equal(unconfirmed, plain)
    pd.testing.assert_frame_equal(plain, unconfirmed)


def dropped(results):
    """Drop rows in place, as a notebook cell after the send may do."""
    results.drop(results.index[results["status"] == "unknown"], inplace=True)  # noqa: PD002 - what is tested


def relabelled(results):
    """Write another status into the unknown rows."""
    results.loc[results["status"] == "unknown", "status"] = "accepted"


def emptied(results):
    """Drop all rows."""
    results.drop(results.index, inplace=True)  # noqa: PD002 - what is tested


@pytest.mark.parametrize(
    ("change", "summary_line"),
    [
        (
            dropped,
            f"700 rows: 500 accepted · 200 unsent. {SEND_AGAIN}",
        ),
        (
            relabelled,
            f"1,200 rows: 1,000 accepted · 200 unsent. {SEND_AGAIN}",
        ),
        (emptied, "0 rows."),
    ],
)
@pytest.mark.parametrize("pickled", [False, True])
def test_the_summary_line_counts_the_present_rows(unconfirmed, change, summary_line, pickled):
    """It is counted when it is shown, so a row that was dropped is not included."""
    results = pickle.loads(pickle.dumps(unconfirmed)) if pickled else unconfirmed  # noqa: S301 - our own
    change(results)
    assert results.summary_line == summary_line
    assert repr(results).startswith(f"{summary_line}\n\n")
    assert summary_line.partition(".")[0] in results._repr_html_()


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
def test_a_frame_that_lost_its_results_has_no_summary_line(unconfirmed, change):
    """It is shown as a plain frame."""
    change(unconfirmed)
    assert unconfirmed.summary_line == ""
    assert repr(unconfirmed) == repr(pd.DataFrame(unconfirmed))
    assert unconfirmed._repr_html_() == pd.DataFrame(unconfirmed)._repr_html_()


def test_the_summary_line_never_passes_to_the_results_of_another_run():
    """Of two sets of columns the newest is counted; without that set there is no summary line."""
    with mf.Sandbox(in_process=True) as sandbox:
        first = people(2).mail.compose(LETTER, name="first").send(sandbox.server, progress=False)
        second = first.mail.compose(LETTER, name="second").send(
            sandbox.server, progress=False, limit=1, allow_repeat=True
        )
    assert second.summary_line.startswith("2 rows: 1 accepted · 1 unsent.")
    second.drop(columns=[label for label in second if label.startswith("mail_")], inplace=True)  # noqa: PD002 - what is tested
    assert second.summary_line == ""


def test_a_missing_reason_is_not_printed_as_nan():
    """A status that the user wrote has no reason."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(1).send(sandbox.server, progress=False)
    results["status"] = "unknown"
    assert "Unconfirmed: batch 1: no clear answer." in results.summary_line


def test_the_summary_line_of_a_file_names_no_next_step(tmp_path, unconfirmed):
    """A CSV has neither the campaign's name nor the ledger, so no next step is named."""
    unconfirmed.mail.to_csv(tmp_path / "r.csv")
    line = mf.read_results(tmp_path / "r.csv").summary_line
    assert line.startswith(
        "1,200 rows: 500 accepted · 200 unsent · 500 unknown. Unconfirmed: batch 2: "
    )
    assert "Next" not in line
    assert "None" not in line
