"""What links and images of a finished HTML body point to: what runs code, what leads nowhere, which inline images."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
"""What a link or an image of a mail may point to; mail clients drop or block the rest, some of it runs."""
ATTRIBUTES: Final = (
    "href",
    "src",
    "action",
    "formaction",
    "background",
    "poster",
    "lowsrc",
    "dynsrc",
)
"""Attributes that hold one address and nothing else; ``xlink:href`` is one of them."""
_SETS: Final = ("srcset", "imagesrcset")
_CODE_ONLY: Final = (
    "data",
    "content",
    "to",
    "from",
    "by",
    "values",
    "cite",
    "longdesc",
    "codebase",
    "ping",
)
"""Attributes that may hold anything; looked at for schemes that run code alone."""
_IMAGES: Final = ("src", "background", "poster", "lowsrc", "dynsrc", *_SETS)
_RUNS: Final = frozenset(
    {"javascript", "vbscript", "livescript", "mocha", "jscript", "data", "view-source"}
)

_LOOKED_FOR: Final = (*ATTRIBUTES, *_SETS, *_CODE_ONLY)
_BEFORE_NAME: Final = " \t\n\r\f\v\x1c\x1d\x1e\x1f\"'/:"
_VALUE = r"""(?P<assigned>\s*=\s*(?:"(?P<double>[^"]*)|'(?P<single>[^']*)|(?P<bare>[^\s>]*)))"""
_ASSIGNED: Final = re.compile(_VALUE)
_TAG_NAME: Final = re.compile(r"[a-zA-Z][^\s/>]*")
_ATTRIBUTE: Final = re.compile(rf"""([^\s/>=][^\s/>=]*){_VALUE}?["']?|(?P<end>>)""")
_CSS_SPACE: Final = " \t\n\r\f"  # not what stands for a value, see ``written_links``
_CSS_URL: Final = re.compile(
    rf"""(?:url\([{_CSS_SPACE}]*["']?|@import\s+["'])[{_CSS_SPACE}]*([^"')]*)""", re.IGNORECASE
)
_CSS_ESCAPE: Final = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_REFRESH: Final = re.compile(r"""\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?["']?""", re.IGNORECASE)
COMMENT: Final = re.compile(r"<!--(?!\s*\[if|\s*<!\[endif|>|->).*?--!?>", re.DOTALL)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_IGNORED: Final = re.compile("[\x00-\x20]")  # browsers drop them: "java\tscript:" runs
_PORT: Final = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+):\d+(?![^/?#])", re.IGNORECASE)
_ABSOLUTE: Final = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^\s@/?#:]+@[^\s@/?#:]+\.[^\s@/?#:]+")
_PLAIN_LINK: Final = re.compile(r"\"https?://[^\s/?#\"',;&](?:[^\s\"',;&]|&amp;)*\"")
_SHOWN_CHARACTERS: Final = 60
_MAX_KNOWN_CHARACTERS: Final = 4_000_000
"""Of pieces of markup that are remembered; a piece of the template comes again in each row."""


@dataclass(frozen=True, slots=True)
class LinkFault:
    """An address that a mail must not have, or that no mail client can follow.

    Attributes:
        url: as it is written, before entities are read.
        detail: what is wrong with it, and what to write.
    """

    url: str
    detail: str


@dataclass(frozen=True, slots=True)
class Links:
    """What a body, or a piece of one, points to.

    Attributes:
        unsafe: addresses that run code or have a scheme that no mail needs.
        incomplete: addresses without a scheme, without a host, or relative ones.
        content_ids: of the inline images, decoded and in lower case.
    """

    unsafe: tuple[LinkFault, ...] = ()
    incomplete: tuple[LinkFault, ...] = ()
    content_ids: frozenset[str] = frozenset()


@dataclass(slots=True)
class LinkReader:
    """Reads the bodies of one campaign. Each distinct piece of markup is looked at once, as rows share most of them.

    Attributes:
        is_told: whether an incomplete address is told already; the template writes it.

    >>> LinkReader().read('<a href="https://acme.example">x</a><img src="CID:a%20b.png">').content_ids
    frozenset({'a b.png'})
    """

    is_told: Callable[[str], bool] = field(default=lambda _: False, repr=False)
    _clean: set[str] = field(default_factory=set, repr=False)
    _known: dict[str, Links] = field(default_factory=dict, repr=False)
    _size: int = 0

    def read(self, markup: str) -> Links:
        """What the links and images of an HTML body point to, as it will be sent."""
        new = [
            piece
            for piece in set(markup.split("<")) - self._clean
            if "=" in piece or "(" in piece or "@" in piece
        ]
        found = [(piece, links) for piece in new if (links := self._links(piece)) is not _NONE]
        if not found:
            return _NONE
        if len(found) > 1:
            found.sort(key=lambda each: markup.find("<" + each[0]))
        live = COMMENT.sub("", markup) if "<!--" in markup else markup
        shown = [links for piece, links in found if "<" + piece in live]
        return Links(
            tuple([fault for _, links in found for fault in links.unsafe]),
            tuple(
                [one for links in shown for one in links.incomplete if not self.is_told(one.url)]
            ),
            frozenset().union(*[links.content_ids for links in shown]),
        )

    def _links(self, piece: str) -> Links:
        """What one piece of markup, from a ``<`` to the next, points to."""
        links = self._known.get(piece)
        if links is None:
            alike = _alike(piece)
            links = self._known.get(alike)
            if links is None:
                links = self._known[alike] = links_of(alike)
            self._remember(piece, links)
        return links

    def _remember(self, piece: str, links: Links) -> None:
        self._size += len(piece)
        if self._size > _MAX_KNOWN_CHARACTERS:
            self._clean, self._known, self._size = set(), {}, 0
        if links is _NONE:
            self._clean.add(piece)
        else:
            self._known[piece] = links


_NONE: Final = Links()


def _alike(piece: str) -> str:
    """A piece that points to what *piece* points to, and that many rows share: plain links and the text are cut."""
    tag, end, text = piece.partition(">")
    if "=" not in text and "(" not in text and "@" not in text:
        piece = tag + end
    return _PLAIN_LINK.sub('"https://a"', piece) if '"http' in piece else piece


def link_faults(markup: str) -> list[str]:
    """What is unsafe about the addresses that links and images of an HTML body point to.

    >>> link_faults('<a href="https://acme.example">x</a>')
    []
    >>> len(link_faults('<a href="java&#x0A;script:alert(1)">x</a>'))
    1
    """
    return [fault.detail for fault in LinkReader().read(markup).unsafe]


# --- one piece of markup ---------------------------------------------------------------------------------


def links_of(piece: str) -> Links:
    """What one piece of markup points to, from after a ``<`` to the next.

    >>> links_of('a href="javascript:x">x').unsafe[0].detail.partition(";")[0]
    "href='javascript:x' points to javascript:"
    """
    unsafe: dict[LinkFault, None] = {}
    for name, written, value in _assigned(piece):
        for url in _urls(name, value, piece):
            if fault := _unsafe(url, name=name, written=written):
                unsafe[LinkFault(url, fault)] = None
    for url in _css_urls(piece) if "style" in piece.lower() else ():
        if fault := _unsafe(url, name="values", written="url()", image=True):
            unsafe[LinkFault(url, fault)] = None
    shown = list(addresses(piece))
    ids = (content_id(url) for _, url in shown)
    incomplete = [
        LinkFault(url, detail) for name, url in shown if (detail := why_incomplete(name, url))
    ]
    links = Links(
        tuple(unsafe), tuple(dict.fromkeys(incomplete)), frozenset(one for one in ids if one)
    )
    return _NONE if links == _NONE else links


def _assigned(piece: str) -> Iterator[tuple[str, str, str]]:
    """Each attribute that may hold an address, as it is written, and its value; in a tag or anywhere else."""
    lower = piece.replace(
        "\u0130", "i"
    ).lower()  # of the same length: that letter alone becomes two
    for name in _LOOKED_FOR:
        at = lower.find(name)
        while at >= 0:
            end = at + len(name)
            if (not at or piece[at - 1] in _BEFORE_NAME) and (found := _ASSIGNED.match(piece, end)):
                yield name, piece[at:end], _value(found)
            at = lower.find(name, end)


def _value(found: re.Match[str]) -> str:
    return found["double"] or found["single"] or found["bare"] or ""


def addresses(piece: str) -> Iterator[tuple[str, str]]:
    """Each address of a tag, with its attribute; and of the CSS in it or after it."""
    tag = _TAG_NAME.match(piece)
    if tag is None:
        return
    for found in _ATTRIBUTE.finditer(piece, tag.end()):
        if found["end"]:
            break
        if not found["assigned"]:
            continue
        name = found[1].lower()
        local = name.rpartition(":")[2] if name.startswith("xlink:") else name
        if (
            local in ATTRIBUTES
            or local in _SETS
            or (local == "data" and tag[0].lower() == "object")
        ):
            yield from ((found[1], url) for url in _urls(local, _value(found), piece))
        elif local == "style":
            yield from (("url()", url) for url in _css_urls(_value(found)))
    if tag[0].lower() == "style":
        yield from (("url()", url) for url in _css_urls(piece))


def _urls(name: str, value: str, piece: str) -> Iterable[str]:
    """The addresses in an attribute's value: one, one per candidate of a set, or that of a refresh."""
    if name in _SETS:
        return _candidates(value)
    if name == "content":
        return (
            [_REFRESH.sub("", html.unescape(value), count=1)]
            if "refresh" in html.unescape(piece).lower()
            else []
        )
    return html.unescape(value).split(";") if name == "values" else [value]


def _candidates(value: str) -> Iterator[str]:
    """The addresses of a ``srcset``: each up to white space, without the commas at its end (HTML, 4.8.4.2.1)."""
    rest = value.lstrip(" \t\n\f\r,")
    while rest:
        url = re.split(r"[ \t\n\f\r]", rest, maxsplit=1)[0]
        rest = rest[len(url) :]
        if not url.endswith(","):
            rest = rest.partition(",")[2]
        rest = rest.lstrip(" \t\n\f\r,")
        yield url.rstrip(",")


def _css_urls(css: str) -> list[str]:
    if "(" not in css and "@" not in css and "&" not in css:
        return []
    plain = _CSS_ESCAPE.sub(_character, html.unescape(css) if "&" in css else css)
    return [found[1].strip(_CSS_SPACE) for found in _CSS_URL.finditer(plain)]


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if 0 < code < 0x110000 else ""  # noqa: PLR2004 - the end of Unicode


# --- one address -----------------------------------------------------------------------------------------


def _unsafe(url: str, *, name: str, written: str, image: bool = False) -> str:
    """What is unsafe about an address; empty when nothing is."""
    if _ABSOLUTE.match(url) or url.startswith(("mailto:", "cid:", "#", "{{{")):
        return ""
    plain = _IGNORED.sub("", html.unescape(url) if "&" in url else url)
    scheme = _SCHEME.match(plain)
    if not scheme or scheme[1].lower() in SAFE_SCHEMES or _PORT.match(plain):
        return ""
    if name in _CODE_ONLY and scheme[1].lower() not in _RUNS:
        return ""
    if (image or name in _IMAGES) and re.match(
        r"data:(?:image|font|application/(?:x-)?font)", plain, re.IGNORECASE
    ):
        return ""
    if name == "data" and re.match(r"data:image/(?!svg)", plain, re.IGNORECASE):
        return ""
    return f"{written}={url[:60]!a} points to {scheme[1]}:; a mail may use {', '.join(sorted(SAFE_SCHEMES))}"


def why_incomplete(name: str, url: str) -> str:
    """What keeps a mail client from following an address; empty when nothing does."""
    if _ABSOLUTE.match(url):
        return ""
    text = _IGNORED.sub("", html.unescape(url))
    if _ABSOLUTE.match(text) or (text.startswith("#") and not name.lower().endswith("src")):
        return ""
    why = _why_no_client_follows(text)
    return f"{name}={url[:60]!a} {why}" if why else ""


def _why_no_client_follows(text: str) -> str:
    if not text:
        return "is empty; write an address, or leave the tag out"
    found = _SCHEME.match(text)
    if "{{{" in text:  # Postmark's own placeholder
        return ""
    if found and not _PORT.match(text):
        return _why_scheme_alone(found[1].lower(), text[found.end() :])
    if _EMAIL.fullmatch(text.partition("?")[0]):
        return f"is an email address; write {_with('mailto:', text)}"
    if text.startswith("//") or text.lower().startswith("www.") or _PORT.match(text):
        return (
            f"has no scheme; write {_with('https:' if text.startswith('//') else 'https://', text)}"
        )
    return "is relative, and a mail has no page that it belongs to; write the whole address with https://"


def _with(scheme: str, text: str) -> str:
    """The address to write; a long one is not written out."""
    return f"{scheme}{text}" if len(text) <= _SHOWN_CHARACTERS else f"{scheme} in front of it"


def _why_scheme_alone(scheme: str, rest: str) -> str:
    if scheme in ("http", "https"):
        return f"has no host; write {scheme}://, the host and the path"
    return "" if rest.strip() else f"has nothing after {scheme}:"


def content_id(url: str) -> str:
    """The content id of a ``cid:`` address, percent-decoded (RFC 2392); empty for other addresses."""
    text = html.unescape(url).strip() if "&" in url or url[:1].isspace() else url
    return unquote(text[4:]).strip().lower() if text[:4].lower() == "cid:" else ""
