"""Puts statements of Jinja between the tokens of markdown-it, each with those it belongs to.

All statements of a group get the same parent, so that each way through the template has its
elements closed: ``{% for %}`` around list items is inside the list, ``{% if %}`` around a whole
list is outside of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from markdown_it.token import Token

from mailframe.letter.jinja.template_marks import MARK_END, MARK_OF_STATEMENT
from mailframe.letter.markdown.tag_lines import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.letter.markdown.groups import Group
    from mailframe.letter.markdown.tag_lines import Lines

_LEAVES: Final = frozenset({"inline", "fence", "code_block", "html_block", "hr"})
_NO_PARENTS: Final = frozenset({"paragraph_open", "heading_open", "th_open", "td_open", "tr_open"})
_REPEATED: Final = frozenset({"bullet_list_open", "ordered_list_open", "tbody_open"})
"""Blocks whose items a loop repeats."""
_ROOT: Final = -1
_SEPARATORS: Final = re.compile(rf"[ \t]*{SEPARATOR}\n?")


class SplitGroup(Exception):
    """The statements of a group are in different parts of the text.

    Attributes:
        group: the group.
    """

    def __init__(self, group: Group) -> None:
        super().__init__(group.name)
        self.group = group


@dataclass(slots=True)
class _Spot:
    """A place between two leaves: for each possible parent, the index of the token after it.

    If the place is inside of a leaf, ``within`` is its index.
    """

    line: int
    before: int | None
    after: int | None
    within: int | None = None
    parents: dict[int, int] = field(default_factory=dict)


def placed(tokens: Sequence[Token], lines: Lines) -> list[Token]:
    """The tokens with the statements of removed lines.

    Args:
        tokens: the block tokens, whose inline tokens have no children yet.
        lines: the lines and what was removed from them.

    Raises:
        SplitGroup: statements that belong together are in different parts of the text.
    """
    return _Placer(tokens, lines).tokens()


class _Placer:
    def __init__(self, tokens: Sequence[Token], lines: Lines) -> None:
        self._tokens = tokens
        self._lines = lines
        self._chains = list(_chains(tokens))
        self._leaves = [i for i, token in enumerate(tokens) if token.type in _LEAVES]
        self._spots = {line: self._spot(line) for line in {place.line for place in lines.places}}
        self._line = {place.unit: place.line for place in lines.places}
        self._parents: dict[Group, int] = {}

    def tokens(self) -> list[Token]:
        between: dict[int, list[Token]] = defaultdict(list)
        inside: dict[int, list[tuple[int, str]]] = defaultdict(list)
        latest: dict[int, int] = {}
        for unit, line in self._lines.places:
            spot = self._spots[line]
            group = self._lines.groups[unit]
            mark = f"{MARK_OF_STATEMENT}{unit}{MARK_END}"
            leaf = self._leaf_of(group)
            if leaf is not None:
                offset = min(max(line - self._start(leaf), 0), self._length(leaf))
                inside[leaf].append((offset, mark))
            elif spot.within is not None:
                inside[spot.within].append((line - self._start(spot.within), mark))
            else:
                parent = self._parent_of(group)
                index = spot.parents.get(parent, min(spot.parents.values(), default=0))
                index = latest[line] = max(index, latest.get(line, 0))
                level = self._tokens[index].level if index < len(self._tokens) else 0
                between[index].append(Token("jinja", "", 0, content=mark, block=True, level=level))
        for leaf, marks in inside.items():
            _insert(self._tokens[leaf], marks)
        made = []
        for index, token in enumerate(self._tokens):
            made += [*between[index]] if _is_separator(token) else [*between[index], token]
            if token.type in _LEAVES and SEPARATOR in token.content:  # in HTML with blank lines
                token.content = _SEPARATORS.sub("", token.content)
        return [*made, *between[len(self._tokens)]]

    # --- spots ------------------------------------------------------------------------------------

    def _start(self, leaf: int) -> int:
        return (self._tokens[leaf].map or [0, 0])[0]

    def _length(self, leaf: int) -> int:
        start, end = self._tokens[leaf].map or [0, 0]
        return end - start

    def _spot(self, line: int) -> _Spot:
        for leaf in self._leaves:
            if self._start(leaf) == line and _is_separator(self._tokens[leaf]):
                return _Spot(line, None, None, parents={self._chains[leaf][-1]: leaf})
        earlier = [leaf for leaf in self._leaves if self._start(leaf) < line]
        later = [leaf for leaf in self._leaves if self._start(leaf) >= line]
        spot = _Spot(line, earlier[-1] if earlier else None, later[0] if later else None)
        if spot.before is not None and line < self._start(spot.before) + self._length(spot.before):
            spot.within = spot.before
            return spot
        first = 0 if spot.before is None else spot.before + 1
        last = len(self._tokens) if spot.after is None else spot.after
        for index in range(first, last + 1):
            parent = self._chains[index][-1]
            if parent == _ROOT or self._tokens[parent].type not in _NO_PARENTS:
                spot.parents.setdefault(parent, index)
        return spot

    # --- groups ----------------------------------------------------------------------------------

    def _leaf_of(self, group: Group) -> int | None:
        """The leaf that contains the whole group, if a part of the group is inside of one."""
        spots = [self._spots[self._line[unit]] for unit in group.units]
        leaf = next((spot.within for spot in spots if spot.within is not None), None)
        if leaf is None and group.parent is not None and group.parent.units[0] in self._line:
            leaf = self._leaf_of(group.parent)  # such as a {% set %} in a sentence
        if leaf is None:
            return None
        if not all(leaf in (spot.within, spot.before, spot.after) for spot in spots):
            raise SplitGroup(group)
        return leaf

    def _parent_of(self, group: Group) -> int:
        if group not in self._parents:
            self._parents[group] = self._chosen_parent(group)
        return self._parents[group]

    def _chosen_parent(self, group: Group) -> int:
        spots = [self._spots[self._line[unit]] for unit in group.units]
        common = set.intersection(*(set(spot.parents) for spot in spots))
        outer = group.parent
        if outer is not None and outer.units[0] in self._line and self._leaf_of(outer) is None:
            within = self._parent_of(outer)
            common = {parent for parent in common if within in (parent, *self._around(parent))}
        if not common:
            raise SplitGroup(group)
        by_depth = sorted(common, key=lambda parent: len(self._around(parent)))
        if group.name == "for":
            repeated = [p for p in by_depth if p != _ROOT and self._tokens[p].type in _REPEATED]
            return repeated[-1] if repeated else by_depth[0]
        return by_depth[0]

    def _around(self, parent: int) -> tuple[int, ...]:
        return () if parent == _ROOT else self._chains[parent]


def _is_separator(token: Token) -> bool:
    return token.type == "html_block" and token.content.strip() == SEPARATOR


def _chains(tokens: Sequence[Token]) -> list[tuple[int, ...]]:
    """For each index, the open tokens before it, from the outermost on; also for the end."""
    chains: list[tuple[int, ...]] = []
    open_now: tuple[int, ...] = (_ROOT,)
    for index, token in enumerate(tokens):
        chains.append(open_now)
        if token.nesting == 1:
            open_now = (*open_now, index)
        elif token.nesting == -1:
            open_now = open_now[:-1]
    return [*chains, open_now]


def _insert(leaf: Token, marks: Sequence[tuple[int, str]]) -> None:
    """Put marks into the lines of a leaf; a line end goes with one side of them."""
    lines = leaf.content.split("\n")
    shift = 1 if leaf.type == "fence" else 0
    count = len(lines) - (leaf.type != "inline" and leaf.content.endswith("\n"))
    is_at_end = leaf.type == "inline" and any(offset - shift >= count for offset, _ in marks)
    ends = [(min(at - shift, count) - 1, mark) for at, mark in marks if at - shift > 0]
    starts = [(0, mark) for at, mark in marks if at - shift <= 0]
    if not is_at_end:
        starts += [(at + 1, mark) for at, mark in ends if at + 1 < count]
        ends = [(at, mark) for at, mark in ends if at + 1 >= count]
    for at, mark in ends:
        lines[at] += mark
    for at, mark in reversed(starts):
        lines[at] = mark + lines[at]
    leaf.content = "\n".join(lines)
