"""Memory of a send beyond the frame and its results, in a new process for each size."""

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
    from collections.abc import Mapping, Sequence

_MB: Final = 1e6
_TIMEOUT_S: Final = 900.0
_MOST: Final = 1.3
_ROOT: Final = Path(__file__).parent.parent
_MOST_CHILDREN: Final = 3
_ROWS_IN_ALL: Final = 900_000
"""Rows of all children of one size together: very large frames are sent once.

Results at 300,000 rows vary by half, because of the allocator.
"""
_KINDS: Final[Mapping[bool, str]] = {True: "with its ledger", False: "with ledger=None"}


def memory(*, sizes: Sequence[int], repeat: int) -> Part:
    """Send a campaign of each size in child processes and compare their memory.

    Args:
        sizes: rows of the frames; the others are compared with the smallest.
        repeat: child processes of each size; at most 3, and fewer for large frames.
    """
    measured = {
        (size, ledger): _children(size, repeat, ledger=ledger)
        for size in sizes
        for ledger in _KINDS
    }
    ratios = [
        _ratio(measured, size, sizes, ledger=ledger)
        for ledger in _KINDS
        for size in sizes
        if size != min(sizes)
    ]
    figures = [_figure(several) for several in measured.values()]
    exact = all(one.exact for several in measured.values() for one in several)
    about = "peak beyond the frame and its results, a fresh process each" + (
        "" if exact else "; peak NOT reset"
    )
    return Part("memory", about, tuple(ratios), tuple(figures))


def in_child(rows: int, *, ledger: bool = True) -> Memory:
    """The memory of one send in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its error is on stderr.
    """
    command = [
        sys.executable,
        "-m",
        "benchmarks.child",
        "--rows",
        str(rows),
        *([] if ledger else ["--no-ledger"]),
    ]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, check=True, stdout=subprocess.PIPE, timeout=_TIMEOUT_S, cwd=_ROOT
    )
    return Memory(**json.loads(done.stdout))


def _children(size: int, repeat: int, *, ledger: bool) -> list[Memory]:
    number = max(1, min(repeat, _MOST_CHILDREN, _ROWS_IN_ALL // size))
    return [in_child(size, ledger=ledger) for _ in range(number)]


def _ratio(
    measured: Mapping[tuple[int, bool], Sequence[Memory]],
    size: int,
    sizes: Sequence[int],
    *,
    ledger: bool,
) -> Ratio:
    """Memory at *size* relative to the smallest; low and high combine the extremes of both."""
    small, large = min(sizes), max(sizes)
    some, base = _beyond(measured[size, ledger]), _beyond(measured[small, ledger])
    spread = Spread(some.median / base.median, some.low / base.high, some.high / base.low)
    target = None
    if ledger and size == large:
        target = Target(
            f"peak memory at {large:,} rows ≤ {_MOST} {TIMES} that at {small:,} rows", at_most=_MOST
        )
    return Ratio(f"{size:,} rows against {small:,} rows, {_KINDS[ledger]}", spread, target)


def _beyond(runs: Sequence[Memory]) -> Spread:
    """In MB; at least one page, because a tiny send needs no measurable memory."""
    return Spread.of([max(4096, one.beyond) / _MB for one in runs])


def _figure(runs: Sequence[Memory]) -> Figure:
    first = runs[0]
    parts = (
        f"= peak {first.peak / _MB:.0f} - before {first.before / _MB:.0f} "
        f"- own columns {first.columns / _MB:.1f} - RowResults {first.row_results / _MB:.1f}"
    )
    return Figure(f"{first.rows:,} rows, {_KINDS[first.ledger]}", _beyond(runs), "MB", parts)
