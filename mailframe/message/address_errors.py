"""Errors about texts that are not one valid address, with hints what to write instead."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mailframe.limits import MAX_MAILBOX_UNITS
from mailframe.problems import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_SHOWN: Final = 60
"""Characters of a text that an error text shows."""
_COMMAS: Final = re.compile("[,;\uff0c\uff1b\u3001\ufe50\ufe54\u060c\u061b]")
_QUOTES: Final = "\"'`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\uff02\uff07"


class AddressFault(StrEnum):
    """Why a text is not a mailbox, a closed list."""

    EMPTY = "empty"
    """Nothing but white space."""
    SURROUNDING_SPACE = "surrounding_space"
    """White space around the address, which is not trimmed automatically."""
    CONTROL_CHARACTER = "control_character"
    """A line end, a tab, NUL or another control character."""
    UNENCODABLE = "unencodable"
    """A lone surrogate, which UTF-8 cannot encode."""
    SEVERAL = "several_addresses"
    """More than one address in one text."""
    INVALID = "invalid_address"
    """The syntax of the address is wrong, Postmark refuses it, or its domain can get no mail."""
    NAME_TOO_LONG = "name_too_long"
    """The whole mailbox as written has more than 255 UTF-16 units."""


class AddressError(ValueError):
    """A text is not a mailbox.

    Attributes:
        code: the reason; see ``AddressFault``.
    """

    def __init__(self, message: str, *, code: AddressFault) -> None:
        super().__init__(message)
        self.code = code


_SENTENCES: Final[Mapping[AddressFault, str]] = {
    AddressFault.EMPTY: "is empty. Fill in an address, or drop the row.",
    AddressFault.UNENCODABLE: "holds a lone surrogate, which UTF-8 cannot carry. "
    "Read the file again with its right encoding.",
    AddressFault.SEVERAL: "has several addresses, and one template makes one recipient. "
    "Write a list of templates for several recipients.",
    AddressFault.NAME_TOO_LONG: "is {units:,} UTF-16 units long as written; "
    f"Postmark takes {MAX_MAILBOX_UNITS} (error 300). Shorten the name.",
    AddressFault.CONTROL_CHARACTER: "holds the control character {character!r}, which could end a "
    "header line. {advice}",
    AddressFault.SURROUNDING_SPACE: "has white space around the address, which is not trimmed "
    "automatically. Write {advice}",
    AddressFault.INVALID: "is not a valid email address: {why}{advice}",
}


def shown_address(text: str) -> str:
    """*text* in quotes, escaped and cut, so that an error text can show it."""
    return shown(text, most=_MAX_SHOWN)


def address_error(code: AddressFault, text: str, **values: object) -> AddressError:
    """The error for a text that is not a mailbox.

    Args:
        code: the reason why it is not a mailbox.
        text: the text that was read.
        **values: the values for the sentence of this code.
    """
    return AddressError(f"{shown_address(text)} {_SENTENCES[code].format(**values)}", code=code)


# --- hints ----------------------------------------------------------------------------------------


def hint(address: str, *, is_mailbox: Callable[[str], bool]) -> str:
    """A sentence with what to write instead, after a space; empty if no hint fits.

    Args:
        address: the address as written in the text, which may be all of the text.
        is_mailbox: a function that tells whether a text is one mailbox; others are not proposed.

    >>> hint("a@example,com", is_mailbox=lambda text: "," not in text)
    " Write a dot: 'a@example.com', or {{ … | replace(',', '.') }}."
    """
    if address.lower().startswith("mailto:"):
        return " Leave out 'mailto:'."
    for proposal in (
        _without_invisible(address),
        _without_quotes(address, is_mailbox),
        _with_dots(address, is_mailbox),
    ):
        if proposal:
            return proposal
    if address.startswith("<"):
        return " Write the address without < and >, or with a name before it."
    if address.endswith((",", ";", ".")):
        return f" Leave out the {address[-1]!r} at the end."
    if not address.startswith('"') and re.search(r"[\s(]", address):
        return " A name goes before the address: Name <address>."
    return ""


def cleaning(address: str) -> str:
    """The filters that remove invisible characters, and white space around an address.

    >>> cleaning(" a@example.com")
    'trim'
    """
    invisible = sorted({character for character in address if _is_invisible(character)})
    filters = [f"replace({_escaped(character)}, '')" for character in invisible]
    visible = "".join(character for character in address if not _is_invisible(character))
    return " | ".join([*filters, *(["trim"] if visible != visible.strip() else [])])


def _without_invisible(address: str) -> str:
    invisible = next(filter(_is_invisible, address), "")
    if not invisible:
        return ""
    name = unicodedata.name(invisible, "invisible character").lower()
    return (
        f" It holds an invisible U+{ord(invisible):04X} ({name}). "
        f"Write {{{{ … | {cleaning(address)} }}}}."
    )


def _without_quotes(address: str, is_mailbox: Callable[[str], bool]) -> str:
    bare = address.strip(_QUOTES)
    if not bare or bare == address or not is_mailbox(bare):
        return ""
    before, _, after = address.partition(bare)
    filters = " | ".join(f"trim({_escaped(quote)})" for quote in sorted(set(before + after)))
    return f" Leave out the quotes around it: {{{{ … | {filters} }}}}."


def _with_dots(address: str, is_mailbox: Callable[[str], bool]) -> str:
    commas = _COMMAS.findall(address)
    dotted = _COMMAS.sub(".", address)
    if not commas or not is_mailbox(dotted):
        return ""
    filters = " | ".join(f"replace({_escaped(comma)}, '.')" for comma in sorted(set(commas)))
    return f" Write a dot: {dotted!r}, or {{{{ … | {filters} }}}}."


def _is_invisible(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) == "Cf"


def _escaped(character: str) -> str:
    """The character as a string literal of Jinja and of Python."""
    if character == "'":
        return '"\'"'
    if character.isascii():
        return f"'{character}'"
    is_short = ord(character) < 0x10000  # noqa: PLR2004 - the end of what \u can write
    return f"'\\u{ord(character):04x}'" if is_short else f"'\\U{ord(character):08x}'"
