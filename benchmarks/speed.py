"""Time to render, check and encode, relative to loops written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks import better_loop, loops, stages
from benchmarks.report import TIMES, Figure, Part, Ratio, Target
from benchmarks.timing import CPU, Case, Spread, interleaved, times_faster
from mailframe.message.binding import bind
from mailframe.message.columnar.chunks import ChunkPreparer
from mailframe.message.pipeline import prepare

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    import mailframe as mf
    from benchmarks.workloads import Workload

_COMPARED_ROWS: Final = 500
_US: Final = 1e6
_PREPARED: Final = "mailframe, one pass: render, check, encode"
_ROW_BY_ROW: Final = "mailframe, the same on the row-by-row path"
_PROBLEMS: Final = "mailframe, campaign.problems() of a fresh campaign"
_BATCHES: Final = "mailframe, list(campaign.batches()) after it"
_LOOP_A: Final = "loop (a): to_dict, jinja2, json; no checks"
_LOOP_B: Final = "loop (b): iterrows, jinja2, json; no checks"
_BETTER: Final = "better loop: used columns, one refilled context, orjson"


def speed(workload: Workload, *, rows: int, repeat: int) -> Part:
    """Time every contestant over the same frame, in one process.

    Args:
        workload: the letter and its frame.
        rows: of the frame.
        repeat: how often each contestant runs, in turns.

    Raises:
        AssertionError: two contestants do not make the same messages.
    """
    frame = workload.frame(rows)
    size = same_mails(workload, frame.head(_COMPARED_ROWS))
    taken = interleaved(_cases(workload, frame), repeat=repeat)
    split = stages.split(workload.letter, frame, repeat=repeat)
    figures = [_figure(name, Spread.of(seconds), rows) for name, seconds in taken.items()]
    bound = split.pop("bind").times(1e3)
    figures.append(Figure("mailframe, binding the letter to the frame, once", bound, "ms"))
    figures += [
        _figure(f"of the row-by-row path: {name}", spread, rows) for name, spread in split.items()
    ]
    about = (
        f"{workload.about}; {rows:,} rows, {frame.shape[1]} columns of which "
        f"{len(workload.used_columns)} are used, {size:,} bytes a message, "
        f"{repeat} repeats in turns, CPU time"
    )
    ratios = _ratios(taken, at_least=workload.at_least, name=workload.name)
    return Part(f"speed, {workload.name}", about, ratios, tuple(figures))


def _cases(workload: Workload, frame: pd.DataFrame) -> dict[str, Case[Any]]:
    bound = bind(workload.letter, frame)
    cases: dict[str, Case[Any]] = {
        _PREPARED: Case(
            lambda: bound, lambda bound: sum(1 for _ in ChunkPreparer(bound).chunks()), CPU
        ),
        _ROW_BY_ROW: Case(lambda: bound, lambda bound: sum(1 for _ in prepare(bound)), CPU),
        _LOOP_A: Case(lambda: frame, lambda frame: _size(workload, workload.records(frame)), CPU),
        _BETTER: Case(
            lambda: frame, lambda frame: sum(map(len, better_loop.bodies(workload, frame))), CPU
        ),
        _PROBLEMS: Case(lambda: workload.compose(frame), lambda campaign: campaign.problems(), CPU),
        _BATCHES: Case(
            lambda: _checked(workload, frame), lambda campaign: list(campaign.batches()), CPU
        ),
    }
    if not workload.has_missing:  # a row of iterrows has no dtypes left, and NaN is not left out
        cases[_LOOP_B] = Case(
            lambda: frame, lambda frame: _size(workload, loops.iterated(frame)), CPU
        )
    return cases


def _size(workload: Workload, rows: Iterable[dict[Any, Any]]) -> int:
    return sum(map(len, loops.bodies(rows, workload.templates())))


def _checked(workload: Workload, frame: pd.DataFrame) -> mf.Campaign:
    campaign = workload.compose(frame)
    campaign.plan()
    return campaign


def _ratios(taken: dict[str, list[float]], *, at_least: float, name: str) -> tuple[Ratio, ...]:
    both = [a + b for a, b in zip(taken[_PROBLEMS], taken[_BATCHES], strict=True)]
    target = Target(
        f"{name}: renders, checks and encodes ≥ {at_least} {TIMES} loop (a)", at_least=at_least
    )
    prepared = taken[_PREPARED]
    once = "one pass, times as fast as"
    ratios = [
        Ratio(f"{once} loop (a)", times_faster(taken[_LOOP_A], prepared), target),
        Ratio(f"{once} the better loop", times_faster(taken[_BETTER], prepared)),
        Ratio(f"{once} the row-by-row path", times_faster(taken[_ROW_BY_ROW], prepared)),
        Ratio(
            "problems(), times as fast as loop (a)", times_faster(taken[_LOOP_A], taken[_PROBLEMS])
        ),
        Ratio(
            "problems() and batches(), times as fast as loop (a)",
            times_faster(taken[_LOOP_A], both),
        ),
    ]
    if _LOOP_B in taken:
        ratios.append(Ratio(f"{once} loop (b)", times_faster(taken[_LOOP_B], prepared)))
    return tuple(ratios)


def _figure(name: str, seconds: Spread, rows: int) -> Figure:
    return Figure(
        name, seconds.times(_US / rows), "µs/row", f"{rows / seconds.median:>9,.0f} rows/s"
    )


def same_mails(workload: Workload, frame: pd.DataFrame) -> int:
    """Check that mailframe and all loops make the same messages, field by field.

    Returns:
        Mean size of a message as mailframe posts it, in bytes.

    Raises:
        AssertionError: they differ; the error names the first rows.
    """
    bodies = [message.body for batch in workload.compose(frame).batches() for message in batch]
    messages = [orjson.loads(body) for body in bodies]
    for requests in _by_hand(workload, frame):
        by_hand = [one for body in requests for one in orjson.loads(body)]
        differing = [n for n, (a, b) in enumerate(zip(messages, by_hand, strict=False)) if a != b]
        if differing or not len(messages) == len(by_hand) == len(frame):
            raise AssertionError(
                f"{len(messages)} and {len(by_hand)} messages of {len(frame)} rows; "
                f"differing: {differing[:5]}"
            )
    return sum(map(len, bodies)) // max(1, len(bodies))


def _by_hand(workload: Workload, frame: pd.DataFrame) -> list[Iterable[bytes]]:
    """The request bodies of each loop."""
    templates = workload.templates()
    made: list[Iterable[bytes]] = [
        loops.bodies(workload.records(frame), templates),
        better_loop.bodies(workload, frame),
    ]
    if not workload.has_missing:
        made.append(loops.bodies(loops.iterated(frame), templates))
    return made
