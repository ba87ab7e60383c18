"""The parts of a Markdown text: what comes before its content, the content, and blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailframe.letter.markdown.marks import MARK

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from markdown_it.token import Token

    from mailframe.letter.markdown.groups import Group
    from mailframe.letter.markdown.marks import Unit

_BEFORE: Final = frozenset({"", "set", "import", "from", "macro"})
"""Statements that set names for all blocks, if they are the first of a letter."""
_WHOLE: Final = frozenset({"block", "macro", "set"})
"""Statements that are moved with what is in them."""
_ONE_LINE: Final = "preheader"


@dataclass(slots=True)
class Sections:
    """The tokens of a text in parts.

    Attributes:
        before: the first statements, which set names.
        content: the text.
        blocks: the blocks for a layout, by name, each with its statements.
    """

    before: list[Token] = field(default_factory=list)
    content: list[Token] = field(default_factory=list)
    blocks: dict[str, list[Token]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tokens: Sequence[Token],
        *,
        units: Sequence[Unit],
        groups: Mapping[int, Group],
        names: Collection[str],
    ) -> Sections:
        """The sections of a text.

        Args:
            tokens: the tokens of the whole text.
            units: the parts of Jinja's syntax.
            groups: the groups of the statements.
            names: the names of the blocks of the layout.
        """
        made = cls()
        index = 0
        while index < len(tokens):
            group = _first_group(tokens, index, groups)
            end = _end(tokens, index, group)
            piece = list(tokens[index:end])
            kind = group.name if group is not None and group.parent is None else "text"
            name = _name_of_block(units[group.units[0]]) if group and kind == "block" else ""
            if name in names and name != "content":
                made.blocks[name] = _in_one_line(piece) if name == _ONE_LINE else piece
            elif kind in _BEFORE and not made.content:
                made.before += piece
            else:
                made.content += piece
            index = end
        return made

    def without_layout(self) -> list[Token]:
        """The text without the blocks of the layout."""
        return [*self.before, *self.content]


def _name_of_block(unit: Unit) -> str:
    """The name in ``{% block name %}``."""
    return unit.words[1][1]


def _first_group(tokens: Sequence[Token], index: int, groups: Mapping[int, Group]) -> Group | None:
    """The group that begins at a token: of a statement, or of a paragraph that is a definition."""
    token = tokens[index]
    if token.type == "paragraph_open" and token.meta.get("is_bare"):
        token = tokens[index + 1]
    elif token.type != "jinja":
        return None
    match = MARK.match(token.content)
    return groups.get(int(match[1])) if match else None


def _end(tokens: Sequence[Token], index: int, group: Group | None) -> int:
    """The index after a block of Markdown, or after the last statement of a definition."""
    is_whole = tokens[index].type == "jinja" and group is not None and group.name in _WHOLE
    depth = 0
    for end in range(index, len(tokens)):
        depth += tokens[end].nesting
        if depth == 0 and (not is_whole or _is_last(tokens[end], group)):
            return end + 1
    return len(tokens)


def _is_last(token: Token, group: Group | None) -> bool:
    match = MARK.match(token.content) if token.type == "jinja" else None
    return group is not None and match is not None and int(match[1]) == group.units[-1]


def _in_one_line(piece: list[Token]) -> list[Token]:
    for token in piece:
        if token.type in ("paragraph_open", "paragraph_close"):
            token.hidden = True
    return piece
