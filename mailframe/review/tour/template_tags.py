"""The tags of a template as they are written; each branch is named by its own source."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from jinja2 import nodes as ast

from mailframe.letter.jinja.constants import print_constants
from mailframe.letter.jinja.source_positions import parsed, readable, token_offsets
from mailframe.letter.jinja.template_marks import show_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_CHARACTERS: Final = 80
"""Characters of a tag that are shown; the rest is an ellipsis."""


class _Span(NamedTuple):
    """The offsets of a tag, of what it contains, and of the end of the tag."""

    start: int
    content: int
    end: int


class Tags:
    """The source of the tags of one template.

    Args:
        source: the template.
        tree: the same template as jinja2 parsed it, still unchanged.

    >>> from jinja2 import Environment
    >>> source = "{% if n %}{{ 'x' if a else 'y' if b else 'z' }}{% endif %}"
    >>> tree = Environment().parse(source)
    >>> tags = Tags(source, tree)
    >>> tags.statement(tree.find(ast.If))
    '{% if n %}'
    >>> [tags.expression(condition) for condition in tree.find_all(ast.CondExpr)]
    ["{{ 'x' if a else 'y' if b else 'z' }}", "{{ … 'y' if b else 'z' }}"]
    """

    def __init__(self, source: str, tree: ast.Template) -> None:
        self._text = readable(source)
        positions = parsed(self._text, with_comments=False)
        settings = getattr(tree.environment, "settings", None)
        if settings is not None:
            print_constants(positions, settings.constants, html=False, name="")
        nodes = zip(_code(tree), _code(positions), strict=True)
        self._offsets = {
            node: position.lineno
            for node, position in nodes
            if position.lineno is not None  # type: ignore[redundant-expr]  # an Operand has none
        }
        self._spans = list(_spans(self._text))

    def statement(self, node: ast.Node) -> str:
        """The whole tag of a statement."""
        tag = self._span(self._offsets[node])
        return _shortened(self._text[tag.start : tag.end])

    def expression(self, node: ast.Node) -> str:
        """The tag that an expression is in, without what precedes the expression."""
        parts = (node, *node.find_all(ast.Node))
        offset = min(self._offsets[part] for part in parts if part in self._offsets)
        tag = self._span(offset)
        before = self._text[tag.content : offset].rstrip("( \t\n")
        if not before:
            return _shortened(self._text[tag.start : tag.end])
        opening = self._text[tag.start : tag.content]
        rest = self._text[tag.content + len(before) : tag.end]
        return _shortened(f"{opening} … {rest}")

    def _span(self, offset: int) -> _Span:
        return self._spans[bisect_right(self._spans, offset, key=lambda span: span.start) - 1]


def _code(tree: ast.Template) -> Iterator[ast.Node]:
    """The nodes of statements and expressions; the text between them differs in text parts."""
    return (
        node
        for node in tree.find_all(ast.Node)
        if not isinstance(node, ast.TemplateData | ast.Output)
    )


def _spans(text: str) -> Iterator[_Span]:
    start = content = 0
    for offset, kind, value in token_offsets(text):
        if kind in ("block_begin", "variable_begin"):
            start, content = offset, offset + len(value)
        elif kind in ("block_end", "variable_end"):
            yield _Span(start, content, offset + len(value.rstrip()))


def _shortened(tag: str) -> str:
    text = " ".join(show_placeholders(tag).split())
    return text if len(text) <= MAX_CHARACTERS else f"{text[: MAX_CHARACTERS - 1].rstrip()}…"
