"""Senders killed in bad weather, in short; ``python -m tests.send.ledger.chaos`` is the long form."""

from __future__ import annotations

import os
import time

import pytest

from tests.send.ledger.chaos import Figures, chaos, write

SEED = int(os.environ.get("MAILFRAME_CHAOS_SEED", "7"))
BUDGET_S = 30.0
KILLS, FAULTS = 18, 15
"""When so much has happened it is enough; how much happens in a given time is the machine's business."""


@pytest.mark.slow
def test_nobody_gets_two_and_no_row_lies_when_senders_are_killed(tmp_path):
    """Real kills and real sockets, 40 % of the requests faulted: 0 twice, 0 lies, 0 lost, then everybody once."""
    total, began, seed = Figures(), time.monotonic(), SEED
    while time.monotonic() - began < BUDGET_S and (total.kills < KILLS or total.faulted < FAULTS):
        rows, max_bytes = (
            (600, 15_000) if total.campaigns else (1_100, 0)
        )  # real batches of 500 first
        found = chaos(tmp_path, seed=seed, rows=rows, kills=8, max_bytes=max_bytes)
        write(
            f"MAILFRAME_CHAOS_SEED={seed}: {found.kills} kills, {found.faulted} faults, clean: {found.is_clean}"
        )
        total.add(found)
        seed += 1
    assert total.is_clean, total.lines()
    assert total.kills >= 3
    assert total.campaigns >= 2
