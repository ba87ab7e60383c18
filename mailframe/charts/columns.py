"""Numbers of batches: one column each, in panels that share their axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.ticker import FuncFormatter, MaxNLocator

from mailframe.charts.axes import LINE, TEXT, bare, chart_axes, described, titled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

COLOR: Final = "#3a6393"
_PANEL_IN: Final = 1.55
_FEW: Final = 12
"""So many columns have their number above them."""


def columns(
    panels: Sequence[tuple[str, Sequence[float], Callable[[float], str]]],
    *,
    alt: str,
    axis: str,
) -> list[Axes]:
    """Panels of columns below each other, numbered from 1.

    Args:
        panels: the title of each, its values, and how a value is written.
        alt: the alternative text.
        axis: what the columns are, for the lowest axis.
    """
    drawn = chart_axes(_PANEL_IN * len(panels) + 0.3, rows=len(panels))
    for axes, (title, values, text) in zip(drawn, panels, strict=True):
        _draw(axes, title, values, text)
        if axes is not drawn[-1]:
            axes.tick_params(labelbottom=False)
    drawn[-1].set_xlabel(axis, color=TEXT, fontsize=10)
    described(drawn[0], alt)
    return drawn


def _draw(axes: Axes, title: str, values: Sequence[float], text: Callable[[float], str]) -> None:
    bare(axes)
    titled(axes, title)
    numbers = range(1, len(values) + 1)
    width = 0.5 if len(values) <= _FEW else 0.72 if len(values) <= 4 * _FEW else 1.0
    axes.bar(numbers, values, width=width, color=COLOR, linewidth=0)
    axes.set_xlim(0.4, max(len(values), 4) + 0.6)
    axes.set_ylim(0, max([*values, 0]) * 1.15 or 1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, min_n_ticks=1))
    formatter: Any = FuncFormatter(lambda value, _: text(value))
    axes.yaxis.set_major_formatter(formatter)
    if len(values) > _FEW:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
        axes.grid(visible=True, axis="y", color=LINE, alpha=0.25, linewidth=0.8)
        axes.set_axisbelow(True)
        return
    axes.set_yticks([])
    for number, value in zip(numbers, values, strict=True):
        axes.annotate(
            text(value),
            (number, value),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            color=TEXT,
            fontsize=10,
        )
