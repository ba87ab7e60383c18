"""The name of a campaign, in the one spelling that is recorded and compared."""

from __future__ import annotations

import unicodedata

from mailframe.errors import LetterError


def plain_name(name: str) -> str:
    """A campaign's name as it is recorded and compared: NFC, without surrounding white space.

    >>> plain_name(" Fru\u0308hling ") == "Fr\u00fchling"
    True
    """
    return unicodedata.normalize("NFC", name).strip()


def checked_name(name: object) -> str | None:
    """The name in the spelling that the ledger records, so that one campaign has one name.

    Raises:
        LetterError: it is not one line of text.
    """
    if name is None:
        return None
    plain = plain_name(name) if isinstance(name, str) else ""
    if not (plain and plain.isprintable()):
        raise LetterError(f"name={name!r}: a campaign's name is a line of text")
    return plain
