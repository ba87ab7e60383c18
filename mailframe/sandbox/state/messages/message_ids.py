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
        for position, digits in zip(count(first), self._digits(), strict=False):
            yield message_id(position, digits=digits)

    def take(self) -> int:
        """The next 128 bits."""
        return int(next(self._digits()), 16)

    def _digits(self) -> Iterator[str]:
        """Texts of 32 random digits in base 16."""
        while self._random is not None:
            yield f"{self._random.getrandbits(128):032x}"
        while True:
            some = os.urandom(_BYTES_AT_ONCE).hex()
            yield from (some[at : at + 32] for at in range(0, len(some), 32))


def message_id(position: int, *, digits: str) -> str:
    """The UUID4 of the message at *position*, in lower case.

    Args:
        position: the position, 0 to 2**40 - 1.
        digits: 32 random digits in base 16.

    >>> message_id(7, digits="0123456789abcdef0123456789abcdef")
    '01234567-89ab-4def-8123-454f1209ceed'
    """
    end = position ^ _mixed(int(digits[:12], 16))
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
    return number & _MASK ^ _mixed(number >> _SHIFT)


def _mixed(start: int) -> int:
    """40 bits that depend on the first 48 bits of an ID, without repeating them."""
    return start * _ODD >> _BITS & _MASK
