"""Statements of Jinja that belong together, such as ``{% if %}`` and ``{% endif %}``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.letter.markdown.marks import Unit

_OPENERS: Final = frozenset(
    {"if", "for", "macro", "call", "block", "filter", "trans", "with", "autoescape"}
)
_MIDDLES: Final = frozenset({"else", "elif", "pluralize"})


@dataclass(eq=False, slots=True)
class Group:
    """Statements that belong together; a statement of its own is a group too.

    Attributes:
        name: the name of the first one.
        parent: the group around it; None at the top.
        units: the numbers of the statements.
    """

    name: str
    parent: Group | None
    units: list[int] = field(default_factory=list)

    @property
    def is_single(self) -> bool:
        """Whether it is one statement, such as ``{% include … %}`` or a comment."""
        return len(self.units) == 1


def groups_of(units: Sequence[Unit]) -> dict[int, Group]:
    """The group of each statement and comment, by the number of the unit.

    Args:
        units: the parts of a template without syntax errors.
    """
    groups: dict[int, Group] = {}
    stack: list[Group] = []
    for number, unit in enumerate(units):
        if unit.kind not in ("block_begin", "comment_begin"):
            continue
        parent = stack[-1] if stack else None
        if parent and (unit.name in _MIDDLES or unit.name == f"end{parent.name}"):
            group = parent
            if unit.name not in _MIDDLES:
                stack.pop()
        else:
            group = Group(unit.name, parent)
            if unit.name in _OPENERS or _is_set_block(unit):
                stack.append(group)
        group.units.append(number)
        groups[number] = group
    return groups


def _is_set_block(unit: Unit) -> bool:
    """Whether it is ``{% set name %}``, which has an end, and not ``{% set name = … %}``."""
    if unit.name != "set":
        return False
    texts = [value for _, value in unit.words]
    before = texts[: texts.index("|")] if "|" in texts else texts
    return "=" not in before
