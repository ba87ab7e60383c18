"""The controls of the widget, each with a name, a tooltip and its place in the one toolbar that wraps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from mailframe.html.isolation import PHONE_PX
from mailframe.review.preview.walk import Among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.review.preview.walk import Walk

SLIDER_ROWS = 2_000
"""Beyond, one pixel of a slider is several rows."""


class Controls:
    """What a person moves; says nothing of what is shown.

    Args:
        rows: of the frame.
        tour_rows: that a tour of the whole frame looks at.
        names: of the sets of rows, as they are offered.
        first_view: what of a message is shown first.
    """

    def __init__(
        self, rows: int, *, tour_rows: int, names: dict[Among, str], first_view: str
    ) -> None:
        self.names = names
        self.previous = button("Previous", "The row before, of those that are stepped through")
        self.next = button("Next", "The row after")
        tooltip = "A row by its label in the index, or by its key"
        self.row = widgets.Text(
            description="Row",
            tooltip=tooltip,
            continuous_update=False,
            layout=layout(width="150px"),
        )
        self.among = _choice([("All", Among.ALL)])
        self.next_problem = button("Next problem", "The next row with an error or a warning")
        self.search = widgets.Text(
            description="Search",
            placeholder="all columns",
            continuous_update=False,
            layout=layout(width="230px"),
        )
        self.view = _choice(["HTML", "Text", "JSON", "Data"], _VIEWS)
        self.view.value = first_view
        self.width = _choice(
            ["Desktop", "Phone"], ["As wide as there is room", f"{PHONE_PX} pixels wide"]
        )
        self.scheme = _choice(
            [("Light", "light"), ("Dark", "dark")], ["On a light screen", "On a dark screen"]
        )
        named = "all" if tour_rows == rows else f"{tour_rows:,}"
        self.all_rows = button(
            f"Tour of {named} rows", "So far a small sample was looked at for the tour"
        )
        self.slider = widgets.IntSlider(
            min=0, max=1, readout=False, description="Place", layout=layout(width="99%")
        )
        for control, label_width in (
            (self.row, "32px"),
            (self.search, "46px"),
            (self.slider, "40px"),
        ):
            control.style.description_width = label_width
        self.toolbar = self._toolbar()

    def _toolbar(self) -> widgets.HBox:
        stepping = (self.previous, self.next, self.row, self.among, self.next_problem, self.search)
        looking = (self.view, self.width, self.scheme, self.all_rows)
        made = widgets.HBox(
            [*stepping, *looking], layout=layout(flex_flow="row wrap", align_items="center")
        )
        made.add_class("mf-toolbar")
        return made

    def follow(self, walk: Walk, *, row: str) -> None:
        """Show where the reader is. Nothing is switched off: a button that is would lose the keyboard's focus.

        Args:
            walk: where that is.
            row: the label of the row.
        """
        self.row.value = row
        options = [
            (f"{self.names[among]}{_count(walk.sets.get(among))}", among)
            for among in _offered(walk)
        ]
        if tuple(options) != self.among.options:  # to write them takes the focus away
            self.among.options = options
        self.among.value = walk.among
        count = len(walk.members)
        self.slider.layout.visibility = "visible" if 2 < count <= SLIDER_ROWS else "hidden"  # noqa: PLR2004 - two are two buttons
        self.slider.max = max(min(count, SLIDER_ROWS) - 1, 1)
        self.slider.value = min(walk.place, self.slider.max)


_VIEWS = [
    "The HTML part, isolated",
    "The text part",
    "The message as Postmark's JSON, attachments cut",
    "The row, as the templates see it",
]


def button(text: str, tooltip: str) -> widgets.Button:
    """A button as wide as its text."""
    return widgets.Button(description=text, tooltip=tooltip, layout=layout(width="auto"))


def layout(**values: str) -> widgets.Layout:
    """A layout of these CSS values."""
    return widgets.Layout(**values)


def _choice(options: list[Any], tooltips: Sequence[str] = ()) -> widgets.ToggleButtons:
    made = widgets.ToggleButtons(
        options=options, tooltips=list(tooltips), layout=layout(width="auto")
    )
    made.style.button_width = "auto"
    return made


def _offered(walk: Walk) -> list[Among]:
    always = (Among.ALL, Among.PROBLEMS)
    return [among for among in Among if among in always or walk.sets.get(among)]


def _count(members: Sequence[int] | None) -> str:
    return "" if members is None else f" ({len(members):,})"
