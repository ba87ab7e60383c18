"""``python -m benchmarks peers`` at tiny sizes; nothing here asserts a speed."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import main
from benchmarks.peers.clients import CLIENTS, LOOP, Client
from benchmarks.peers.comparison import Comparison, Relative, absent, compare, relative
from benchmarks.peers.outcomes import FAULTS, Counted, Fault, counted
from benchmarks.peers.tables import as_markdown, as_text
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # a timeout and waits before retries are real

ROWS = 12
ALL_KNOWN = {"duplicates": 0, "known": ROWS, "unknown": 0, "wrong": 0}
ALL_UNKNOWN = {"duplicates": 0, "known": 0, "unknown": ROWS, "wrong": 0}
ONCE = {"duplicates_again": 0, "never_sent": 0}
TWICE = {"duplicates_again": ROWS, "never_sent": 0}
IDS = [fault.name for fault in FAULTS]
PEERS = [client for client in CLIENTS.values() if client.package]


def under(client: Client, fault: Fault) -> Counted:
    """A short timeout only where the fault is to exceed it: a busy machine is slow, too."""
    return counted(client, fault, rows=ROWS, timeout_s=1.0 if fault.name == "late answer" else 30.0)


def counts(outcome: Counted) -> dict[str, int]:
    """Without the names and the requests."""
    return {name: getattr(outcome, name) for name in (*ALL_KNOWN, *ONCE)}


@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_mailframe_knows_every_outcome_and_sends_once(fault: Fault):
    """Also after a second run."""
    assert counts(under(CLIENTS["mailframe"], fault)) == ALL_KNOWN | ONCE


@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
def test_the_loop_does_not_know_what_an_error_means(fault: Fault):
    """It knows what Postmark answers; after any other error it sends a second time."""
    is_answered = fault.name in {"429", "406 for one row"}
    expected = ALL_KNOWN | ONCE if is_answered else ALL_UNKNOWN | TWICE
    assert counts(under(CLIENTS[LOOP], fault)) == expected


@pytest.mark.sampled(2)
@pytest.mark.parametrize("fault", FAULTS, ids=IDS)
@pytest.mark.parametrize("client", PEERS, ids=lambda client: client.name)
def test_a_peer_is_counted_under_every_fault(client: Client, fault: Fault):
    """Each row has one verdict; how many of which is the peer's own matter."""
    outcome = under(client, fault)
    assert outcome.known + outcome.unknown + outcome.wrong == ROWS
    assert outcome.requests >= ROWS // client.messages_a_request
    assert outcome.wrong == 0  # the caller joins by position, and no answer was short


@pytest.mark.sampled(4)
def test_the_command_measures_every_client_and_writes_both_files(tmp_path: Path):
    """Each in a process of its own; every row is accepted, or the child and the command fail.

    It waits for half a minute. One test, because each worker of pytest would wait for its own.
    """
    page, file, screen = tmp_path / "peers.md", tmp_path / "peers.json", StringIO()
    options = ["--fault-rows", "2", "--peer-rows", str(ROWS), "--repeat", "1"]
    with redirect_stdout(screen):
        assert main(["peers", *options, "--markdown", str(page), "--json", str(file)]) == 0
    assert "known and right" in screen.getvalue()
    assert page.read_text("utf-8").count("| django-anymail |") >= 2
    measured = json.loads(file.read_text("utf-8"))
    assert measured["versions"]["postmarker"] != "absent"
    costs = {cost["client"]: cost for cost in measured["costs"]}
    for client in PEERS:
        assert costs[client.name]["rows"] == ROWS
        assert costs[client.name]["cpu_us"]["median"] > 0


def test_an_absent_package_is_named_with_the_command():
    """Before anything is measured."""
    other = Client("other", "no-such-client", 1, CLIENTS[LOOP].send)
    assert absent([CLIENTS[LOOP], other]) == ["no-such-client"]
    with pytest.raises(
        ModuleNotFoundError, match=r"no-such-client: run pip install -e '\.\[peers\]'"
    ):
        compare([CLIENTS[LOOP], other], rows=1, sizes=[1], repeat=1)


@pytest.mark.sampled(3)
def test_costs_are_relative_to_the_loop():
    """Round by round; the loop itself is 1."""
    loop, mailframe = relative([CLIENTS[LOOP], CLIENTS["mailframe"]], rows=ROWS, repeat=1)
    assert (loop.client, loop.cpu) == (LOOP, Spread(1.0, 1.0, 1.0))
    assert mailframe.cpu.median > 0
    assert mailframe.rows == ROWS


def test_a_count_of_zero_for_all_is_a_sentence():
    """The table of the others has a line for each client and a column for each fault."""
    faulty = [
        Counted(
            fault=fault.name, client=name, rows=1_200, requests=3, duplicates=0, known=700,
            unknown=500, wrong=0, duplicates_again=500, never_sent=0,
        )
        for fault in FAULTS
        for name in ("mailframe", LOOP)
    ]  # fmt: skip
    one = Spread(1.0, 1.0, 1.0)
    costs = (Relative(LOOP, 5_000, Spread(90.0, 80.0, 100.0), one, one, one),)
    comparison = Comparison({"python": "3.11"}, tuple(faulty), costs)
    page = as_markdown(comparison)
    assert "| client | 429 | 500 after accepting | reset after accepting | late answer |" in page
    assert "| mailframe | 700 | 700 | 700 | 700 | 700 |" in page
    assert "Rows that neither run has sent: none, with any client." in page
    assert "| loop by hand | 90 (80\N{EN DASH}100) | 1.00 | 1 | 1.00 |" in page
    assert "python 3.11" in as_text(comparison)
