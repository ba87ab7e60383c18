"""Interleaved repeats, A B C, A B C, …: a slow moment affects all contestants."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")
CPU: Final = time.process_time
"""A clock that other processes do not affect; for work that does not wait."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The median and the extremes of several repeats."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value.

        >>> Spread.of([3.0, 1.0, 2.0])
        Spread(median=2.0, low=1.0, high=3.0)
        """
        return cls(median(values), min(values), max(values))

    def times(self, factor: float) -> Spread:
        """The same in another unit; *factor* is positive."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """One contestant: a preparation that is not timed, and the run.

    Attributes:
        ready: returns the argument of *run*; not timed.
        run: timed.
        clock: wall clock, or ``CPU``.
    """

    ready: Callable[[], T]
    run: Callable[[T], object]
    clock: Callable[[], float] = time.perf_counter

    def seconds(self) -> float:
        """The seconds of one run; garbage is collected before it."""
        given = self.ready()
        gc.collect()
        began = self.clock()
        result = self.run(given)
        took = self.clock() - began
        del result  # freeing it is not part of the run
        return took


def interleaved(cases: Mapping[str, Case[T]], *, repeat: int) -> dict[str, list[float]]:
    """Seconds of each case, one value per repeat; every repeat runs each case once, in order.

    >>> taken = interleaved({"nothing": Case(lambda: None, lambda _: None)}, repeat=2)
    >>> len(taken["nothing"])
    2
    """
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeat):
        for name, case in cases.items():
            taken[name].append(case.seconds())
    return taken


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of one run, by both clocks.

    Attributes:
        cpu: of this process, all its threads.
        wall: with the waits.
    """

    cpu: float
    wall: float


def interleaved_both(cases: Mapping[str, Case[Any]], *, repeat: int) -> dict[str, list[Took]]:
    """As ``interleaved``, by both clocks; the clocks of the cases are not used."""
    taken: dict[str, list[Took]] = {name: [] for name in cases}
    for _ in range(repeat):
        for name, case in cases.items():
            given = case.ready()
            gc.collect()
            taken[name].append(both_clocks(case.run, given))
    return taken


def both_clocks(run: Callable[[T], object], given: T) -> Took:
    """Run once; what it returns is dropped after the clocks have stopped."""
    wall, cpu = time.perf_counter(), CPU()
    result = run(given)
    took = Took(CPU() - cpu, time.perf_counter() - wall)
    del result
    return took


def times_faster(slow: Sequence[float], fast: Sequence[float]) -> Spread:
    """How many times as fast the second is, repeat by repeat.

    >>> times_faster([2.0, 3.0], [1.0, 1.0]).median
    2.5
    """
    return Spread.of([a / b for a, b in zip(slow, fast, strict=True)])
