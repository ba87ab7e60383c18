"""Messages in batches of at most 500 messages and 50 MB, in row order.

The size of a message includes the metadata that the ledger adds, even without a ledger, so that
``plan()``, ``batches()`` and ``send`` always split at the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe import limits
from mailframe.message.models import Batch, Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BRACKETS = 2
_COMMA = 1


class Filling:
    """The number of messages in the current batch, and its size with the ledger's metadata."""

    def __init__(self) -> None:
        self.messages = 0
        self.size = _BRACKETS

    def take(self, size: int) -> bool:
        """Add a message of *size* bytes; False if it begins a new batch."""
        size += limits.METADATA_BYTES_FOR_MAILFRAME
        grown = self.size + size + (_COMMA if self.messages else 0)
        fits = self.messages < limits.MAX_BATCH_MESSAGES and grown <= limits.MAX_BATCH_BYTES
        if fits or not self.messages:
            self.messages, self.size = self.messages + 1, grown
            return True
        self.messages, self.size = 1, _BRACKETS + size
        return False


def batches(messages: Iterable[Message]) -> Iterator[Batch]:
    """All messages in batches that Postmark accepts, in their order.

    Args:
        messages: each at most ``limits.MAX_MESSAGE_BYTES`` as posted.

    >>> [len(batch) for batch in batches(Message(i, "a@example.com", b"{}") for i in range(1001))]
    [500, 500, 1]
    """
    filling = Filling()
    waiting: list[Message] = []
    number = 0
    for message in messages:
        if not filling.take(len(message.body)):
            number += 1
            yield Batch(number, tuple(waiting))
            waiting.clear()
        waiting.append(message)
    if waiting:
        yield Batch(number + 1, tuple(waiting))


def numbers(sizes: Iterable[int]) -> Iterator[int]:
    """The number of each message's batch, counted from 1; 0 for a row without a message (size 0).

    >>> list(numbers([10, 0, 10]))
    [1, 0, 1]
    """
    filling = Filling()
    number = 0
    for size in sizes:
        if size and (not filling.take(size) or not number):
            number += 1
        yield number if size else 0


def count(sizes: Iterable[int]) -> tuple[int, int]:
    """The number of batches for messages of these sizes, and their bytes without our metadata.

    >>> count([10] * 501)
    (2, 5513)
    """
    filling = Filling()
    number = total = 0
    for size in sizes:
        begun = not filling.take(size) or not number
        number += begun
        total += size + (_BRACKETS if begun else _COMMA)
    return number, total
