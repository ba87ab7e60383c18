"""The child process of the memory benchmark: one send; the memory it used, as JSON."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.answering import Answering
from benchmarks.frame import people
from benchmarks.letter import compose
from benchmarks.peak import forget_peak, peak, resident
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import COLUMNS
from mailframe.results.row_results import RowResults, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one send, in bytes.

    Attributes:
        rows: of the frame.
        ledger: whether the send used a ledger, which is the default.
        before: resident size after compose, before anything is rendered.
        peak: largest resident size during the send.
        columns: size of the columns of mailframe, by ``memory_usage(deep=True)``.
        row_results: size of a ``RowResults`` of the same content, by tracemalloc.
        exact: whether the peak was reset before the send; if not, *peak* may be that of building
            the frame.
    """

    rows: int
    ledger: bool
    before: int
    peak: int
    columns: int
    row_results: int
    exact: bool

    @property
    def beyond(self) -> int:
        """Memory beyond the frame and its results."""
        return self.peak - self.before - self.columns - self.row_results


def measure(rows: int, *, ledger: bool = True) -> Memory:
    """Send a campaign of *rows* rows in this process and measure its memory.

    Args:
        rows: of the frame.
        ledger: use one, in a temporary folder; False sends with ``ledger=None``.

    Raises:
        AssertionError: a row was not accepted.
    """
    campaign = compose(people(rows))
    server = Answering().server()
    gc.collect()
    with TemporaryDirectory() as folder:
        exact = forget_peak()
        before = resident()
        results = campaign.send(
            server, progress=False, ledger=Path(folder) / "ledger.sqlite3" if ledger else None
        )
        largest = peak()
    if not (results["status"] == Status.ACCEPTED).all():
        raise AssertionError("a row was not accepted")
    columns = int(results[list(COLUMNS)].memory_usage(index=False, deep=True).sum())
    return Memory(rows, ledger, before, largest, columns, _row_results(results), exact)


def _row_results(results: pd.DataFrame) -> int:
    """Bytes of a RowResults with the content of *results*."""
    ids, recipients, numbers = (results[name].tolist() for name in ("MessageID", "To", "batch"))
    stamp = "2026-11-22T09:30:00.1234567-05:00"
    tracemalloc.start()
    rows = RowResults(len(results))
    for position, (message_id, to, number) in enumerate(zip(ids, recipients, numbers, strict=True)):
        outcome = Outcome(0, "OK", message_id=message_id, submitted_at=stamp)
        rows.settle(position, Status.ACCEPTED, outcome=outcome, to=to, batch=number)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.child", description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--no-ledger", dest="ledger", action="store_false")
    options = parser.parse_args(arguments)
    print(json.dumps(asdict(measure(options.rows, ledger=options.ledger))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
