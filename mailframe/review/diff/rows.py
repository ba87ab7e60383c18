"""Two rows of one campaign: which fields of their messages differ and how, and which cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from mailframe.html.changes import Change, Side, rows_page
from mailframe.html.mail import ShownProblem
from mailframe.html.text import one_line
from mailframe.message.pipeline import prepare
from mailframe.problems import Severity
from mailframe.review.diff.difference import Difference, told
from mailframe.review.diff.parts import HTML_FIELD, cells_of, differing
from mailframe.review.diff.words import word_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.composed import Composed
    from mailframe.problems import Problem


@dataclass(frozen=True, slots=True, eq=False)
class RowsDifference(Difference):
    """How the messages and the cells of two rows differ.

    Attributes:
        old, new: both rows: what a person calls them, and what is wrong with them.
        fields: of the message that differ, word by word.
        cells: columns that differ, each with both values as a template would print them; None for a gap.
        same_fields, same_cells: how many do not differ.
    """

    old: Side
    new: Side
    fields: tuple[Change, ...]
    cells: tuple[tuple[str, str | None, str | None], ...]
    same_fields: int
    same_cells: int

    def frame(self) -> pd.DataFrame:
        """One row per field of the message and per column that differs.

        Returns:
            Columns ``kind`` (``message`` or ``cell``), ``field`` (as Postmark or the frame calls it), ``old`` and
            ``new`` (str; missing where there is none).
        """
        lines = [("message", change.field, change.old, change.new) for change in self.fields]
        lines += [("cell", *cell) for cell in self.cells]
        columns = ("kind", "field", "old", "new")
        return pd.DataFrame(
            {name: _texts([line[i] for line in lines]) for i, name in enumerate(columns)}
        )

    def __len__(self) -> int:
        """How many fields and columns differ."""
        return len(self.fields) + len(self.cells)

    @property
    def summary(self) -> str:
        """One line: how much differs."""
        if not self:
            return "no field and no column differs"
        fields = f"{len(self.fields):,} of {len(self.fields) + self.same_fields:,} fields"
        return f"{fields} and {len(self.cells):,} of {len(self.cells) + self.same_cells:,} columns differ"

    def __repr__(self) -> str:
        lines = [
            f"<Difference of {one_line(self.old.label)} and {one_line(self.new.label)}: {self.summary}>"
        ]
        lines += [f"  {told([change], most=110)}" for change in self.fields]
        for name, old, new in self.cells:
            before, after = (
                "no value" if text is None else one_line(text, most=40) for text in (old, new)
            )
            lines.append(f"  column {one_line(name, most=30)}: {before} → {after}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return rows_page(self.old, self.new, self.fields, self.cells, summary=self.summary)


def rows_difference(run: Composed, a: int, b: int) -> RowsDifference:
    """How the messages of two rows differ, also of rows that are held back, as far as those could be made.

    Args:
        run: a campaign's frame and bound letter.
        a: position of the first row.
        b: position of the second row.

    Raises:
        IndexError: there is no such row.
    """
    both = [a, b]
    if not all(0 <= position < len(run.frame) for position in both):
        raise IndexError(
            f"there are no positions {a} and {b}; the frame has {len(run.frame):,} rows"
        )
    first, second = prepare(run.bound.take(both))
    changed, same = differing(first.fields, second.fields)
    fields = tuple(
        Change(
            name,
            tuple(word_difference(old or "", new or "", html=name == HTML_FIELD)),
            old=old,
            new=new,
        )
        for name, (old, new) in changed.items()
    )
    cells = list(cells_of(run.bound, run.frame, both))
    differ = tuple((name, values[0], values[1]) for name, values in cells if values[0] != values[1])
    sides = [_side(run, at, one.problems) for at, one in zip(both, (first, second), strict=True)]
    return RowsDifference(sides[0], sides[1], fields, differ, same, len(cells) - len(differ))


def _side(run: Composed, position: int, own: Sequence[Problem]) -> Side:
    known = [(problem.field, problem.code) for problem in own]
    found = run.kept_preflight
    others = () if found is None else found.of_row(position)
    problems = [
        *own,
        *(problem for problem in others if (problem.field, problem.code) not in known),
    ]
    notes = tuple(
        ShownProblem(p.severity is Severity.ERROR, p.field, p.code.value, p.detail)
        for p in problems
    )
    return Side(run.names.of(position), notes)


def _texts(values: list[str | None]) -> pd.Series:
    """Texts as pandas keeps them; a lone surrogate, which UTF-8 cannot carry, becomes a question mark."""
    clean = [None if text is None else text.encode("utf-8", "replace").decode() for text in values]
    return pd.Series(clean, dtype="str")
