"""How the text of an HTML mail is written: the steps that follow from its structure alone.

Mails of one letter have the same tags and other words. The tags become a program once, and the
program writes the text of each mail from its words; see ``text_flow.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.tokens import SPACE, Tag, attributes, tokens
from mailframe.pages.tree import tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Step: TypeAlias = "tuple[str, Any]"
"""The name of a method of ``TextFlow``, and its argument."""
Node: TypeAlias = "Any"
"""A node of the parser, which declares few of its attributes."""

_MARK: Final = "\ue000"
"""Stands before the number of a word in a structure; a character of nobody (private use)."""
_WORD: Final = re.compile(rf"{_MARK}(\d+);")
_VARYING: Final = {"a": ("href",), "img": ("alt",)}
"""Attributes whose values are words of the mail; ``src`` of an image is left out."""
_LEFT_OUT: Final = frozenset(
    [
        "head",
        "title",
        "style",
        "script",
        "template",
        "noframes",
        "iframe",
        "object",
        "embed",
        "audio",
        "video",
        "canvas",
        "svg",
        "math",
        "select",
        "datalist",
        "textarea",
        "map",
    ]
)
_PARAGRAPHS: Final = frozenset(
    ["p", "h1", "h2", "h3", "h4", "h5", "h6", "dl", "figure", "fieldset", "pre", "xmp"]
)
"""Elements with a blank line before and after them."""
_BLOCKS: Final = frozenset(
    [
        "html",
        "body",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "nav",
        "aside",
        "address",
        "center",
        "dt",
        "dd",
        "figcaption",
        "form",
        "details",
        "summary",
        "legend",
        "hgroup",
        "search",
        "menu",
        "dir",
        "caption",
        "thead",
        "tbody",
        "tfoot",
    ]
)
"""Elements that begin on a line of their own."""
_MAX_FRAMES: Final = 20
"""Lists, quotes and tables in each other that are laid out; deeper ones are lines."""
_DECLARATION: Final = re.compile(r"([a-z-]+)\s*:\s*([^;]*?)\s*(?:!\s*important\s*)?(?:;|\Z)")
_ZERO: Final = re.compile(r"0+(?:\.0*)?(?:px|em|rem|pt|%)?")


def structure_of(html: str, seen: dict[str, Tag] | None = None) -> tuple[str, list[str]]:
    """The structure of a mail, which is HTML with a mark for each word, and the words.

    A word is a text between two tags, the address of a link or the description of an image. What a
    word says has no effect on the tree that a browser builds, except for its white space, which is
    a part of the structure.

    Args:
        html: the mail.
        seen: the tags of other mails; see ``tokens``.
    """
    made: list[str] = []
    words: list[str] = []
    for _, token in tokens(html, seen):
        if not isinstance(token, str):
            made.append(_tag(token, words) if token.name in _VARYING else token.text)
            if token.name == "xmp" and token.content:
                made.append(_mark(token.content.replace("&", "&amp;"), words))
        elif token.startswith("<!") or not (core := token.strip(SPACE)):
            made.append(token)
        elif len(core) == len(token):
            made.append(_mark(core, words))
        else:
            start = token.index(core)
            made += token[:start], _mark(core, words), token[start + len(core) :]
    return "".join(made), words


def _mark(word: str, words: list[str]) -> str:
    words.append(word)
    return f"{_MARK}{len(words) - 1};"


def _tag(tag: Tag, words: list[str]) -> str:
    if tag.is_end:
        return tag.text
    written: dict[str, str] = {}
    for one in attributes(tag.attributes):
        text = tag.attributes[one.start : one.end]
        if one.name in _VARYING[tag.name]:
            text = f'{one.name}="{_mark(one.value, words)}"'
        if one.name != "src":
            written.setdefault(one.name, text)
    return f"<{' '.join([tag.name, *written.values()])}>"


def program_of(structure: str) -> list[Step]:
    """The steps that write the text of a structure.

    Raises:
        HtmlFault: its tree would be many thousand times as large.
    """
    root = tree(structure)
    if root is None:
        raise HtmlFault("so many elements are not closed that it cannot be read")
    steps: list[Step] = []
    todo: list[Any] = [(root, _Place())]
    while todo:
        item = todo.pop()
        if isinstance(item[0], str):
            steps.append(item)
        else:
            todo += reversed(list(_visited(*item)))
    return steps


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node is.

    Attributes:
        is_pre: whether in preformatted text.
        frames: the number of lists, quotes and tables around it.
        in_table: whether in a table that is laid out, and in none of its cells.
        numbers: the numbers of the items of the list around it; None for dashes.
    """

    is_pre: bool = False
    frames: int = 0
    in_table: bool = False
    numbers: Iterator[int] | None = None

    def framed(self) -> _Place:
        """The place of the children of a cell, an item or a quote here."""
        return replace(self, frames=self.frames + 1, in_table=False)


def _visited(node: Node, place: _Place) -> Iterator[Any]:
    """The steps of a node and its children in their order, children as pairs with their place."""
    name = node.name
    if name == "#text":
        yield from _text(node.data or "", is_pre=place.is_pre)
    elif name in ("#document", "#document-fragment"):
        yield from ((child, place) for child in node.children)
    elif not name.startswith(("#", "!")) and name not in _LEFT_OUT and not _is_hidden(node):
        yield from _element(node, name, place)


def _element(node: Node, name: str, place: _Place) -> Iterator[Any]:
    style = _style(node)
    if name in ("pre", "listing", "xmp") or style.get("white-space", "").startswith("pre"):
        place = replace(place, is_pre=True)
    if name == "br":
        yield "line_break", None
    elif name == "img":
        yield from (("image", number) for number in _numbers(node, "alt"))
    elif name == "hr":
        yield "rule", None
    elif place.in_table and name == "tr":
        yield "row", None
        yield from _children(node, place)
    elif place.frames < _MAX_FRAMES and name in ("table", "td", "th", "li", "blockquote"):
        yield from _framed(node, name, place, style)
    else:
        yield from _in_the_flow(node, name, place)


def _framed(node: Node, name: str, place: _Place, style: dict[str, str]) -> Iterator[Any]:
    """An element whose lines are written side by side with others, or with a mark before them."""
    if name == "table":
        yield "table", None
        yield from _children(node, replace(place, in_table=True))
        yield "end_table", _has_data(node)
        return
    yield "frame", None
    yield from _children(node, place.framed())
    if name == "blockquote":
        yield "end_frame", ("> ", "> ", 2)
    elif name == "li":
        marker = f"{next(place.numbers)}. " if place.numbers else "- "
        yield "end_frame", (marker, " " * len(marker), 1)
    elif place.in_table:
        align = style.get("text-align", (node.attrs.get("align") or "").lower())
        yield "end_cell", (name == "th", align in ("right", "end"), _span(node))
    else:
        yield "end_frame", ("", "", 1)


def _in_the_flow(node: Node, name: str, place: _Place) -> Iterator[Any]:
    """An element that is text, or lines of text."""
    gap = _gap(node, name)
    if name in ("ol", "ul"):
        place = replace(place, numbers=_numbering(node) if name == "ol" else None)
    links = list(_numbers(node, "href")) if name == "a" else []
    if gap:
        yield "block", gap
    yield from (("link", number) for number in links)
    yield from _children(node, place)
    yield from (("end_link", number) for number in links)
    if gap:
        yield "block", gap


def _gap(node: Node, name: str) -> int:
    """2 for an element between blank lines, 1 for one on lines of its own, 0 for text."""
    if name in ("ul", "ol"):
        return 1 if node.parent is not None and node.parent.name in ("li", "ul", "ol") else 2
    if name in _PARAGRAPHS:
        return 2
    return int(name in _BLOCKS or name in ("table", "tr", "td", "th", "li", "blockquote"))


def _children(node: Node, place: _Place) -> Iterable[Any]:
    return ((child, place) for child in node.children)


def _text(text: str, *, is_pre: bool) -> Iterator[Step]:
    """The words of a text node, and the white space between them."""
    end = 0
    for match in _WORD.finditer(text):
        yield from _white_space(text[end : match.start()], is_pre=is_pre)
        yield ("pre_word" if is_pre else "word"), int(match[1])
        end = match.end()
    yield from _white_space(text[end:], is_pre=is_pre)


def _white_space(text: str, *, is_pre: bool) -> Iterator[Step]:
    if text:
        yield ("pre_text", text) if is_pre else ("space", None)


def _numbers(node: Node, attribute: str) -> Iterator[int]:
    """The number of the word that an attribute of a node has."""
    match = _WORD.fullmatch(node.attrs.get(attribute) or "")
    if match:
        yield int(match[1])


def _style(node: Node) -> dict[str, str]:
    text = node.attrs.get("style") if node.attrs else None
    return dict(_DECLARATION.findall(text.lower())) if text else {}


def _is_hidden(node: Node) -> bool:
    """Whether no reader sees an element, such as a preheader.

    ``mso-hide`` alone hides an element in Outlook only, for example a button that has another form
    there.
    """
    if node.attrs and "hidden" in node.attrs:
        return True
    style = _style(node)
    return (
        style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or bool(_ZERO.fullmatch(style.get("max-height", "")))
        or bool(_ZERO.fullmatch(style.get("opacity", "")))
    )


def _has_data(table: Node) -> bool:
    """Whether a table has cells of headings, and not only makes a layout."""
    if (table.attrs.get("role") or "").lower() in ("presentation", "none"):
        return False
    todo, has_heading = list(table.children), False
    while todo:
        node = todo.pop()
        if node.name == "table":
            return False
        has_heading = has_heading or node.name == "th"
        todo += getattr(node, "children", None) or ()
    return has_heading


def _span(cell: Node) -> int:
    text = cell.attrs.get("colspan") or "1"
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) <= 3 else 1  # noqa: PLR2004 - HTML ends at 1,000


def _numbering(ordered: Node) -> Iterator[int]:
    start = ordered.attrs.get("start") or "1"
    return count(int(start) if re.fullmatch(r"-?[0-9]{1,9}", start) else 1)
