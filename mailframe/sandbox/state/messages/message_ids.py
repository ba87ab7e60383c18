"""MessageIDs: random UUIDs that tell where their message is kept.

The sandbox keeps millions of messages without an index of their IDs. The last 40 bits of an ID are
its message's position, mixed with 40 random bits of the same ID, so they look random too. An ID of
another origin points anywhere; whoever looks a message up compares the whole ID.
"""

from __future__ import annotations

import os
import random
import re
from itertools import count
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BITS: Final = 40
_MASK: Final = (1 << _BITS) - 1
_SHIFT: Final = 80
"""The bits from here on, and the lowest, are neither version nor variant of a UUID4."""
_VARIANTS: Final = {f"{digit:x}": f"{digit & 0x3 | 0x8:x}" for digit in range(16)}
"""What a UUID4 has in place of a random digit."""
_ODD: Final = 0x9E3779B97F4A7C15
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_BYTES_AT_ONCE: Final = 1024


class RandomBits:
    """Random bits for MessageIDs.

    Args:
        seed: the seed that makes them repeatable; None makes others each time.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._random = None if seed is None else random.Random(seed)  # noqa: S311  # ids, not secrets

    def message_ids(self, first: int) -> Iterator[str]:
        """The MessageIDs of the messages that will be kept from the position *first* on."""
        for position, bits in zip(count(first), self._numbers(), strict=False):
            yield message_id(position, bits=bits)

    def take(self) -> int:
        """The next 128 bits."""
        return next(self._numbers())

    def _numbers(self) -> Iterator[int]:
        while self._random is not None:
            yield self._random.getrandbits(128)
        while True:
            some = os.urandom(_BYTES_AT_ONCE)
            yield from (int.from_bytes(some[at : at + 16]) for at in range(0, len(some), 16))


def message_id(position: int, *, bits: int) -> str:
    """The UUID4 of the message at *position*, in lower case.

    Args:
        position: the position, 0 to 2**40 - 1.
        bits: 128 random bits.

    >>> message_id(7, bits=0x0123456789ABCDEF0123456789ABCDEF)
    '01234567-89ab-4def-8123-454f1209ceed'
    """
    digits = f"{bits:032x}"
    end = position ^ _mixed(bits)
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}"
        f"-{digits[20:22]}{end:010x}"
    )


def position_of(identifier: str) -> int | None:
    """The position that an ID in lower case points to; None if it is not a UUID.

    >>> position_of("01234567-89ab-4def-8123-454f1209ceed"), position_of("7")
    (7, None)
    """
    if not _UUID.fullmatch(identifier):
        return None
    number = int(identifier.replace("-", ""), 16)
    return number & _MASK ^ _mixed(number)


def _mixed(number: int) -> int:
    """40 bits that depend on the first 48 of *number*, without repeating them."""
    return (number >> _SHIFT) * _ODD >> _BITS & _MASK
