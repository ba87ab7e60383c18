"""Readers of static pages: their elements, attributes and texts, and the cells of a row."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from mailframe.pages.safe_copy import safe_copy

if TYPE_CHECKING:
    import mailframe as mf
    from mailframe.message.composed import Composed

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</iframe></table></div><base href=//evil.example>",
    "</style><link rel=stylesheet href=//evil.example/x.css>",
    "--><meta http-equiv=refresh content=0>",
    "&lt;b&gt;",
    "\u202egnp.exe",
    "\x1b[31mred",
    "$x^2$",
)
OURS = frozenset(
    """
    a article b base bdi body br code dd details div dl dt figcaption figure h1 h2 h3 h4 head html
    iframe input label li main meta nav ol p pre section small span style summary table tbody td th
    thead title tr ul
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
)


class Page(HTMLParser):
    """The elements of a page in their order, and the text that a reader sees."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._hidden = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        self._hidden = tag if tag in ("style", "script") else ""

    def handle_endtag(self, tag):
        """What is hidden ends."""
        self._hidden = ""

    def handle_data(self, data):
        """Note a text."""
        if not self._hidden:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All texts together."""
        return "".join(self.texts)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of that name."""
        return [attributes for name, attributes in self.elements if name == tag]


def is_harmless(markup: str) -> bool:
    """Only our own elements, no handlers, no addresses, and frames only with an empty sandbox.

    A link may lead to a place of the same page, and a choice may be made.
    """
    page = Page(markup)
    for name, attributes in page.elements:
        assert name in OURS, name
        inside = re.fullmatch(r"#[a-z]+(-\d+)?", attributes.get("href") or "")
        assert not [
            key
            for key in attributes
            if key.startswith("on") or key in ("src", "action") or (key == "href" and not inside)
        ], attributes
        if name == "input":
            assert attributes["type"] == "radio"
        if name == "iframe":
            assert attributes["sandbox"] == ""
            assert attributes["srcdoc"]
    return True


def hardened(html: str) -> str:
    """The copy of a mail alone, as a document."""
    return safe_copy(html).written()


def mail_of(frame_attributes: dict[str, str | None]) -> str:
    """The document inside the frame inside a frame."""
    [inner] = Page(frame_attributes["srcdoc"] or "").all("iframe")
    return document_of(inner)


def document_of(inner: dict[str, str | None]) -> str:
    """The document of an inner frame."""
    return unquote((inner["src"] or "").removeprefix("data:text/html;charset=utf-8,"))


def composed_of(campaign: mf.Campaign) -> Composed:
    """The composed campaign inside a campaign."""
    return campaign._composed


def widget_texts(preview: Any) -> list[str]:
    """The text of each of its HTML widgets."""
    waiting, texts = list(preview.children), []
    while waiting:
        child = waiting.pop()
        waiting += getattr(child, "children", ())
        if type(child).__name__ == "HTML":
            texts.append(child.value)
    return texts


def is_missing(cell: Any) -> bool:
    """Whether a cell has no value; lists and other containers always have one."""
    return not isinstance(cell, list | tuple | dict | np.ndarray) and bool(pd.isna(cell))


def cells_of(frame: pd.DataFrame, position: int) -> list[Any]:
    """The cells of one row and the levels of its label, without missing values."""
    row = [
        frame.iloc[position : position + 1, place].tolist()[0] for place in range(frame.shape[1])
    ]
    label = [
        frame.index.get_level_values(level)[position : position + 1].tolist()[0]
        for level in range(frame.index.nlevels)
    ]
    return [cell for cell in [*row, *label] if not is_missing(cell)]


def plain(markup: str) -> str:
    """The markup with its escapes undone, as deep as they are nested in frames."""
    for _ in range(4):
        markup = html.unescape(markup)
    return re.sub(r"data:text/html[^\"]*", lambda match: unquote(match[0]), markup)
