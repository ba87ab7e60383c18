"""All rows of a bound letter in chunks: the columnar way where possible, else the plain one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.limits import DEFAULT_STREAM
from mailframe.message.checked_bodies import joined_bodies
from mailframe.message.columnar.chunk import Declined
from mailframe.message.columnar.preparing import ColumnarPreparer
from mailframe.message.pipeline import Preparer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.fields import Segment
    from mailframe.message.columnar.preparing import Sizes
    from mailframe.message.pipeline import Prepared
    from mailframe.problems import Problem

CHUNK_ROWS: Final = 500
"""Rows whose messages are made together; memory does not grow with the frame."""
MIN_ROWS: Final = 1_000
"""Rows of a frame from which on it pays to split and compile the letter, which takes 30 ms."""
PLAIN: Final = "MAILFRAME_PLAIN"
"""Environment variable; if it is set to 1, every message is made in the plain way."""
_MAX_PAUSE: Final = 64
"""Chunks that go the plain way, at most, before the columnar way is tried again."""
_TRIAL_ROWS: Final = 40
"""Rows that are made first, at the start and after a pause: most chunks that decline do so here."""


@dataclass(slots=True)
class PreparedChunk:
    """The results of the rows of a chunk, one after another.

    Attributes:
        first: the position of the first row in the frame.
        sizes: the bytes of each message as it is posted; 0 if the row has an error.
        recipients: the ``To`` text of each message; None without one.
        identities: the identity of each row's first recipient.
        streams: the message stream of each message.
        problems: the problems of all rows, in their order.
        segments: constants and columns that joined make the messages of the columnar way.
        apart: the messages of the plain way, by row counted from 0; None if the row has an error.
    """

    first: int
    sizes: Sizes
    recipients: list[str | None]
    identities: list[str]
    streams: list[str]
    problems: list[Problem]
    segments: Sequence[Segment] = ()
    apart: dict[int, bytes | None] = field(default_factory=dict)

    @property
    def bodies(self) -> list[bytes | None]:
        """The message of each row as it is posted, made now; None if the row has an error."""
        return joined_bodies(len(self.sizes), self.segments, self.apart)


class ChunkPreparer:
    """Prepares the rows of a bound letter in chunks.

    Args:
        bound: the letter and its frame.
        live: whether the server is live; see ``Preparer``.
        chunk_rows: the number of rows that are prepared together; it has no effect on the messages.
        min_rows: the number of rows below which the whole frame goes the plain way.

    Attributes:
        plain_rows: the rows that went the plain way so far.
    """

    def __init__(
        self,
        bound: BoundLetter,
        *,
        live: bool = False,
        chunk_rows: int = CHUNK_ROWS,
        min_rows: int = MIN_ROWS,
    ) -> None:
        self._rows, self._chunk_rows = bound.rows, chunk_rows
        self._min_rows = min_rows
        self._plain = Preparer(bound, live=live)
        self._columnar = self._try_columnar(bound, live=live)
        self._pause = self._next_pause = 0
        self._has_fit = False
        self.plain_rows = 0

    def _try_columnar(self, bound: BoundLetter, *, live: bool) -> ColumnarPreparer | None:
        if os.environ.get(PLAIN) == "1" or bound.rows < self._min_rows:
            return None
        try:
            return ColumnarPreparer(bound, live=live, context=self._plain.renderer.context)
        except Declined:
            return None

    def chunks(
        self,
        *,
        only: Sequence[bool] | None = None,
        watch: Callable[[int], object] | None = None,
    ) -> Iterator[PreparedChunk]:
        """Each chunk that has a row that *only* marks, in the frame's order; None for all rows.

        Args:
            only: one boolean per row; others may be prepared, too, or have no message.
            watch: a function called with the position of each row; it may raise to stop.
        """
        for first in range(0, self._rows, self._chunk_rows):
            last = min(first + self._chunk_rows, self._rows)
            if only is not None and not any(only[first:last]):
                continue
            chunk = self._tried(first, last)
            if chunk is None:
                yield self._in_plain_way(first, last, only, watch)
                continue
            for position in range(first, last) if watch is not None else ():
                watch(position)  # type: ignore[misc]  # mypy does not see that it is no None
            yield chunk

    def _tried(self, first: int, last: int) -> PreparedChunk | None:
        """A chunk in the columnar way; None if it declines, and in a pause after that."""
        if self._columnar is None or self._pause:
            self._pause = max(0, self._pause - 1)
            return None
        try:
            if not self._has_fit and last - first > 2 * _TRIAL_ROWS:
                self._columnar.messages(first, first + _TRIAL_ROWS)
            chunk = self._in_columns(self._columnar, first, last)
        except Declined:
            self._has_fit = False
            self._pause = self._next_pause = min(self._next_pause * 2 or 1, _MAX_PAUSE)
            return None
        self._next_pause, self._has_fit = 0, True
        return chunk

    def _in_plain_way(
        self,
        first: int,
        last: int,
        only: Sequence[bool] | None,
        watch: Callable[[int], object] | None,
    ) -> PreparedChunk:
        rows = last - first
        sizes = np.zeros(rows, dtype=np.int64)
        prepared = PreparedChunk(first, sizes, [None] * rows, [""] * rows, [""] * rows, [])
        for row in self._plain.rows(first, last, only=only):
            if watch is not None:
                watch(row.position)
            self.plain_rows += 1
            _put(prepared, row)
        return prepared

    def _in_columns(self, columnar: ColumnarPreparer, first: int, last: int) -> PreparedChunk:
        messages, cells = columnar.messages(first, last)
        prepared = PreparedChunk(
            first,
            messages.sizes,
            messages.recipients,
            messages.identities,
            messages.streams,
            [],
            messages.segments,
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
    chunk.apart[place] = None if message is None else message.body
    chunk.sizes[place] = 0 if message is None else len(message.body)
    chunk.recipients[place] = None if message is None else message.to
    chunk.identities[place] = row.identity
    chunk.streams[place] = row.fields.get("MessageStream", DEFAULT_STREAM)
