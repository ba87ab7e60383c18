"""Messages in, batches out: at most 500 messages and 50 MB of the bytes that will be posted, in row order.

Each message counts with the metadata that the ledger adds, also without a ledger: so ``plan()``, ``batches()`` and
``send`` always split at the same rows.
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
    """How full the batch in the making is, as it will be posted at most."""

    def __init__(self) -> None:
        self.messages = 0
        self.size = _BRACKETS

    def take(self, size: int) -> bool:
        """Put a message of *size* bytes in; False when a new batch had to be begun for it."""
        size += limits.METADATA_BYTES_FOR_MAILFRAME
        grown = self.size + size + (_COMMA if self.messages else 0)
        fits = self.messages < limits.MAX_BATCH_MESSAGES and grown <= limits.MAX_BATCH_BYTES
        if fits or not self.messages:
            self.messages, self.size = self.messages + 1, grown
            return True
        self.messages, self.size = 1, _BRACKETS + size
        return False


def batches(messages: Iterable[Message]) -> Iterator[Batch]:
    """The messages in batches that Postmark takes, in their order; none is left out.

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
    """The number of the batch that each message goes in, counted from 1; 0 for a row without a message (size 0).

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
    """How many batches messages of these sizes in bytes make, and the bytes of all of them as they are now.

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
