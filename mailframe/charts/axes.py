"""The axes of a chart: they are shown at the end of a cell, with an alternative text.

A figure that pyplot does not know is not shown by Jupyter. These axes show themselves, so that no
global state of matplotlib is used or changed. JupyterLab has no alternative text for a picture of
its own, but keeps that of HTML; nbconvert takes both.
"""

from __future__ import annotations

import base64
import io
import warnings
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mailframe.pages.environment import render
from mailframe.pages.text import one_line

TEXT: Final = "#797979"
"""Its contrast is 4.35 to white and 4.34 to #111 (WCAG 2.2, 1.4.3, asks for 4.5 in small text)."""
LINE: Final = "#797979"
WIDTH_IN: Final = 7.2
_MAX_ALT: Final = 10_000
_DPI: Final = 100
_SHARPNESS: Final = 2
"""Pixels of the picture for each pixel of the page, in each direction."""
PLAIN: Final[dict[str, Any]] = {"parse_math": False, "usetex": False}
"""A ``$`` in a label is a dollar sign."""


class ChartAxes(Axes):
    """Axes whose figure Jupyter shows; any method of matplotlib can change them before."""

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The figure as PNG, and as HTML with its alternative text."""
        del include, exclude
        figure = root_figure(self)
        content = base64.b64encode(_png(figure)).decode()
        width, height = (round(inches * _DPI) for inches in figure.get_size_inches())
        alt = str(figure.get_label())
        page = render("chart", content=content, alt=alt, width=width, height=height)
        size = {"width": width, "height": height, "alt": alt}
        return {"text/html": str(page), "image/png": content}, {"image/png": size}


def chart_axes(height_in: float, *, rows: int = 1) -> list[Axes]:
    """New axes on a transparent figure, below each other, without lines and ticks."""
    figure = Figure(figsize=(WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    figure.patch.set_alpha(0)
    return [figure.add_subplot(rows, 1, number + 1, axes_class=ChartAxes) for number in range(rows)]


def bare(axes: Axes) -> None:
    """Take lines, ticks and the background away."""
    axes.patch.set_alpha(0)
    axes.grid(visible=False)
    axes.tick_params(length=0, labelcolor=TEXT, labelsize=10)
    for spine in axes.spines.values():
        spine.set_visible(False)


def titled(axes: Axes, title: str) -> None:
    """Write what a chart shows above it, at the left."""
    axes.set_title(title, loc="left", fontsize=11, color=TEXT, pad=10, fontweight="bold", **PLAIN)


def described(axes: Axes, alt: str) -> None:
    """Give the figure its alternative text, unless it has one already."""
    figure = root_figure(axes)
    if not figure.get_label():
        figure.set_label(one_line(alt, most=_MAX_ALT))


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(file, format="png", dpi=_DPI * _SHARPNESS, metadata={"Software": None})
    return file.getvalue()


def root_figure(axes: Axes) -> Any:
    """The whole figure of axes, which may be in a part of it; matplotlib 3.8 has no word for it."""
    figure: Any = axes.get_figure()
    while (parent := getattr(figure, "_parent", None)) is not None:
        figure = parent
    return figure
