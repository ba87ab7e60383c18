"""A message and a batch: the bytes that are posted, and the positions of their rows. No pandas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Message:
    """The rendered message of one row, as it is posted.

    Attributes:
        position: of its row in the campaign's frame, counted from 0 (``frame.iloc[position]``).
        to: the ``To`` text, which Postmark returns in its answer; None for a message with Cc or Bcc
            alone.
        body: the JSON object in UTF-8, the exact bytes that are posted.
    """

    position: int
    to: str | None
    body: bytes

    @property
    def payload(self) -> dict[str, object]:
        """The message as Postmark's fields, decoded from ``body``."""
        payload: dict[str, object] = orjson.loads(self.body)
        return payload

    def __repr__(self) -> str:
        return f"<Message at position {self.position}: {len(self.body):,} bytes>"


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one request, in row order.

    Attributes:
        number: counted from 1 within the campaign.
        messages: at most 500 of them, at most 50 MB together.
    """

    number: int
    messages: tuple[Message, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of its rows in the campaign's frame, one per message."""
        return tuple(message.position for message in self.messages)

    @property
    def body(self) -> bytes:
        """The JSON array in UTF-8, the exact bytes that are posted."""
        return b"[" + b",".join([message.body for message in self.messages]) + b"]"

    @property
    def size(self) -> int:
        """Bytes of ``body``, without building it."""
        return (
            2 + max(0, len(self.messages) - 1) + sum(len(message.body) for message in self.messages)
        )

    def halves(self) -> tuple[Batch, Batch]:
        """Two batches with the same number, for a server that refused this one as too large."""
        middle = len(self.messages) // 2
        return Batch(self.number, self.messages[:middle]), Batch(
            self.number, self.messages[middle:]
        )

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __repr__(self) -> str:
        return f"<Batch {self.number}: {len(self)} messages, {self.size:,} bytes>"
