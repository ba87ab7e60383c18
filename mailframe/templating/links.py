"""What links and images of an HTML body point to: schemes that a mail may use, and none that run code."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "sms", "cid"})
"""What a link or an image of a mail may point to; mail clients drop or block the rest, some of it runs."""
ATTRIBUTES: Final = ("href", "src", "action", "formaction", "background", "poster")
"""Attributes that hold an address; ``xlink:href`` is found by its end."""

_NAMES: Final = re.compile(rf"(?<![\w-])({'|'.join(ATTRIBUTES)})(?=\s*=)", re.IGNORECASE)
_VALUE: Final = re.compile(r"\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*))")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_IGNORED: Final = re.compile("[\x00-\x20]")  # browsers drop them: "java\tscript:" runs
_SETTLED: Final = re.compile(
    r"""\s*=\s*["'](?:https?://[\w.-]+[/"'?#]|mailto:|cid:[\w.-]+["']|\#|(?:\{%-?\s*raw\s*-?%\})?\{\{\{\s*pm:)"""
)
_PLAINLY_SAFE: Final = ("https://", "http://", "mailto:", "cid:", "#", "{{{")


def link_names(sources: Iterable[str]) -> tuple[str, ...]:
    """The attributes of ``ATTRIBUTES`` that HTML sources use, each as it is spelled there.

    A cell is escaped, so that it brings no attribute of its own; looking for these alone takes a fraction of
    the time that looking for all of them in any case would.

    >>> link_names(['<a HREF="{{ url }}"><img src="x.png">'])
    ('HREF', 'src')
    """
    return tuple(sorted({name for source in sources for name in _NAMES.findall(source)}))


def plainly_safe(sources: Iterable[str]) -> bool:
    """Whether each link of HTML sources begins with a safe scheme that is written out, whatever its values are.

    Then no row can bring an unsafe one: a cell is escaped, so it neither ends an attribute nor begins a new one.

    >>> plainly_safe(['<a href="https://acme.example/{{ id }}">']), plainly_safe(['<a href="{{ url }}">'])
    (True, False)
    """
    return not any(not _SETTLED.match(source, name.end()) for source in sources for name in _NAMES.finditer(source))


def link_faults(markup: str, names: tuple[str, ...] | None = None) -> Iterator[str]:
    """What is wrong with the addresses that links and images of an HTML body point to.

    Args:
        markup: the body as it will be sent.
        names: of the attributes to look at, as they are spelled; None for all of ``ATTRIBUTES`` in any case.

    >>> list(link_faults('<a href="https://acme.example">x</a>'))
    []
    >>> len(list(link_faults('<a href="java&#x0A;script:alert(1)">x</a>')))
    1
    """
    for name in link_names([markup]) if names is None else names:
        at = markup.find(name)
        while at >= 0:
            found = _VALUE.match(markup, at + len(name))
            if found and not (at and (markup[at - 1].isalnum() or markup[at - 1] in "-_")):
                fault = _url_fault(found.group(1) or found.group(2) or found.group(3) or "", name)
                if fault:
                    yield fault
            at = markup.find(name, at + len(name))


def _url_fault(url: str, attribute: str) -> str:
    if url.startswith(_PLAINLY_SAFE):
        return ""
    plain = _IGNORED.sub("", html.unescape(url) if "&" in url else url)
    scheme = _SCHEME.match(plain)
    if not scheme or scheme.group(1).lower() in SAFE_SCHEMES:
        return ""
    if attribute.lower() in ("src", "background", "poster") and plain.lower().startswith("data:image/"):
        return ""
    return f"{attribute}={url[:60]!a} points to {scheme.group(1)}:; a mail may use {', '.join(sorted(SAFE_SCHEMES))}"
