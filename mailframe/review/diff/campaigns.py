"""Compares two campaigns row by row, and groups the rows that changed by the same edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.message.cells import rows as cells_by_row
from mailframe.message.pipeline import prepare
from mailframe.notebook import rows_bar
from mailframe.pages.changes import Change
from mailframe.review.diff.campaigns_difference import CampaignsDifference, Edit
from mailframe.review.diff.edit_groups import EditGrouper
from mailframe.review.diff.edit_signature import MAX_HUNK, SignatureBuilder
from mailframe.review.diff.fields import HTML_FIELD, changed_fields, is_frame_column
from mailframe.review.diff.placeholders import PLACEHOLDER, Placeholders, RowValues
from mailframe.review.diff.row_matching import match_rows
from mailframe.review.diff.words import Segment, changed_words, hunks, word_difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.message.binding import BoundLetter
    from mailframe.message.composed import Composed
    from mailframe.message.pipeline import Prepared
    from mailframe.message.preflight import Preflight
    from mailframe.review.diff.edit_groups import EditGroup, Places
    from mailframe.review.diff.edit_signature import EditSignature
    from mailframe.review.diff.fields import ChangedFields
    from mailframe.review.diff.row_matching import RowMatches

MAX_EDITS: Final = 100
"""Edits that are shown word by word, those with most rows."""
_CHUNK_ROWS: Final = 2_000


def campaigns_difference(
    old: Composed, new: Composed, *, progress: bool = True
) -> CampaignsDifference:
    """Which rows' messages differ between two campaigns, and by which edits.

    Every row is rendered once for the preflight check, unless it was run before. Rows whose
    messages differ are rendered once more. Memory use grows with the number of edits, and by a few
    bytes per row.

    Args:
        old: the campaign before.
        new: the campaign after.
        progress: whether to draw a progress bar.

    Raises:
        MailframeError: the rows cannot be matched.
    """
    unchecked = [len(each.frame) for each in (old, new) if each.kept_preflight is None]
    with rows_bar("diff", sum(unchecked) + len(new.frame), shown=progress) as bar:
        before, after = (each.preflight(watch=lambda _: bar.update()) for each in (old, new))
        matches = match_rows(old, new, old_preflight=before, new_preflight=after)
        may_differ = np.flatnonzero(~_has_equal_messages(matches, before, after))
        bar.update(len(new.frame) - len(may_differ))
        pairs = _RowPairs(old, new, matches)
        grouper, changed = EditGrouper(), []
        for place, signature in pairs.signatures(may_differ):
            bar.update(1)
            if signature is not None:
                grouper.add(signature)
                changed.append(place)
    groups, numbers = grouper.groups()
    where = np.array(changed, dtype=np.int64)
    return CampaignsDifference(
        titles=(old.name, new.name),
        names=(old.names, new.names),
        matches=matches,
        preflights=(before, after),
        edits=tuple(pairs.edits(groups, where, numbers)),
        fields=tuple(", ".join(group.fields) for group in groups),
        changed=where,
        edit_of_changed=numbers,
    )


def _has_equal_messages(
    matches: RowMatches, old: Preflight, new: Preflight
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each pair of rows, whether both messages could be made and are equal."""
    before, after = old.contents.halves()[matches.old], new.contents.halves()[matches.new]
    equal: np.ndarray[tuple[int], np.dtype[np.bool_]] = (before == after).all(axis=1)
    return equal & before.any(axis=1)


class _RowPairs:
    """The rows of two campaigns, rendered on demand, a few thousand at a time."""

    def __init__(self, old: Composed, new: Composed, matches: RowMatches) -> None:
        self._old, self._new, self._matches = old, new, matches
        columns = [column for one in (old, new) for bound in one.bounds for column in bound.columns]
        names = [column.name for column in columns if is_frame_column(column)]
        self._placeholders = Placeholders(list(dict.fromkeys(names)))
        self._builder = SignatureBuilder()

    def signatures(self, places: Places) -> Iterator[tuple[int, EditSignature | None]]:
        """The edit of each pair at these places; None if its messages are equal."""
        for place, changed, values in self._rendered(places):
            yield place, self._builder.signature(changed, values) if changed else None

    def edits(self, groups: list[EditGroup], where: Places, numbers: Places) -> Iterator[Edit]:
        """The edits with most rows, each in the words of its first row.

        Args:
            groups: the groups, those with most rows first.
            where: the places of the pairs that changed.
            numbers: the position in *groups* of each of these pairs.
        """
        largest = groups[:MAX_EDITS]
        order = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[order], np.arange(len(largest) + 1))
        firsts = where[[group.first for group in largest]] if largest else where
        pairs = zip(largest, self._rendered(firsts), strict=True)
        for i, (group, (place, changed, values)) in enumerate(pairs):
            yield Edit(
                number=i + 1,
                changes=tuple(self._changes(group, changed, values)),
                example=int(self._matches.new[place]),
                positions=self._matches.new[where[order[bounds[i] : bounds[i + 1]]]],
            )

    def _rendered(self, places: Places) -> Iterator[tuple[int, ChangedFields, RowValues]]:
        """The fields that differ between the rows of each pair, and the values of the rows."""
        for start in range(0, len(places), _CHUNK_ROWS):
            chunk = places[start : start + _CHUNK_ROWS]
            old = _rows(self._old, self._matches.old[chunk])
            new = _rows(self._new, self._matches.new[chunk])
            for place, before, after in zip(chunk.tolist(), old, new, strict=True):
                changed, _ = changed_fields(before[0].fields, after[0].fields)
                yield place, changed, RowValues(self._placeholders, before[1], after[1])

    def _changes(
        self, group: EditGroup, changed: ChangedFields, values: RowValues
    ) -> Iterator[Change]:
        names = self._column_names(group, self._builder.signature(changed, values))
        for field, (old, new) in changed.items():
            segments = _segments(old, new, values, names, html=field == HTML_FIELD)
            yield Change(field, tuple(segments), old=old, new=new)

    def _column_names(self, group: EditGroup, edit: EditSignature) -> Iterator[str | None]:
        """For each value in the changed words, the name of its column; None if all rows have it."""
        if len(edit.sources) == len(group.sources):  # otherwise the first row's group was merged
            for sources, constant in zip(group.sources, group.constants, strict=True):
                yield self._placeholders.name(sources) if constant is None else None


def _rows(composed: Composed, positions: Places) -> Iterator[tuple[Prepared, dict[Any, Any]]]:
    """The message and the cells of some rows, each by its letter."""
    places = composed.groups.variant
    if places is None:
        bound = composed.bound.take(positions.tolist())
        return zip(prepare(bound), _cells(bound), strict=True)
    of_rows = places[positions]
    taken = [
        letter.take(positions[of_rows == place].tolist())
        for place, letter in enumerate(composed.bounds)
    ]
    rows = [zip(prepare(bound), _cells(bound), strict=True) for bound in taken]
    return (next(rows[place]) for place in of_rows.tolist())


def _cells(bound: BoundLetter) -> Iterator[dict[Any, Any]]:
    columns = [column for column in bound.columns if is_frame_column(column)]
    return cells_by_row(columns, 0, bound.rows)


def _segments(
    old: str | None,
    new: str | None,
    values: RowValues,
    names: Iterator[str | None],
    *,
    html: bool,
) -> Iterator[Segment]:
    """The segments of a changed field; values in changed words are replaced by *names*."""
    if old is None or new is None:
        yield Segment.of(old or "", new or "")
        return
    for before, after in hunks(old, new, html=html):
        if before == after:
            yield Segment.of(before, before)
        elif len(before) + len(after) > MAX_HUNK:
            yield from word_difference(before, after, html=html)
        else:
            replaced = (values.replaced(text, html=html) for text in (before, after))
            for segment in changed_words(*replaced, html=html):
                yield _with_names(segment, values, names, html=html)


def _with_names(
    segment: Segment, values: RowValues, names: Iterator[str | None], *, html: bool
) -> Segment:
    """A segment with its values; in changed words, with names of columns where there are any."""
    if segment.kind == "same":
        text = values.restored(segment.old, html=html)
        return Segment("same", text, text)
    old, new = (
        PLACEHOLDER.sub(lambda match: next(names, None) or values.value(match[0], html=html), text)
        for text in (segment.old, segment.new)
    )
    return Segment(segment.kind, old, new)
