"""What the widget shows: the place of the row, its message, its problems, and a footer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from mailframe.pages.card import LARGE_HTML, html_part
from mailframe.pages.environment import render
from mailframe.pages.height import height_of
from mailframe.pages.isolation import PHONE_PX
from mailframe.review.preview.controls import layout, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.pages.environment import Html
    from mailframe.pages.mail import Mail
    from mailframe.review.preview.controls import Controls
    from mailframe.review.tour import Tour


class Panes:
    """The HTML of the widget. It only shows what it is given.

    Args:
        controls: the controls of the same widget; they choose the part that is shown.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self.style = widgets.HTML(render("widget/style"), layout=layout(display="none"))
        self.place, self.note = widgets.HTML(), widgets.HTML()
        self.header, self.main, self.side = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.rows = controls.zone_of_rows(self.place)
        message = _box([controls.zone_of_views(), self.header, self.main], "mf-left")
        message.layout.flex, message.layout.min_width = "1 1 560px", "0"
        self.side.layout.flex = "1 1 190px"
        self.body = widgets.HBox(
            [message, self.side], layout=layout(flex_flow="row wrap", align_items="stretch")
        )
        self._images = widgets.HTML(render("widget/images"), layout=layout(flex="1 1 300px"))
        self.untaken = widgets.HTML(layout=layout(flex="1 1 100%"))
        self.footer = widgets.HBox(
            [controls.images, self._images, controls.large, self.untaken, controls.all_rows],
            layout=layout(flex_flow="row wrap", align_items="center"),
        )
        self.footer.add_class("mf-footer")
        self.parts = [self.style, self.rows, self.note, self.body, self.footer]

    def say(self, text: str) -> None:
        """Show a message above the mail; an empty one removes it."""
        self.note.value = render("widget/line", text=text) if text else ""

    def say_hits(self, text: str) -> None:
        """Show the number of matches beside the search."""
        self._controls.hits.value = render("widget/hits", text=text) if text else ""

    def show_place(self, place: str, label: str) -> None:
        """Show where the current row is in its set, and its name."""
        self.place.value = render("widget/status", place=place, label=label)

    def show_untaken(self, tour: Tour) -> None:
        """List the branches that no row takes, and say how many rows were sampled."""
        self.untaken.value = render("widget/untaken", tour=tour)

    def show(self, mail: Mail, reasons: Sequence[str], *, is_large_shown: bool) -> None:
        """Show a message.

        Args:
            mail: the message.
            reasons: the reasons why its row is shown.
            is_large_shown: whether to show its HTML part even if it is large.
        """
        is_html = self._controls.view.value == "HTML"
        is_withheld = is_html and not is_large_shown and len(mail.html or "") > LARGE_HTML
        show(self._controls.large, is_shown=is_withheld)
        for control in (self._controls.images, self._images):
            show(control, is_shown=is_html and mail.html is not None)
        warnings = mail.warnings
        self.header.value = render("widget/header", mail=mail, reasons=reasons)
        show(self.side, is_shown=bool(warnings))
        self.side.value = render("widget/side", warnings=warnings) if warnings else ""
        height_px = height_of(mail.html, mail.text, is_phone=self._is_phone)
        is_shown = is_html and not is_withheld
        self._show_main(mail, self._frame(mail, height_px) if is_shown else None, height_px)

    def _show_main(self, mail: Mail, frame: Html | None, height_px: int) -> None:
        self.main.value = render(
            "widget/main",
            mail=mail,
            view=self._controls.view.value,
            frame=frame,
            is_phone=self._is_phone,
            height_px=height_px,
        )

    def _frame(self, mail: Mail, height_px: int) -> Html | None:
        controls = self._controls
        return html_part(
            mail,
            images=controls.images.value,
            scheme=controls.scheme.value,
            width_px=PHONE_PX if self._is_phone else None,
            height_px=height_px,
        )

    @property
    def _is_phone(self) -> bool:
        return bool(self._controls.width.value == "Phone")


def _box(children: Sequence[widgets.Widget], name: str) -> widgets.VBox:
    box = widgets.VBox(children)
    box.add_class(name)
    return box
