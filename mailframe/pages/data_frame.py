"""The HTML that pandas makes of a DataFrame, with a summary line above it."""

from __future__ import annotations

from mailframe.pages.environment import Html, render


def data_frame(table: str, *, lead: str = "") -> str:
    """The table, protected from MathJax, which would typeset ``$…$`` in labels and cells.

    Args:
        table: the HTML from ``DataFrame._repr_html_``, which escapes labels and cells.
        lead: the line above the table.
    """
    return str(render("data_frame", table=Html(table), lead=lead))
