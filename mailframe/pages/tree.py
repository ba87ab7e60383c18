"""HTML as the tree that a browser makes of it with scripts disabled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from justhtml import JustHTML

from mailframe.pages.html_fault import HtmlFault

if TYPE_CHECKING:
    from justhtml import Document, DocumentFragment

MAX_COPIES: Final = 1_000_000
"""Elements that a parser may have to add; so many take it 4 seconds and 400 MB (measured)."""
_NAMES: Final = "a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_OPENED: Final = re.compile(rf"<(?:{_NAMES})[\s/>]", re.IGNORECASE)
_ATTRIBUTES: Final = r"""(?:\s+[\w:.-]+(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=`]+))?)*"""
_CLOSED: Final = re.compile(
    rf"<([a-z][a-z0-9:-]*){_ATTRIBUTES}\s*>[^<>]*</\1\s*>"
    rf"|<(?:br|img|hr|wbr){_ATTRIBUTES}\s*/?>",
    re.IGNORECASE,
)
_DEPTH: Final = 12


MAX_TAGS: Final = 100_000
"""Tags and character references of a mail that is read as a whole; so many take up to three seconds
(measured). Nothing else takes as long: not depth, and neither a megabyte of text, styles or
attributes."""


def refuse_many_tags(html: str) -> None:
    """Refuse HTML that takes many seconds to read.

    Raises:
        HtmlFault: it has too many tags or character references.
    """
    tags, references = html.count("<"), html.count("&")
    if tags + references > MAX_TAGS:
        counts = f"{tags:,} tags and {references:,} character references"
        raise HtmlFault(f"the HTML has {counts}; {MAX_TAGS:,} together can be read; shorten it")


def tree(html: str) -> Document | DocumentFragment | None:
    """The document of that HTML; None if it would be many thousand times as large.

    A parser repeats elements such as ``<b>`` that are not closed in each paragraph that follows.

    >>> [node.name for node in tree("<p>Hi").children]
    ['html']
    """
    if _copies(html) > MAX_COPIES:
        return None
    return JustHTML(html, sanitize=False, scripting_enabled=False).root


def _copies(html: str) -> int:
    """At most how many elements a parser adds for elements that are not closed properly."""
    tags = html.count("<")
    if len(_OPENED.findall(html)) * tags <= MAX_COPIES:
        return 0
    for _ in range(_DEPTH):  # remove what is closed properly, from the inside out
        html, closed = _CLOSED.subn("", html)
        if not closed:
            break
    return len(_OPENED.findall(html)) * tags
