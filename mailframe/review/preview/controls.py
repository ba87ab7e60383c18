"""The controls of the widget in two zones: which row is shown, and how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ipywidgets as widgets

from mailframe.pages.isolation import PHONE_PX
from mailframe.review.preview.navigation import RowSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.review.preview.navigation import Navigation


_TOOLTIP: Final = "tooltip" if widgets.Text.class_traits().get("tooltip") else "description_tooltip"
"""The tooltip of a text box; the second is its name in ipywidgets 7."""


class Controls:
    """The controls that a reader uses; they do not know what is shown.

    Args:
        tour_rows: the number of rows that a tour of the whole frame renders, as text.
        names: the names of the sets of rows, as they are offered.
        row_names: what names a row: ``label``, or ``label or customer_id``.
        first_view: the part of a message that is shown first.
    """

    def __init__(
        self, *, tour_rows: str, names: dict[RowSet, str], row_names: str, first_view: str
    ) -> None:
        self.names = names
        self.previous = button("Previous", "The previous row of the selected set")
        self.next = button("Next", "The next row of the selected set")
        self.row = _text_box("Go to", "230px", 40, tooltip=f"The {row_names} of a row, then Enter")
        self.row.placeholder = row_names
        self.row_set = _choice([("All", RowSet.ALL)])
        self.check = button("Check all rows", "Check every row, to step through the problems")
        self.search = _text_box("Search", "290px", 48, tooltip="A text in any column, then Enter")
        self.search.placeholder = "all columns, press Enter"
        self.view = _choice(["HTML", "Text", "JSON", "Data"], _VIEWS)
        self.view.value = first_view
        self.width = _choice(
            ["Desktop", "Phone"], ["The available width", f"{PHONE_PX} pixels wide"]
        )
        self.scheme = _choice(
            [("Light", "light"), ("Dark", "dark")], ["On a light screen", "On a dark screen"]
        )
        self.all_rows = button(
            f"Edge cases of {tour_rows} rows", "So far, they are those of a sample"
        )
        self.images = widgets.Checkbox(
            value=False, description="Load remote images", indent=False, layout=layout(width="auto")
        )
        self.large = button("Show anyway", "A page this large may be slow")
        self.hits = widgets.HTML()

    def zone_of_rows(self, place: widgets.HTML) -> widgets.HBox:
        """Which row is shown: steps, the place of the row, the sets, the boxes.

        Args:
            place: the text that names the current row.
        """
        steps = _group([self.previous, self.next, place])
        sets = _group([self.row_set, self.check])
        boxes = _group([self.row, self.search, self.hits])
        return _zone([steps, sets, boxes], "mf-rows-zone")

    def zone_of_views(self) -> widgets.HBox:
        """How it is shown: the part of the message, and for HTML the screen."""
        return _zone([self.view, self.width, self.scheme], "mf-views-zone")

    def follow(self, navigation: Navigation) -> None:
        """Show the current set. No button is disabled by a step: it would lose the focus."""
        options = [
            (f"{self.names[row_set]}{_count(navigation.sets.get(row_set))}", row_set)
            for row_set in RowSet
            if row_set is RowSet.ALL or navigation.sets.get(row_set)
        ]
        if tuple(options) != self.row_set.options:  # assigning options takes the focus away
            self.row_set.options = options
        self.row_set.value = navigation.current
        self.row.value = ""
        show(self.check, is_shown=RowSet.PROBLEMS not in navigation.sets)
        for control in (self.width, self.scheme):
            show(control, is_shown=self.view.value == "HTML")


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


def show(widget: widgets.Widget, *, is_shown: bool) -> None:
    """Show or hide a widget."""
    widget.layout.display = None if is_shown else "none"


def focus(widget: widgets.Widget) -> None:
    """Give a control the focus of the keyboard; ipywidgets 7 cannot."""
    if hasattr(widget, "focus"):
        widget.focus()


def _group(children: Sequence[widgets.Widget]) -> widgets.HBox:
    """Controls that belong together, so that a toolbar wraps between groups."""
    group = widgets.HBox(children, layout=layout(flex_flow="row wrap", align_items="center"))
    group.add_class("mf-group")
    return group


def _zone(children: Sequence[widgets.Widget], name: str) -> widgets.HBox:
    zone = _group(children)
    zone.add_class("mf-toolbar")
    zone.add_class(name)
    return zone


def _text_box(name: str, width: str, label_px: int, *, tooltip: str) -> widgets.Text:
    box = widgets.Text(description=name, continuous_update=False, layout=layout(width=width))
    setattr(box, _TOOLTIP, tooltip)
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
