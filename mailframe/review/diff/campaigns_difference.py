"""The difference between two campaigns: its edits, its summary and its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.pages.changes import ChangeGroup, campaigns_page
from mailframe.pages.text import one_line
from mailframe.pandas_versions import text_column
from mailframe.review.diff.difference import Difference, changes_text

if TYPE_CHECKING:
    from mailframe.message.preflight import Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.pages.changes import Change
    from mailframe.review.diff.edit_groups import Places
    from mailframe.review.diff.row_matching import Positions, RowMatches

SHOWN_EDITS: Final = 10
"""Edits in a repr."""


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """The rows whose messages changed in the same way.

    Attributes:
        number: the number, counted from 1; the edit with most rows is first.
        changes: the changed fields of the example row, word by word. Values that differ between the
            rows are replaced by the names of their columns.
        example: the position in the new frame of a row that has the edit.
        positions: the positions in the new frame of all rows that have it.
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
        return changes_text(self.changes)

    def __repr__(self) -> str:
        return f"<Edit {self.number}: {counted(self.rows, 'row')} · {self}>"


@dataclass(frozen=True, slots=True, eq=False)
class CampaignsDifference(Difference):
    """How the messages of two campaigns differ.

    Attributes:
        titles: the names of both campaigns.
        names: the names of the rows of both frames.
        matches: the rows that belong together.
        preflights: the preflight checks of both campaigns.
        edits: the edits with most rows, at most 100.
        fields: the changed fields of every edit, also of those that are not in *edits*.
        changed: the rows whose message changed, as places in *matches*.
        edit_of_changed: the edit of each of them, counted from 0.
    """

    titles: tuple[str | None, str | None]
    names: tuple[RowNames, RowNames]
    matches: RowMatches
    preflights: tuple[Preflight, Preflight]
    edits: tuple[Edit, ...]
    fields: tuple[str, ...]
    changed: Places
    edit_of_changed: Places

    def frame(self) -> pd.DataFrame:
        """The rows that differ, in the order of the new frame; removed rows come last.

        Returns:
            One row per row that differs, with its label in the new frame as index (of removed rows,
            the label in the old frame). Columns:

            - ``change``: ``changed``, ``same``, ``added`` or ``removed``, of the message.
            - ``became``: ``sendable`` or ``blocked``; missing if that did not change.
            - ``fields``: the changed fields.
            - ``group``: the number of the edit (Int64).
            - ``edit``: the edit as text, for the 100 edits with most rows.
            - ``old_row`` and ``new_row``: the labels in both frames.
            - ``key``: if the rows are matched by it.
            - ``old_reason`` and ``new_reason``: the codes that block the row.
        """
        old, new, edits = self._differing()
        texts = dict(enumerate(map(str, self.edits)))
        change = np.select([new < 0, old < 0, edits >= 0], ["removed", "added", "changed"], "same")
        columns = {
            "change": text_column(change),
            "became": self._became(old, new),
            "fields": pd.Categorical([self.fields[n] if n >= 0 else None for n in edits.tolist()]),
            "group": _numbers(edits + (edits >= 0)),
            "edit": pd.Categorical([texts.get(n) for n in edits.tolist()]),
            "old_row": self.names[0].labels(_or_none(old)),
            "new_row": self.names[1].labels(_or_none(new)),
            **({"key": self._keys(old, new)} if self.matches.by == "key" else {}),
            "old_reason": self._reasons(0, old),
            "new_reason": self._reasons(1, new),
        }
        return pd.DataFrame(columns).set_axis(self._labels(old, new), axis=0)

    def __len__(self) -> int:
        """How many rows differ: in the message, in being blocked, or by being in one frame only."""
        return len(self._differing()[0])

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are changed, unchanged, added, removed, or became sendable or blocked."""
        before, after = self._sendable()
        return {
            "changed": len(self.changed),
            "unchanged": len(self.matches.old) - len(self.changed),
            "added": len(self.matches.added),
            "removed": len(self.matches.removed),
            "became sendable": int((after & ~before).sum()),
            "became blocked": int((before & ~after).sum()),
        }

    @property
    def summary(self) -> str:
        """One line: how much differs."""
        if not self:
            rows = counted(len(self.matches.old), "row")
            return f"no message differs ({rows}, matched by {self.matches.by})"
        counts = ", ".join(f"{count:,} {what}" for what, count in self._shown_counts())
        return f"{counts}; {counted(len(self.fields), 'edit')}; rows matched by {self.matches.by}"

    def _shown_counts(self) -> list[tuple[str, int]]:
        always = ("changed", "unchanged")
        return [(what, count) for what, count in self.counts.items() if count or what in always]

    def __repr__(self) -> str:
        lines = [f"<Difference{self._title()}: {self.summary}>"]
        for edit in self.edits[:SHOWN_EDITS]:
            changes = changes_text(edit.changes, most=110)
            lines.append(f"  {edit.number}. {counted(edit.rows, 'row')} · {changes}")
        return "\n".join([*lines, f"  {self._rest()}"] if self._rest() else lines)

    def _repr_html_(self) -> str:
        label = self.names[1].of
        groups = [
            ChangeGroup(
                f"Edit {edit.number}: {counted(edit.rows, 'row')}",
                f"as in {label(edit.example)}" if edit.rows > 1 else label(edit.example),
                edit.changes,
            )
            for edit in self.edits[:SHOWN_EDITS]
        ]
        summary = f"rows matched by {self.matches.by}" if self else self.summary
        title = f"Difference{self._title()}"
        return str(campaigns_page(title, summary, self._shown_counts(), groups, rest=self._rest()))

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
        before, after = self.preflights
        return before.sendable[self.matches.old], after.sendable[self.matches.new]

    def _differing(self) -> tuple[Positions, Positions, Places]:
        """The rows that differ, removed ones last: old and new positions and edits; -1 for none."""
        matched, added, removed = self.matches.old, self.matches.added, self.matches.removed
        old = np.concatenate([matched, np.full(len(added), -1), removed])
        new = np.concatenate([self.matches.new, added, np.full(len(removed), -1)])
        edits = np.full(len(old), -1)
        edits[self.changed] = self.edit_of_changed
        before, after = self._sendable()
        differs = (edits >= 0) | (old < 0) | (new < 0)
        differs[: len(matched)] |= before != after
        order = np.argsort(np.where(new < 0, len(new), new), kind="stable")
        order = order[differs[order]]
        return old[order], new[order], edits[order]

    def _became(self, old: Positions, new: Positions) -> pd.Series[Any]:
        before, after = (
            np.append(preflight.sendable, False)[positions]  # -1 is the last one
            for preflight, positions in zip(self.preflights, (old, new), strict=True)
        )
        changed = (old >= 0) & (new >= 0) & (before != after)
        words = text_column(np.where(after, "sendable", "blocked"))
        return words.where(changed)

    def _reasons(self, side: int, positions: Positions) -> pd.Series[Any]:
        reasons = self.preflights[side].reasons()
        codes = [reasons.get(position) for position in positions.tolist()]
        return text_column(codes)

    def _labels(self, old: Positions, new: Positions) -> pd.Index[Any]:
        labels = self.names[1].index.take(new[new >= 0])
        removed = old[new < 0]
        return labels.append(self.names[0].index.take(removed)) if len(removed) else labels

    def _keys(self, old: Positions, new: Positions) -> pd.Series[Any]:
        """The keys in the new frame; of removed rows those in the old frame."""
        after, before = self.names[1].keys(_or_none(new)), self.names[0].keys(_or_none(old))
        assert after is not None  # noqa: S101 - rows are only matched by key if both have one
        assert before is not None  # noqa: S101
        return after if (new >= 0).all() else after.astype(object).where(new >= 0, before)


def _or_none(positions: Positions) -> list[int | None]:
    return [None if position < 0 else position for position in positions.tolist()]


def _numbers(values: np.ndarray[Any, Any]) -> pd.Series[Any]:
    """Whole numbers; negative ones are missing."""
    return pd.Series(pd.arrays.IntegerArray(values, values < 0))
