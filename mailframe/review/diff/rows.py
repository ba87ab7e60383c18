"""Compares two rows of a campaign: the fields of their messages, and their cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from mailframe.message.pipeline import prepare
from mailframe.pages.changes import Change, Side, rows_page
from mailframe.pages.mail import ShownProblem
from mailframe.pages.text import one_line
from mailframe.pandas_versions import text_column
from mailframe.problems import Severity
from mailframe.review.diff.difference import Difference, changes_text
from mailframe.review.diff.fields import HTML_FIELD, cells_of, changed_fields
from mailframe.review.diff.words import word_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.message.composed import Composed
    from mailframe.problems import Problem


@dataclass(frozen=True, slots=True, eq=False)
class RowsDifference(Difference):
    """How the messages and the cells of two rows differ.

    Attributes:
        old: the name and the problems of the first row.
        new: the name and the problems of the second row.
        fields: the fields of the message that differ, word by word.
        cells: the columns that differ, with both values as a template prints them; None if missing.
        same_fields: the number of fields that are equal.
        same_cells: the number of columns that are equal.
    """

    old: Side
    new: Side
    fields: tuple[Change, ...]
    cells: tuple[tuple[str, str | None, str | None], ...]
    same_fields: int
    same_cells: int

    def frame(self) -> pd.DataFrame:
        """The fields of the message and the columns that differ.

        Returns:
            One row each, with the columns ``kind`` (``message`` or ``cell``), ``field`` (Postmark's
            name, or the name of the column), ``old`` and ``new`` (str; may be missing).
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
        columns = f"{len(self.cells):,} of {len(self.cells) + self.same_cells:,} columns"
        return f"{fields} and {columns} differ"

    def __repr__(self) -> str:
        rows = f"{one_line(self.old.label)} and {one_line(self.new.label)}"
        lines = [f"<Difference of {rows}: {self.summary}>"]
        lines += [f"  {changes_text([change], most=110)}" for change in self.fields]
        for name, old, new in self.cells:
            before, after = (
                "no value" if text is None else one_line(text, most=40) for text in (old, new)
            )
            lines.append(f"  column {one_line(name, most=30)}: {before} -> {after}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return str(rows_page(self.old, self.new, self.fields, self.cells, summary=self.summary))


def rows_difference(composed: Composed, a: int, b: int) -> RowsDifference:
    """How two rows differ. Of the message of a blocked row, the fields that could be made.

    Args:
        composed: the campaign.
        a: the position of the first row.
        b: the position of the second row.
    """
    first, second = (next(prepare(composed.bound_of(one).take([one]))) for one in (a, b))
    changed, same_fields = changed_fields(first.fields, second.fields)
    fields = tuple(
        Change(
            name,
            tuple(word_difference(old or "", new or "", html=name == HTML_FIELD)),
            old=old,
            new=new,
        )
        for name, (old, new) in changed.items()
    )
    both = cells_of(composed.bound_of(a), composed.frame, [a, b])
    cells = [(name, old, new) for name, (old, new) in both]
    differing = tuple((name, old, new) for name, old, new in cells if old != new)
    return RowsDifference(
        _side(composed, a, first.problems),
        _side(composed, b, second.problems),
        fields,
        differing,
        same_fields,
        len(cells) - len(differing),
    )


def _side(composed: Composed, position: int, problems: Sequence[Problem]) -> Side:
    """The name of a row and its problems, with those of the preflight check if it was run."""
    preflight = composed.kept_preflight
    shown = {(problem.field, problem.code) for problem in problems}
    others = () if preflight is None else preflight.of_row(position)
    more = [problem for problem in others if (problem.field, problem.code) not in shown]
    notes = tuple(
        ShownProblem(p.severity is Severity.ERROR, p.field, p.code.value, p.detail)
        for p in (*problems, *more)
    )
    return Side(composed.names.of(position), notes)


def _texts(values: list[str | None]) -> pd.Series:
    """A column of texts. UTF-8 has no lone surrogates; they become question marks."""
    clean = [None if text is None else text.encode("utf-8", "replace").decode() for text in values]
    return text_column(clean)
