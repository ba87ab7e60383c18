"""Links that are not encrypted, and links that only one of the HTML and text parts has."""

from __future__ import annotations

import html
import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mailframe.letter.jinja.template_marks import STATEMENT
from mailframe.letter.lint.body_links import addresses, tag_name
from mailframe.letter.lint.template_images import PlaceInTemplate
from mailframe.letter.lint.template_links import marked, marked_pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_URL: Final = re.compile(rf"https?://[^\s<>\"'`{{}}{STATEMENT}]+{STATEMENT}?", re.IGNORECASE)
_END_OF_SENTENCE: Final = ".,;:!?)]}>*_"
_HTTPS: Final = "a link without encryption, which others on the way can read and change"


def insecure_links(sources: Mapping[str, str], *, is_html: bool) -> Iterator[PlaceInTemplate]:
    """Each ``http://`` address; one of the same network, such as localhost, is left out.

    An address whose host is a value is left out, too.

    Args:
        sources: the sources of the templates, by name.
        is_html: whether they are HTML.

    >>> [place.text for place in insecure_links({"text_body": "http://a.example."}, is_html=False)]
    ['http://a.example']
    """
    for name, source in sources.items():
        for line, url in _urls(source, is_html=is_html):
            if url[:7].lower() == "http://" and _is_public(url):
                text = url.replace(STATEMENT, "…")
                why = f"{_HTTPS}; write https://"
                yield PlaceInTemplate(name, line, text[:60], why)


def _urls(source: str, *, is_html: bool) -> Iterator[tuple[int, str]]:
    """The URLs of a template with their lines; ``STATEMENT`` stands for each value in one."""
    if is_html:
        for line, piece in marked_pieces(source):
            for _, url in addresses(piece):
                yield line, html.unescape(url).strip(" \t\r\n")
        return
    text = marked(source)
    for match in _URL.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[0].rstrip(_END_OF_SENTENCE)


def _is_public(url: str) -> bool:
    """Whether the host of a URL is on the internet, as far as its name tells."""
    try:
        host = urlsplit(url.partition(STATEMENT)[0]).hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        is_whole = STATEMENT not in url[: len("http://") + len(host) + 1]
        return "." in host and is_whole and "{" not in host


def differing_links(of_one: Iterable[str], of_other: Iterable[str], *, is_html: bool) -> list[str]:
    """The links of one part that the other does not have, each as host and path.

    Only links whose host and path no value can change are compared; their query is not. A link
    counts as there if its host and path are anywhere in the templates of the other part, for a home
    page its host.

    Args:
        of_one: the sources of the templates of a part.
        of_other: the sources of the templates of the other part.
        is_html: whether the first part is the HTML part.

    >>> differing_links(['<a href="https://www.a.example/x?y=1">x</a>'], ["Hi"], is_html=True)
    ['a.example/x']
    """
    there = html.unescape("\n".join(of_other)).lower()
    pages = dict.fromkeys(
        page for source in of_one for url in _links(source, is_html=is_html) if (page := _page(url))
    )
    return [page for page in pages if page.lower() not in there]


def _links(source: str, *, is_html: bool) -> Iterator[str]:
    if not is_html:
        yield from (url for _, url in _urls(source, is_html=False))
        return
    for _, piece in marked_pieces(source):
        if tag_name(piece) in ("a", "area"):
            yield from (html.unescape(url) for name, url in addresses(piece) if name == "href")


def _page(url: str) -> str:
    """The host without ``www.`` and the path of a web address; empty if a value can change them."""
    whole = re.split(r"[?#]", url, maxsplit=1)[0].strip(" \t\r\n")
    if STATEMENT in whole or "{" in whole or whole[:4].lower() != "http":
        return ""
    try:
        parts = urlsplit(whole)
    except ValueError:
        return ""
    host = (parts.hostname or "").removeprefix("www.")
    return host + parts.path.rstrip("/") if host else ""
