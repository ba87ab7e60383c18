"""Warnings about addresses that are valid, but may not be what their author meant."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.message.address_errors import shown_address
from mailframe.problems import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

_BIDI_CONTROLS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_USED_TOGETHER: Final = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
)
"""Scripts that one name may mix, by https://www.unicode.org/reports/tr39/, 5.2."""
_SCRIPT_OF_FIRST_WORD: Final = {"IDEOGRAPHIC": "CJK", "KATAKANA-HIRAGANA": "KATAKANA"}
"""For marks such as 々 and ー, whose Unicode names do not begin with their script."""


@dataclass(frozen=True, slots=True)
class AddressWarning:
    """A warning about a mailbox.

    Attributes:
        code: ADDRESS_NORMALISED, MIXED_SCRIPTS or BIDI_IN_NAME.
        detail: a text that says what is unusual.
    """

    code: Code
    detail: str


def name_warnings(name: str) -> Iterator[AddressWarning]:
    """Warnings about a display name."""
    control = _BIDI_CONTROLS.search(name)
    if control:
        detail = (
            f"the name holds {control[0]!r}, which changes the direction of the text around it; "
            "remove it"
        )
        yield AddressWarning(Code.BIDI_IN_NAME, detail)


def domain_warnings(address: str, *, domain: str, unicode_domain: str) -> Iterator[AddressWarning]:
    """Warnings about the domain of an address.

    Args:
        address: the address as written.
        domain: the part of the address after the at-sign.
        unicode_domain: the domain as it was read, with the letters of each script.
    """
    written = unicodedata.normalize("NFC", domain).lower()
    if "@" not in address or not (domain.isascii() or written == unicode_domain):
        detail = (
            f"the domain of {shown_address(address)} was read as {unicode_domain!r}; "
            "check it, and write it so"
        )
        yield AddressWarning(Code.ADDRESS_NORMALISED, detail)
    for label in unicode_domain.split("."):
        if not label.isascii() and mixes_scripts(label):
            detail = f"{label!r} mixes {' and '.join(sorted(scripts(label)))}"
            yield AddressWarning(Code.MIXED_SCRIPTS, detail)


def scripts(label: str) -> set[str]:
    """The scripts of the letters in *label*, from the Unicode names of the characters.

    >>> sorted(scripts("日本go"))
    ['CJK', 'LATIN']
    """
    words = {unicodedata.name(letter, "?").split()[0] for letter in label if letter.isalpha()}
    return {_SCRIPT_OF_FIRST_WORD.get(word, word) for word in words}


def mixes_scripts(label: str) -> bool:
    """Whether the letters of *label* are of scripts that names do not usually mix.

    >>> mixes_scripts("ex\u0430mple"), mixes_scripts("日本go")
    (True, False)
    """
    mixed = scripts(label)
    return len(mixed) > 1 and not any(mixed <= together for together in _USED_TOGETHER)
