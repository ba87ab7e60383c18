"""Two campaigns, row by row: which messages an edit of the letter or of the data changed, and by which edits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.html.changes import Change
from mailframe.message.cells import rows as cells_by_row
from mailframe.message.pipeline import prepare
from mailframe.notebook import rows_bar
from mailframe.review.diff.change_list import CampaignsDifference, EditGroup
from mailframe.review.diff.edits import MAX_HUNK, Editor
from mailframe.review.diff.grouping import EditGrouper
from mailframe.review.diff.matching import matched
from mailframe.review.diff.parts import HTML_FIELD, differing, is_column
from mailframe.review.diff.slots import SIGN, Signs, Values
from mailframe.review.diff.words import changed_words, hunks, word_difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.message.binding import BoundLetter
    from mailframe.message.composed import Composed
    from mailframe.message.pipeline import Prepared
    from mailframe.message.preflight import Preflight
    from mailframe.review.diff.edits import Edit
    from mailframe.review.diff.grouping import Places, RowGroup
    from mailframe.review.diff.matching import Match

MAX_TOLD: Final = 100
"""Edits that are told word by word, the largest ones."""
_CHUNK_ROWS: Final = 2_000


def campaigns_difference(
    old: Composed, new: Composed, *, progress: bool = True
) -> CampaignsDifference:
    """Which rows' messages differ between two campaigns, and by which edits.

    Every row is rendered once for its digest, unless that was done before; those that differ once more. Memory
    grows with the number of different edits, and by a few bytes with each row.

    Args:
        old: the campaign before.
        new: the campaign after.
        progress: draw a bar that leaves nothing behind.

    Raises:
        MailframeError: *new* is no campaign, or nothing tells which row is which.
    """
    before, after = old.kept_preflight, new.kept_preflight
    looked = (len(old.frame) if before is None else 0) + (len(new.frame) if after is None else 0)
    with rows_bar("diff", looked + len(new.frame), shown=progress) as bar:
        before, after = (run.preflight(watch=lambda _: bar.update()) for run in (old, new))
        match = matched(old, new, old_found=before, new_found=after)
        suspects = np.flatnonzero(~_same_digests(match, before, after))
        bar.update(len(new.frame) - len(suspects))
        pairs = _Pairs(old, new, match)
        groups, changed = EditGrouper(), []
        for place, edit in pairs.edits(suspects):
            bar.update(1)
            if edit is not None:
                groups.add(edit)
                changed.append(place)
    listed, numbers = groups.settled()
    where = np.array(changed, dtype=np.int64)
    return CampaignsDifference(
        titles=(old.name, new.name),
        names=(old.names, new.names),
        match=match,
        found=(before, after),
        edits=tuple(pairs.told(listed, where, numbers)),
        fields=tuple(", ".join(group.fields) for group in listed),
        changed=where,
        group_of_changed=numbers,
    )


def _same_digests(
    match: Match, old: Preflight, new: Preflight
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each pair, whether both messages could be made and are the same."""
    before, after = old.contents.halves()[match.old], new.contents.halves()[match.new]
    same: np.ndarray[tuple[int], np.dtype[np.bool_]] = (before == after).all(axis=1) & before.any(
        axis=1
    )
    return same


@dataclass(frozen=True, slots=True)
class _Pair:
    """One row of both campaigns, as far as its messages could be made, and its cells by column."""

    place: int
    old: Prepared
    new: Prepared
    old_cells: Mapping[Any, Any]
    new_cells: Mapping[Any, Any]


class _Pairs:
    """The rows of two campaigns side by side; rendered when asked for, a few thousand at a time."""

    def __init__(self, old: Composed, new: Composed, match: Match) -> None:
        self._old, self._new, self._match = old, new, match
        columns = [
            column.name for run in (old, new) for column in run.bound.columns if is_column(column)
        ]
        self._signs = Signs(list(dict.fromkeys(columns)))
        self._editor = Editor()

    def edits(self, places: Places) -> Iterator[tuple[int, Edit | None]]:
        """For each pair at these places what became of its message; None when nothing did."""
        for pair in self._rendered(places):
            changed, _ = differing(pair.old.fields, pair.new.fields)
            edit = self._editor.edit(changed, self._values(pair)) if changed else None
            yield pair.place, edit

    def told(self, groups: list[RowGroup], where: Places, numbers: Places) -> Iterator[EditGroup]:
        """The largest groups, each with the words of its first row.

        Args:
            groups: the largest first.
            where: the pairs that changed.
            numbers: of each of them, the place of its group.
        """
        largest = groups[:MAX_TOLD]
        order = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[order], np.arange(len(largest) + 1))
        firsts = where[[group.first for group in largest]] if largest else where
        for place, (group, pair) in enumerate(zip(largest, self._rendered(firsts), strict=True)):
            yield EditGroup(
                number=place + 1,
                changes=tuple(self._changes(group, pair)),
                example=int(self._match.new[pair.place]),
                positions=self._match.new[where[order[bounds[place] : bounds[place + 1]]]],
            )

    def _rendered(self, places: Places) -> Iterator[_Pair]:
        for start in range(0, len(places), _CHUNK_ROWS):
            chunk = places[start : start + _CHUNK_ROWS]
            old = self._old.bound.take(self._match.old[chunk].tolist())
            new = self._new.bound.take(self._match.new[chunk].tolist())
            sides = (prepare(old), prepare(new), _cells(old), _cells(new))
            yield from map(_Pair, chunk.tolist(), *sides)

    def _values(self, pair: _Pair) -> Values:
        return Values(self._signs, pair.old_cells, pair.new_cells)

    def _changes(self, group: RowGroup, pair: _Pair) -> Iterator[Change]:
        changed, _ = differing(pair.old.fields, pair.new.fields)
        values = self._values(pair)
        naming = _Naming(self._signs, group, values, self._editor.edit(changed, values))
        for field, (old, new) in changed.items():
            yield Change(
                field, tuple(naming.segments(old, new, html=field == HTML_FIELD)), old=old, new=new
            )


def _cells(bound: BoundLetter) -> Iterator[dict[Any, Any]]:
    return cells_by_row([column for column in bound.columns if is_column(column)], 0, bound.rows)


class _Naming:
    """The words of one row, with the names of columns where the values of the group's rows differ."""

    def __init__(self, signs: Signs, group: RowGroup, values: Values, edit: Edit) -> None:
        self._values = values
        fits = len(edit.sources) == len(group.sources)
        columns = zip(group.sources, group.constants, strict=True)
        self._names = iter(
            [signs.name(bits) if value is None else None for bits, value in columns] if fits else []
        )

    def segments(
        self, old: str | None, new: str | None, *, html: bool
    ) -> Iterator[tuple[str, str, str]]:
        """What became of a field; fields have to come in their order."""
        if old is None or new is None:
            yield ("inserted", "", new or "") if old is None else ("deleted", old, "")
            return
        for before, after in hunks(old, new, html=html):
            if before == after:
                yield "same", before, before
            elif len(before) + len(after) > MAX_HUNK:
                yield from word_difference(before, after, html=html)
            else:
                marked = (self._values.marked(text, html=html) for text in (before, after))
                for kind, one, other in changed_words(*marked, html=html):
                    yield self._named(kind, one, other, html=html)

    def _named(self, kind: str, old: str, new: str, *, html: bool) -> tuple[str, str, str]:
        if kind == "same":
            text = self._values.restored(old, html=html)
            return kind, text, text
        texts = [
            SIGN.sub(
                lambda found: next(self._names, None) or self._values.value(found[0], html=html),
                text,
            )
            for text in (old, new)
        ]
        return kind, texts[0], texts[1]
