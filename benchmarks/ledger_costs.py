"""Time of the ledger: two writes for each batch, the plan and the resume of a campaign."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.timing import Spread
from mailframe.message.keys import digest
from mailframe.send.ledger import Ledger, MessageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
            planned_s = _seconds(lambda: ledger.plan(campaign, _lines(rows)))  # noqa: B023 - called at once
            writes = _writes(ledger, campaign)
            resumed_s = _seconds(lambda: ledger.table(campaign))  # noqa: B023 - called at once
            size = ledger.path.stat().st_size / rows
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


def _lines(rows: int) -> Iterator[tuple[bytes, bytes, bytes | None]]:
    for row in range(rows):
        one = digest(f"row {row}")
        yield one, one, one[:12]


def _writes(ledger: Ledger, campaign: CampaignRecord) -> list[float]:
    """Seconds of both writes of each batch."""
    ids = ledger.table(campaign)["id"].tolist()
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
