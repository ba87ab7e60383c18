"""What became of one row's message, with signs in place of personal values; the same for every row of one edit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.review.diff.parts import HTML_FIELD
from mailframe.review.diff.slots import SIGN
from mailframe.review.diff.words import changed_words, hunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.review.diff.slots import Values
    from mailframe.review.diff.words import Segment

MAX_HUNK: Final = 20_000
"""Characters of lines that changed together; what is longer counts as written anew and is not compared word by word."""
MAX_CACHED: Final = 4_000_000
"""Characters of the texts whose differences are remembered."""
MAX_SIGNATURE: Final = 2_000
"""Characters that are kept of an edit; a longer one is kept as a digest."""
_FIELD, _OLD, _NEW, _ANEW, _GONE, _CAME, ANY_SIGN = (chr(0x100000 + n) for n in range(7))


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of one row's message.

    Attributes:
        structure: the fields and the words that went and came; each sign of a value as ``ANY_SIGN``.
        sources: of each sign in order, the columns that it may stand for, as bits.
        values: of each sign in order, what it stands for in this row; None for several rows that differ in it.
        fields: that differ.
    """

    structure: str
    sources: tuple[int, ...]
    values: tuple[str | None, ...]
    fields: tuple[str, ...]


class Editor:
    """Finds edits; remembers the differences of texts that it has compared, up to a size."""

    def __init__(self) -> None:
        self._known: dict[tuple[bool, str, str], tuple[Segment, ...]] = {}
        self._characters = 0

    def edit(self, changed: Mapping[str, tuple[str | None, str | None]], values: Values) -> Edit:
        """What became of a row's message.

        Args:
            changed: the fields that differ, each with both texts.
            values: of the row.
        """
        said: list[str] = []
        sources: list[int] = []
        found: list[str | None] = []
        for field, (old, new) in changed.items():
            html = field == HTML_FIELD
            text = "".join([_FIELD, field, *self._words(old, new, values, html=html)])
            signs = SIGN.findall(text)
            said.append(text)
            sources += [values.sources(sign) for sign in signs]
            found += [values.value(sign, html=html) for sign in signs]
        structure = SIGN.sub(ANY_SIGN, "".join(said))
        if len(structure) > MAX_SIGNATURE:
            structure = hashlib.sha256(structure.encode("utf-8", "surrogatepass")).hexdigest()
        return Edit(structure, tuple(sources), tuple(found), tuple(changed))

    def _words(
        self, old: str | None, new: str | None, values: Values, *, html: bool
    ) -> Iterator[str]:
        """What went and what came, each behind its mark."""
        if old is None or new is None:
            yield _CAME if old is None else _GONE
            return
        for before, after in hunks(old, new, html=html):
            if before == after:
                continue
            if len(before) + len(after) > MAX_HUNK:
                yield _ANEW
                continue
            for segment in self._compared(
                values.marked(before, html=html), values.marked(after, html=html), html=html
            ):
                if segment.kind != "same":
                    yield f"{_OLD}{segment.old}{_NEW}{segment.new}"

    def _compared(self, old: str, new: str, *, html: bool) -> tuple[Segment, ...]:
        key = (html, old, new)
        known = self._known.get(key)
        if known is None:
            known = tuple(changed_words(old, new, html=html))
            self._characters += len(old) + len(new)
            if self._characters > MAX_CACHED:
                self._known.clear()
                self._characters = len(old) + len(new)
            self._known[key] = known
        return known
