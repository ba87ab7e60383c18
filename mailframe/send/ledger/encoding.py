"""How values are stored in the ledger: tags, times and MessageIDs."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

DIGEST_BYTES: Final = 16
UID_BYTES: Final = 12


def tag_of(name: str) -> str:
    """The metadata value for a campaign's plain name: 24 hexadecimal digits.

    It is the same in every ledger.

    >>> tag_of("renewals-2026-11")
    '50a885193629dc3207ac655e'
    """
    return hashlib.blake2b(name.encode(), digest_size=UID_BYTES, person=b"mf-campaign").hexdigest()


def key_text(columns: Sequence[str]) -> str:
    """Key columns as they are stored: one a line; empty for the address."""
    return "\n".join(map(str, columns))


def now() -> str:
    """The current time in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def stored_id(message_id: str | None) -> bytes | str | None:
    """A MessageID as it is stored: a UUID as 16 bytes, any other as text.

    It does not raise: nothing may fail between an answer and its record.
    """
    if message_id is None:
        return None
    try:
        plain = uuid.UUID(message_id).bytes
    except ValueError:
        return message_id.encode("utf-8", "replace").decode()
    return plain if shown_id(plain) == message_id else message_id


def shown_id(stored: object) -> str | None:
    """The MessageID that was stored; None if there is none."""
    if isinstance(stored, bytes):
        return str(uuid.UUID(bytes=stored))
    return stored if isinstance(stored, str) else None
