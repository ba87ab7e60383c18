"""Groups the rows that changed by the same edit; memory use grows with the number of edits."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from mailframe.review.diff.edit_signature import EditSignature, Mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from mailframe.review.diff.edit_signature import Structure

Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
"""Positions of pairs of rows among all pairs."""

MAX_MERGED: Final = 2_000
"""Groups that are compared to find groups of one edit."""
_MAX_COMBINED: Final = 4
"""Constant values of a group up to which all combinations are tried."""


@dataclass(slots=True)
class EditGroup:
    """Rows with the same edit.

    Attributes:
        structure: the structure, as in ``EditSignature``.
        sources: the columns, for each value, that it may come from in every row so far.
        constants: the values that are the same in every row so far; None for the other ones.
        fields: the changed fields.
        first: the number of the first row.
        rows: the number of rows.
    """

    structure: Structure
    sources: tuple[int, ...]
    constants: tuple[str | None, ...]
    fields: tuple[str, ...]
    first: int
    rows: int = 0

    def accepts(self, edit: EditSignature) -> bool:
        """Whether a row with the same structure fits: each value has a column in common."""
        return all(own & other for own, other in zip(self.sources, edit.sources, strict=True))

    def add(self, edit: EditSignature, *, rows: int = 1) -> None:
        """Add one or more rows."""
        self.rows += rows
        if self.sources != edit.sources:
            pairs = zip(self.sources, edit.sources, strict=True)
            self.sources = tuple(own & other for own, other in pairs)
        if self.constants != edit.values:
            values = zip(self.constants, edit.values, strict=True)
            self.constants = tuple(own if own == other else None for own, other in values)


class EditGrouper:
    """Groups rows by their edits. Rows are added one after the other."""

    def __init__(self) -> None:
        self._groups: list[EditGroup] = []
        self._by_structure: dict[Structure, list[int]] = {}
        self._numbers = array("l")

    def add(self, edit: EditSignature) -> None:
        """Add the next row."""
        number = self._accepting(edit)
        if number is None:
            number = len(self._groups)
            first = len(self._numbers)
            group = EditGroup(edit.structure, edit.sources, edit.values, edit.fields, first)
            self._groups.append(group)
            self._by_structure.setdefault(edit.structure, []).append(number)
        self._groups[number].add(edit)
        self._numbers.append(number)

    def groups(self) -> tuple[list[EditGroup], Places]:
        """The groups with most rows first, and for each row the position of its group."""
        merged_into = self._merge()
        kept = [n for n in range(len(self._groups)) if n not in merged_into]
        kept.sort(key=lambda n: (-self._groups[n].rows, self._groups[n].first))
        position_of = {number: position for position, number in enumerate(kept)}
        positions = np.zeros(len(self._groups), dtype=np.int64)
        for number in range(len(self._groups)):
            target = number
            while target in merged_into:
                target = merged_into[target]
            positions[number] = position_of[target]
        by_row = positions[np.array(self._numbers, dtype=np.int64)]
        return [self._groups[n] for n in kept], by_row

    def _accepting(self, edit: EditSignature) -> int | None:
        numbers = self._by_structure.get(edit.structure, ())
        return next((n for n in numbers if self._groups[n].accepts(edit)), None)

    def _merge(self) -> dict[int, int]:
        """Merge groups of one edit: a text of the letter may by chance be a value of some rows.

        If "5 days" was changed to "6 days" for all, the one customer with 5 seats has the same edit
        as the others.
        """
        merged_into: dict[int, int] = {}
        numbers = range(min(len(self._groups), MAX_MERGED))
        # Groups with the most values first: a target always has fewer values
        for number in sorted(numbers, key=lambda n: -len(self._groups[n].sources)):
            for edit in _with_constants(self._groups[number]):
                target = self._accepting(edit)
                if target is not None:
                    self._groups[target].add(edit, rows=self._groups[number].rows)
                    merged_into[number] = target
                    break
        return merged_into


def _with_constants(group: EditGroup) -> Iterator[EditSignature]:
    """The edit of a group with some constant values as texts, most of them first."""
    if group.structure.count(Mark.VALUE) != len(group.constants):  # kept as a digest
        return
    constant = [i for i, value in enumerate(group.constants) if value is not None]
    sizes = range(len(constant), 0, -1) if len(constant) <= _MAX_COMBINED else [len(constant)]
    for size in sizes:
        for chosen in combinations(constant, size):
            rest = [i for i in range(len(group.constants)) if i not in chosen]
            yield EditSignature(
                _with_texts(group, chosen),
                tuple(group.sources[i] for i in rest),
                tuple(group.constants[i] for i in rest),
                group.fields,
            )


def _with_texts(group: EditGroup, chosen: Collection[int]) -> Structure:
    """The structure of a group with the texts of the *chosen* values; texts are joined."""
    parts: list[str | Mark] = []
    values = iter(enumerate(group.constants))
    for part in group.structure:
        text = part
        if part is Mark.VALUE:
            i, value = next(values)
            text = value if value is not None and i in chosen else part
        if isinstance(text, str) and parts and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text)
    return tuple(parts)
