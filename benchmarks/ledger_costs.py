"""Time of the ledger: two writes for each batch, the plan and the resume of a campaign."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.timing import Spread
from mailframe.send.ledger import Ledger, MessageState, packs
from mailframe.send.ledger.packs import MessageDigests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mailframe.send.ledger import CampaignRecord

BATCH_MESSAGES: Final = 500
BATCHES: Final = 40
REQUEST_S: Final = 1.0
"""The time that Postmark is assumed to need for a batch of 500."""


def ledger_costs(*, sizes: Sequence[int]) -> Part:
    """Time the writes around a request, and the plan and resume of each number of messages."""
    figures: list[Figure] = []
    writes: list[float] = []
    for rows in sizes:
        with TemporaryDirectory() as folder, Ledger(Path(folder) / "ledger.sqlite3") as ledger:
            campaign = ledger.campaign("pm:1:sandbox", "benchmark")
            digests = _digests(rows)
            planned_s = _seconds(lambda: ledger.plan(campaign, digests))  # noqa: B023 - called at once
            writes = _writes(ledger, campaign)
            resumed_s = _seconds(lambda: ledger.recorded_messages(campaign))  # noqa: B023
            size = (Path(folder) / "ledger.sqlite3").stat().st_size / rows
        spread = Spread.of(writes)
        figures += [
            Figure(f"{rows:,} messages: plan", Spread.of([planned_s]), "s"),
            Figure(f"{rows:,} messages: resume", Spread.of([resumed_s]), "s"),
            Figure(f"{rows:,} messages: both writes of a batch of 500", spread.times(1_000), "ms"),
            Figure(f"{rows:,} messages: size of the file", Spread.of([size]), "bytes a message"),
        ]
    share = Ratio(
        "both writes of a batch, as a share of a request of one second",
        Spread.of(writes).times(1 / REQUEST_S),
        Target("the ledger costs at most 2 % of a request of one second", at_most=0.02),
    )
    return Part(
        "ledger",
        f"{BATCHES} batches of {BATCH_MESSAGES}, each write on the disk",
        (share,),
        tuple(figures),
    )


def _digests(rows: int) -> MessageDigests:
    chance = np.random.default_rng(rows)
    columns = {
        name: packs.rows_of(chance.bytes(rows * packs.WIDTHS[name]), name)
        for name in ("keys", "contents", "addresses")
    }
    return MessageDigests(**columns)


def _writes(ledger: Ledger, campaign: CampaignRecord) -> list[float]:
    """Seconds of both writes of each batch."""
    ids = ledger.recorded_messages(campaign).ids.tolist()
    taken = []
    for number in range(1, min(BATCHES, len(ids) // BATCH_MESSAGES) + 1):
        batch = ids[(number - 1) * BATCH_MESSAGES : number * BATCH_MESSAGES]
        answers = [(row, MessageState.ACCEPTED, str(uuid.uuid4()), 0) for row in batch]
        began = time.perf_counter()
        attempt = ledger.claim(campaign, batch, number=number, streams=["outbound"])
        ledger.record_outcomes(attempt, answers)
        taken.append(time.perf_counter() - began)
    return taken


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
