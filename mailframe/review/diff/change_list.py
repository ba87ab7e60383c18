"""What differs between two campaigns, as a person reads it and as a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.html.changes import ChangeGroup, campaigns_page
from mailframe.html.text import one_line
from mailframe.review.diff.difference import Difference, told

if TYPE_CHECKING:
    from mailframe.html.changes import Change
    from mailframe.message.preflight import Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.review.diff.grouping import Places
    from mailframe.review.diff.matching import Match, Positions

SHOWN_EDITS: Final = 10
"""Edits that a repr tells."""


@dataclass(frozen=True, slots=True, eq=False)
class EditGroup:
    """Rows whose messages changed by the same edit.

    Attributes:
        number: counted from 1, the largest first.
        changes: the fields that differ, word by word, in the words of the example; where the rows' own values
            stand in the changed words and are not the same in all rows, the name of their column.
        example: position of a row that has the edit, in the new frame.
        positions: of all rows that have it, in the new frame.
    """

    number: int
    changes: tuple[Change, ...]
    example: int
    positions: Positions

    @property
    def rows(self) -> int:
        """How many rows have it."""
        return len(self.positions)

    def __str__(self) -> str:
        return told(self.changes)

    def __repr__(self) -> str:
        return f"<Edit {self.number}: {counted(self.rows, 'row')} · {self}>"


@dataclass(frozen=True, slots=True, eq=False)
class CampaignsDifference(Difference):
    """How the messages of two campaigns differ.

    Attributes:
        titles: names of both campaigns.
        names: of the rows of both frames.
        match: which row is which, and by what.
        found: what the inspections of both found.
        edits: the largest groups of rows with the same edit, at most 100.
        fields: of every group, the fields that differ.
        changed: rows whose message differs, as numbers in *match*.
        group_of_changed: the group of each of them, counted from 0.
    """

    titles: tuple[str | None, str | None]
    names: tuple[RowNames, RowNames]
    match: Match
    found: tuple[Preflight, Preflight]
    edits: tuple[EditGroup, ...]
    fields: tuple[str, ...]
    changed: Places
    group_of_changed: Places

    def frame(self) -> pd.DataFrame:
        """One row per row that differs, in the order of the new frame; those that were removed come last.

        Returns:
            The labels of the new frame as index, of the old one for rows that were removed. Columns:
            ``change`` (``changed``, ``same``, ``added``, ``removed``: what became of the message), ``became``
            (``sendable`` or ``held_back``, missing for neither), ``fields`` that differ, ``group`` (Int64, the
            number of its edit), ``edit`` (in words, of the 100 largest), ``old_row`` and ``new_row`` (the labels
            in both frames), ``key`` (where the rows are matched by it), ``old_reason`` and ``new_reason`` (the codes
            that block it).
        """
        places, new = self._listed()
        old = np.concatenate([np.append(self.match.old, -1)[places], self.match.removed])
        rows = len(old) - len(self.match.removed)
        new = np.concatenate([new, np.full(len(self.match.removed), -1)])
        group = np.full(len(self.match.old) + 1, -1)
        group[self.changed] = self.group_of_changed
        groups = np.concatenate([group[places], np.full(len(self.match.removed), -1)])
        edits = dict(enumerate(map(str, self.edits)))
        columns = {
            "change": np.select(
                [new < 0, old < 0, groups >= 0], ["removed", "added", "changed"], "same"
            ),
            "became": [self._became(a, b) for a, b in zip(old.tolist(), new.tolist(), strict=True)],
            "fields": pd.Categorical([self.fields[n] if n >= 0 else None for n in groups.tolist()]),
            "group": _numbers(groups + (groups >= 0)),
            "edit": pd.Categorical([edits.get(n) for n in groups.tolist()]),
            "old_row": self.names[0].labels(_or_none(old)),
            "new_row": self.names[1].labels(_or_none(new)),
            **({"key": self._keys(old, new)} if self.match.by == "key" else {}),
            "old_reason": self._reasons(0, old),
            "new_reason": self._reasons(1, new),
        }
        text = {"change", "became", "old_reason", "new_reason"}
        series = {
            name: pd.Series(values, dtype="str") if name in text else values
            for name, values in columns.items()
        }
        return pd.DataFrame(series).set_axis(self._labels(new[:rows]), axis=0)

    def __len__(self) -> int:
        """How many rows differ: in their message, in whether they can be sent, or by being in one frame only."""
        return len(self._listed()[0]) + len(self.match.removed)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are changed, unchanged, added, removed, became sendable or became held back."""
        before, after = self._sendable()
        return {
            "changed": len(self.changed),
            "unchanged": len(self.match.old) - len(self.changed),
            "added": len(self.match.added),
            "removed": len(self.match.removed),
            "became sendable": int((after & ~before).sum()),
            "became held back": int((before & ~after).sum()),
        }

    @property
    def summary(self) -> str:
        """One line: how much differs."""
        if not self:
            return f"no message differs ({counted(len(self.match.old), 'row')}, matched by {self.match.by})"
        said = [
            f"{count:,} {what}"
            for what, count in self.counts.items()
            if count or what in ("changed", "unchanged")
        ]
        return f"{', '.join(said)}; {counted(len(self.fields), 'edit')}; rows matched by {self.match.by}"

    def __repr__(self) -> str:
        lines = [f"<Difference{self._title()}: {self.summary}>"]
        lines += [
            f"  {edit.number}. {counted(edit.rows, 'row')} · {told(edit.changes, most=110)}"
            for edit in self.edits[:SHOWN_EDITS]
        ]
        return "\n".join([*lines, f"  {self._rest()}"] if self._rest() else lines)

    def _repr_html_(self) -> str:
        counts = [
            (what, many)
            for what, many in self.counts.items()
            if many or what in ("changed", "unchanged")
        ]
        label = self.names[1].of
        groups = [
            ChangeGroup(
                f"Edit {edit.number}: {counted(edit.rows, 'row')}",
                f"in the words of {label(edit.example)}" if edit.rows > 1 else label(edit.example),
                edit.changes,
            )
            for edit in self.edits[:SHOWN_EDITS]
        ]
        said = f"rows matched by {self.match.by}" if self else self.summary
        return campaigns_page(f"Difference{self._title()}", said, counts, groups, rest=self._rest())

    def _title(self) -> str:
        old, new = (one_line(title or "", most=60) for title in self.titles)
        if not old and not new:
            return ""
        return f" of {old!r}" if old == new else f" of {old or None!r} and {new or None!r}"

    def _rest(self) -> str:
        more = len(self.fields) - SHOWN_EDITS
        return (
            f"and {counted(more, 'more edit')}; .frame() lists every row with its group"
            if more > 0
            else ""
        )

    def _sendable(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        return self.found[0].sendable[self.match.old], self.found[1].sendable[self.match.new]

    def _listed(self) -> tuple[Places, Positions]:
        """The rows of the new frame that differ: their places in the match (-1 for none), their positions."""
        before, after = self._sendable()
        places = np.union1d(self.changed, np.flatnonzero(before != after)).astype(np.int64)
        new = np.concatenate([self.match.new[places], self.match.added])
        order = np.argsort(new, kind="stable")
        return np.concatenate([places, np.full(len(self.match.added), -1)])[order], new[order]

    def _became(self, old: int, new: int) -> str | None:
        if old < 0 or new < 0 or self.found[0].sendable[old] == self.found[1].sendable[new]:
            return None
        return "sendable" if self.found[1].sendable[new] else "held_back"

    def _reasons(self, side: int, positions: Positions) -> list[str | None]:
        reasons = self.found[side].reasons()
        return [reasons.get(position) for position in positions.tolist()]

    def _labels(self, new: Positions) -> pd.Index[Any]:
        labels = self.names[1].index.take(new)
        return (
            labels.append(self.names[0].index.take(self.match.removed))
            if len(self.match.removed)
            else labels
        )

    def _keys(self, old: Positions, new: Positions) -> pd.Series[Any]:
        """As the new frame has them; as the old one has them for rows that were removed."""
        after, before = self.names[1].keys(_or_none(new)), self.names[0].keys(_or_none(old))
        assert after is not None  # noqa: S101 - rows are matched by key only where both campaigns have one
        assert before is not None  # noqa: S101
        return after if (new >= 0).all() else after.astype(object).where(new >= 0, before)


def _or_none(positions: Positions) -> list[int | None]:
    return [None if position < 0 else position for position in positions.tolist()]


def _numbers(values: np.ndarray[Any, Any]) -> pd.Series[Any]:
    """Whole numbers, those below 0 missing."""
    return pd.Series(pd.array(np.where(values < 0, 0, values), dtype="Int64")).mask(values < 0)
