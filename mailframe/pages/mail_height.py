"""About how high a mail is in a browser, from its HTML: no script in its frame could measure it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailframe.pages.html_fault import HtmlFault
from mailframe.pages.tree import refuse_many_tags, tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from justhtml import Node

USUAL_PX: Final = 460
"""The height of a mail that cannot be read."""
_MAX_DEPTH: Final = 120
_FONT_PX: Final = 16.0
_LINE: Final = 1.35
"""The height of a line, in heights of the font; mails set 1.2 to 1.6."""
_LETTER: Final = 0.46
"""The width of a letter, in heights of the font: the mean of usual fonts."""
_IMAGE_PX: Final = 60.0
"""Of an image that does not tell its height: a logo."""
_MARGIN_PX: Final = 8.0
_HEADINGS: Final = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67}
_BLOCKS: Final = frozenset(
    """
    address article aside blockquote body center dd div dl dt figcaption figure footer form header
    hr html li main nav ol p pre section table tbody td tfoot th thead tr ul
    """.split()  # noqa: SIM905 - a list of one word a line hides what it says
).union(_HEADINGS)
_SPACED: Final = frozenset({"p", "ul", "ol", "dl", "blockquote", "figure", "pre", *_HEADINGS})
"""Elements with a margin of about a line above and below, which touching ones share."""
_HIDDEN: Final = frozenset({"head", "style", "script", "template", "title", "noscript"})
_SIZE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(px|em|rem|pt|%)?\s*(?:!important)?\s*$")
_UNITS: Final = {"em": _FONT_PX, "rem": _FONT_PX, "pt": 4 / 3, "px": 1.0, None: 1.0}
_SPACES: Final = re.compile(r"\s+")


def mail_height(html: str, *, width_px: int) -> int:
    """The estimated height in pixels; styles inside of elements count, style sheets do not.

    Args:
        html: the HTML of a mail.
        width_px: the width of its window.

    >>> mail_height("<p>Hi</p>", width_px=640) < mail_height("<p>Hi</p>" * 20, width_px=640)
    True
    """
    try:
        refuse_many_tags(html)
        root = tree(html)
    except HtmlFault:
        return USUAL_PX
    if root is None:
        return USUAL_PX
    return round(2 * _MARGIN_PX + sum(_heights(root.children or (), _Box(width_px))))


def text_height(text: str, *, width_px: int) -> int:
    """The estimated height in pixels of a text part."""
    box = _Box(width_px, font_px=13.0)
    return round(2 * _MARGIN_PX + sum(box.lines(len(line)) for line in text.split("\n")))


@dataclass(frozen=True, slots=True)
class _Box:
    """The space for some content."""

    width_px: float
    font_px: float = _FONT_PX
    depth: int = 0

    def lines(self, letters: int) -> float:
        """The height of a paragraph of so many letters."""
        in_a_line = max(self.width_px / (self.font_px * _LETTER), 1.0)
        return max(-(-letters // in_a_line), 1) * self.font_px * _LINE


def _heights(nodes: Sequence[Node], box: _Box) -> Iterator[float]:
    """The heights of what is in an element, one below the other."""
    letters, has_space = 0, False
    for node in _inline(nodes, box.depth):
        if isinstance(node, str):
            letters += len(node)
            continue
        if letters or node.name == "br":
            yield box.lines(letters)
        letters = 0
        if node.name not in _BLOCKS:
            yield _image(node, box) if node.name == "img" else 0.0
            continue
        has_margin = node.name in _SPACED
        yield _FONT_PX * (2 if not has_space else 1) if has_margin else 0.0
        has_space = has_margin
        yield _block(node, box)
    if letters:
        yield box.lines(letters)


def _inline(nodes: Sequence[Node], depth: int) -> Iterator[Node | str]:
    """Texts, blocks and images, with what is inside of other elements; ``""`` is no text."""
    for node in nodes:
        if node.name == "#text":
            yield _SPACES.sub(" ", str(node.data)).strip()
        elif node.name in _HIDDEN or node.name[0] in "#!" or _style(node).get("display") == "none":
            continue
        elif node.name in _BLOCKS or node.name in ("img", "br"):
            yield node
        elif depth < _MAX_DEPTH:
            yield from _inline(node.children or (), depth + 1)


def _image(node: Node, box: _Box) -> float:
    """The height of an image; without one in the HTML, that of a logo."""
    attributes = node.attrs or {}
    width = _pixels(_style(node).get("width") or attributes.get("width"), box.width_px)
    height = _pixels(_style(node).get("height") or attributes.get("height"), 0)
    shrinks = min(1.0, box.width_px / width) if width else 1.0
    return (height or (width / 2 if width else _IMAGE_PX)) * shrinks


def _block(node: Node, box: _Box) -> float:
    style = _style(node)
    if box.depth > _MAX_DEPTH:
        return 0.0
    top, side = _padding(style, box.width_px)
    width = _pixels(style.get("width") or (node.attrs or {}).get("width"), box.width_px)
    widest = _pixels(style.get("max-width"), box.width_px) or box.width_px
    font = _pixels(style.get("font-size"), box.font_px) or box.font_px
    inner = replace(
        box,
        width_px=max(min(width or box.width_px, widest, box.width_px) - side, 1.0),
        font_px=_FONT_PX * _HEADINGS[node.name] if node.name in _HEADINGS else font,
        depth=box.depth + 1,
    )
    if node.name == "tr":
        return _row(node, inner)
    fixed = _pixels(style.get("height") or (node.attrs or {}).get("height"), 0) or 0.0
    return max(sum(_heights(node.children or (), inner)) + top, fixed)


def _row(node: Node, box: _Box) -> float:
    """The height of the highest cell."""
    cells = [cell for cell in node.children or () if cell.name in ("td", "th")]
    share = replace(box, width_px=box.width_px / max(len(cells), 1))
    return max((_block(cell, share) for cell in cells), default=0.0)


def _padding(style: dict[str, str], width_px: float) -> tuple[float, float]:
    """The padding and margin above and below, and left and right."""
    above = beside = 0.0
    for name in ("padding", "margin"):
        parts = [_pixels(part, width_px) or 0.0 for part in style.get(name, "").split()][:4]
        sides = [*parts, *parts[-2:], *parts[-2:], *parts[-2:]][:4] if parts else [0.0] * 4
        sides = [sides[0]] * 4 if len(parts) == 1 else sides
        top = _pixels(style.get(f"{name}-top"), width_px)
        bottom = _pixels(style.get(f"{name}-bottom"), width_px)
        above += (sides[0] if top is None else top) + (sides[2] if bottom is None else bottom)
        beside += sides[1] + sides[3]
    return above, beside


def _style(node: Node) -> dict[str, str]:
    """The declarations in the ``style`` of an element, and its padding."""
    text = (node.attrs or {}).get("style") or ""
    pairs = (part.partition(":") for part in text.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}


def _pixels(text: str | None, whole: float) -> float | None:
    """A size in pixels; None if there is none."""
    match = _SIZE.match(text or "")
    if match is None:
        return None
    number, unit = float(match[1]), match[2]
    return number * whole / 100 if unit == "%" else number * _UNITS[unit]
