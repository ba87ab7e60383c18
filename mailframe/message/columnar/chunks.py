"""All rows of a bound letter in chunks: the columnar way where it is possible, else the plain one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.limits import DEFAULT_STREAM
from mailframe.message.columnar.chunk import Declined
from mailframe.message.columnar.preparing import ColumnarPreparer
from mailframe.message.pipeline import Preparer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.pipeline import Prepared
    from mailframe.problems import Problem

CHUNK_ROWS: Final = 500
"""Rows whose messages are made together; memory does not grow with the frame."""
PLAIN: Final = "MAILFRAME_PLAIN"
"""Environment variable; if it is set to 1, every message is made in the plain way."""
_MAX_PAUSE: Final = 64
"""Chunks that go the plain way, at most, before the columnar way is tried again."""


@dataclass(slots=True)
class PreparedChunk:
    """The results of the rows of a chunk, one after another.

    Attributes:
        first: the position of the first row in the frame.
        bodies: the message of each row as it is posted; None if the row has an error.
        recipients: the ``To`` text of each message; None without one.
        identities: the identity of each row's first recipient.
        streams: the message stream of each message.
        problems: the problems of all rows, in their order.
    """

    first: int
    bodies: list[bytes | None]
    recipients: list[str | None]
    identities: list[str]
    streams: list[str]
    problems: list[Problem]


class ChunkPreparer:
    """Prepares the rows of a bound letter in chunks.

    Args:
        bound: the letter and its frame.
        live: whether the server is live; see ``Preparer``.
        chunk_rows: the number of rows that are prepared together; it has no effect on the messages.

    Attributes:
        plain_rows: the rows that went the plain way so far.
    """

    def __init__(
        self, bound: BoundLetter, *, live: bool = False, chunk_rows: int = CHUNK_ROWS
    ) -> None:
        self._rows, self._chunk_rows = bound.rows, chunk_rows
        self._plain = Preparer(bound, live=live)
        self._columnar = self._try_columnar(bound, live=live)
        self._pause = self._next_pause = 0
        self.plain_rows = 0

    def _try_columnar(self, bound: BoundLetter, *, live: bool) -> ColumnarPreparer | None:
        if os.environ.get(PLAIN) == "1":
            return None
        try:
            return ColumnarPreparer(bound, live=live, context=self._plain.renderer.context)
        except Declined:
            return None

    def chunks(self, *, only: Sequence[bool] | None = None) -> Iterator[PreparedChunk]:
        """Each chunk that has a row that *only* marks, in the frame's order; None for all rows.

        Rows that *only* does not mark may be prepared, too.
        """
        for first in range(0, self._rows, self._chunk_rows):
            last = min(first + self._chunk_rows, self._rows)
            if only is None or any(only[first:last]):
                yield self._chunk(first, last)

    def _chunk(self, first: int, last: int) -> PreparedChunk:
        """A chunk in the columnar way, or in the plain way after chunks that declined."""
        if self._columnar is not None and not self._pause:
            try:
                chunk = self._in_columns(self._columnar, first, last)
            except Declined:
                self._next_pause = min(self._next_pause * 2 or 1, _MAX_PAUSE)
                self._pause = self._next_pause
            else:
                self._next_pause = 0
                return chunk
        self._pause = max(0, self._pause - 1)
        prepared = PreparedChunk(first, [], [], [], [], [])
        for row in self._plain.rows(first, last):
            self.plain_rows += 1
            prepared.bodies.append(None)
            prepared.recipients.append(None)
            prepared.identities.append("")
            prepared.streams.append("")
            _put(prepared, row)
        return prepared

    def _in_columns(self, columnar: ColumnarPreparer, first: int, last: int) -> PreparedChunk:
        messages, cells = columnar.messages(first, last)
        prepared = PreparedChunk(
            first,
            messages.bodies,
            messages.recipients,
            messages.identities,
            messages.streams,
            [],
        )
        for row in messages.left:
            self.plain_rows += 1
            _put(prepared, self._plain.row(first + row, cells.cells(row)))
        return prepared


def _put(chunk: PreparedChunk, row: Prepared) -> None:
    """Set what the plain way made of one row."""
    place = row.position - chunk.first
    chunk.problems += row.problems
    message = row.message
    chunk.bodies[place] = None if message is None else message.body
    chunk.recipients[place] = None if message is None else message.to
    chunk.identities[place] = row.identity
    chunk.streams[place] = row.fields.get("MessageStream", DEFAULT_STREAM)
