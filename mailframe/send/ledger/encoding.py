"""How texts are stored in the ledger: tags, key columns and times."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

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
