"""The HTML that pandas makes of a DataFrame, with a summary line above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.pages.environment import Html, render
from mailframe.pages.text import END, ISOLATE

if TYPE_CHECKING:
    from collections.abc import Sequence


def data_frame(table: str, *, lead: str = "", notes: Sequence[str] = ()) -> str:
    """The table, protected from MathJax, which would typeset ``$…$`` in labels and cells.

    Args:
        table: the HTML from ``DataFrame._repr_html_``, which escapes labels and cells.
        lead: the line above the table.
        notes: further lines between the two; parts that ``isolated`` made stand for themselves.
    """
    markers = {"ISOLATE": ISOLATE, "END": END}
    return str(render("data_frame", table=Html(table), lead=lead, notes=notes, **markers))
