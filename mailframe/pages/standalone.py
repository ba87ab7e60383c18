"""A self-contained HTML file: no script, nothing remote, light or dark as the reader's screen."""

from __future__ import annotations

from typing import Final

from mailframe.pages.environment import Html, render

_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-src data:; form-action 'none'; base-uri 'none'"
)


def standalone(title: str, body: Html) -> str:
    """The text of the file.

    Args:
        title: the title of the window.
        body: a page of this package.

    >>> standalone("Plan", render("widget/line", text="Hi")).startswith("<!doctype html>")
    True
    """
    return f"{render('standalone', policy=_POLICY, title=title, body=body)}\n"
