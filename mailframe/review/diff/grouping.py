"""Rows that changed by the same edit, found row by row; memory grows with the edits, not with the rows."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mailframe.review.diff.edits import ANY_SIGN, Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

MAX_MERGED: Final = 2_000
"""Groups that are looked at for being one and the same."""
_MAX_FILLED: Final = 4


@dataclass(slots=True)
class RowGroup:
    """Rows of one edit.

    Attributes:
        structure: as in ``Edit``.
        sources: of each sign, the columns that it may stand for in every row so far.
        constants: of each sign, its value where that is the same in every row so far.
        fields: that differ.
        first: number of the first row.
        rows: how many.
    """

    structure: str
    sources: tuple[int, ...]
    constants: tuple[str | None, ...]
    fields: tuple[str, ...]
    first: int
    rows: int = 0

    def takes(self, edit: Edit) -> bool:
        """Whether a row with the same structure has the same edit: each value from a column that fits all rows."""
        return all(mine & its for mine, its in zip(self.sources, edit.sources, strict=True))

    def take(self, edit: Edit, *, rows: int = 1) -> None:
        """Note a row, or several."""
        self.rows += rows
        if self.sources != edit.sources:
            self.sources = tuple(
                mine & its for mine, its in zip(self.sources, edit.sources, strict=True)
            )
        if self.constants != edit.values:
            pairs = zip(self.constants, edit.values, strict=True)
            self.constants = tuple(mine if mine == its else None for mine, its in pairs)


class EditGrouper:
    """Takes one row's edit after the other."""

    def __init__(self) -> None:
        self._groups: list[RowGroup] = []
        self._by_structure: dict[str, list[int]] = {}
        self._numbers = array("l")

    def add(self, edit: Edit) -> None:
        """Note the edit of the next row."""
        known = self._by_structure.setdefault(edit.structure, [])
        number = next((n for n in known if self._groups[n].takes(edit)), None)
        if number is None:
            number = len(self._groups)
            first = len(self._numbers)
            self._groups.append(
                RowGroup(edit.structure, edit.sources, edit.values, edit.fields, first)
            )
            known.append(number)
        self._groups[number].take(edit)
        self._numbers.append(number)

    def settled(self) -> tuple[list[RowGroup], Places]:
        """The groups, the largest first, and for each row the place of its group in that list."""
        into = self._merge()
        kept = [n for n in range(len(self._groups)) if n not in into]
        kept.sort(key=lambda n: (-self._groups[n].rows, self._groups[n].first))
        place_of = {number: place for place, number in enumerate(kept)}
        places = np.zeros(len(self._groups), dtype=np.int64)
        for number in range(len(self._groups)):
            root = number
            while root in into:
                root = into[root]
            places[number] = place_of[root]
        return [self._groups[n] for n in kept], places[np.array(self._numbers, dtype=np.int64)]

    def _merge(self) -> dict[int, int]:
        """Put groups together that are the same in truth: a value may stand in an edit and be no value of a row.

        "5 days" became "6 days" for everybody; the one customer with 5 seats has the same edit as all others.
        """
        into: dict[int, int] = {}
        numbers = sorted(
            range(min(len(self._groups), MAX_MERGED)), key=lambda n: -len(self._groups[n].sources)
        )
        for number in numbers:  # those with the most signs first; a target always has fewer
            for filled in _filled(self._groups[number]):
                targets = (
                    n
                    for n in self._by_structure.get(filled.structure, ())
                    if self._groups[n].takes(filled)
                )
                target = next(targets, None)
                if target is not None:
                    self._groups[target].take(filled, rows=self._groups[number].rows)
                    into[number] = target
                    break
        return into


def _filled(group: RowGroup) -> Iterator[Edit]:
    """The group's edit with some of its constant values written out, most of them first."""
    pieces = group.structure.split(ANY_SIGN)
    constant = [i for i, value in enumerate(group.constants) if value is not None]
    if len(pieces) != len(group.constants) + 1:  # kept as a digest
        return
    sizes = range(len(constant), 0, -1) if len(constant) <= _MAX_FILLED else [len(constant)]
    for size in sizes:
        for chosen in combinations(constant, size):
            signs = [
                group.constants[i] if i in chosen else ANY_SIGN for i in range(len(group.constants))
            ]
            said = "".join(
                [piece + str(sign) for piece, sign in zip(pieces, [*signs, ""], strict=True)]
            )
            left = [i for i in range(len(group.constants)) if i not in chosen]
            sources = tuple(group.sources[i] for i in left)
            yield Edit(said, sources, tuple(group.constants[i] for i in left), group.fields)
