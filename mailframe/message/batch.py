"""Messages in batches of at most 500 messages and 50 MB, in row order.

The size of a message includes the metadata that the ledger adds, even without a ledger, so that
``plan()``, ``batches()`` and ``send`` always split at the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailframe import limits
from mailframe.errors import MailframeError
from mailframe.message.message import Message, marked_parts, marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailframe.message.message import Buffer

_AROUND = b"[", b"]"
_AROUND_TEMPLATES = b'{"Messages":[', b"]}"
"""What is around the messages of a request to ``/email/batchWithTemplates``."""
_COMMA = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one request, in row order.

    Attributes:
        number: the number of the batch, counted from 1 within the campaign.
        messages: at most 500 messages, at most 50 MB together, without the metadata of the ledger.
        marks: the metadata of the ledger, one per message (see ``marked``); empty without.
    """

    number: int
    messages: tuple[Message, ...]
    marks: tuple[bytes, ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of its rows in the campaign's frame, one per message."""
        return tuple([message.position for message in self.messages])

    @property
    def uses_templates(self) -> bool:
        """Whether Postmark renders its messages with templates; those of a batch are of one kind.

        It is posted to ``/email/batchWithTemplates`` then, and else to ``/email/batch``.
        """
        return bool(self.messages) and self.messages[0].uses_template

    @property
    def body(self) -> bytes:
        """The JSON in UTF-8, the exact bytes that are posted.

        It is an array of the messages, or with templates the object that Postmark takes instead.
        """
        return b"".join(self.parts())

    @property
    def size(self) -> int:
        """Bytes of ``body``, without building it."""
        return sum(map(len, self.parts()))

    def parts(self) -> list[Buffer]:
        """The exact bytes that are posted, in parts; few are copied."""
        start, end = _AROUND_TEMPLATES if self.uses_templates else _AROUND
        parts: list[Buffer] = [start]
        if self.marks:
            for message, mark in zip(self.messages, self.marks, strict=True):
                parts += (*marked_parts(message.body, mark), b",")
        else:
            for message in self.messages:
                parts += (message.body, b",")
        if self.messages:
            parts.pop()
        return [*parts, end]

    def marked(self, *, campaign: str, attempt: str, keys: Iterable[str]) -> Batch:
        """The same batch, each message of which is posted as ``Message.marked`` makes it.

        Args:
            campaign: the tag of the campaign, 24 hexadecimal digits.
            attempt: the identifier of the request, 24 hexadecimal digits.
            keys: the digest of the key of each message, 32 hexadecimal digits.
        """
        return replace(self, marks=marks(campaign=campaign, attempt=attempt, keys=keys))

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches with the same number, for a server that refused this one as too large."""
        middle = len(self.messages) // 2
        first, second = slice(None, middle), slice(middle, None)
        return (
            replace(self, messages=self.messages[first], marks=self.marks[first]),
            replace(self, messages=self.messages[second], marks=self.marks[second]),
        )

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __repr__(self) -> str:
        return f"<Batch {self.number}: {len(self)} messages, {self.size:,} bytes>"


def bytes_around(*, with_templates: bool) -> int:
    """The bytes of a request around its messages."""
    return sum(map(len, _AROUND_TEMPLATES if with_templates else _AROUND))


class Filling:
    """The number of the current batch, and how full it is with the ledger's metadata.

    Args:
        at_most: the maximum number of messages of a batch.
        with_templates: whether Postmark renders the messages with templates.
    """

    def __init__(
        self, at_most: int = limits.MAX_BATCH_MESSAGES, *, with_templates: bool = False
    ) -> None:
        self.number = self._messages = self._size = 0
        self._at_most = at_most
        self._around = bytes_around(with_templates=with_templates)

    def put(self, size: int) -> int:
        """The number of the batch that a message of *size* bytes goes in, counted from 1."""
        size += limits.METADATA_BYTES_FOR_MAILFRAME
        self._messages += 1
        self._size += _COMMA + size
        is_full = self._messages > self._at_most or self._size > limits.MAX_BATCH_BYTES
        if is_full or not self.number:
            self.number += 1
            self._messages, self._size = 1, self._around + size
        return self.number


def batches(
    messages: Iterable[Message], *, at_most: int = limits.MAX_BATCH_MESSAGES
) -> Iterator[Batch]:
    """All messages in batches that Postmark accepts, in their order.

    Args:
        messages: messages of at most ``limits.MAX_MESSAGE_BYTES`` each as posted.
        at_most: the maximum number of messages of a batch.

    Raises:
        MailframeError: some have a template at Postmark, and others have none.

    >>> from mailframe.message.message import Message
    >>> [len(batch) for batch in batches(Message(i, "a@example.com", b"{}") for i in range(1001))]
    [500, 500, 1]
    """
    filling = Filling(at_most)
    number, waiting, with_templates = 0, list[Message](), False
    for message in messages:
        if not filling.number:
            filling = Filling(at_most, with_templates=message.uses_template)
            with_templates = message.uses_template
        elif message.uses_template is not with_templates:
            raise MailframeError(
                "some messages have a template at Postmark and others have none, and no request "
                "takes both; send two campaigns"
            )
        following = filling.put(len(message.body))
        if waiting and following != number:
            yield Batch(number, tuple(waiting))
            waiting.clear()
        number = following
        waiting.append(message)
    if waiting:
        yield Batch(number, tuple(waiting))


def numbers(
    sizes: Iterable[int],
    *,
    at_most: int = limits.MAX_BATCH_MESSAGES,
    with_templates: bool = False,
) -> Iterator[int]:
    """The number of each message's batch, counted from 1; 0 for a row without a message (size 0).

    >>> list(numbers([10, 0, 10]))
    [1, 0, 1]
    """
    filling = Filling(at_most, with_templates=with_templates)
    return (filling.put(size) if size else 0 for size in sizes)


def counts(
    sizes: Iterable[int],
    *,
    at_most: int = limits.MAX_BATCH_MESSAGES,
    with_templates: bool = False,
) -> list[tuple[int, int]]:
    """The messages of each batch of messages of these sizes, and its bytes without our metadata.

    >>> counts([10] * 501)
    [(500, 5501), (1, 12)]
    """
    of_batches: list[tuple[int, int]] = []
    posted = list(sizes)
    places = numbers(posted, at_most=at_most, with_templates=with_templates)
    around = bytes_around(with_templates=with_templates)
    for number, size in zip(places, posted, strict=True):
        if number > len(of_batches):
            of_batches.append((1, around + size))
        else:
            messages, total = of_batches[-1]
            of_batches[-1] = (messages + 1, total + _COMMA + size)
    return of_batches
