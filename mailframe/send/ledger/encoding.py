"""How things stand in the ledger's file: tags, moments and MessageIDs."""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from datetime import UTC, datetime
from typing import Final

DIGEST_BYTES: Final = 16
UID_BYTES: Final = 12


def plain_name(name: str) -> str:
    """A campaign's name as it is noted and compared: NFC, without white space around it.

    >>> plain_name(" Fru\u0308hling ") == "Fr\u00fchling"
    True
    """
    return unicodedata.normalize("NFC", name).strip()


def tag_of(name: str) -> str:
    """What stands for a campaign's plain name in metadata: 24 hexadecimal digits, the same in every ledger.

    >>> tag_of("renewals-2026-11")
    '50a885193629dc3207ac655e'
    """
    return hashlib.blake2b(name.encode(), digest_size=UID_BYTES, person=b"mf-campaign").hexdigest()


def now() -> str:
    """This moment in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def stored_id(message_id: str | None) -> bytes | str | None:
    """A UUID as its 16 bytes, anything else as its text: nothing between an answer and its note may raise."""
    if message_id is None:
        return None
    try:
        plain = uuid.UUID(message_id).bytes
    except ValueError:
        return message_id.encode("utf-8", "replace").decode()
    return plain if shown_id(plain) == message_id else message_id


def shown_id(stored: bytes | str | None) -> str | None:
    """The MessageID that was stored."""
    return str(uuid.UUID(bytes=stored)) if isinstance(stored, bytes) else stored
