"""Horizontal bars with direct labels: one per line, or several stacked."""

from __future__ import annotations

import itertools
import unicodedata
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.charts.axes import PLAIN, TEXT, bare, chart_axes, described, root_figure, titled
from mailframe.pages.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_LINE_IN: Final = 0.3
_SPACE_IN: Final = 0.55
_KEY_IN: Final = 0.3
_KEY_UNITS: Final = 0.9
"""The height of a line of the key, in inches and in units of the axis."""
_KEY_WIDTH_IN: Final = 5.9
"""Of a chart of its own, beside the labels of the lines."""
_KEY_SQUARE_IN, _CHAR_IN, _WIDE_IN = 0.33, 0.078, 0.15
"""The width of a square with the space around it, and of a character of a name."""
_MAX_LABEL: Final = 28
_MAX_NOTE: Final = 60
_LEAST_POINTS: Final = 1.5
"""The width of a bar that would otherwise not be seen."""
_PART_GAP: Final = 0.66
_CLOSE_GAP: Final = 0.7
_GAP_POINTS: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart of bars.

    Attributes:
        label: the text at the left.
        parts: the numbers and colors of the parts of its bar, from left to right.
        value: the text behind the bar, in bold.
        note: more text behind it.
        is_part: whether the line is a part of the one above it, so its bar is thinner.
        is_close: whether the line is compared with the one above it, so it is close to it.
    """

    label: str
    parts: Sequence[tuple[int, str]]
    value: str
    note: str = ""
    is_part: bool = False
    is_close: bool = False

    @property
    def total(self) -> int:
        """The length of the bar."""
        return sum(number for number, _ in self.parts)


def bars(
    lines: Sequence[Line],
    *,
    title: str,
    alt: str,
    key: Sequence[tuple[str, str]] = (),
    axes: Axes | None = None,
) -> Axes:
    """Bars below each other.

    Args:
        lines: the lines from top to bottom.
        title: the title.
        alt: the alternative text.
        key: names and their colors, for a line that explains them; empty for none.
        axes: axes to draw in; by default new ones on a figure of the size of the chart.
    """
    places = _places(lines)
    key_lines = _key_lines(key, _KEY_WIDTH_IN if axes is None else _width_in(axes))
    height = _SPACE_IN + _LINE_IN * (1 - places[-1]) + _KEY_IN * len(key_lines)
    axes = chart_axes(height)[0] if axes is None else axes
    bare(axes)
    titled(axes, one_line(title))
    for place, line in zip(places, lines, strict=True):
        _draw_bar(axes, place, line)
    labels = [one_line(line.label, most=_MAX_LABEL) for line in lines]
    axes.set_yticks(places, labels, **PLAIN)
    axes.set_xticks([])
    axes.set_ylim(places[-1] - 0.45, 0.6 + _KEY_UNITS * len(key_lines))
    texts = [_draw_value(axes, place, line) for place, line in zip(places, lines, strict=True)]
    for number, entries in enumerate(key_lines, start=1):
        _draw_key(axes, entries, 0.95 + _KEY_UNITS * (len(key_lines) - number))
    _fit(axes, lines, texts)
    described(axes, alt)
    return axes


def _places(lines: Sequence[Line]) -> list[float]:
    """The height of each line, from 0 downwards; parts are close to the line above them."""
    places = [0.0]
    for before, line in itertools.pairwise(lines):
        gap = 1.0 if not line.is_part else _PART_GAP if before.is_part else 0.86
        gap = _CLOSE_GAP if line.is_close else gap
        places.append(places[-1] - (gap if line.is_part or not before.is_part else 0.95))
    return places


def _draw_bar(axes: Axes, place: float, line: Line) -> None:
    left = 0
    for number, color in line.parts:
        if number:
            axes.barh(
                *(place, number),
                left=left,
                height=0.26 if line.is_part else 0.62,
                color=color,
                alpha=0.75 if line.is_part else 1,
                edgecolor=color,
                linewidth=_LEAST_POINTS / 2 if len(line.parts) == 1 else 0,
            )
        left += number


def _draw_value(axes: Axes, place: float, line: Line) -> list[Any]:
    """The texts behind a bar: the value in bold, then the note."""
    size = 9 if line.is_part else 10
    value = axes.annotate(
        line.value,
        (line.total, place),
        xytext=(_GAP_POINTS, 0),
        textcoords="offset points",
        va="center",
        color=TEXT,
        fontsize=size,
        fontweight="normal" if line.is_part else "bold",
        **PLAIN,
    )
    if not line.note:
        return [value]
    note = axes.annotate(
        one_line(line.note, most=_MAX_NOTE),
        (1, 0.5),
        xycoords=value,
        xytext=(_GAP_POINTS, 0),
        textcoords="offset points",
        va="center",
        color=TEXT,
        fontsize=size,
        **PLAIN,
    )
    return [value, note]


def _key_lines(key: Sequence[tuple[str, str]], width_in: float) -> list[list[tuple[str, str]]]:
    """The entries of a key, in as many lines as they need."""
    lines: list[list[tuple[str, str]]] = []
    left = 0.0
    for entry in key:
        wanted = _KEY_SQUARE_IN + sum(
            _WIDE_IN if unicodedata.east_asian_width(char) in "WF" else _CHAR_IN
            for char in entry[0]
        )
        if not lines or wanted > left:
            lines.append([])
            left = width_in
        lines[-1].append(entry)
        left -= wanted
    return lines


def _width_in(axes: Axes) -> float:
    return float(axes.get_window_extent().width) / float(root_figure(axes).dpi)


def _draw_key(axes: Axes, key: Sequence[tuple[str, str]], height: float) -> None:
    """A line above the bars: a square of each color, and its name."""
    entries: list[Any] = []
    for name, color in key:
        at = {"xycoords": entries[-1]} if entries else {"xycoords": axes.get_yaxis_transform()}
        square = axes.annotate(
            "■",
            (1, 0) if entries else (0, height),
            xytext=(12, 0) if entries else (0, 0),
            textcoords="offset points",
            va="bottom" if entries else "center",
            color=color,
            fontsize=11,
            annotation_clip=False,
            **at,
            **PLAIN,
        )
        word = axes.annotate(
            name,
            (1, 0),
            xycoords=square,
            xytext=(3, 0),
            textcoords="offset points",
            va="bottom",
            color=TEXT,
            fontsize=10,
            annotation_clip=False,
            **PLAIN,
        )
        entries.append(word)


def _fit(axes: Axes, lines: Sequence[Line], texts: Sequence[list[Any]]) -> None:
    """Make the bars as long as the texts behind them allow."""
    figure = root_figure(axes)
    longest = max([1, *(line.total for line in lines)])
    axes.set_xlim(0, longest)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.draw_without_rendering()
        width = axes.get_window_extent().width
        renderer = figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else None
        gap = _GAP_POINTS * figure.dpi / 72
        scale = width / longest
        for line, of_line in zip(lines, texts, strict=True):
            extent = sum(text.get_window_extent(renderer).width + gap for text in of_line)
            if line.total:
                scale = min(scale, max(width - extent - gap, width / 5) / line.total)
    axes.set_xlim(0, width / scale)
