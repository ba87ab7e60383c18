"""Senders killed in bad weather, in short; ``python -m tests.ledger.chaos`` is the long form."""

from __future__ import annotations

import os

from tests.ledger.chaos import Figures, chaos, write

SEED = int(os.environ.get("MAILFRAME_CHAOS_SEED", "7"))


def test_nobody_gets_two_and_no_row_lies_when_senders_are_killed(tmp_path):
    """Real kills and real sockets, 40 % of the requests faulted: 0 twice, 0 lies, 0 lost, then everybody once."""
    total = Figures()
    for seed, rows, kills, max_bytes in ((SEED, 500, 9, 15_000), (SEED + 1, 1_100, 5, 0)):
        write(f"chaos: seed {seed}; MAILFRAME_CHAOS_SEED={SEED} repeats it")
        total.add(chaos(tmp_path, seed=seed, rows=rows, kills=kills, max_bytes=max_bytes))
    assert total.is_clean, total.lines()
    assert total.kills >= 5
    assert total.faulted >= 5
