"""The child process of the part million: one step over a large frame; its costs, as JSON."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import mailframe as mf
from benchmarks.peak import forget_peak, peak, resident
from benchmarks.server import postmark
from benchmarks.timing import both_clocks
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workloads import Workload

STEPS = ("plan", "send", "second send", "csv")
_RESULTS = "results.pickle"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one step needed.

    Attributes:
        step: its name.
        rows: of the frame.
        cpu_s: seconds of CPU time of the process.
        wall_s: seconds.
        memory: peak resident bytes during the step beyond those before it; what the step returns
            is part of it.
        exact: whether the peak was reset before the step.
    """

    step: str
    rows: int
    cpu_s: float
    wall_s: float
    memory: int
    exact: bool


def costs(workload: Workload, *, step: str, rows: int, url: str, folder: Path) -> Iterator[Cost]:
    """Run one of ``STEPS``; the steps of one frame share a folder, and run in that order.

    Raises:
        AssertionError: the results are not those of that step.
    """
    if step == "csv":
        yield from _csv(rows, folder)
        return
    campaign = workload.compose(workload.frame(rows))
    if step == "plan":
        yield _cost(step, rows, campaign.plan)
        return
    kept: list[pd.DataFrame] = []

    def send() -> None:
        ledger = folder / "ledger.sqlite3"
        kept.append(campaign.send(postmark(url), progress=False, ledger=ledger))

    yield _cost(step, rows, send)
    expected = "accepted" if step == "send" else "skipped"
    if not kept[0]["status"].eq(expected).all():
        raise AssertionError(f"a row is not {expected}")
    if step == "send":
        kept[0].to_pickle(folder / _RESULTS)


def _csv(rows: int, folder: Path) -> Iterator[Cost]:
    results = pd.read_pickle(folder / _RESULTS)  # noqa: S301 - our own file
    path = folder / "results.csv"
    yield _cost("write CSV", rows, partial(results.mail.to_csv, path))
    del results
    yield _cost("read CSV", rows, lambda: mf.read_results(path))


def _cost(step: str, rows: int, run: Callable[[], object]) -> Cost:
    gc.collect()
    exact = forget_peak()
    before = resident()
    took = both_clocks(lambda _: run(), None)
    return Cost(step, rows, took.cpu, took.wall, peak() - before, exact)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million_child", description=__doc__)
    parser.add_argument("--step", choices=STEPS, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--workload", choices=tuple(WORKLOADS), required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(arguments)
    found = costs(
        WORKLOADS[options.workload],
        step=options.step,
        rows=options.rows,
        url=options.url,
        folder=options.folder,
    )
    print(json.dumps([asdict(cost) for cost in found]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
