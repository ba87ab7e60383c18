"""MessageIDs: their format, and which ones already belong to a message."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMAT: Final = re.compile(r"[!-~]{1,100}")
"""Printable ASCII without spaces. Postmark's are UUIDs of 36 characters; 100 is an assumption."""


def is_message_id(text: object) -> bool:
    """Whether *text* can be a MessageID.

    >>> is_message_id("b7bc2f4a-e38e-4336-af7d-e6c392c2f817"), is_message_id("id 1")
    (True, False)
    """
    return isinstance(text, str) and _FORMAT.fullmatch(text) is not None


def normalized_id(message_id: str) -> bytes:
    """The same bytes for every spelling of a MessageID: 16 of a UUID, other text in lower case.

    >>> normalized_id("{B7BC2F4A-E38E-4336-AF7D-E6C392C2F817}").hex()
    'b7bc2f4ae38e4336af7de6c392c2f817'
    """
    try:
        return uuid.UUID(message_id).bytes
    except ValueError:
        return message_id.casefold().encode("utf-8", "surrogatepass")


class TakenIds:
    """The MessageIDs that already belong to a message; about 100 bytes each.

    >>> taken = TakenIds()
    >>> taken.take(["id-1", "id-2"]), taken.take(["ID-2"])
    (True, False)
    """

    def __init__(self) -> None:
        self._ids: set[bytes] = set()

    def hold(self, stored: Iterable[object]) -> None:
        """Add ids as the ledger stores them: 16 bytes of a UUID, or text; ignore other values."""
        for value in stored:
            if isinstance(value, bytes | str):
                self._ids.add(value if isinstance(value, bytes) else normalized_id(value))

    def take(self, message_ids: Iterable[str]) -> bool:
        """Add these ids if they are new and differ from each other; whether that was so."""
        ids = [normalized_id(message_id) for message_id in message_ids]
        distinct = set(ids)
        if len(distinct) < len(ids) or distinct & self._ids:
            return False
        self._ids |= distinct
        return True
