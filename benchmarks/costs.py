"""What one step of a child process needs: CPU time, wall clock, and peak memory."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.peak import forget_peak, peak, resident
from benchmarks.timing import both_clocks

if TYPE_CHECKING:
    from collections.abc import Callable


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


def cost(step: str, rows: int, run: Callable[[], object]) -> Cost:
    """Run a step and measure it; its result is kept until the peak was read."""
    gc.collect()
    exact = forget_peak()
    before = resident()
    took = both_clocks(lambda _: run(), None)
    return Cost(step, rows, took.cpu, took.wall, peak() - before, exact)
