"""CPU time of the import, and of the first use of a name, each in a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.timing import Spread

_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 120.0
_STEPS: Final = {
    "import pandas": "import pandas",
    "import mailframe after it": "import mailframe as mf",
    "the first mf.compose": "mf.compose",
    "the first mf.Sandbox": "mf.Sandbox",
}
"""What a new process does, one after the other, by the name of its figure."""
_TARGET: Final = Target("import mailframe in at most 20 ms beyond pandas", at_most=1.0)
_TARGET_S: Final = 0.020


def importing(*, repeat: int) -> Part:
    """Import pandas and mailframe in new processes.

    Args:
        repeat: the number of processes; another one before them compiles the modules.
    """
    in_child()
    taken = [in_child() for _ in range(repeat)]
    spreads = {step: Spread.of([one[step] for one in taken]) for step in _STEPS}
    share = Ratio(
        "import mailframe after pandas, as a share of 20 ms",
        spreads["import mailframe after it"].times(1 / _TARGET_S),
        _TARGET,
    )
    figures = tuple(Figure(step, spread.times(1e3), "ms") for step, spread in spreads.items())
    about = f"{repeat} new processes, modules compiled before, CPU time"
    return Part("import", about, (share,), figures)


def in_child() -> dict[str, float]:
    """CPU seconds of each step in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its error is on stderr.
    """
    environment = {**os.environ}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process compiles all modules
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", _script()],
        check=True,
        stdout=subprocess.PIPE,
        timeout=_TIMEOUT_S,
        cwd=_ROOT,
        env=environment,
    )
    seconds: list[float] = json.loads(done.stdout)
    return dict(zip(_STEPS, seconds, strict=True))


def _script() -> str:
    lines = ["import json, time", "clock = [time.process_time()]"]
    for statement in _STEPS.values():
        lines += [statement, "clock.append(time.process_time())"]
    return "\n".join([*lines, "print(json.dumps([b - a for a, b in zip(clock, clock[1:])]))"])
