"""The links of a mail, as a list from which a person can open them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.text import one_line
from mailframe.pages.tree import refuse_many_tags, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from justhtml import Node

MAX_LINKS: Final = 300
_MAX_TEXT: Final = 1_000_000
"""Characters of the text part that are searched."""
_IN_TEXT: Final = re.compile(r"https?://[^\s<>\"]{1,4000}", re.IGNORECASE)
_AFTER: Final = ".,;:!?)]}'*_"
"""What ends a sentence, not an address."""
_WEB: Final = re.compile(r"(https?):[/\\]*([^/\\?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_DROPPED: Final = re.compile(r"[\t\n\r]")
"""What browsers drop from an address, wherever it stands."""
_BLANK: Final = "".join(map(chr, range(33)))
"""What browsers drop at its ends."""
_KEPT: Final = "!#$%&'()*+,-./:;=?@[]_~"


@dataclass(frozen=True, slots=True)
class MailLink:
    """One link.

    Attributes:
        text: what a reader sees of it, as one line; empty for none.
        address: the address as the mail has it.
        part: ``HTML`` or ``Text``.
        href: the address in ASCII for a page of our own; empty unless it is one of the web.
        host: the host that it leads to; empty unless it is one of the web.
    """

    text: str
    address: str
    part: str
    href: str = ""
    host: str = ""

    @property
    def opens(self) -> bool:
        """Whether a page may offer to open it."""
        return bool(self.href)

    @property
    def host_matters(self) -> bool:
        """Whether the address or the text may make a reader expect another host."""
        return (
            "@" in self.address.partition("?")[0]
            or not self.address.isascii()
            or ("." in self.text and " " not in self.text and self.host not in self.text.lower())
        )


def links_of(html: str | None, text: str | None) -> list[MailLink]:
    """The links of both bodies, each once for each text, in the order of the mail.

    >>> [(link.text, link.href) for link in links_of('<a href="https://a.example/x">Go</a>', None)]
    [('Go', 'https://a.example/x')]
    >>> [link.opens for link in links_of('<a href="javascript:alert(1)">Go</a>', None)]
    [False]
    """
    pairs = [*_in_html(html or ""), *_in_text((text or "")[:_MAX_TEXT])]
    return [_link(*pair) for pair in dict.fromkeys(pairs)]


def _link(text: str, address: str, part: str) -> MailLink:
    href, host = web_address(address)
    return MailLink(text, address, part, href, host)


def web_address(address: str) -> tuple[str, str]:
    r"""The address as a browser would open it, and its host; empty texts unless it is a web one.

    >>> web_address(" HTTPS:\\\\a.example\\x y\u202e")
    ('https://a.example/x%20y%E2%80%AE', 'a.example')
    >>> web_address("https://bank.example@evil.example/")[1], web_address("//a.example")
    ('evil.example', ('', ''))
    """
    match = _WEB.fullmatch(_DROPPED.sub("", address).strip(_BLANK))
    if match is None:
        return "", ""
    scheme, server, rest = match.groups()
    path, mark, query = rest.partition("?")
    plain = f"{scheme.lower()}://{server}{path.replace(chr(92), '/')}{mark}{query}"
    try:
        host = urlsplit(plain).hostname or ""
    except ValueError:
        return "", ""
    if not host or re.search(r"[\x00-\x20<>^`{|}\x7f]", host):
        return "", ""
    return quote(plain, safe=_KEPT, errors="replace"), host


def _in_html(html: str) -> Iterator[tuple[str, str, str]]:
    try:
        refuse_many_tags(html)
    except HtmlFault:
        return
    root = tree(html) if html else None
    waiting: list[Node] = [*reversed(root.children or ())] if root is not None else []
    while waiting:
        node = waiting.pop()
        if node.name in ("a", "area") and (address := (node.attrs or {}).get("href")):
            yield _text_of(node), address, "HTML"
        if node.name[0] not in "#!":
            waiting += reversed(node.children or ())


def _text_of(node: Node) -> str:
    """What a reader sees of an element, or hears."""
    pieces: list[str] = []
    waiting = [node]
    while waiting and len(pieces) < MAX_LINKS:
        one = waiting.pop()
        if one.name == "#text":
            pieces.append(str(one.data))
        elif one.name in ("img", "area"):
            pieces.append((one.attrs or {}).get("alt") or "")
        elif one.name[0] not in "#!":
            waiting += reversed(one.children or ())
    return one_line(" ".join(pieces), most=120)


def _in_text(text: str) -> Iterator[tuple[str, str, str]]:
    for match in _IN_TEXT.finditer(text):
        yield "", match[0].rstrip(_AFTER), "Text"
