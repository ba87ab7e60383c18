"""What HTML templates write themselves of links and images: told once for the letter, not looked for in each row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.letter.lint.body_links import (
    COMMENT,
    LinkFault,
    addresses,
    content_id,
    links_of,
    why_incomplete,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RAW_PLACEHOLDER: Final = re.compile(
    r"\{%-?\s*raw\s*-?%\}(\{\{\{\s*pm:[\w.]+\s*\}\}\})\{%-?\s*endraw\s*-?%\}"
)
_REWRITES: Final = re.compile(
    r"\{%-?\s*(?:filter|raw|autoescape|set\s[^=%]*%\}|set\s[^%]*[()|])|\)\s*\||\|\s*(?:safe|tojson)\b"
)
_GLUED: Final = re.compile(r"[\w:-][\x1e\x1f]+[\w:-]*\s*=|\A[\w:-]*\s*=")
_LOOSE_END: Final = re.compile(r"<[a-zA-Z][^<>]*\Z")
_VARYING: Final = re.compile(
    r"""(?<![^\s"'<>/=])(?P<name>[^\s"'<>/=]*+)\s*=\s*(?P<value>"[^"<>]*[\x1e\x1f][^"]*|'[^'<>]*[\x1e\x1f][^']*|[\x1e\x1f])"""
)
_CSS_ADDRESS: Final = re.compile(r"url|@|\\|&", re.IGNORECASE)
_HARMLESS: Final = frozenset(
    {
        "alt",
        "title",
        "width",
        "height",
        "class",
        "id",
        "lang",
        "dir",
        "align",
        "valign",
        "bgcolor",
        "color",
        "border",
    }
    | {"name", "value", "colspan", "rowspan"}
    | {"href", "src", "action", "background"}  # their beginnings are looked at by themselves
)
_WRITTEN_HOST: Final = re.compile(
    r"https?://[\w.-]+(?:[/?#]|\Z)|mailto:|#|\{\{\{\s*pm:", re.IGNORECASE
)
_MARK, _VALUE = (
    "\x1f",
    "\x1e",
)  # where a statement and a value stand; white space to the other patterns
_MARKS: Final = re.compile("[\x1e\x1f]")
_EXPRESSION: Final = re.compile(r"(?<!\{)\{\{(?!\{\s*pm:).*?\}\}", re.DOTALL)
_STATEMENT: Final = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_BEGINS_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*:?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TemplateLinks:
    """Incomplete addresses that the template itself writes, so that they are told once and not for each row.

    Attributes:
        whole: addresses without a value in them.
        beginnings: of addresses that go on with a value.
        details: one per address, each with its template and line.
    """

    whole: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    def has(self, url: str) -> bool:
        """Whether the template writes this address, or its beginning."""
        return url in self.whole or (bool(self.beginnings) and url.startswith(self.beginnings))


def written_links(sources: Mapping[str, str]) -> TemplateLinks:
    """The incomplete addresses that HTML templates write themselves.

    Args:
        sources: of the templates, by name.

    >>> written_links({"html_body": '<a href="www.acme.example/{{ id }}">x</a>'}).beginnings
    ('www.acme.example/',)
    """
    whole: set[str] = set()
    beginnings: set[str] = set()
    details: dict[str, None] = {}
    for name, source in sources.items():
        marked = _STATEMENT.sub(_marked, source)
        marked = COMMENT.sub(_blank, _EXPRESSION.sub(_marked, marked))
        line = 1
        for piece in marked.split("<"):
            for one in _written_of(piece):
                (beginnings if _MARK in one.url else whole).add(one.url.partition(_MARK)[0])
                details[f"{name}, line {line}: {one.detail}"] = None
            line += piece.count("\n")
    return TemplateLinks(frozenset(whole), tuple(sorted(beginnings)), tuple(details))


def static_content_ids(sources: Iterable[str]) -> dict[str, str] | None:
    """The inline images that HTML templates write, if no row can change what else the templates point to.

    Each address is written out at least up to its host, none is unsafe, and nothing that is filtered or pieced
    together could become a tag. A cell is escaped, so it neither ends an attribute nor begins one. Bodies of such
    templates need not be read row by row.

    Returns:
        The address as it is written and its content id; None when the bodies must be read.

    >>> static_content_ids(['<a href="https://acme.example/{{ id }}"><img src="cid:a%20b">'])
    {'cid:a%20b': 'a b'}
    >>> static_content_ids(['<a href="{{ url }}">']) is None
    True
    """
    found: dict[str, str] = {}
    for source in sources:
        plain = _RAW_PLACEHOLDER.sub(r"\1", source)
        marked = _EXPRESSION.sub(_VALUE, _STATEMENT.sub(_MARK, plain))
        if _REWRITES.search(plain) or _GLUED.search(marked) or _LOOSE_END.search(marked):
            return None
        if not all(map(_is_harmless, _VARYING.finditer(marked))):
            return None
        if any(links_of(piece).unsafe for piece in marked.split("<")):
            return None
        for piece in COMMENT.sub("", marked).split("<"):
            for _, url in addresses(piece):
                if content_id(url):
                    found[url] = content_id(url)
                elif _MARKS.search(url) and not _WRITTEN_HOST.match(url):
                    return None
    longer = any(one != other and one.startswith(other) for one in found for other in found)
    return None if longer or any(map(_MARKS.search, found)) else found


def _is_harmless(varying: re.Match[str]) -> bool:
    """Whether a value, or a choice, may stand in this attribute; the beginnings of links are looked at elsewhere."""
    name = varying["name"].lower()
    if name == "style":
        return _VALUE not in varying["value"] and not _CSS_ADDRESS.search(varying["value"])
    return name in _HARMLESS


def _marked(found: re.Match[str]) -> str:
    return _MARK + _blank(found)


def _blank(found: re.Match[str]) -> str:
    return "\n" * found.group().count("\n")


def _written_of(piece: str) -> Iterator[LinkFault]:
    """The incomplete addresses of a piece of a template; one that begins with a value is the rows' own."""
    for name, url in addresses(piece):
        beginning, mark, _ = url.partition(_MARK)
        if not mark:
            detail = why_incomplete(name, url)
        elif not beginning or _BEGINS_SCHEME.fullmatch(beginning):
            continue
        else:
            detail = why_incomplete(name, beginning + "…")
        if detail:
            yield LinkFault(url, detail)
