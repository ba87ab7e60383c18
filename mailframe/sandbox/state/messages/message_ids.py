"""MessageIDs: random UUIDs that tell where their message is kept.

The sandbox keeps millions of messages without an index of their IDs. The last 40 bits of an ID are
its message's position, mixed with its first 40 bits, so they look random too. An ID of another
origin points anywhere; whoever looks a message up compares the whole ID.
"""

from __future__ import annotations

import os
import random
import re
from functools import lru_cache
from typing import Final

_BYTES: Final = 16
_BITS: Final = 8 * _BYTES
_AT_END: Final = (1 << 40) - 1
"""The bits of an ID that tell the position."""
_FROM_START: Final = _BITS - 40
"""By how many bits the first 40 are above them."""
_MIX: Final = 0x9E3779B97F
"""Without it, the end of an early ID would be like its start."""
_KEPT: Final = (1 << _BITS) - 1 ^ (0xF << 76 | 0x3 << 62 | _AT_END)
"""The bits of an ID that stay random."""
_UUID4: Final = 0x4 << 76 | 0x2 << 62
"""Its version and its variant."""
_PARTS: Final = re.compile("(.{8})(.{4})(.{4})(.{4})(.{12})")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class RandomBits:
    """Random bits for MessageIDs.

    Args:
        seed: the seed that makes them repeatable; None makes others each time.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._bytes = os.urandom if seed is None else random.Random(seed).randbytes  # noqa: S311  # ids, not secrets

    def message_ids(self, first: int, count: int) -> list[str]:
        """The MessageIDs of *count* messages that will be kept from the position *first* on."""
        return message_ids(first, self._bytes(_BYTES * count))

    def take(self) -> bytes:
        """The next 16 bytes."""
        return self._bytes(_BYTES)


def message_ids(first: int, random_bytes: bytes) -> list[str]:
    """The UUID4s of the messages from the position *first* on, in lower case.

    All are computed at once, as digits of one large number, in a third of the time.

    Args:
        first: the position of the first message, 0 to 2**40 - 1.
        random_bytes: 16 for each message.

    >>> message_ids(7, bytes.fromhex("0123456789abcdef0123456789abcdef"))
    ['01234567-89ab-4def-8123-459f143cdef1']
    """
    ones, places = _ones_and_places(len(random_bytes) // _BYTES)
    number = int.from_bytes(random_bytes)
    starts = number >> _FROM_START & _AT_END * ones
    ends = starts ^ _MIX * ones ^ (places + first * ones)
    number = number & _KEPT * ones | _UUID4 * ones | ends
    return list(map("-".join, _PARTS.findall(number.to_bytes(len(random_bytes)).hex())))


@lru_cache(maxsize=8)
def _ones_and_places(count: int) -> tuple[int, int]:
    """Numbers of *count* digits of 128 bits: 1, 1, 1 and 0, 1, 2 and so on."""
    ones = int.from_bytes((1).to_bytes(_BYTES) * count)
    return ones, int.from_bytes(b"".join([index.to_bytes(_BYTES) for index in range(count)]))


def position_of(identifier: str) -> int | None:
    """The position that an ID in lower case points to; None if it is not a UUID.

    >>> position_of("01234567-89ab-4def-8123-459f143cdef1"), position_of("7")
    (7, None)
    """
    if not _UUID.fullmatch(identifier):
        return None
    number = int(identifier.replace("-", ""), 16)
    return (number ^ number >> _FROM_START ^ _MIX) & _AT_END
