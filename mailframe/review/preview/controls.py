"""The controls of the widget, each with a name and a tooltip, in one toolbar that wraps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from mailframe.pages.isolation import PHONE_PX
from mailframe.review.preview.navigation import RowSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.review.preview.navigation import Navigation

SLIDER_ROWS = 2_000
"""Above this, one pixel of a slider is several rows."""


class Controls:
    """The controls that a reader uses; they do not know what is shown.

    Args:
        rows: the number of rows of the frame.
        tour_rows: the number of rows that a tour of the whole frame renders.
        names: the names of the sets of rows, as they are offered.
        first_view: the part of a message that is shown first.
    """

    def __init__(
        self, rows: int, *, tour_rows: int, names: dict[RowSet, str], first_view: str
    ) -> None:
        self.names = names
        self.previous = button("Previous", "The previous row of the selected set")
        self.next = button("Next", "The next row of the selected set")
        self.row = _text_box("Row", "150px", label_px=32, tooltip="The label of a row, or its key")
        self.row_set = _choice([("All", RowSet.ALL)])
        self.next_problem = button("Next problem", "The next row with an error or a warning")
        self.search = _text_box("Search", "230px", label_px=46, placeholder="all columns")
        self.view = _choice(["HTML", "Text", "JSON", "Data"], _VIEWS)
        self.view.value = first_view
        self.width = _choice(
            ["Desktop", "Phone"], ["The available width", f"{PHONE_PX} pixels wide"]
        )
        self.scheme = _choice(
            [("Light", "light"), ("Dark", "dark")], ["On a light screen", "On a dark screen"]
        )
        number = "all" if tour_rows == rows else f"{tour_rows:,}"
        self.all_rows = button(
            f"Tour of {number} rows", "The tour so far covers only a small sample of the rows"
        )
        self.slider = widgets.IntSlider(
            min=0, max=1, readout=False, description="Position", layout=layout(width="99%")
        )
        self.slider.style.description_width = "54px"
        self.images = widgets.Checkbox(
            value=False, description="Load remote images", indent=False, layout=layout(width="auto")
        )
        self.large = button("Show anyway", "A page this large may be slow")
        self.toolbar = self._toolbar()

    def _toolbar(self) -> widgets.HBox:
        rows = (self.previous, self.next, self.row, self.row_set, self.next_problem, self.search)
        views = (self.view, self.width, self.scheme, self.all_rows)
        toolbar = widgets.HBox(
            [*rows, *views], layout=layout(flex_flow="row wrap", align_items="center")
        )
        toolbar.add_class("mf-toolbar")
        return toolbar

    def follow(self, navigation: Navigation, *, row: str) -> None:
        """Show the current row. No button is ever disabled: it would lose the keyboard focus.

        Args:
            navigation: the navigation, which has the current row and set.
            row: the label of the row.
        """
        self.row.value = row
        options = [
            (f"{self.names[row_set]}{_count(navigation.sets.get(row_set))}", row_set)
            for row_set in RowSet
            if row_set in (RowSet.ALL, RowSet.PROBLEMS) or navigation.sets.get(row_set)
        ]
        if tuple(options) != self.row_set.options:  # assigning options takes the focus away
            self.row_set.options = options
        self.row_set.value = navigation.current
        count = len(navigation.members)
        self.slider.layout.visibility = "visible" if 2 < count <= SLIDER_ROWS else "hidden"  # noqa: PLR2004 - two buttons reach two rows
        self.slider.max = max(min(count, SLIDER_ROWS) - 1, 1)
        self.slider.value = min(navigation.place, self.slider.max)


_VIEWS = [
    "The HTML part, isolated",
    "The text part",
    "The payload as Postmark receives it, without the content of attachments",
    "The row, as the templates see it",
]


def button(text: str, tooltip: str) -> widgets.Button:
    """A button as wide as its text."""
    return widgets.Button(description=text, tooltip=tooltip, layout=layout(width="auto"))


def layout(**values: str) -> widgets.Layout:
    """A layout of these CSS values."""
    return widgets.Layout(**values)


def _text_box(name: str, width: str, *, label_px: int, **options: str) -> widgets.Text:
    box = widgets.Text(
        description=name, continuous_update=False, layout=layout(width=width), **options
    )
    box.style.description_width = f"{label_px}px"
    return box


def _choice(options: list[Any], tooltips: Sequence[str] = ()) -> widgets.ToggleButtons:
    buttons = widgets.ToggleButtons(
        options=options, tooltips=list(tooltips), layout=layout(width="auto")
    )
    buttons.style.button_width = "auto"
    return buttons


def _count(members: Sequence[int] | None) -> str:
    return "" if members is None else f" ({len(members):,})"
