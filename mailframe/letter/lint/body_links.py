"""Links and images of a rendered HTML body: unsafe URLs, incomplete URLs and inline images."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
"""Schemes that a mail can use; mail clients remove or block others, and some run code."""
ATTRIBUTES: Final = tuple(
    "href src action formaction background poster lowsrc dynsrc".split()  # noqa: SIM905
)
"""Attributes with one URL; ``href`` includes ``xlink:href``."""
_SETS: Final = ("srcset", "imagesrcset")
_CODE_ONLY: Final = tuple(
    "data content to from by values cite longdesc codebase ping".split()  # noqa: SIM905
)
"""Attributes with any value, in which only schemes that run code are reported."""
_IMAGES: Final = ("src", "background", "poster", "lowsrc", "dynsrc", *_SETS)
_RUNS: Final = frozenset(
    {"javascript", "vbscript", "livescript", "mocha", "jscript", "data", "view-source"}
)

_ALL_ATTRIBUTES: Final = (*ATTRIBUTES, *_SETS, *_CODE_ONLY)
_BEFORE_NAME: Final = " \t\n\r\f\v\x1c\x1d\x1e\x1f\"'/:"
_VALUE = r"""(?P<assigned>\s*=\s*(?:"(?P<double>[^"]*)|'(?P<single>[^']*)|(?P<bare>[^\s>]*)))"""
_ASSIGNED: Final = re.compile(_VALUE)
_TAG_NAME: Final = re.compile(r"[a-zA-Z][^\s/>]*")
_ATTRIBUTE: Final = re.compile(rf"""([^\s/>=][^\s/>=]*){_VALUE}?["']?|(?P<end>>)""")
_CSS_SPACE: Final = " \t\n\r\f"  # not the marks of ``marks.py``
_CSS_URL: Final = re.compile(
    rf"""(?:url\([{_CSS_SPACE}]*["']?|@import\s+["'])[{_CSS_SPACE}]*([^"')]*)""", re.IGNORECASE
)
_CSS_ESCAPE: Final = re.compile(r"\\([0-9a-fA-F]{1,6})\s?")
_REFRESH: Final = re.compile(r"""\s*[\d.]*\s*[;,]?\s*(?:url\s*=\s*)?["']?""", re.IGNORECASE)
COMMENT: Final = re.compile(r"<!--(?!\s*\[if|\s*<!\[endif|>|->).*?--!?>", re.DOTALL)
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_IGNORED: Final = re.compile("[\x00-\x20]")  # browsers ignore them: "java\tscript:" runs
_PORT: Final = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+):\d+(?![^/?#])", re.IGNORECASE)
_ABSOLUTE: Final = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^\s@/?#:]+@[^\s@/?#:]+\.[^\s@/?#:]+")
_PLAIN_LINK: Final = re.compile(r"\"https?://[^\s/?#\"',;&](?:[^\s\"',;&]|&amp;)*\"")
_SHOWN_CHARACTERS: Final = 60
_MAX_CACHED_CHARACTERS: Final = 4_000_000
"""Of cached pieces of markup; most pieces are the same in each row."""


@dataclass(frozen=True, slots=True)
class LinkFault:
    """A URL that a mail must not have, or that mail clients cannot open.

    Attributes:
        url: the URL as written, before entities are decoded.
        detail: a text that says what is wrong with the URL, and what to write.
    """

    url: str
    detail: str


@dataclass(frozen=True, slots=True)
class Links:
    """The links and images of a body, or of a piece of one.

    Attributes:
        unsafe: URLs that run code or have a scheme that is not safe.
        incomplete: URLs without scheme or host, and relative ones.
        data_images: images inside the HTML (``data:``), which Gmail does not show.
        content_ids: the content ids of the inline images, decoded and in lower case.
    """

    unsafe: tuple[LinkFault, ...] = ()
    incomplete: tuple[LinkFault, ...] = ()
    data_images: tuple[LinkFault, ...] = ()
    content_ids: frozenset[str] = frozenset()

    @property
    def has_fault(self) -> bool:
        """Whether a URL is a problem of its row."""
        return bool(self.unsafe or self.incomplete or self.data_images)


@dataclass(slots=True)
class LinkReader:
    """Checks the bodies of one campaign; each distinct piece of markup is checked once.

    Attributes:
        is_reported: a function of a URL; whether a problem of the template already reports it.

    >>> LinkReader().read('<p><img src="CID:a%20b.png">').content_ids
    frozenset({'a b.png'})
    """

    is_reported: Callable[[str], bool] = field(default=lambda _: False, repr=False)
    _without_links: set[str] = field(default_factory=set, repr=False)
    _links_by_piece: dict[str, Links] = field(default_factory=dict, repr=False)
    _cached_characters: int = 0

    def read(self, markup: str) -> Links:
        """The links and images of an HTML body."""
        pieces = [
            piece
            for piece in dict.fromkeys(markup.split("<"))  # a set would change their order
            if piece not in self._without_links and ("=" in piece or "(" in piece or "@" in piece)
        ]
        linking = [(piece, links) for piece in pieces if (links := self._links(piece)) is not _NONE]
        if not linking:
            return _NONE
        if len(linking) > 1:
            linking.sort(key=lambda pair: markup.find("<" + pair[0]))
        visible = COMMENT.sub("", markup) if "<!--" in markup else markup
        shown = [links for piece, links in linking if "<" + piece in visible]
        incomplete = [fault for links in shown for fault in links.incomplete]
        images = [fault for links in shown for fault in links.data_images]
        return Links(
            tuple([fault for _, links in linking for fault in links.unsafe]),
            tuple([fault for fault in incomplete if not self.is_reported(fault.url)]),
            tuple([fault for fault in images if not self.is_reported(fault.url)]),
            frozenset().union(*[links.content_ids for links in shown]),
        )

    def _links(self, piece: str) -> Links:
        """The links of one piece of markup, from a ``<`` to the next."""
        links = self._links_by_piece.get(piece)
        if links is None:
            shorter = _shortened(piece)
            links = self._links_by_piece.get(shorter)
            if links is None:
                links = self._links_by_piece[shorter] = links_of(shorter)
            self._cache(piece, links)
        return links

    def _cache(self, piece: str, links: Links) -> None:
        self._cached_characters += len(piece)
        if self._cached_characters > _MAX_CACHED_CHARACTERS:
            self._without_links, self._links_by_piece, self._cached_characters = set(), {}, 0
        if links is _NONE:
            self._without_links.add(piece)
        else:
            self._links_by_piece[piece] = links


_NONE: Final = Links()


def _shortened(piece: str) -> str:
    """A piece with the same links, without what varies by row: complete URLs and the text."""
    tag, end, text = piece.partition(">")
    if "=" not in text and "(" not in text and "@" not in text:
        piece = tag + end
    return _PLAIN_LINK.sub('"https://a"', piece) if '"http' in piece else piece


# --- one piece of markup ----------------------------------------------------------------------


def links_of(piece: str) -> Links:
    """The links and images of one piece of markup, from after a ``<`` to the next.

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
    images = [
        LinkFault(url, f"{name}={url[:30]!a}… {DATA_IMAGE}")
        for name, url in shown
        if is_data_image(name, url)
    ]
    links = Links(
        tuple(unsafe),
        tuple(dict.fromkeys(incomplete)),
        tuple(dict.fromkeys(images)),
        frozenset(one for one in ids if one),
    )
    return _NONE if links == _NONE else links


def _assigned(piece: str) -> Iterator[tuple[str, str, str]]:
    """Each attribute that can have a URL, its name as written, its value; also outside tags."""
    lower = piece.replace("\u0130", "i").lower()  # the same length: lower() makes two of U+0130
    for name in _ALL_ATTRIBUTES:
        at = lower.find(name)
        while at >= 0:
            end = at + len(name)
            if (not at or piece[at - 1] in _BEFORE_NAME) and (match := _ASSIGNED.match(piece, end)):
                yield name, piece[at:end], _value(match)
            at = lower.find(name, end)


def _value(match: re.Match[str]) -> str:
    return match["double"] or match["single"] or match["bare"] or ""


def addresses(piece: str) -> Iterator[tuple[str, str]]:
    """Each URL of a tag with its attribute, and of CSS in the tag or after it."""
    tag = _TAG_NAME.match(piece)
    if tag is None:
        return
    for match in _ATTRIBUTE.finditer(piece, tag.end()):
        if match["end"]:
            break
        if not match["assigned"]:
            continue
        name = match[1].lower()
        name = name.rpartition(":")[2] if name.startswith("xlink:") else name
        is_object = name == "data" and tag[0].lower() == "object"
        if name in ATTRIBUTES or name in _SETS or is_object:
            yield from ((match[1], url) for url in _urls(name, _value(match), piece))
        elif name == "style":
            yield from (("url()", url) for url in _css_urls(_value(match)))
    if tag[0].lower() == "style":
        yield from (("url()", url) for url in _css_urls(piece))


def tag_name(piece: str) -> str:
    """The element of a piece of markup, in lower case; empty for an end tag or text."""
    tag = _TAG_NAME.match(piece)
    return tag[0].lower() if tag else ""


def attribute_names(piece: str) -> set[str]:
    """The names of the attributes of a tag, in lower case, also of those without a value."""
    names: set[str] = set()
    for match in _ATTRIBUTE.finditer(piece, len(tag_name(piece))):
        if match["end"]:
            break
        names.add(match[1].lower())
    return names


def _urls(name: str, value: str, piece: str) -> Iterable[str]:
    """The URLs in the value of an attribute: one, one per candidate of a set, or of a refresh."""
    if name in _SETS:
        return _candidates(value)
    if name == "content":
        is_refresh = "refresh" in html.unescape(piece).lower()
        return [_REFRESH.sub("", html.unescape(value), count=1)] if is_refresh else []
    return html.unescape(value).split(";") if name == "values" else [value]


def _candidates(value: str) -> Iterator[str]:
    """The URLs of a ``srcset``: each ends at white space or a comma (HTML 4.8.4.2.1)."""
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
    return [match[1].strip(_CSS_SPACE) for match in _CSS_URL.finditer(plain)]


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if 0 < code < 0x110000 else ""  # noqa: PLR2004 - the end of Unicode


# --- one URL ----------------------------------------------------------------------------------


def _unsafe(url: str, *, name: str, written: str, image: bool = False) -> str:
    """What is unsafe about a URL; empty if it is safe."""
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
    return (
        f"{written}={url[:60]!a} points to {scheme[1]}:; a mail can use "
        f"{', '.join(sorted(SAFE_SCHEMES))}"
    )


def why_incomplete(name: str, url: str) -> str:
    """Why a mail client cannot open a URL; empty if it can."""
    if _ABSOLUTE.match(url):
        return ""
    text = _IGNORED.sub("", html.unescape(url))
    if _ABSOLUTE.match(text) or (text.startswith("#") and not name.lower().endswith("src")):
        return ""
    why = _why_not_opened(text)
    return f"{name}={url[:60]!a} {why}" if why else ""


def _why_not_opened(text: str) -> str:
    if not text:
        return "is empty; write a URL, or remove the tag"
    scheme = _SCHEME.match(text)
    if "{{{" in text:  # a placeholder of Postmark
        return ""
    if scheme and not _PORT.match(text):
        return _why_only_scheme(scheme[1].lower(), text[scheme.end() :])
    if _EMAIL.fullmatch(text.partition("?")[0]):
        return f"is an email address; write {_with('mailto:', text)}"
    if text.startswith("//") or text.lower().startswith("www.") or _PORT.match(text):
        scheme_to_add = "https:" if text.startswith("//") else "https://"
        return f"has no scheme; write {_with(scheme_to_add, text)}"
    return "is relative, but a mail has no base URL; write the whole URL with https://"


def _with(scheme: str, text: str) -> str:
    """The URL to write; a long URL is not repeated."""
    return f"{scheme}{text}" if len(text) <= _SHOWN_CHARACTERS else f"{scheme} in front of it"


def _why_only_scheme(scheme: str, rest: str) -> str:
    if scheme in ("http", "https"):
        return f"has no host; write {scheme}://, the host and the path"
    return "" if rest.strip() else f"has nothing after {scheme}:"


DATA_IMAGE: Final = (
    "is an image inside the HTML, which Gmail and older versions of Outlook do not show; attach it "
    "and show it with cid:, or link to a file on the web"
)


def is_data_image(name: str, url: str) -> bool:
    """Whether an address of an image, or of CSS, has the image itself.

    Args:
        name: the attribute, or ``url()``.
        url: its URL as written.

    >>> is_data_image("src", "data:image/png;base64,AA"), is_data_image("href", "data:image/png,A")
    (True, False)
    """
    if url[:1] not in "dD&" and not url[:1].isspace():
        return False
    start = _IGNORED.sub("", html.unescape(url[:40])).lower()
    return start.startswith("data:image/") and (name.lower() in _IMAGES or name == "url()")


def content_id(url: str) -> str:
    """The content id of a ``cid:`` URL, percent-decoded (RFC 2392); empty for other URLs."""
    text = html.unescape(url).strip() if "&" in url or url[:1].isspace() else url
    return unquote(text[4:]).strip().lower() if text[:4].lower() == "cid:" else ""
