"""MessageIDs: their format, and which ones already belong to a message."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FORMAT: Final = re.compile(r"[!-~]{1,100}")
"""Printable ASCII without spaces. Postmark's are UUIDs of 36 characters; 100 is an assumption."""
UUID_BYTES: Final = 16
_ZEROS: Final = bytes(UUID_BYTES)
_UUID_CHARS: Final = 36
_HYPHENS: Final = (8, 13, 18, 23)
"""The places of the hyphens in the usual spelling of a UUID."""


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


def normalized_ids(message_ids: Sequence[str]) -> list[bytes]:
    """The normalized id of each MessageID; those in their usual spelling are read together.

    >>> [one.hex()[:8] for one in normalized_ids(["b7bc2f4a-e38e-4336-af7d-e6c392c2f817"] * 2)]
    ['b7bc2f4a', 'b7bc2f4a']
    """
    raw = uuid_bytes(message_ids)
    if raw is None:
        return [normalized_id(message_id) for message_id in message_ids]
    return [raw[start : start + UUID_BYTES] for start in range(0, len(raw), UUID_BYTES)]


def uuid_bytes(message_ids: Sequence[str]) -> bytes | None:
    """UUIDs in their usual spelling, 16 bytes each; None if one of the MessageIDs is none.

    The usual spelling has 36 characters: 32 hexadecimal digits in lower case and four hyphens.
    The UUID of zeros is none, because zeros stand for a missing MessageID.

    >>> uuid_bytes(["b7bc2f4a-e38e-4336-af7d-e6c392c2f817"]).hex()
    'b7bc2f4ae38e4336af7de6c392c2f817'
    >>> uuid_bytes(["b7bc2f4ae38e4336af7de6c392c2f817"]) is None
    True
    """
    if not set(map(len, message_ids)) <= {_UUID_CHARS}:
        return None
    text = "".join(message_ids)
    if text != text.lower() or any(text[at::_UUID_CHARS].strip("-") for at in _HYPHENS):
        return None
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    # it is shorter if there are more hyphens, or spaces, which fromhex skips
    is_whole = len(raw) == UUID_BYTES * len(message_ids)
    return raw if is_whole and _ZEROS not in raw else None


def first_repeat(message_ids: Sequence[str | None]) -> int | None:
    """The place of the first MessageID that is equal to an earlier one; None without one.

    >>> first_repeat(["id-1", None, "ID-1", None])
    2
    """
    places = [place for place, one in enumerate(message_ids) if one is not None]
    ids = normalized_ids([one for one in message_ids if one is not None])
    if len(set(ids)) == len(ids):
        return None
    seen: set[bytes] = set()
    for place, one in zip(places, ids, strict=True):
        if one in seen:
            return place
        seen.add(one)
    return None


class TakenIds:
    """The MessageIDs that already belong to a message.

    Those of earlier runs take 16 bytes each, those of this run about 100.

    >>> taken = TakenIds()
    >>> taken.take(["id-1", "id-2"]), taken.take(["ID-2"])
    (True, False)
    """

    def __init__(self) -> None:
        self._ids: set[bytes] = set()
        self._held = np.zeros((0, 2), dtype="<u8")

    def hold(self, uuids: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> None:
        """Add UUIDs, each of 16 bytes; ignore lines of zeros."""
        words = np.concatenate([self._held, np.ascontiguousarray(uuids).view("<u8")])
        words = words[words.any(axis=1)]
        self._held = words[np.argsort(words[:, 0])]

    def hold_texts(self, message_ids: Iterable[str | None]) -> None:
        """Add MessageIDs; ignore None."""
        self._ids.update(normalized_ids([one for one in message_ids if one is not None]))

    def take(self, message_ids: Iterable[str]) -> bool:
        """Add these ids if they are new and differ from each other; whether that was so."""
        ids = normalized_ids(list(message_ids))
        distinct = set(ids)
        if len(distinct) < len(ids) or distinct & self._ids or self._holds(distinct):
            return False
        self._ids |= distinct
        return True

    def _holds(self, ids: set[bytes]) -> bool:
        """Whether one of these ids is a UUID of an earlier run."""
        if not len(self._held):
            return False
        raw = b"".join(one for one in ids if len(one) == UUID_BYTES)
        words = np.frombuffer(raw, dtype="<u8").reshape(-1, 2)
        heads = self._held[:, 0]
        first, last = (np.searchsorted(heads, words[:, 0], side=side) for side in ("left", "right"))
        return any(
            (self._held[start:end, 1] == word).any()
            for start, end, word in zip(first, last, words[:, 1], strict=True)
            if start < end
        )
