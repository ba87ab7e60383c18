"""The signature of an edit: how a row's message changed, the same for every row of one edit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from mailframe.review.diff.fields import HTML_FIELD
from mailframe.review.diff.placeholders import PLACEHOLDER
from mailframe.review.diff.words import changed_words, hunks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.review.diff.fields import ChangedFields
    from mailframe.review.diff.placeholders import RowValues
    from mailframe.review.diff.words import Segment

MAX_HUNK: Final = 20_000
"""Characters of a hunk that is compared word by word; a longer hunk counts as rewritten."""
MAX_CACHED: Final = 4_000_000
"""Characters of the texts whose differences are cached."""
MAX_SIGNATURE: Final = 2_000
"""Characters of a structure that is kept; of a longer one a digest is kept."""


class Mark(IntEnum):
    """What stands between the texts of a structure."""

    FIELD = 0
    ADDED = 1
    REMOVED = 2
    REWRITTEN = 3
    OLD = 4
    NEW = 5
    VALUE = 6
    """In place of a value of the row."""


Structure: TypeAlias = "tuple[str | Mark, ...]"


@dataclass(frozen=True, slots=True)
class EditSignature:
    """How the message of one row changed.

    Attributes:
        structure: the fields with the old and new words, and ``Mark.VALUE`` in place of values.
        sources: the columns that each value may come from, as bits.
        values: the values in this row; None for values that differ between several rows.
        fields: the changed fields.
    """

    structure: Structure
    sources: tuple[int, ...]
    values: tuple[str | None, ...]
    fields: tuple[str, ...]


class SignatureBuilder:
    """Builds signatures. The differences of texts are cached, up to a size."""

    def __init__(self) -> None:
        self._cache: dict[tuple[bool, str, str], list[Segment]] = {}
        self._cached_characters = 0

    def signature(self, changed: ChangedFields, values: RowValues) -> EditSignature:
        """The signature of a row.

        Args:
            changed: the changed fields with their old and new texts.
            values: the values of the row.
        """
        structure: list[str | Mark] = []
        sources: list[int] = []
        texts: list[str | None] = []
        for field, (old, new) in changed.items():
            html = field == HTML_FIELD
            structure += [Mark.FIELD, field]
            for part in self._parts(old, new, values, html=html):
                if isinstance(part, Mark):
                    structure.append(part)
                    continue
                for i, piece in enumerate(PLACEHOLDER.split(part)):
                    if i % 2:
                        structure.append(Mark.VALUE)
                        sources.append(values.sources(piece))
                        texts.append(values.value(piece, html=html))
                    elif piece:
                        structure.append(piece)
        return EditSignature(_bounded(structure), tuple(sources), tuple(texts), tuple(changed))

    def _parts(
        self, old: str | None, new: str | None, values: RowValues, *, html: bool
    ) -> Iterator[str | Mark]:
        """The old and new words of a field, each after its mark."""
        if old is None or new is None:
            yield Mark.ADDED if old is None else Mark.REMOVED
            return
        for before, after in hunks(old, new, html=html):
            if before == after:
                continue
            if len(before) + len(after) > MAX_HUNK:
                yield Mark.REWRITTEN
                continue
            replaced = (values.replaced(text, html=html) for text in (before, after))
            for segment in self._changed_words(*replaced, html=html):
                if segment.kind != "same":
                    yield from (Mark.OLD, segment.old, Mark.NEW, segment.new)

    def _changed_words(self, old: str, new: str, *, html: bool) -> list[Segment]:
        key = (html, old, new)
        segments = self._cache.get(key)
        if segments is None:
            segments = changed_words(old, new, html=html)
            self._cached_characters += len(old) + len(new)
            if self._cached_characters > MAX_CACHED:
                self._cache.clear()
                self._cached_characters = len(old) + len(new)
            self._cache[key] = segments
        return segments


def _bounded(structure: list[str | Mark]) -> Structure:
    size = sum(len(part) for part in structure if isinstance(part, str))
    if size <= MAX_SIGNATURE:
        return tuple(structure)
    return (hashlib.sha256(repr(structure).encode()).hexdigest(),)
