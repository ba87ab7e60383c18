"""A number that grows over time, as a step line."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib.dates import (
    DAILY,
    HOURLY,
    MINUTELY,
    SECONDLY,
    AutoDateLocator,
    date2num,
    num2date,
)
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mailframe.charts.axes import (
    LINE,
    PLAIN,
    TEXT,
    bare,
    chart_axes,
    described,
    root_figure,
    titled,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_HEIGHT_IN: Final = 2.9
_FORMS: Final = (
    (2 / 86_400, "%H:%M:%S.%f"),
    (10 / 1_440, "%H:%M:%S"),
    (1.5, "%H:%M"),
    (4, "%m-%d %H:%M"),
)
"""How times are written on an axis of at most so many days; dates on a longer one."""
_FEW_HUNDREDTHS: Final = 0.1 / 86_400
"""Days in which hundredths of a second would be the same on several ticks."""
_DATE: Final = "%Y-%m-%d"
_TICKS: Final = 8
_FEW_TICKS: Final = 5
"""Of a day with a time, which are wide."""
_MARGIN: Final = 0.02
_LEAST_S: Final = 1.0
_LABEL_POINTS: Final = 14.0
"""The height of a label at the end of a line."""

_LONGEST_STEPS: Final = {DAILY: 28, HOURLY: 24, MINUTELY: 60, SECONDLY: 60}
"""Longer steps than matplotlib has, which a few ticks need."""


@dataclass(frozen=True, slots=True)
class Growth:
    """A line of a chart over time.

    Attributes:
        label: the text at its end.
        times: the times in order, in UTC.
        totals: the total after each time.
        color: its color.
    """

    label: str
    times: Sequence[dt.datetime]
    totals: Sequence[int]
    color: str


def timelines(
    lines: Sequence[Growth],
    *,
    first: dt.datetime,
    title: str,
    alt: str,
    axes: Axes | None = None,
) -> Axes:
    """Several totals over the same time.

    Args:
        lines: the lines.
        first: the time at which all are 0.
        title: the title.
        alt: the alternative text.
        axes: axes to draw in; by default new ones.
    """
    axes = chart_axes(_HEIGHT_IN)[0] if axes is None else axes
    bare(axes)
    titled(axes, title)
    last = max(line.times[-1] for line in lines)
    room = max((last - first).total_seconds(), _LEAST_S) * _MARGIN
    start = first - dt.timedelta(seconds=room)
    for line in lines:
        steps: Any = date2num([start, *line.times, last])  # type: ignore[no-untyped-call]
        heights = [0, *line.totals, line.totals[-1]]
        axes.step(steps, heights, where="post", color=line.color, linewidth=2)
        axes.plot(steps[-1:], heights[-1:], "o", color=line.color, markersize=5)
    ends: Any = date2num([start, last])  # type: ignore[no-untyped-call]
    _scale(axes, ends, max(line.totals[-1] for line in lines))
    _label_ends(axes, ends[-1], lines)
    described(axes, alt)
    return axes


def _label_ends(axes: Axes, end: float, lines: Sequence[Growth]) -> None:
    """Write the label of each line at its end, above the one below it."""
    root_figure(axes).draw_without_rendering()
    points = 72 / root_figure(axes).dpi
    below = -_LABEL_POINTS
    for line in sorted(lines, key=lambda one: one.totals[-1]):
        at = axes.transData.transform((end, line.totals[-1]))[1] * points
        place = max(at, below + _LABEL_POINTS)
        axes.annotate(
            line.label,
            (end, line.totals[-1]),
            xytext=(8, place - at),
            textcoords="offset points",
            va="center",
            color=TEXT,
            fontsize=10,
            fontweight="bold",
            annotation_clip=False,
            **PLAIN,
        )
        below = place


def timeline(
    times: Sequence[dt.datetime],
    totals: Sequence[int],
    *,
    label: str,
    color: str,
    title: str,
    alt: str,
    axes: Axes | None = None,
) -> Axes:
    """The total after each time.

    Args:
        times: the times in order, in UTC.
        totals: the totals, one per time.
        label: the text at the end of the line.
        color: the color of the line.
        title: the title.
        alt: the alternative text.
        axes: axes to draw in; by default new ones.
    """
    axes = chart_axes(_HEIGHT_IN)[0] if axes is None else axes
    bare(axes)
    titled(axes, title)
    first, last = times[0], times[-1]
    room = max((last - first).total_seconds(), _LEAST_S) * _MARGIN
    start = first - dt.timedelta(seconds=room)
    steps: Any = date2num([start, first, *times])  # type: ignore[no-untyped-call]
    heights = [0, 0, *totals]
    axes.fill_between(steps, heights, step="post", color=color, alpha=0.14, linewidth=0)
    axes.step(steps, heights, where="post", color=color, linewidth=2, solid_joinstyle="miter")
    axes.plot(steps[-1:], totals[-1:], "o", color=color, markersize=5)
    axes.annotate(
        label,
        (steps[-1], totals[-1]),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        color=TEXT,
        fontsize=10,
        fontweight="bold",
        annotation_clip=False,
        **PLAIN,
    )
    _scale(axes, steps, totals[-1])
    described(axes, alt)
    return axes


def _scale(axes: Axes, steps: Any, highest: int) -> None:
    form = _form(steps[-1] - steps[0])
    decimals = 3 if steps[-1] - steps[0] <= _FEW_HUNDREDTHS else 2
    most = _FEW_TICKS if " " in form else _TICKS
    locator: Any = AutoDateLocator(minticks=3, maxticks=most, tz=dt.UTC)  # type: ignore[no-untyped-call]
    for frequency, longest in _LONGEST_STEPS.items():
        locator.intervald[frequency] = [*locator.intervald[frequency], longest]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: _time_text(value, form, decimals))
    )
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylim(0, highest * 1.08)
    axes.set_xlim(steps[0], steps[-1] + (steps[-1] - steps[0]) * 0.02)
    axes.grid(visible=True, axis="y", color=LINE, alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(LINE)
    axes.spines["bottom"].set_linewidth(0.8)


def _form(days: float) -> str:
    return next((form for most, form in _FORMS if days <= most), _DATE)


def _time_text(value: float, form: str, decimals: int) -> str:
    text: str = num2date(value, tz=dt.UTC).strftime(form)  # type: ignore[no-untyped-call]
    return text[: decimals - 6] if form.endswith("%f") else text
