"""Placeholders for a row's own values, so that the same edit has the same text in every row.

A placeholder is one character of Unicode's private plane 15. It represents all columns that contain
the value. Within a row, equal values have the same placeholder and different values have different
ones. Texts with placeholders are therefore equal if and only if the texts are. A text that contains
such a character itself has no placeholders, and the characters are written out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from markupsafe import escape

from mailframe.review.diff.fields import cell_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_VALUE: Final = 200
"""Characters of a value that is replaced; longer values are texts of their own."""
_FIRST: Final = 0xF0000
_MAX_PLACEHOLDERS: Final = 0xFFFD
PLACEHOLDER: Final = re.compile("([\U000f0000-\U000ffffd])")
_SIDES: Final = ("", " before", " now")


class Placeholders:
    """The placeholders of one comparison.

    Args:
        columns: the names of the columns whose values are replaced.
    """

    def __init__(self, columns: Sequence[object]) -> None:
        self.columns = tuple(columns)
        self._characters: dict[int, str] = {}
        self._sources: list[int] = []

    def sources(self, placeholder: str) -> int:
        """The columns of a placeholder: three bits each, for both sides, the old and the new."""
        return self._sources[ord(placeholder) - _FIRST]

    def name(self, sources: int) -> str:
        """The name of the first of these columns.

        >>> placeholders = Placeholders(["name", "n"])
        >>> placeholders.name(0b001), placeholders.name(0b100000)
        ('{{ name }}', '{{ n }} now')
        """
        column, side = divmod((sources & -sources).bit_length() - 1, len(_SIDES))
        return f"{{{{ {self.columns[column]} }}}}{_SIDES[side]}"

    def character(self, sources: int) -> str | None:
        """The placeholder of these columns; None if there are no more."""
        character = self._characters.get(sources)
        if character is None and len(self._sources) < _MAX_PLACEHOLDERS:
            character = self._characters[sources] = chr(_FIRST + len(self._sources))
            self._sources.append(sources)
        return character


class RowValues:
    """The values of one row that can be replaced by placeholders.

    Args:
        placeholders: the placeholders of the comparison.
        old: the old cells by column.
        new: the new cells. A column that only one side has is taken to be equal on both.
    """

    def __init__(
        self, placeholders: Placeholders, old: Mapping[Any, Any], new: Mapping[Any, Any]
    ) -> None:
        self._placeholders = placeholders
        self._sources = _sources(placeholders.columns, old, new)
        self._replaced: dict[bool, tuple[list[tuple[str, str]], dict[str, str]]] = {}

    def replaced(self, text: str, *, html: bool) -> str:
        """The text with placeholders for the values that are separate words in it."""
        if PLACEHOLDER.search(text):
            return PLACEHOLDER.sub(lambda match: f"⟨U+{ord(match[0]):X}⟩", text)
        for value, placeholder in self._pairs(html)[0]:
            if value in text:
                text = _with_placeholder(text, value, placeholder)
        return text

    def sources(self, placeholder: str) -> int:
        """The columns of a placeholder, as bits."""
        return self._placeholders.sources(placeholder)

    def value(self, placeholder: str, *, html: bool) -> str:
        """The value of a placeholder in this row."""
        return self._pairs(html)[1][placeholder]

    def restored(self, text: str, *, html: bool) -> str:
        """The text with the values instead of the placeholders."""
        values = self._pairs(html)[1]
        return PLACEHOLDER.sub(lambda match: values[match[0]], text)

    def _pairs(self, html: bool) -> tuple[list[tuple[str, str]], dict[str, str]]:
        """The values with their placeholders, longest value first, and the reverse."""
        if html not in self._replaced:
            sources: dict[str, int] = {}
            for value, bits in self._sources.items():
                text = str(escape(value)) if html else value
                sources[text] = sources.get(text, 0) | bits
            all_pairs = [(text, self._placeholders.character(b)) for text, b in sources.items()]
            pairs = [(text, character) for text, character in all_pairs if character is not None]
            pairs.sort(key=lambda pair: -len(pair[0]))
            self._replaced[html] = pairs, {character: text for text, character in pairs}
        return self._replaced[html]


def _sources(
    columns: Sequence[object], old: Mapping[Any, Any], new: Mapping[Any, Any]
) -> dict[str, int]:
    """Each value of the row, with the columns that contain it as bits."""
    sources: dict[str, int] = {}
    for i, name in enumerate(columns):
        before = cell_text(old[name]) if name in old else None
        after = cell_text(new[name]) if name in new else None
        if before == after or name not in old or name not in new:
            sides = [(before if name in old else after, 0)]
        else:
            sides = [(before, 1), (after, 2)]
        for text, side in sides:
            if (
                text
                and len(text) <= MAX_VALUE
                and not text.isspace()
                and not PLACEHOLDER.search(text)
            ):
                sources[text] = sources.get(text, 0) | 1 << (3 * i + side)
    return sources


def _with_placeholder(text: str, value: str, placeholder: str) -> str:
    """The text with a placeholder for the value, where it is not part of a longer word."""
    pieces, done, at = [], 0, text.find(value)
    while at >= 0:
        end = at + len(value)
        joins_before = _is_word(value[0]) and at > 0 and _is_word(text[at - 1])
        joins_after = _is_word(value[-1]) and end < len(text) and _is_word(text[end])
        if joins_before or joins_after:
            at = text.find(value, at + 1)
        else:
            pieces += [text[done:at], placeholder]
            done = end
            at = text.find(value, end)
    return "".join([*pieces, text[done:]])


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
