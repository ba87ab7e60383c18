"""The child process of the part million: one step over a large frame; its costs, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import mailframe as mf
from benchmarks.costs import Cost, cost
from benchmarks.server import postmark
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workloads import Workload

STEPS = ("plan", "send", "second send", "csv")
_RESULTS = "results.pickle"


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
        yield cost(step, rows, campaign.plan)
        return
    kept: list[pd.DataFrame] = []

    def send() -> None:
        ledger = folder / "ledger.sqlite3"
        kept.append(campaign.send(postmark(url), progress=False, ledger=ledger))

    yield cost(step, rows, send)
    expected = "accepted" if step == "send" else "skipped"
    if not kept[0]["status"].eq(expected).all():
        raise AssertionError(f"a row is not {expected}")
    if step == "send":
        kept[0].to_pickle(folder / _RESULTS)


def _csv(rows: int, folder: Path) -> Iterator[Cost]:
    results = pd.read_pickle(folder / _RESULTS)  # noqa: S301 - our own file
    path = folder / "results.csv"
    yield cost("write CSV", rows, partial(results.mail.to_csv, path))
    del results
    yield cost("read CSV", rows, lambda: mf.read_results(path))


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
    print(json.dumps([asdict(one) for one in found]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
