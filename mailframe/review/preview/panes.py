"""What the widget shows: status line, header, problems, the chosen part of a message, footer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from mailframe.pages.card import LARGE_HTML, html_part
from mailframe.pages.environment import render
from mailframe.pages.isolation import HEIGHT_PX, PHONE_PX
from mailframe.review.preview.controls import layout

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
        self.status = widgets.HTML()
        self.header, self.side, self.main = widgets.HTML(), widgets.HTML(), widgets.HTML()
        message = _box([self.header, self.main], "mf-left", flex="1 1 660px", min_width="0")
        beside = _box([self.side], flex="1 1 170px", min_width="170px")
        self.body = widgets.HBox(
            [message, beside], layout=layout(flex_flow="row wrap", align_items="stretch")
        )
        note = widgets.HTML(render("widget/images"), layout=layout(flex="1 1 420px"))
        self.untaken = widgets.HTML(layout=layout(flex="1 1 100%"))
        self.footer = widgets.HBox(
            [controls.images, note, controls.large, self.untaken],
            layout=layout(flex_flow="row wrap"),
        )
        self.footer.add_class("mf-footer")

    def say(self, text: str) -> None:
        """Put a message in place of the status line."""
        self.status.value = render("widget/line", text=text)

    def show_status(self, place: str, label: str, remarks: Sequence[str]) -> None:
        """Show where the current row is, its label, and the remarks that are not empty."""
        self.status.value = render("widget/status", place=place, label=label, remarks=remarks)

    def show_untaken(self, tour: Tour) -> None:
        """List the branches that no row takes."""
        sampled_rows = tour.looked_at if tour.sampled else 0
        self.untaken.value = render(
            "widget/untaken", branches=tour.untaken, sampled_rows=sampled_rows
        )

    def show(self, mail: Mail, *, is_large_shown: bool) -> None:
        """Show a message.

        Args:
            mail: the message.
            is_large_shown: whether to show its HTML part even if it is large.
        """
        is_html = self._controls.view.value == "HTML"
        is_withheld = is_html and not is_large_shown and len(mail.html or "") > LARGE_HTML
        self._controls.large.layout.display = "" if is_withheld else "none"
        self.header.value = render("widget/header", mail=mail)
        self.side.value = render("widget/side", mail=mail)
        self._show_main(mail, self._frame(mail) if is_html and not is_withheld else None)

    def show_nothing(self) -> None:
        """Show the empty part of a frame without rows."""
        self._show_main(None, None)

    def _show_main(self, mail: Mail | None, frame: Html | None) -> None:
        self.main.value = render(
            "widget/main",
            mail=mail,
            view=self._controls.view.value,
            frame=frame,
            is_phone=self._is_phone,
            height_px=HEIGHT_PX,
        )

    def _frame(self, mail: Mail) -> Html | None:
        controls = self._controls
        width_px = PHONE_PX if self._is_phone else None
        return html_part(
            mail, images=controls.images.value, scheme=controls.scheme.value, width_px=width_px
        )

    @property
    def _is_phone(self) -> bool:
        return bool(self._controls.width.value == "Phone")


def _box(children: Sequence[widgets.Widget], name: str = "", **values: str) -> widgets.VBox:
    box = widgets.VBox(children, layout=layout(**values))
    if name:
        box.add_class(name)
    return box
