"""A million rows: plan, send, second send, and the CSV both ways, in a new process each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.costs import Cost
from benchmarks.million_child import STEPS
from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.server import answering
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.workloads import Workload

_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 3_600.0
_MILLION: Final = 1_000_000
_CSV: Final = ("write CSV", "read CSV")
_MOST_S: Final[Mapping[str, float]] = {"plan": 15.0, "send": 40.0, "second send": 10.0}
_MOST_CSV_S: Final = 20.0
_MOST_CSV_BYTES: Final = 1e9
_MOST_BYTES_A_ROW: Final = 150.0
_MOST_RUNS: Final = 3
_ROWS_IN_ALL: Final = 300_000
"""Rows of all runs of one size together: a million rows are run once."""


def million(workload: Workload, *, sizes: Sequence[int], repeat: int) -> Part:
    """Run every step for each size, each step in a process of its own.

    Args:
        workload: the letter and its frame.
        sizes: rows of the frames.
        repeat: runs of each size; at most 3, and fewer for large frames.
    """
    return report(workload, {size: _runs(workload, size, repeat) for size in sizes})


def report(workload: Workload, measured: Mapping[int, Mapping[str, Sequence[Cost]]]) -> Part:
    """The part from the costs: size → step → one of each run. The largest size has the targets."""
    sizes = sorted(measured)
    ratios = [
        ratio
        for size in sizes
        for ratio in _ratios(workload.name, size, measured[size], is_target=size == sizes[-1])
    ]
    figures = [figure for size in sizes for figure in _figures(size, measured[size])]
    if len(sizes) > 1:
        figures.append(_growth(measured, sizes[0], sizes[-1]))
    exact = all(
        cost.exact for runs in measured.values() for costs in runs.values() for cost in costs
    )
    about = (
        f"{workload.about}; CPU time, and peak beyond the frame with all that a step returns; "
        "a fresh process each" + ("" if exact else "; peak NOT reset")
    )
    return Part(f"million, {workload.name}", about, tuple(ratios), tuple(figures))


def _runs(workload: Workload, rows: int, repeat: int) -> dict[str, list[Cost]]:
    found: dict[str, list[Cost]] = {}
    for _ in range(max(1, min(repeat, _MOST_RUNS, _ROWS_IN_ALL // rows))):
        with answering() as url, TemporaryDirectory() as folder:
            for step in STEPS:
                for cost in in_child(workload, step=step, rows=rows, url=url, folder=folder):
                    found.setdefault(cost.step, []).append(cost)
    return found


def in_child(workload: Workload, *, step: str, rows: int, url: str, folder: str) -> list[Cost]:
    """The costs of one step in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its error is on stderr.
    """
    options = {"step": step, "rows": rows, "workload": workload.name, "url": url, "folder": folder}
    command = [sys.executable, "-m", "benchmarks.million_child"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, check=True, stdout=subprocess.PIPE, timeout=_TIMEOUT_S, cwd=_ROOT
    )
    return [Cost(**cost) for cost in json.loads(done.stdout)]


def _ratios(
    name: str, rows: int, runs: Mapping[str, Sequence[Cost]], *, is_target: bool
) -> list[Ratio]:
    """Each figure as a share of its target; the targets in seconds are for a million rows."""
    scale = _MILLION / rows
    shares = [
        (
            f"{step}, {most:.0f} s for 1,000,000",
            [cost.cpu_s * scale / most for cost in runs[step]],
        )
        for step, most in _MOST_S.items()
    ]
    both = list(zip(*(runs[step] for step in _CSV), strict=True))
    shares += [
        (
            f"CSV both ways, {_MOST_CSV_S:.0f} s for 1,000,000",
            [sum(cost.cpu_s for cost in pair) * scale / _MOST_CSV_S for pair in both],
        ),
        (
            "CSV, 1 GB of memory for 1,000,000",
            [max(cost.memory for cost in pair) * scale / _MOST_CSV_BYTES for pair in both],
        ),
        (
            f"send, {_MOST_BYTES_A_ROW:.0f} bytes a row",
            [cost.memory / rows / _MOST_BYTES_A_ROW for cost in runs["send"]],
        ),
    ]
    return [
        Ratio(
            f"{rows:,} rows: share of {what}",
            Spread.of(values),
            Target(f"{name}, {rows:,} rows: {what}", at_most=1.0) if is_target else None,
        )
        for what, values in shares
    ]


def _figures(rows: int, runs: Mapping[str, Sequence[Cost]]) -> list[Figure]:
    return [
        Figure(
            f"{rows:,} rows: {step}",
            Spread.of([cost.cpu_s for cost in costs]),
            "s CPU",
            f"wall {Spread.of([cost.wall_s for cost in costs]).median:.1f} s, "
            f"{Spread.of([cost.memory / rows for cost in costs]).median:,.0f} bytes a row",
        )
        for step, costs in runs.items()
    ]


def _growth(measured: Mapping[int, Mapping[str, Sequence[Cost]]], small: int, large: int) -> Figure:
    """What each row beyond the smallest frame adds to a send: what does not grow is left out."""
    base, most = (
        Spread.of([cost.memory for cost in measured[size]["send"]]) for size in (small, large)
    )
    grown = Spread(most.median - base.median, most.low - base.high, most.high - base.low)
    return Figure(
        f"send: each row between {small:,} and {large:,}",
        grown.times(1 / (large - small)),
        "bytes",
    )
