"""MessageIDs as proof: one stands for one message, or for none."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHAPE: Final = re.compile(r"[!-~]{1,100}")
"""Visible ASCII characters without a space. Postmark's are UUIDs of 36 (assumed: any other text up to 100)."""


def is_message_id(text: object) -> bool:
    """Whether *text* can be a MessageID.

    >>> is_message_id("b7bc2f4a-e38e-4336-af7d-e6c392c2f817"), is_message_id(" "), is_message_id("id 1")
    (True, False, False)
    """
    return isinstance(text, str) and _SHAPE.fullmatch(text) is not None


def normalized_id(message_id: str) -> bytes:
    """What all spellings of a MessageID have in common: the 16 bytes of a UUID, any other text in lower case.

    >>> normalized_id("B7BC2F4A-E38E-4336-AF7D-E6C392C2F817") == normalized_id("{b7bc2f4ae38e4336af7de6c392c2f817}")
    True
    """
    try:
        return uuid.UUID(message_id).bytes
    except ValueError:
        return message_id.casefold().encode("utf-8", "surrogatepass")


class TakenIds:
    """The MessageIDs that stand for a message already; about 100 bytes for each.

    >>> taken = TakenIds()
    >>> taken.take(["id-1", "id-2"]), taken.take(["ID-2"])
    (True, False)
    """

    def __init__(self) -> None:
        self._ids: set[bytes] = set()

    def hold(self, stored: Iterable[object]) -> None:
        """Hold ids as the ledger stores them: 16 bytes of a UUID, or a text; anything else is no id."""
        for one in stored:
            if isinstance(one, bytes | str):
                self._ids.add(one if isinstance(one, bytes) else normalized_id(one))

    def take(self, message_ids: Iterable[str]) -> bool:
        """Whether these ids are new and differ from each other; if so, they are held from now on."""
        found = [normalized_id(one) for one in message_ids]
        fresh = set(found)
        if len(fresh) < len(found) or fresh & self._ids:
            return False
        self._ids |= fresh
        return True
