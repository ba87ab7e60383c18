"""The child process of the results benchmark: one step; its CPU time and its memory, as JSON."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

import mailframe as mf
from benchmarks.frame import people
from benchmarks.letter import KEY, compose
from benchmarks.peak import forget_peak, peak, resident
from mailframe.message.digests import Digests
from mailframe.message.keys import key_problems
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults, Status

if TYPE_CHECKING:
    from collections.abc import Callable

_BATCH: Final = 500
_CHUNK_ROWS: Final = 10_000
_STAMP: Final = "2026-11-22T09:30:00.1234567-05:00"


@dataclass(frozen=True, slots=True)
class Step:
    """One step in a process of its own.

    Attributes:
        rows: of the frame.
        cpu_s: CPU time in seconds.
        before: resident size before it, in bytes.
        peak: largest resident size during it, in bytes.
    """

    rows: int
    cpu_s: float
    before: int
    peak: int


def settled(rows: int) -> RowResults:
    """Results of so many accepted messages, set batch by batch."""
    results = RowResults(rows)
    for start in range(0, rows, _BATCH):
        places = range(start, min(start + _BATCH, rows))
        results.settle_many(
            places,
            Status.ACCEPTED,
            outcomes=[
                Outcome(0, "OK", f"0000abcd-0000-4000-8000-{place:012x}", _STAMP)
                for place in places
            ],
            to=[f"Ann Miller <person.{place}@mail{place % 40}.example.com>" for place in places],
            batch=1 + start // _BATCH,
        )
    return results


def _settle(rows: int, _folder: Path) -> Callable[[], object]:
    return lambda: settled(rows)


def _frame(rows: int, _folder: Path) -> Callable[[], object]:
    frame, results = people(rows), settled(rows)
    return lambda: results_frame(frame, results)


def _write(rows: int, folder: Path) -> Callable[[], object]:
    results = results_frame(people(rows), settled(rows))
    return lambda: results.mail.to_csv(folder / "results.csv")


def _read(_rows: int, folder: Path) -> Callable[[], object]:
    return lambda: mf.read_results(folder / "results.csv")


def _messages(rows: int, _folder: Path) -> Callable[[], object]:
    campaign = compose(people(rows))
    return lambda: [len(chunk) for chunk in campaign.messages(chunk_rows=_CHUNK_ROWS)]


def _keys(rows: int, _folder: Path) -> Callable[[], object]:
    frame = people(rows)
    digests, spellings = Digests(rows), np.zeros(rows, dtype="<u8")
    return lambda: list(key_problems(frame, [KEY], digests, spellings))


def _problems(rows: int, _folder: Path) -> Callable[[], object]:
    frame = people(rows).assign(empty=pd.Series([None] * rows, dtype="str"))
    campaign = mf.compose(
        frame,
        sender="Acme <hello@acme.com>",
        to="{{ email }}",
        subject="{{ empty }}",
        text_body="{{ empty }}",
        html_body="<p>{{ empty }}</p>",
        tag="{{ empty }}",
    )
    return campaign.problems


STEPS: Final = {
    "settle": _settle,
    "frame": _frame,
    "write": _write,
    "read": _read,
    "messages": _messages,
    "keys": _keys,
    "problems": _problems,
}


def measure(step: str, rows: int, folder: Path) -> Step:
    """Take one step in this process and measure it.

    Args:
        step: a name in ``STEPS``; ``read`` reads the file that ``write`` wrote.
        rows: of the frame.
        folder: where the CSV is.
    """
    run = STEPS[step](rows, folder)
    gc.collect()
    forget_peak()
    before, began = resident(), time.process_time()
    kept = run()
    cpu_s = time.process_time() - began
    del kept
    return Step(rows, cpu_s, before, peak())


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results_child", description=__doc__)
    parser.add_argument("--step", choices=STEPS, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(arguments)
    print(json.dumps(asdict(measure(options.step, options.rows, options.folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
