"""The text of HTML that an author wrote in Markdown."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailframe.letter.jinja.template_marks import MARK_OF_STATEMENT
from mailframe.letter.markdown.marks import MARK

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIECES: Final = re.compile(
    r"<!--.*?(?:-->|$)|<(?P<code>style|script|title)\b.*?(?:</(?P=code)\s*>|$)"
    r"|</?[a-zA-Z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>|<[!?][^>]*>",
    re.IGNORECASE | re.DOTALL,
)
_NAME: Final = re.compile(r"</?([a-zA-Z0-9]+)")
_ATTRIBUTE: Final = r"\b{}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))"
_LINES: Final = ("br", "tr", "p", "div", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol", "hr")
_BETWEEN: Final = {**dict.fromkeys(_LINES, "\n"), "td": " ", "th": " "}
"""What is written for the tags of elements that have a line or a cell of their own."""
_SPACES: Final = re.compile(r"[ \t\r\f]+")
_BLANKS: Final = re.compile(r"\s*\n\s*")


@dataclass(slots=True)
class InlineHtml:
    """Reads the tags of a text one by one.

    Attributes:
        links: the addresses of the open links.
    """

    links: list[str] = field(default_factory=list)

    def tag(self, tag: str) -> str:
        """What a tag leaves in the text: a line end, the address of a link, the text of an image.

        Statements of Jinja in the tag stay, so that each has its end.
        """
        match = _NAME.match(tag)
        name = match[1].lower() if match else ""
        if name == "a" and not tag.startswith("</"):
            self.links.append(_attribute(tag, "href"))
            return _statements(tag.replace(self.links[-1], "", 1))
        if name == "a" and self.links:
            url = self.links.pop()
            return f" ({url})" if url and not url.startswith("#") else ""
        if name == "img":
            alt = _attribute(tag, "alt")
            return alt + _statements(tag.replace(alt, "", 1) if alt else tag)
        return _BETWEEN.get(name, "") + _statements(tag)

    def joined(self, parts: Iterable[str]) -> str:
        """The parts as one text."""
        return "".join(parts).strip("\n ")


def text_of_html(source: str) -> str:
    r"""The text of a block of HTML, line by line.

    >>> text_of_html('<p>Hi <b>you</b> &amp; me<br><a href="https://x.example">Go</a></p>')
    'Hi you & me\nGo (https://x.example)'
    """
    tags = InlineHtml()
    parts: list[str] = []
    at = 0
    for match in _PIECES.finditer(source):
        parts += [_decoded(source[at : match.start()]), tags.tag(match[0])]
        at = match.end()
    text = "".join([*parts, _decoded(source[at:])])
    return _BLANKS.sub("\n", _SPACES.sub(" ", text)).strip()


def _decoded(text: str) -> str:
    return html.unescape(text)


def _attribute(tag: str, name: str) -> str:
    match = re.search(_ATTRIBUTE.format(name), tag, re.IGNORECASE)
    return html.unescape(next(filter(None, match.groups()), "")) if match else ""


def _statements(text: str) -> str:
    return "".join(m[0] for m in MARK.finditer(text) if m[0].startswith(MARK_OF_STATEMENT))
