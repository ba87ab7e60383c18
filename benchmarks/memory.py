"""MEMORY: what a send takes beyond the frame and its results, in a fresh child process for each size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.child import Memory
from benchmarks.report import TIMES, Figure, Part, Ratio, Target
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

_MB: Final = 1e6
_TIMEOUT_S: Final = 900.0
_MOST: Final = 1.3
_ROOT: Final = Path(__file__).parent.parent


def memory(*, sizes: Sequence[int], repeat: int) -> Part:
    """Send a campaign of each size in child processes of its own and compare what that took.

    Args:
        sizes: rows of the frames; the first is what the others are compared with.
        repeat: child processes of each size, in turns.
    """
    found: dict[int, list[Memory]] = {size: [] for size in sizes}
    for _ in range(repeat):
        for size in sizes:
            found[size].append(in_child(size))
    small, large = min(sizes), max(sizes)
    target = Target(f"peak memory at {large:,} rows ≤ {_MOST} {TIMES} that at {small:,} rows", at_most=_MOST)
    ratios = [
        Ratio(f"memory of a send at {size:,} rows against {small:,} rows", _ratio(found[size], found[small]))
        for size in sizes
        if size not in (small, large)
    ]
    name = f"memory of a send at {large:,} rows against {small:,} rows"
    ratios.append(Ratio(name, _ratio(found[large], found[small]), target))
    figures = [figure for size in sizes for figure in _figures(size, found[size])]
    exact = all(one.exact for several in found.values() for one in several)
    about = "peak beyond the frame and its results, a fresh process each" + ("" if exact else "; peak NOT reset")
    return Part("memory", about, tuple(ratios), tuple(figures))


def in_child(rows: int) -> Memory:
    """What one send takes in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its own words are on stderr.
    """
    command = [sys.executable, "-m", "benchmarks.child", "--rows", str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=_TIMEOUT_S, cwd=_ROOT)  # noqa: S603 - ourselves
    return Memory(**json.loads(done.stdout))


def _ratio(some: Sequence[Memory], base: Sequence[Memory]) -> Spread:
    return Spread.of([a.beyond / max(1, b.beyond) for a, b in zip(some, base, strict=True)])


def _figures(size: int, found: Sequence[Memory]) -> list[Figure]:
    beyond = Spread.of([one.beyond / _MB for one in found])
    first = found[0]
    parts = (
        f"= peak {first.peak / _MB:.0f} - before {first.before / _MB:.0f} "
        f"- 8 columns {first.columns / _MB:.1f} - RowResults {first.row_results / _MB:.1f}"
    )
    return [Figure(f"{size:,} rows: send beyond frame and results", beyond, "MB", parts)]
