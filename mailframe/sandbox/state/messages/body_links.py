"""The links of a body that Postmark would track. Pure."""

from __future__ import annotations

import html
import re
from typing import Final

_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_ANCHOR: Final = re.compile(r"<a\s[^>]*>", re.IGNORECASE)
_HREF: Final = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_UNTRACKED: Final = re.compile(r"\sdata-pm-no-track\b", re.IGNORECASE)  # D
_TEXT_LINK: Final = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_WEB: Final = ("http://", "https://")


def html_links(body: str) -> list[str]:
    """The web addresses of the links in HTML, in order; one may occur twice.

    >>> html_links('<a class="b" href="https://a.example/?x=1&amp;y=2">A</a> <a href="#top">B</a>')
    ['https://a.example/?x=1&y=2']
    """
    links = []
    if "<!--" in body:
        body = _COMMENT.sub("", body)
    for tag in _ANCHOR.findall(body):
        href = _HREF.search(tag)
        if href and not _UNTRACKED.search(tag):
            links.append(html.unescape(href[1] or href[2] or href[3] or "").strip())
    return [link for link in links if link.lower().startswith(_WEB)]


def text_links(body: str) -> list[str]:
    """The web addresses in plain text, in order, without the punctuation behind them.

    >>> text_links("See https://a.example/b. (Or http://c.example)")
    ['https://a.example/b', 'http://c.example']
    """
    return [match.rstrip(".,;:!?)]}") for match in _TEXT_LINK.findall(body)]
