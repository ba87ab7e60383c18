"""The branches of a letter's templates, one bit each, and which of them no row takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class BranchKind(StrEnum):
    """What makes a branch."""

    CHOICE = "choice"
    """An arm of ``if``, ``a if c else b``, ``a or b`` or ``default``; a loop by its
    number of items."""
    CALL = "call"
    """A ``call`` block, which has no condition of its own."""
    MISSING_VALUE = "missing_value"
    """A filter that gets a missing value; not reported if no row takes it."""
    MACRO = "macro"
    BLOCK = "block"
    TEMPLATE = "template"
    """A file that is included, extended or imported."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that a row can take through a template.

    Attributes:
        template: the part of the letter, such as ``subject``, or the file.
        line: the line of the template, counted from 1.
        text: the source of the branch; no other branch on the same line has the same text.
        parent: the branch, macro, block or template that contains it; None at the top of a part.
        kind: the construct that makes it a branch.
        name: the name of the macro, block or file; empty for other kinds.
        within: the bits of the branches that contain it; 0 at the top of a part.
        column: the column that may be missing in rows that take the branch, if there is only one.
        plain: the branch in plain English, such as ``plan = team``; the text if its condition is
            too complex.

    >>> Branch("subject", 1, "{% if plan == 'team' %}")
    Branch(template='subject', line=1, text="{% if plan == 'team' %}")
    """

    template: str
    line: int
    text: str
    parent: Branch | None = field(default=None, repr=False)
    kind: BranchKind = field(default=BranchKind.CHOICE, repr=False, compare=False)
    name: str = field(default="", repr=False, compare=False)
    within: int = field(default=0, repr=False, compare=False)
    column: str = field(default="", repr=False, compare=False)
    plain: str = field(default="", repr=False, compare=False)


def bit_positions(bits: int) -> Iterator[int]:
    """The positions of the bits that are set, from the lowest on.

    >>> list(bit_positions(0b1010))
    [1, 3]
    """
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


@dataclass(slots=True)
class BranchTable:
    """The branches of one letter. It grows while templates are compiled, also during a tour.

    Attributes:
        branches: each branch at the position of its bit.
        bits_with_column: the bits of the branches that have a ``column``.
    """

    branches: list[Branch] = field(default_factory=list)
    bits_with_column: int = 0
    _positions: dict[tuple[str, int, str], int] = field(default_factory=dict)
    _uses: dict[tuple[BranchKind, str], set[int]] = field(default_factory=dict)

    def bit(
        self,
        template: str,
        line: int,
        text: str,
        *,
        kind: BranchKind = BranchKind.CHOICE,
        name: str = "",
        within: int = 0,
        column: str = "",
        plain: str = "",
    ) -> int:
        """The bit of a branch; the same bit if a file is compiled once more, for another part.

        The arguments are the attributes of ``Branch``.
        """
        key = template, line, text
        if key not in self._positions:
            parent = self.branches[next(bit_positions(within))] if within else None
            self._positions[key] = len(self.branches)
            words = plain or text
            self.branches.append(Branch(*key, parent, kind, name, within, column, words))
        bit = 1 << self._positions[key]
        self.bits_with_column |= bit if column else 0
        return bit

    def add_use(self, kind: BranchKind, name: str, *, within: int) -> None:
        """Record a place that calls a macro or names a file.

        Args:
            kind: ``MACRO`` or ``TEMPLATE``.
            name: the name of the macro or file.
            within: the bits of the branches that contain the place.
        """
        self._uses.setdefault((kind, name), set()).add(within)

    def untaken(self, taken: int) -> tuple[int, ...]:
        """The positions of the branches that no row takes; of nested ones only the outermost.

        A block that another template fills is left out, because the other block replaces it.

        Args:
            taken: the bits of all branches that some row takes.
        """
        filled = {
            branch.name
            for position, branch in enumerate(self.branches)
            if taken >> position & 1 and branch.kind is BranchKind.BLOCK
        }
        outermost = {
            self._outermost(position, taken)
            for position, branch in enumerate(self.branches)
            if not taken >> position & 1 and branch.kind is not BranchKind.MISSING_VALUE
        }
        return tuple(
            position
            for position in sorted(outermost)
            if self.branches[position].kind is not BranchKind.BLOCK
            or self.branches[position].name not in filled
        )

    def _outermost(self, position: int, taken: int) -> int:
        path = [position]
        while (outer := self._outer(path[-1], taken)) is not None:
            if outer in path:  # macros that call each other and that nothing else calls
                return min(path[path.index(outer) :])
            path.append(outer)
        return path[-1]

    def _outer(self, position: int, taken: int) -> int | None:
        """The untaken branch that contains an untaken branch, or that alone leads to it."""
        branch = self.branches[position]
        if branch.within and not branch.within & taken:
            return next(bit_positions(branch.within))
        uses = self._uses.get((branch.kind, branch.name), set()) if branch.name else set()
        if uses and all(within and not within & taken for within in uses):
            return next(bit_positions(min(uses)))
        return None
