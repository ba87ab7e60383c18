"""Links and images that an HTML template has itself, checked once for the letter.

``body_links.py`` checks the links of rendered bodies, which depend on the row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.letter.jinja.template_marks import STATEMENT, VALUE
from mailframe.letter.lint.body_links import (
    COMMENT,
    LinkFault,
    addresses,
    content_id,
    is_data_image,
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
_MARK: Final = f"[{VALUE}{STATEMENT}]"
_MARKS: Final = re.compile(_MARK)
_COMPOSED_NAME: Final = re.compile(rf"[\w:-]{_MARK}+[\w:-]*\s*=|\A[\w:-]*\s*=")
"""The name of an attribute that is composed of text and values."""
_OPEN_TAG: Final = re.compile(r"<[a-zA-Z][^<>]*\Z")
_VARYING: Final = re.compile(
    r"""(?<![^\s"'<>/=])(?P<name>[^\s"'<>/=]*+)\s*=\s*"""
    rf"""(?P<value>"[^"<>]*{_MARK}[^"]*|'[^'<>]*{_MARK}[^']*|{_MARK})"""
)
"""An attribute whose value has a mark."""
_CSS_ADDRESS: Final = re.compile(r"url|@|\\|&", re.IGNORECASE)
_HARMLESS: Final = frozenset(
    """
    alt title width height class id lang dir align valign bgcolor color border name value colspan
    rowspan href src action background
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
"""Attributes that can have any value; the start of links is checked separately."""
_FIXED_HOST: Final = re.compile(
    r"https?://[\w.-]+(?:[/?#]|\Z)|mailto:|#|\{\{\{\s*pm:", re.IGNORECASE
)
_EXPRESSION: Final = re.compile(r"(?<!\{)\{\{(?!\{\s*pm:).*?\}\}", re.DOTALL)
_STATEMENT_CODE: Final = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_START_OF_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*:?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TemplateLinks:
    """URLs of a template that are a problem, which is reported once and not for each row.

    Attributes:
        whole: URLs without a value.
        beginnings: the text before the first value of each other URL.
        details: one text per incomplete URL, with its template and line.
    """

    whole: frozenset[str] = frozenset()
    beginnings: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    def has(self, url: str) -> bool:
        """Whether this URL of a body is one that the template has."""
        return url in self.whole or (bool(self.beginnings) and url.startswith(self.beginnings))


def written_links(sources: Mapping[str, str]) -> TemplateLinks:
    """The incomplete URLs of HTML templates, and their images inside the HTML (``data:``).

    Args:
        sources: the sources of the templates, by name.

    >>> written_links({"html_body": '<a href="www.acme.example/{{ id }}">x</a>'}).beginnings
    ('www.acme.example/',)
    """
    whole: set[str] = set()
    beginnings: set[str] = set()
    details: dict[str, None] = {}
    for name, source in sources.items():
        for line, piece in marked_pieces(source):
            faults = list(_incomplete_links(piece))
            for fault in faults:
                details[f"{name}, line {line}: {fault.detail}"] = None
            images = [url for attribute, url in addresses(piece) if is_data_image(attribute, url)]
            for url in (*(fault.url for fault in faults), *images):
                beginning, mark, _ = url.partition(STATEMENT)
                (beginnings if mark else whole).add(beginning)
    return TemplateLinks(frozenset(whole), tuple(sorted(beginnings)), tuple(details))


def marked_pieces(source: str) -> Iterator[tuple[int, str]]:
    """Each piece of an HTML template from after a ``<`` to the next, with the line of its start.

    ``STATEMENT`` stands for each expression and statement; comments are left out, except those for
    Outlook. The first piece is the text before all tags.

    >>> list(marked_pieces("<p>Hi<br></p>"))
    [(1, ''), (1, 'p>Hi'), (1, 'br>'), (1, '/p>')]
    """
    line = 1
    for piece in marked(source).split("<"):
        yield line, piece
        line += piece.count("\n")


def marked(source: str) -> str:
    """A template with ``STATEMENT`` for each expression and statement, and without comments."""
    text = _EXPRESSION.sub(_mark, _STATEMENT_CODE.sub(_mark, source))
    return COMMENT.sub(_line_ends, text)


def static_content_ids(sources: Iterable[str]) -> dict[str, str] | None:
    """The inline images of HTML templates, if no row can change the links of the templates.

    Then each URL is fixed at least up to its host, none is unsafe, and no filtered or composed text
    can become a tag. Cells are escaped, so they cannot end or start an attribute. The bodies of
    such templates need no check for each row.

    Returns:
        The content id by URL as written; None if the bodies must be checked.

    >>> static_content_ids(['<a href="https://acme.example/{{ id }}"><img src="cid:a%20b">'])
    {'cid:a%20b': 'a b'}
    >>> static_content_ids(['<a href="{{ url }}">']) is None
    True
    """
    ids: dict[str, str] = {}
    for source in sources:
        plain = _RAW_PLACEHOLDER.sub(r"\1", source)
        text = _EXPRESSION.sub(VALUE, _STATEMENT_CODE.sub(STATEMENT, plain))
        if _REWRITES.search(plain) or _COMPOSED_NAME.search(text) or _OPEN_TAG.search(text):
            return None
        if not all(map(_is_harmless, _VARYING.finditer(text))):
            return None
        if any(links_of(piece).unsafe for piece in text.split("<")):
            return None
        for piece in COMMENT.sub("", text).split("<"):
            for _, url in addresses(piece):
                if content_id(url):
                    ids[url] = content_id(url)
                elif _MARKS.search(url) and not _FIXED_HOST.match(url):
                    return None
    has_prefix = any(url != other and url.startswith(other) for url in ids for other in ids)
    return None if has_prefix or any(map(_MARKS.search, ids)) else ids


def _is_harmless(varying: re.Match[str]) -> bool:
    """Whether a value or a statement is safe in this attribute."""
    name = varying["name"].lower()
    if name == "style":
        return VALUE not in varying["value"] and not _CSS_ADDRESS.search(varying["value"])
    return name in _HARMLESS


def _mark(match: re.Match[str]) -> str:
    return STATEMENT + _line_ends(match)


def _line_ends(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _incomplete_links(piece: str) -> Iterator[LinkFault]:
    """The incomplete URLs of a piece of a template, except those that start with a value."""
    for name, url in addresses(piece):
        beginning, mark, _ = url.partition(STATEMENT)
        if not mark:
            detail = why_incomplete(name, url)
        elif not beginning or _START_OF_SCHEME.fullmatch(beginning):
            continue
        else:
            detail = why_incomplete(name, beginning + "…")
        if detail:
            yield LinkFault(url, detail)
