"""MessageIDs: random UUIDs that tell where their message is kept. Pure.

The sandbox keeps millions of messages without an index of their IDs. The last 40 bits of an ID are
its message's position, mixed with 40 random bits of the same ID, so they look random too. An ID of
another origin points anywhere; whoever looks a message up compares the whole ID.
"""

from __future__ import annotations

import re
from typing import Final

_BITS: Final = 40
_MASK: Final = (1 << _BITS) - 1
_SHIFT: Final = 80
"""The bits from here on, and the lowest, are neither version nor variant of a UUID4."""
_CLEAR: Final = ~((0xF << 76) | (0x3 << 62)) & ((1 << 128) - 1)
_VERSION_4: Final = (0x4 << 76) | (0x2 << 62)
_ODD: Final = 0x9E3779B97F4A7C15
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def message_id(position: int, *, bits: int) -> str:
    """The UUID4 of the message at *position*, in lower case.

    Args:
        position: the position, 0 to 2**40 - 1.
        bits: 128 random bits.

    >>> message_id(7, bits=0x0123456789ABCDEF0123456789ABCDEF)
    '01234567-89ab-4def-8123-454f1209ceed'
    """
    number = bits & _CLEAR | _VERSION_4
    number = number & ~_MASK | position ^ _mixed(number)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


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
