"""A row's own values in its texts, replaced by signs for their columns: the same edit reads the same in every row.

A sign is one character of Unicode's private planes, and stands for all the columns that hold the value. Within
a row the same value has the same sign on both sides and different values have different ones, so texts with
signs are equal when the texts are, and no change can hide behind a sign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from markupsafe import escape

from mailframe.review.diff.parts import cell_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_VALUE: Final = 200
"""Characters of a value that is looked for; longer ones are bodies, not personal words."""
_FIRST: Final = 0xF0000
_MOST: Final = 0xFFFD
SIGN: Final = re.compile("[\U000f0000-\U000ffffd]")
_PRIVATE: Final = re.compile("[\U000f0000-\U0010ffff]")
_SIDES: Final = ("", " before", " now")


class Signs:
    """The signs of one comparison, and the columns that each stands for.

    Args:
        columns: names of those whose values are looked for.
    """

    def __init__(self, columns: Sequence[object]) -> None:
        self.columns = tuple(columns)
        self._signs: dict[int, str] = {}
        self._sources: list[int] = []

    def sources(self, sign: str) -> int:
        """The columns of a sign, as bits: three for each column, for both sides, the old and the new one."""
        return self._sources[ord(sign) - _FIRST]

    def name(self, sources: int) -> str:
        """What a person calls the first of these columns.

        >>> signs = Signs(["name", "n"])
        >>> signs.name(0b001), signs.name(0b100000)
        ('{{ name }}', '{{ n }} now')
        """
        column, side = divmod((sources & -sources).bit_length() - 1, len(_SIDES))
        return f"{{{{ {self.columns[column]} }}}}{_SIDES[side]}"

    def sign(self, sources: int) -> str | None:
        """The sign of these columns; None when there are no more."""
        known = self._signs.get(sources)
        if known is None and len(self._sources) < _MOST:
            known = self._signs[sources] = chr(_FIRST + len(self._sources))
            self._sources.append(sources)
        return known


class Values:
    """The values of one row, old and new, that can be replaced by signs.

    Args:
        signs: of the comparison.
        old, new: cells by column; a column that only one side has is taken to be the same on both.
    """

    def __init__(self, signs: Signs, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> None:
        self._signs = signs
        self._sources = _sources(signs.columns, old, new)
        self._sides: dict[bool, tuple[list[tuple[str, str]], dict[str, str]]] = {}

    def marked(self, text: str, *, html: bool) -> str:
        """The text with signs in place of the row's values, where those stand as words of their own."""
        if _PRIVATE.search(text):
            return _PRIVATE.sub(lambda found: f"⟨U+{ord(found[0]):X}⟩", text)
        for value, sign in self._side(html)[0]:
            if value in text:
                text = _replaced(text, value, sign)
        return text

    def sources(self, sign: str) -> int:
        """The columns of a sign, as bits."""
        return self._signs.sources(sign)

    def value(self, sign: str, *, html: bool) -> str:
        """What a sign stands for in this row."""
        return self._side(html)[1][sign]

    def restored(self, text: str, *, html: bool) -> str:
        """A marked text as it was."""
        known = self._side(html)[1]
        return SIGN.sub(lambda found: known[found[0]], text)

    def _side(self, html: bool) -> tuple[list[tuple[str, str]], dict[str, str]]:
        if html not in self._sides:
            texts: dict[str, int] = {}
            for value, sources in self._sources.items():
                shown = str(escape(value)) if html else value
                texts[shown] = texts.get(shown, 0) | sources
            found = [(text, self._signs.sign(sources)) for text, sources in texts.items()]
            pairs = [(text, sign) for text, sign in found if sign is not None]
            pairs.sort(key=lambda pair: -len(pair[0]))
            self._sides[html] = pairs, {sign: text for text, sign in pairs}
        return self._sides[html]


def _sources(
    columns: Sequence[object], old: Mapping[Any, Any], new: Mapping[Any, Any]
) -> dict[str, int]:
    """Each value of the row, with the columns that hold it as bits."""
    found: dict[str, int] = {}
    for i, name in enumerate(columns):
        before = cell_text(old[name]) if name in old else None
        after = cell_text(new[name]) if name in new else None
        if before == after or name not in old or name not in new:
            sides = [(before if name in old else after, 0)]
        else:
            sides = [(before, 1), (after, 2)]
        for text, side in sides:
            if text and len(text) <= MAX_VALUE and not text.isspace() and not _PRIVATE.search(text):
                found[text] = found.get(text, 0) | 1 << (3 * i + side)
    return found


def _replaced(text: str, value: str, sign: str) -> str:
    """The text with a sign for each place where the value is a word, or words, of its own."""
    made, done, at = [], 0, text.find(value)
    while at >= 0:
        end = at + len(value)
        joins_before = _is_word(value[0]) and at > 0 and _is_word(text[at - 1])
        joins_after = _is_word(value[-1]) and end < len(text) and _is_word(text[end])
        if joins_before or joins_after:
            at = text.find(value, at + 1)
        else:
            made += [text[done:at], sign]
            done = end
            at = text.find(value, end)
    return "".join([*made, text[done:]])


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
