"""Time of each stage: all stages up to it are timed, and the differences are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.timing import CPU, Case, Spread, interleaved
from mailframe.message.binding import bind
from mailframe.message.cells import rows
from mailframe.message.checks import Checker
from mailframe.message.payload import Assembler
from mailframe.message.pipeline import prepare
from mailframe.message.render import CHUNK_ROWS, Renderer

if TYPE_CHECKING:
    import pandas as pd

    import mailframe as mf
    from mailframe.message.binding import BoundLetter


def split(letter: mf.Letter, frame: pd.DataFrame, *, repeat: int) -> dict[str, Spread]:
    """Seconds of each stage over the whole frame, in order.

    The time of a stage is that of all stages up to it minus that of all before it, in the same
    repeat. A low end below zero is noise.
    """
    bound = bind(letter, frame)
    cumulative: dict[str, Case[Any]] = {
        "cells": Case(lambda: bound, _cells, CPU),
        "render": Case(lambda: bound, lambda bound: sum(1 for _ in Renderer(bound).drafts()), CPU),
        "assemble": Case(lambda: bound, lambda bound: _assembled(bound, checked=False), CPU),
        "check": Case(lambda: bound, lambda bound: _assembled(bound, checked=True), CPU),
        "encode": Case(lambda: bound, lambda bound: sum(1 for _ in prepare(bound)), CPU),
    }
    binding: Case[Any] = Case(lambda: frame, lambda frame: bind(letter, frame), CPU)
    taken = interleaved({"bind": binding, **cumulative}, repeat=repeat)
    before = [0.0] * repeat
    spreads = {"bind": Spread.of(taken["bind"])}
    for name in cumulative:
        pairs = zip(taken[name], before, strict=True)
        spreads[name] = Spread.of([now - then for now, then in pairs])
        before = taken[name]
    return spreads


def _cells(bound: BoundLetter) -> int:
    starts = range(0, bound.rows, CHUNK_ROWS)
    return sum(
        1
        for first in starts
        for _ in rows(bound.columns, first, min(first + CHUNK_ROWS, bound.rows))
    )


def _assembled(bound: BoundLetter, *, checked: bool) -> int:
    assembler, checker = Assembler(bound, live=False), Checker(bound)
    count = 0
    for draft in Renderer(bound).drafts():
        payload = assembler.payload(draft)
        if checked:
            checker.check(draft, payload)
        count += 1
    return count
