"""Where something stands in a template: its line, and in a long line (a minified file is one) also its column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, TemplateSyntaxError
from jinja2.lexer import Token, TokenStream
from jinja2.parser import Parser

from mailframe.letter.jinja.instrument import hide_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import nodes as ast

LONG_LINE: Final = 80
"""Characters of a line from which on a message names the column, and shows the text around it alone."""
COMMENT: Final = "\ufdd3"
"""Begins the constant that stands for a comment in a tree of ``parsed``; a noncharacter, as placeholders have."""

_NEWLINE: Final = re.compile(r"\r\n|\r|\n")
_BEFORE, _AFTER = 30, 50
_ENVIRONMENT: Final = Environment()  # noqa: S701 - it parses only
_MARKS: Final = str.maketrans({"\ufdd0": "{{{", "\ufdd1": "}}}"})


def readable(source: str) -> str:
    """The source as ``parsed`` reads it: Postmark's placeholders hidden, and one kind of line end."""
    return _NEWLINE.sub("\n", hide_placeholders(source))


def parsed(text: str, *, with_comments: bool = True) -> ast.Template:
    """The tree of a template whose nodes have the offset in *text* as ``lineno``.

    Args:
        text: of the template, as ``readable`` gives it.
        with_comments: each comment is a constant that is printed, with ``COMMENT`` before its text.

    Raises:
        TemplateSyntaxError: its ``lineno`` is the offset.

    >>> [node.lineno for node in parsed("<p>{{ name }}</p>").body[0].nodes]
    [0, 6, 13]
    """
    parser = Parser(_ENVIRONMENT, "")
    parser.stream = TokenStream(_tokens(text, with_comments=with_comments), None, None)
    return parser.parse()


def place(text: str, offset: int) -> tuple[str, str]:
    r"""The place of an offset in words, and the text there: its line, or of a long line what is around it.

    >>> place("<p>\n  {{ name }}", 9)
    ('line 2', '{{ name }}')
    >>> place("x" * 100 + "{{ name }}", 103)[0]
    'line 1, column 104'
    """
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    before, after = (
        text[start:offset].translate(_MARKS),
        text[offset : end if end >= 0 else None].translate(_MARKS),
    )
    line = f"line {text.count(chr(10), 0, offset) + 1}"
    whole = (before + after).strip()
    if len(whole) <= LONG_LINE:
        return line, whole
    left = f"…{before[-_BEFORE:]}" if len(before) > _BEFORE else before
    right = f"{after[:_AFTER]}…" if len(after) > _AFTER else after
    return f"{line}, column {len(before) + 1}", (left + right).strip()


def fault(text: str) -> int | None:
    """The offset at which a template cannot be parsed; None if it can."""
    try:
        parsed(text, with_comments=False)
    except TemplateSyntaxError as error:
        return min(error.lineno, len(text))
    return None


def _tokens(text: str, *, with_comments: bool) -> Iterator[Token]:
    for offset, kind, value in token_offsets(text):
        if kind == "comment" and with_comments:
            yield Token(offset, "variable_begin", "{{")
            yield Token(offset, "string", COMMENT + value)
            yield Token(offset, "variable_end", "}}")
        else:
            yield from _ENVIRONMENT.lexer.wrap([(offset, kind, value)])


def token_offsets(text: str) -> Iterator[tuple[int, str, str]]:
    """The tokens of jinja2's lexer, each with its offset; between two of them is white space that ``-`` takes."""
    offset = 0
    try:
        for _, kind, value in _ENVIRONMENT.lexer.tokeniter(text, None):
            offset = max(text.find(value, offset), offset)
            yield offset, kind, value
            offset += len(value)
    except TemplateSyntaxError as error:
        raise TemplateSyntaxError(error.message or "", offset) from None
