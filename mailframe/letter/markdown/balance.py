"""Checks that each way through a template closes what it opens, such as ``**`` and cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.errors import LetterError
from mailframe.letter.markdown.marks import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markdown_it.token import Token

    from mailframe.letter.markdown.groups import Group
    from mailframe.letter.markdown.marks import Unit

Position = tuple[int, ...]
"""The leaf that a statement is in, and the open tokens around it there."""


def check_balance(
    tokens: Sequence[Token], *, units: Sequence[Unit], groups: Mapping[int, Group]
) -> None:
    """Check that statements of text belong together there too.

    Args:
        tokens: the tokens of the whole text.
        units: the parts of Jinja's syntax.
        groups: the groups of the statements.

    Raises:
        LetterError: emphasis, a link, a cell or a paragraph has only one of them in it.
    """
    positions: dict[int, Position] = {}
    for leaf, token in enumerate(tokens):
        for number, around in _statements(token):
            positions.setdefault(number, (leaf, *around))
    for group in dict.fromkeys(groups[number] for number in positions if number in groups):
        first, *others = group.units
        for number in others:
            if positions.get(number) != positions.get(first):
                begin, end = units[first], units[number]
                raise LetterError(
                    f"markdown_body, line {begin.line}: {begin.text} and {end.text} in line "
                    f"{end.line} are not in the same paragraph, cell, link or emphasis, so the "
                    "HTML would be broken without what is between them"
                )


def _statements(token: Token) -> Iterator[tuple[int, Position]]:
    """The statements in the text of a leaf, each with the numbers of the open tokens around it."""
    around: Position = ()
    for index, child in enumerate(token.children or ()):
        if child.nesting == 1:
            around = (*around, index)
        elif child.nesting == -1:
            around = around[:-1]
        elif child.type == "text":
            for match in MARK.finditer(child.content):
                yield int(match[1]), around
