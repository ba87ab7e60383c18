"""Senders killed during faults: the short form of ``python -m tests.send.ledger.chaos``."""

from __future__ import annotations

import os
import time

import pytest

from tests.send.ledger.chaos import Figures, chaos, write

SEED = int(os.environ.get("MAILFRAME_CHAOS_SEED", "7"))
BUDGET_S = 20.0
LEAST_CAMPAIGNS, LEAST_KILLS = 2, 3  # however long they take
KILLS, FAULTS = 18, 15
"""It stops after so many events: how many happen in a given time depends on the machine."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_killed_senders_make_no_duplicate_and_no_false_status(tmp_path, kind, request):
    """Real kills and sockets, 40 % of the requests faulty: no duplicate, false status or loss."""
    server = request.getfixturevalue("postgres") if kind == "postgres" else None
    total, began, seed = Figures(), time.monotonic(), SEED
    share = 2 if kind == "postgres" else 1
    while (total.campaigns < LEAST_CAMPAIGNS or total.kills < LEAST_KILLS) or (
        (time.monotonic() - began) * share < BUDGET_S
        and (total.kills * share < KILLS or total.faulted * share < FAULTS)
    ):
        # batches of 500 first, then many small ones
        rows, max_bytes = (600, 15_000) if total.campaigns else (1_100, 0)
        ledger = server and server.url()
        figures = chaos(tmp_path, seed=seed, rows=rows, kills=8, max_bytes=max_bytes, ledger=ledger)
        write(
            f"MAILFRAME_CHAOS_SEED={seed}: {figures.kills} kills, {figures.faulted} faults, "
            f"clean: {figures.is_clean}"
        )
        total.add(figures)
        seed += 1
    assert total.is_clean, total.lines()
    assert total.kills >= LEAST_KILLS
