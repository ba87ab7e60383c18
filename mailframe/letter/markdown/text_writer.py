"""Writes the tokens of Markdown as plain text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it.tree import SyntaxTreeNode

from mailframe.letter.markdown.html_text import InlineHtml, text_of_html
from mailframe.letter.markdown.marks import MARK, TAGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from markdown_it.token import Token

_RULE: Final = "-" * 20
_UNDERLINES: Final = {"h1": "=", "h2": "-"}
_BLANKS: Final = re.compile(r"\n{3,}")
_MAX_UNDERLINE: Final = 60


def as_plain_text(tokens: Sequence[Token]) -> str:
    """The text of tokens, with marks. Statements between blocks have lines of their own."""
    return _BLANKS.sub("\n\n", _children(SyntaxTreeNode(list(tokens)))).strip("\n") + "\n"


# --- blocks ---------------------------------------------------------------------------------------


def _children(node: SyntaxTreeNode) -> str:
    return "".join(map(_block, node.children))


def _block(node: SyntaxTreeNode) -> str:
    write = _BLOCKS.get(node.type)
    return write(node) if write else _children(node)


def _paragraph(node: SyntaxTreeNode) -> str:
    text = _inlines(node.children)
    is_definition = TAGS.match(text) is not None and node.meta.get("is_bare")
    if is_definition:
        return text
    return text + ("\n" if node.hidden and not node.meta.get("is_bare") else "\n\n")


def _heading(node: SyntaxTreeNode) -> str:
    text = _inlines(node.children)
    underline = _UNDERLINES.get(node.tag)
    if underline is None or MARK.search(text):
        return f"{text}\n\n"
    width = min(max(map(len, text.split("\n"))), _MAX_UNDERLINE)
    return f"{text}\n{underline * width}\n\n"


def _list(node: SyntaxTreeNode) -> str:
    """The items, each followed by a blank line if one of them has paragraphs."""
    counter, step = node.meta.get("counter", ("", ""))
    number = int(node.attrs.get("start", 1))
    is_loose = any(
        child.type == "paragraph" and not child.hidden
        for item in node.children
        for child in item.children
    )
    parts = [f"{counter}\n"] if counter else []
    for child in node.children:
        if child.type == "jinja":
            parts.append(_statement(child))
            continue
        bullet = "- " if node.type == "bullet_list" else f"{number}. "
        number += 1
        first = f"{step}. " if step else bullet
        text = _prefixed(_children(child).rstrip("\n"), " " * len(bullet), first=first)
        parts.append(text + ("\n\n" if is_loose else "\n"))
    return "".join(parts) + ("" if is_loose else "\n")


def _prefixed(text: str, prefix: str, *, first: str | None = None) -> str:
    """The lines with a prefix; lines of tags leave no line, and have none."""
    lines = []
    start = prefix if first is None else first
    for line in text.split("\n"):
        if TAGS.fullmatch(line):
            lines.append(line)
            continue
        lines.append((start + line).rstrip() if line or start != prefix or prefix.strip() else "")
        start = prefix
    return "\n".join(lines)


def _quote(node: SyntaxTreeNode) -> str:
    return _prefixed(_children(node).rstrip("\n"), "> ") + "\n\n"


def _code(node: SyntaxTreeNode) -> str:
    return node.content.rstrip("\n") + "\n\n"


def _rule(_: SyntaxTreeNode) -> str:
    return f"{_RULE}\n\n"


def _statement(node: SyntaxTreeNode) -> str:
    return f"{node.content}\n"


def _html(node: SyntaxTreeNode) -> str:
    text = text_of_html(node.content)
    return f"{text}\n\n" if text else ""


# --- tables ---------------------------------------------------------------------------------------


def _table(node: SyntaxTreeNode) -> str:
    """The rows; columns in which each cell is a text of the template are aligned."""
    lines = list(_table_lines(node))
    rows = [line for line in lines if isinstance(line, list)]
    widths = [
        0 if any(MARK.search(cell) for cell in column) else max(map(len, column))
        for column in zip(*rows, strict=True)
    ]
    head, *others = lines
    text = [_row(head, widths), "-" * min(max(len(_row(head, widths)), 3), _MAX_UNDERLINE)]
    return "\n".join([*text, *(_row(line, widths) for line in others)]) + "\n\n"


def _table_lines(node: SyntaxTreeNode) -> Iterable[str | list[str]]:
    for child in node.children:
        if child.type == "tr":
            yield [_inlines(cell.children).replace("\n", " ") for cell in child.children]
        elif child.type == "jinja":
            yield child.content
        else:
            yield from _table_lines(child)


def _row(line: str | list[str], widths: Sequence[int]) -> str:
    if isinstance(line, str):
        return line
    return " | ".join(map(str.ljust, line, widths)).rstrip()


_BLOCKS: Final[Mapping[str, Callable[[SyntaxTreeNode], str]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "bullet_list": _list,
    "ordered_list": _list,
    "blockquote": _quote,
    "fence": _code,
    "code_block": _code,
    "hr": _rule,
    "html_block": _html,
    "table": _table,
    "jinja": _statement,
}


# --- in a line ------------------------------------------------------------------------------------


def _inlines(nodes: Iterable[SyntaxTreeNode]) -> str:
    html = InlineHtml()
    return html.joined(_inline(node, html) for node in nodes)


def _inline(node: SyntaxTreeNode, html: InlineHtml) -> str:
    if node.type in ("text", "code_inline"):
        return node.content
    if node.type == "html_inline":
        return html.tag(node.content)
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    text = "".join(_inline(child, html) for child in node.children)
    return _link(text, str(node.attrs.get("href", ""))) if node.type == "link" else text


def _link(text: str, url: str) -> str:
    if not text.strip():
        return url
    is_same = text in (url, url.removeprefix("mailto:"), url.removeprefix("https://"))
    return text if is_same or not url else f"{text} ({url})"
