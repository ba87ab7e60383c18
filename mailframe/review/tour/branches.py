"""The branches of a letter's templates, each with a bit of its own, and which of them no row takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class BranchKind(StrEnum):
    """What makes a branch."""

    ARM = "arm"
    """Of ``if``, of ``a if c else b``, of ``a or b``, of ``default``; a loop by its turns; the body of a ``call``."""
    GAP = "gap"
    """A filter that meets a gap; what no row does is no news."""
    MACRO = "macro"
    BLOCK = "block"
    TEMPLATE = "template"
    """A file that is included, extended or imported."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that a row can take through a template.

    Attributes:
        template: the part of the letter, such as ``subject``, or the file.
        line: of the template, from 1 on.
        text: in the template's own words, such as ``if plan == 'team'``.
        parent: the branch, macro, block or template that it stands in; None at the top of a part.

    >>> Branch("subject", 1, "if plan == 'team'")
    Branch(template='subject', line=1, text="if plan == 'team'")
    """

    template: str
    line: int
    text: str
    parent: Branch | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Arm:
    """A branch, and what is known of it besides its name.

    Attributes:
        branch: as the caller gets it.
        kind: what makes it a branch.
        name: of the macro, the block or the file, by which it is reached from elsewhere.
        within: the bits of what it stands in; none of them at the top of a part.
        without: the column whose gap leads here, if there is one such column.
    """

    branch: Branch
    kind: BranchKind
    name: str
    within: int
    without: str


def bits_of(mask: int) -> Iterator[int]:
    """The places of the bits that are set, from the lowest on.

    >>> list(bits_of(0b1010))
    [1, 3]
    """
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


@dataclass(slots=True)
class Table:
    """The branches of one letter; it grows while templates are compiled, also those that a row chooses.

    Attributes:
        arms: each at the place of its bit.
    """

    arms: list[Arm] = field(default_factory=list)
    _places: dict[tuple[str, int, str, int], int] = field(default_factory=dict)
    _sites: dict[tuple[BranchKind, str], set[int]] = field(default_factory=dict)

    def bit(
        self,
        key: tuple[str, int, str, int],
        *,
        kind: BranchKind,
        name: str,
        within: int,
        without: str,
    ) -> int:
        """The bit of a branch; the same one if the HTML part and another use one file.

        Args:
            key: the template, the line, the text, and how many branches of the template came before.
            kind: as in ``Arm``.
            name: as in ``Arm``.
            within: as in ``Arm``.
            without: as in ``Arm``.
        """
        if key not in self._places:
            template, line, text, _ = key
            parent = self.arms[next(bits_of(within))].branch if within else None
            self._places[key] = len(self.arms)
            self.arms.append(Arm(Branch(template, line, text, parent), kind, name, within, without))
        return 1 << self._places[key]

    def reached_from(self, kind: BranchKind, name: str, *, within: int) -> None:
        """Note a place that calls a macro or names a file."""
        self._sites.setdefault((kind, name), set()).add(within)

    def untaken(self, taken: int) -> tuple[Branch, ...]:
        """The branches that are not among *taken*; of those inside another such one only the outermost.

        A block that another template fills in its place is left out: that is what it is for.

        Args:
            taken: the bits of all branches that some row takes.
        """
        open_ = [
            place
            for place, arm in enumerate(self.arms)
            if not taken >> place & 1 and arm.kind is not BranchKind.GAP
        ]
        filled = {
            arm.name
            for place, arm in enumerate(self.arms)
            if taken >> place & 1 and arm.kind is BranchKind.BLOCK
        }
        outermost = sorted({self._outermost(place, taken) for place in open_})
        arms = [self.arms[place] for place in outermost]
        return tuple(
            arm.branch for arm in arms if not (arm.kind is BranchKind.BLOCK and arm.name in filled)
        )

    def _outermost(self, place: int, taken: int) -> int:
        path = [place]
        while (outer := self._outer(path[-1], taken)) is not None:
            if outer in path:  # two macros that call each other, and that nobody else calls
                return min(path[path.index(outer) :])
            path.append(outer)
        return path[-1]

    def _outer(self, place: int, taken: int) -> int | None:
        """The untaken branch that an untaken one stands in, or that alone leads to it."""
        arm = self.arms[place]
        if arm.within and not arm.within & taken:
            return next(bits_of(arm.within))
        sites = self._sites.get((arm.kind, arm.name), set()) if arm.name else set()
        if sites and all(within and not within & taken for within in sites):
            return next(bits_of(min(sites)))
        return None
