"""What to write instead of a text that is not a valid address, for the mistakes that people make most."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMAS: Final = re.compile("[,;\uff0c\uff1b\u3001\ufe50\ufe54\u060c\u061b]")
_QUOTES: Final = "\"'`\u00b4\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\uff02\uff07"


def hint(address: str, *, reads: Callable[[str], bool]) -> str:
    """The sentence that follows the reason, with a space before it; empty where nothing is known to help.

    Args:
        address: as it stands in the text, which may be all of the text.
        reads: whether a text is one mailbox; what is proposed was tried with it.

    >>> hint("a@example,com", reads=lambda text: "," not in text)
    " Write a dot: 'a@example.com', or {{ … | replace(',', '.') }}."
    """
    if address.lower().startswith("mailto:"):
        return " Leave out 'mailto:'."
    for proposed in (
        _without_invisible(address),
        _without_quotes(address, reads),
        _with_dots(address, reads),
    ):
        if proposed:
            return proposed
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
    found = next(filter(_is_invisible, address), "")
    if not found:
        return ""
    name = unicodedata.name(found, "invisible character").lower()
    return f" It holds an invisible U+{ord(found):04X} ({name}). Write {{{{ … | {cleaning(address)} }}}}."


def _without_quotes(address: str, reads: Callable[[str], bool]) -> str:
    bare = address.strip(_QUOTES)
    around = (
        sorted(set(address[: address.find(bare)] + address[address.find(bare) + len(bare) :]))
        if bare
        else []
    )
    if not around or not reads(bare):
        return ""
    filters = " | ".join(f"trim({_escaped(quote)})" for quote in around)
    return f" Leave out the quotes around it: {{{{ … | {filters} }}}}."


def _with_dots(address: str, reads: Callable[[str], bool]) -> str:
    found = _COMMAS.findall(address)
    dotted = _COMMAS.sub(".", address)
    if not found or not reads(dotted):
        return ""
    filters = " | ".join(f"replace({_escaped(comma)}, '.')" for comma in sorted(set(found)))
    return f" Write a dot: {dotted!r}, or {{{{ … | {filters} }}}}."


def _is_invisible(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) == "Cf"


def _escaped(character: str) -> str:
    """The character as a literal of Jinja and of Python."""
    if character.isascii():
        return '"\'"' if character == "'" else f"'{character}'"
    return (
        f"'\\u{ord(character):04x}'" if ord(character) < 0x10000 else f"'\\U{ord(character):08x}'"  # noqa: PLR2004
    )
