"""HTML as tags and text in the order of the source, with the places where they stand.

The rules are those of the HTML standard's tokenizer (13.2.5). A tree is not built: see ``tree.py``.
"""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import TYPE_CHECKING, Final, NamedTuple

from mailframe.pages.html_fault import HtmlFault

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE: Final = " \t\n\f\r"
"""White space of HTML; a no-break space is not part of it."""
VOID: Final = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "param",
    ]
)
"""Elements without content and without an end tag."""
_RAW: Final = frozenset(
    ["style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes"]
)
"""Elements whose content has no tags."""
_FOREIGN: Final = frozenset(["svg", "math"])
"""Elements in which ``<style>`` and the like have tags (13.2.6.5)."""
_FOREIGN_CODE: Final = (
    "an <svg> or <math> has a style, script or CDATA with tags in it; most mail programs show none "
    "of them, so use an image"
)
_S: Final = r"[ \t\n\f\r]"
_VALUE: Final = r"""(?>"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^ \t\n\f\r>"'][^ \t\n\f\r>]*+|(?=>))"""
_ATTRIBUTE: Final = rf"=?[^ \t\n\f\r/>=]*+(?>{_S}*+={_S}*+{_VALUE})?+"
_TOKEN: Final = re.compile(
    rf"""
    <!--(?:-?>|.*?(?:--!?>|\Z))  # a comment, also a conditional one of Outlook
    | <(?P<end>/?)(?P<name>[A-Za-z][^ \t\n\f\r/>]*+)
      (?P<attributes>(?>[ \t\n\f\r/]++|(?=[^>]){_ATTRIBUTE})*+)>
    | (?P<declaration><[!?/](?![A-Za-z](?<=</.))[^>]*+(?:>|\Z))
    | (?P<text>(?:[^<]++|<(?![A-Za-z!?/]))++)
    """,
    re.DOTALL | re.VERBOSE,
)
_EACH_ATTRIBUTE: Final = re.compile(
    rf"""(?P<name>=?[^ \t\n\f\r/>=]++)
    (?>{_S}*+={_S}*+
      (?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^ \t\n\f\r>"'][^ \t\n\f\r>]*+)|))?+
    """,
    re.VERBOSE,
)
_MAX_KEPT_TAGS: Final = 10_000
_MAX_KEPT_TAG: Final = 500
"""Characters of a tag that is kept."""
_REFERENCE: Final = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*+;?)(=?)")


class Tag(NamedTuple):
    """A start tag or an end tag.

    Attributes:
        name: the name in lower case.
        is_end: whether it is an end tag.
        attributes: the text between its name and its ``>``.
        text: the tag as it is written.
        content: the text of an element whose content has no tags, such as ``<style>``; else empty.
    """

    name: str
    is_end: bool
    attributes: str
    text: str
    content: str = ""


class Attribute(NamedTuple):
    """An attribute as it is written.

    Attributes:
        name: the name in lower case.
        value: the value without quotes, with character references as they are written.
        start: the place of the name in the attributes of its tag.
        end: the place after its value.
    """

    name: str
    value: str
    start: int
    end: int


def tokens(source: str, seen: dict[str, Tag] | None = None) -> Iterator[tuple[int, Tag | str]]:
    """The tags, the text between them, and the doctype, each with its place in the source.

    Comments are left out, and so is a tag that never ends. A doctype is text that begins with
    ``<!``, which no other text does.

    Args:
        source: the HTML.
        seen: the tags of other mails, by their text. Those of this mail are added.

    Raises:
        HtmlFault: an SVG or MathML has a style, a script or CDATA with tags in it, which only a
            parser can tell from those around it.

    >>> [one if isinstance(one, str) else one.name for _, one in tokens("<p>Hi <!-- x --><b>Ann")]
    ['p', 'Hi ', 'b', 'Ann']
    """
    seen = {} if seen is None else seen
    at, read, foreign = 0, _TOKEN.match, 0
    while True:
        end = source.find(">", at) + 1
        tag = seen.get(source[at:end])
        if tag is not None:
            foreign = _depth(foreign, tag)
            yield at, tag
            at = end
            continue
        match = read(source, at)
        if match is None:
            return
        kind = match.lastgroup
        if kind == "attributes":
            tag = _tag(match)
            foreign = _depth(foreign, tag)
            if tag.content:
                yield at, tag
                at += len(tag.text) + len(tag.content)
                continue
            if match.end() == end:  # the tag has no > in it, so this text is always this tag
                _keep(seen, tag)
            yield at, tag
        elif kind == "text" or (kind == "declaration" and match[0][:9].lower() == "<!doctype"):
            yield at, match[0]
        elif foreign and match[0].startswith("<![CDATA["):
            raise HtmlFault(_FOREIGN_CODE)
        at = match.end()


def _depth(foreign: int, tag: Tag) -> int:
    """How many elements of SVG or MathML are open after a tag."""
    if tag.name in _FOREIGN:
        return max(0, foreign + (-1 if tag.is_end else 1))
    is_closed = tag.attributes.rstrip(SPACE).endswith("/")
    if foreign and tag.name in _RAW and not tag.is_end and ("<" in tag.content or is_closed):
        raise HtmlFault(_FOREIGN_CODE)
    return foreign


def _tag(match: re.Match[str]) -> Tag:
    name, is_end, content = match["name"].lower(), bool(match["end"]), ""
    if name in _RAW and not is_end:
        source, start = match.string, match.end()
        end = _ENDS[name].search(source, start)
        content = source[start : end.start() if end else len(source)]
    return Tag(name, is_end, match["attributes"], match[0], content)


def _keep(seen: dict[str, Tag], tag: Tag) -> None:
    if tag.name in _RAW or len(tag.text) > _MAX_KEPT_TAG:
        return
    if len(seen) >= _MAX_KEPT_TAGS:
        seen.clear()
    seen[tag.text] = tag


_ENDS: Final = {name: re.compile(rf"</{name}(?=[ \t\n\f\r/>])", re.IGNORECASE) for name in _RAW}


def attributes(text: str) -> Iterator[Attribute]:
    """The attributes of a tag; of several with one name a browser takes the first.

    Args:
        text: the text between the name of the tag and its ``>``.
    """
    for match in _EACH_ATTRIBUTE.finditer(text):
        value = match["double"] or match["single"] or match["bare"] or ""
        yield Attribute(match["name"].lower(), value, match.start(), match.end())


def unescaped(value: str) -> str:
    """The value of an attribute, with its character references decoded as browsers do.

    A name without a semicolon is a reference only before the end or a character that no name has.

    >>> unescaped("?a=1&copy=2&amp;lt=3&#38;x"), unescaped("&copy 1")
    ('?a=1&copy=2&lt=3&x', '© 1')
    """
    return _REFERENCE.sub(_character, value) if "&" in value else value


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name[0] == "#":
        return html.unescape(f"&{name}") + match[2]
    if name not in html5 or (match[2] and not name.endswith(";")):
        return match[0]
    return html5[name] + match[2]
