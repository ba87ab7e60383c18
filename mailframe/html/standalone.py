"""A whole HTML file that needs no other: no script, nothing remote, light or dark by the reader's screen."""

from __future__ import annotations

from mailframe.html.environment import Html, render


def standalone(title: str, body: Html) -> str:
    """The text of the file.

    Args:
        title: of the window.
        body: a page of this package.

    >>> standalone("Plan", render("widget/line", text="Hi")).startswith("<!doctype html>")
    True
    """
    return f"{render('standalone', title=title, body=body)}\n"
