"""Positions in a template: the line, and in a long line, such as of a minified file, the column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, TemplateSyntaxError
from jinja2 import nodes as ast
from jinja2.compiler import CodeGenerator, Frame
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from mailframe.letter.jinja.settings import EXTENSIONS
from mailframe.letter.jinja.template_marks import hide_placeholders, show_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONG_LINE: Final = 80
"""Characters; of a longer line, a message has the column and only the text around it."""
NEWLINE: Final = re.compile(r"\r\n|\r|\n")
"""What jinja2 reads as the end of a line."""
_BEFORE, _AFTER = 30, 50
_ENVIRONMENT: Final = Environment(extensions=EXTENSIONS)  # noqa: S701 - it only parses
_ENVIRONMENT.newstyle_gettext = True  # type: ignore[attr-defined]  # of the extension; as in letters


@dataclass(frozen=True, slots=True)
class Comment:
    """The value of the constant that replaces a comment in a tree of ``parsed``."""

    text: str


class LineKeepingGenerator(CodeGenerator):
    """Also tells the line of ``{% with %}``; jinja2 gives its errors the line before."""

    def visit_With(self, node: ast.With, frame: Frame) -> None:  # noqa: N802 - jinja2's name
        """Compile the node."""
        self.newline(node)
        super().visit_With(node, frame)


def readable(source: str) -> str:
    """The source for ``parsed``: Postmark's placeholders hidden, line ends normalized."""
    return NEWLINE.sub("\n", hide_placeholders(source))


def parsed(text: str, *, with_comments: bool = True) -> ast.Template:
    """The syntax tree of a template, whose nodes have their offset in *text* as ``lineno``.

    Args:
        text: the text of the template, as ``readable`` returns it.
        with_comments: whether each comment becomes a printed constant with a ``Comment`` as value.

    Raises:
        TemplateSyntaxError: its ``lineno`` is the offset.

    >>> [node.lineno for node in parsed("<p>{{ name }}</p>").body[0].nodes]
    [0, 6, 13]
    """
    parser = Parser(_ENVIRONMENT, "")
    parser.stream = TokenStream(_tokens(text, with_comments=with_comments), None, None)
    return parser.parse()


def set_lines(tree: ast.Template, lines: Sequence[int]) -> None:
    """Give the nodes of a tree the lines of the source that its template was made from.

    Args:
        tree: the tree, whose nodes have lines of the template.
        lines: for each line of the template, the line of the source.
    """
    for node in tree.find_all(ast.Node):
        if node.lineno is not None:  # an Operand has none
            node.lineno = lines[min(node.lineno, len(lines)) - 1]


def place(text: str, offset: int, lines: Sequence[int] = ()) -> tuple[str, str]:
    r"""An offset in words, and the text there: the whole line, or the middle of a long line.

    Args:
        text: the text of the template.
        offset: the offset.
        lines: for each line of the text, the line to name; empty for its own lines.

    >>> place("<p>\n  {{ name }}", 9)
    ('line 2', '{{ name }}')
    >>> place("x" * 100 + "{{ name }}", 103)[0]
    'line 1, column 104'
    """
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    before = show_placeholders(text[start:offset])
    after = show_placeholders(text[offset : end if end >= 0 else None])
    number = text.count("\n", 0, offset) + 1
    line = f"line {lines[min(number, len(lines)) - 1] if lines else number}"
    whole = (before + after).strip()
    if len(whole) <= LONG_LINE:
        return line, whole
    left = f"…{before[-_BEFORE:]}" if len(before) > _BEFORE else before
    right = f"{after[:_AFTER]}…" if len(after) > _AFTER else after
    return f"{line}, column {len(before) + 1}", (left + right).strip()


def syntax_error_offset(text: str) -> int | None:
    """The offset of the first syntax error of a template; None without one."""
    try:
        parsed(text, with_comments=False)
    except TemplateSyntaxError as error:
        return min(error.lineno, len(text))
    return None


def _tokens(text: str, *, with_comments: bool) -> Iterator[Token]:
    for offset, kind, value in token_offsets(text):
        if kind == "comment" and with_comments:
            yield Token(offset, "variable_begin", "{{")
            # The parser copies the value of an integer token into a constant, whatever its class.
            yield Token(offset, "integer", Comment(value))  # type: ignore[arg-type]
            yield Token(offset, "variable_end", "}}")
        else:
            yield from _ENVIRONMENT.lexer.wrap([(offset, kind, value)])


def token_offsets(text: str) -> Iterator[tuple[int, str, str]]:
    """The tokens of jinja2's lexer with their offsets; ``-`` removes white space between them."""
    offset = 0
    try:
        for _, kind, value in _ENVIRONMENT.lexer.tokeniter(text, None):
            offset = max(text.find(value, offset), offset)
            yield offset, kind, value
            offset += len(value)
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(error.message or "", offset) from None
