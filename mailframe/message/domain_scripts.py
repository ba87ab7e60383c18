"""Which alphabets a label of a domain mixes."""

from __future__ import annotations

import unicodedata
from typing import Final

_USUAL_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that honest names mix: "highly restrictive" in https://www.unicode.org/reports/tr39/, 5.2."""

_SCRIPT_OF_FIRST_WORD: Final = {"IDEOGRAPHIC": "CJK", "KATAKANA-HIRAGANA": "KATAKANA"}
"""Marks as 々 and ー, whose Unicode names do not begin with their script."""


def scripts(label: str) -> set[str]:
    """The scripts of the letters in *label*, read from the Unicode names of the characters.

    >>> sorted(scripts("日本go"))
    ['CJK', 'LATIN']
    """
    words = {unicodedata.name(letter, "?").split()[0] for letter in label if letter.isalpha()}
    return {_SCRIPT_OF_FIRST_WORD.get(word, word) for word in words}


def mixes_scripts(label: str) -> bool:
    """Whether the letters of *label* come from scripts that honest names do not mix.

    >>> mixes_scripts("ex\u0430mple"), mixes_scripts("日本go")
    (True, False)
    """
    found = scripts(label)
    return len(found) > 1 and not any(found <= usual for usual in _USUAL_TOGETHER)
