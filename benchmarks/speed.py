"""Time to render, check and encode, relative to loops written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from benchmarks import loops, stages
from benchmarks.frame import people
from benchmarks.letter import LETTER, compose
from benchmarks.report import TIMES, Figure, Part, Ratio, Target
from benchmarks.timing import CPU, Case, Spread, interleaved, times_faster
from mailframe.message.binding import bind
from mailframe.message.pipeline import prepare

if TYPE_CHECKING:
    import pandas as pd

    import mailframe as mf

_COMPARED_ROWS: Final = 500
_US: Final = 1e6
_PREPARED: Final = "mailframe, one pass: render, check, encode"
_PROBLEMS: Final = "mailframe, campaign.problems() of a fresh campaign"
_BATCHES: Final = "mailframe, list(campaign.batches()) after it"
_LOOP_A: Final = "loop (a): to_dict, jinja2, json; no checks"
_LOOP_B: Final = "loop (b): iterrows, jinja2, json; no checks"
_TARGET: Final = Target(f"renders, checks and encodes ≥ 1.5 {TIMES} loop (a)", at_least=1.5)


def speed(*, rows: int, repeat: int) -> Part:
    """Time every contestant over the same frame, in one process.

    Args:
        rows: of the frame.
        repeat: how often each contestant runs, in turns.

    Raises:
        AssertionError: two contestants do not make the same messages.
    """
    frame = people(rows)
    size = same_mails(frame.head(_COMPARED_ROWS))
    taken = interleaved(_cases(frame), repeat=repeat)
    split = stages.split(frame, repeat=repeat)
    figures = [_figure(name, Spread.of(seconds), rows) for name, seconds in taken.items()]
    figures.append(
        Figure(
            "mailframe, binding the letter to the frame, once", split.pop("bind").times(1e3), "ms"
        )
    )
    figures += [_figure(f"of one pass: {name}", spread, rows) for name, spread in split.items()]
    about = (
        f"{rows:,} rows, 26 columns of which 10 are used, {size:,} bytes a message, "
        f"{repeat} repeats in turns, CPU time"
    )
    return Part("speed", about, _ratios(taken), tuple(figures))


def _cases(frame: pd.DataFrame) -> dict[str, Case[Any]]:
    bound = bind(LETTER, frame)
    templates = loops.Templates.compiled()
    return {
        _PREPARED: Case(lambda: bound, lambda bound: sum(1 for _ in prepare(bound)), CPU),
        _LOOP_A: Case(lambda: frame, lambda frame: _size(frame, templates, iterate=False), CPU),
        _LOOP_B: Case(lambda: frame, lambda frame: _size(frame, templates, iterate=True), CPU),
        _PROBLEMS: Case(lambda: compose(frame), lambda campaign: campaign.problems(), CPU),
        _BATCHES: Case(lambda: _checked(frame), lambda campaign: list(campaign.batches()), CPU),
    }


def _size(frame: pd.DataFrame, templates: loops.Templates, *, iterate: bool) -> int:
    rows = loops.iterated(frame) if iterate else loops.records(frame)
    return sum(map(len, loops.bodies(rows, templates)))


def _checked(frame: pd.DataFrame) -> mf.Campaign:
    campaign = compose(frame)
    campaign.plan()
    return campaign


def _ratios(taken: dict[str, list[float]]) -> tuple[Ratio, ...]:
    both = [a + b for a, b in zip(taken[_PROBLEMS], taken[_BATCHES], strict=True)]
    return (
        Ratio(
            "one pass of mailframe is so many times as fast as loop (a)",
            _against(taken, _LOOP_A),
            _TARGET,
        ),
        Ratio(
            "one pass of mailframe is so many times as fast as loop (b)", _against(taken, _LOOP_B)
        ),
        Ratio(
            "problems() is so many times as fast as loop (a)",
            times_faster(taken[_LOOP_A], taken[_PROBLEMS]),
        ),
        Ratio(
            "problems() and batches(), two passes, against loop (a)",
            times_faster(taken[_LOOP_A], both),
        ),
        Ratio(
            "problems() and batches(), two passes, against loop (b)",
            times_faster(taken[_LOOP_B], both),
        ),
    )


def _against(taken: dict[str, list[float]], name: str) -> Spread:
    return times_faster(taken[name], taken[_PREPARED])


def _figure(name: str, seconds: Spread, rows: int) -> Figure:
    return Figure(
        name, seconds.times(_US / rows), "µs/row", f"{rows / seconds.median:>9,.0f} rows/s"
    )


def same_mails(frame: pd.DataFrame) -> int:
    """Check that mailframe and both loops make the same messages, field by field.

    Returns:
        Mean size of a message as mailframe posts it, in bytes.

    Raises:
        AssertionError: they differ; the error names the first rows.
    """
    bodies = [message.body for batch in compose(frame).batches() for message in batch]
    messages = [orjson.loads(body) for body in bodies]
    templates = loops.Templates.compiled()
    for rows in (loops.records(frame), loops.iterated(frame)):
        by_hand = [one for body in loops.bodies(rows, templates) for one in orjson.loads(body)]
        differing = [n for n, (a, b) in enumerate(zip(messages, by_hand, strict=False)) if a != b]
        if differing or not len(messages) == len(by_hand) == len(frame):
            raise AssertionError(
                f"{len(messages)} and {len(by_hand)} messages of {len(frame)} rows; "
                f"differing: {differing[:5]}"
            )
    return sum(map(len, bodies)) // max(1, len(bodies))
