"""Time and memory of results, problems and messages in frames and files, each in a new process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.results_child import Step
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 900.0
_MB: Final = 1e6
_CSV_S: Final = 20.0
_CSV_BYTES: Final = 1e9
_STEPS: Final[dict[str, str]] = {
    "settle": "the status of every row, batch by batch",
    "frame": "the results frame",
    "write": "results.mail.to_csv",
    "read": "mf.read_results",
    "keys": "keys: read, compared",
}
_FEWER_ROWS: Final[dict[str, str]] = {
    "messages": "campaign.messages(chunk_rows=10_000)",
    "problems": "problems(), one empty column in four parts",
}
"""Steps that render every row, so that a tenth of the rows is enough."""


def results_costs(*, sizes: Sequence[int]) -> Part:
    """Measure each step at each size.

    Args:
        sizes: rows of the frames.
    """
    figures: list[Figure] = []
    ratios: list[Ratio] = []
    for rows in sizes:
        with TemporaryDirectory() as folder:
            steps = {step: in_child(step, rows, Path(folder)) for step in _STEPS}
            part = max(1, rows // 10)
            fewer = {step: in_child(step, part, Path(folder)) for step in _FEWER_ROWS}
        for step, name in (_STEPS | _FEWER_ROWS).items():
            figures += _figures(name, (steps | fewer)[step])
        both_s = steps["write"].cpu_s + steps["read"].cpu_s
        peak = max(steps["write"].peak, steps["read"].peak)
        ratios += [
            _ratio(f"{rows:,} rows: CSV both ways, as a share of {_CSV_S:.0f} s", both_s / _CSV_S),
            _ratio(f"{rows:,} rows: its peak, as a share of 1 GB", peak / _CSV_BYTES),
        ]
    return Part("results", "CPU and peak, a fresh process each", tuple(ratios), tuple(figures))


def in_child(step: str, rows: int, folder: Path) -> Step:
    """One step in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its error is on stderr.
    """
    module = "benchmarks.results_child"
    command = [sys.executable, "-m", module, "--step", step, "--rows", str(rows)]
    done = subprocess.run(  # noqa: S603 - ourselves
        [*command, "--folder", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        timeout=_TIMEOUT_S,
        cwd=_ROOT,
    )
    return Step(**json.loads(done.stdout))


def _figures(name: str, step: Step) -> list[Figure]:
    beyond = (step.peak - step.before) / step.rows
    beside = f"peak {step.peak / _MB:.0f} MB, {beyond:.0f} bytes a row beyond what was there"
    return [Figure(f"{step.rows:,} rows: {name}", Spread.of([step.cpu_s]), "s", beside)]


def _ratio(name: str, share: float) -> Ratio:
    return Ratio(name, Spread.of([share]), Target(name, at_most=1.0))
