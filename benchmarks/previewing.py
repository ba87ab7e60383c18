"""Time to open a preview on small and large frames, and to step to another row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks.frame import people
from benchmarks.letter import compose
from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.timing import CPU, Case, Spread, interleaved

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPEN_S: Final = 0.3
_STEP_S: Final = 0.002
_STEPS: Final = 100
_OPENS: Final = Target(
    "a preview opens on the largest frame in at most 300 ms after compose", at_most=1.0
)
_SWITCHES: Final = Target("another row in at most 2 ms", at_most=1.0)


def previewing(*, sizes: Sequence[int], repeat: int) -> Part:
    """Time the widget without a browser, in CPU time.

    Args:
        sizes: rows of each frame, ascending.
        repeat: how often each runs, in turns.
    """
    cases: dict[str, Case[Any]] = {}
    for rows in sizes:
        cases[f"{rows:,} rows: open"] = _opening(rows)
        cases[f"{rows:,} rows: {_STEPS} steps"] = _stepping(rows)
    _opening(sizes[0]).seconds()  # imports ipywidgets, once
    taken = interleaved(cases, repeat=repeat)
    last = f"{sizes[-1]:,} rows"
    steps = [seconds / _STEPS for seconds in taken[f"{last}: {_STEPS} steps"]]
    ratios = (
        Ratio(
            f"{last}: open, as a share of 300 ms",
            Spread.of(taken[f"{last}: open"]).times(1 / _OPEN_S),
            _OPENS,
        ),
        Ratio(
            f"{last}: a step, as a share of 2 ms", Spread.of(steps).times(1 / _STEP_S), _SWITCHES
        ),
    )
    figures = tuple(
        Figure(name, Spread.of(seconds).times(1_000), "ms") for name, seconds in taken.items()
    )
    return Part(
        "preview",
        f"the letter of the other parts, {repeat} repeats in turns, CPU time",
        ratios,
        figures,
    )


def _opening(rows: int) -> Case[Any]:
    """The first preview of a new campaign, with the tour that it opens."""
    frame = people(rows)
    return Case(lambda: compose(frame), lambda campaign: campaign.preview(static=False), CPU)


def _stepping(rows: int) -> Case[Any]:
    campaign = compose(people(rows))

    def ready() -> Any:
        preview = campaign.preview(rows=range(min(rows, _STEPS + 1)), static=False)
        return next(child for child in _all(preview) if getattr(child, "description", "") == "Next")

    def run(following: Any) -> None:
        for _ in range(min(rows - 1, _STEPS)):
            following.click()

    return Case(ready, run, CPU)


def _all(widget: Any) -> list[Any]:
    """A widget and all widgets inside it."""
    return [widget, *(inner for child in getattr(widget, "children", ()) for inner in _all(child))]
