"""All rows of a bound letter in chunks: columnar where possible, else on the row-by-row path."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.errors import MailframeError
from mailframe.limits import DEFAULT_STREAM
from mailframe.message.checked_bodies import joined_bodies
from mailframe.message.columnar.chunk import NotColumnar
from mailframe.message.columnar.preparing import ColumnarPreparer
from mailframe.message.pipeline import Preparer
from mailframe.message.template_fields import template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.columnar.fields import Segment
    from mailframe.message.columnar.preparing import Sizes
    from mailframe.message.pipeline import Prepared
    from mailframe.problems import Problem

CHUNK_ROWS: Final = 500
"""Rows whose messages are made together, at most; memory does not grow with the frame."""
_CHUNK_BYTES: Final = 16_000_000
"""About the bytes of the messages of a chunk, at most; with large files it has fewer rows."""
MIN_ROWS: Final = 1_000
"""Rows of a frame from which on it pays to split and compile the letter, which takes 30 ms."""
PLAIN: Final = "MAILFRAME_PLAIN"
"""Environment variable: ``1`` to make every message on the row-by-row path."""
_MAX_PAUSE: Final = 64
"""Chunks that take the row-by-row path, at most, before the columnar path is tried again."""
_TRIAL_ROWS: Final = 40
"""Rows that are made first, at the start and after a pause; most fallbacks happen here."""


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
        segments: constants and columns that joined make the messages of the columnar path.
        separate: the messages of the row-by-row path, by row counted from 0; None if the row has an
            error.
        templates: the templates at Postmark that messages of the row-by-row path have.
    """

    first: int
    sizes: Sizes
    recipients: list[str | None]
    identities: list[str]
    streams: list[str]
    problems: list[Problem]
    segments: Sequence[Segment] = ()
    separate: dict[int, bytes | None] = field(default_factory=dict)
    templates: set[str | int] = field(default_factory=set)

    @property
    def bodies(self) -> list[bytes | None]:
        """The message of each row as it is posted, made now; None if the row has an error."""
        return joined_bodies(len(self.sizes), self.segments, self.separate)


class ChunkPreparer:
    """Prepares the rows of a bound letter in chunks.

    Args:
        bound: the letter and its frame.
        live: whether the server is live; see ``Preparer``.
        chunk_rows: the number of rows that are prepared together, at most; it has no effect on the
            messages.
        min_rows: the number of rows below which the whole frame takes the row-by-row path.

    Attributes:
        plain_rows: the rows that took the row-by-row path so far.

    Raises:
        MailframeError: ``MAILFRAME_PLAIN`` has another value than 0 or 1.
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
        self._message_bytes = _constant_bytes(bound)
        self._plain = Preparer(bound, live=live)
        may_try = not _is_plain_forced() and bound.rows >= min_rows
        self._columnar = self._try_columnar(bound, live=live) if may_try else None
        self._pause = self._next_pause = 0
        self._has_fit = False
        self.plain_rows = 0

    def _try_columnar(self, bound: BoundLetter, *, live: bool) -> ColumnarPreparer | None:
        try:
            return ColumnarPreparer(bound, live=live, context=self._plain.renderer.context)
        except NotColumnar:
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
        first = 0
        while first < self._rows:
            last = min(first + self._rows_of_a_chunk(), self._rows)
            if only is not None and not any(only[first:last]):
                first = last
                continue
            chunk = self._tried(first, last)
            if chunk is None:
                chunk = self._in_plain_way(first, last, only=only, watch=watch)
            elif watch is not None:
                for position in range(first, first + len(chunk.sizes)):
                    watch(position)
            first += len(chunk.sizes)
            self._message_bytes = _mean(chunk.sizes)
            yield chunk

    def chunk(self, first: int, last: int) -> PreparedChunk:
        """The rows from *first* to *last* in one chunk, whatever its size is."""
        chunk = self._tried(first, last, is_whole=True)
        return self._in_plain_way(first, last, most_bytes=None) if chunk is None else chunk

    def _rows_of_a_chunk(self) -> int:
        """As many rows as have room if their messages are as large as those before them."""
        return max(1, min(self._chunk_rows, _CHUNK_BYTES // max(1, self._message_bytes)))

    def _tried(self, first: int, last: int, *, is_whole: bool = False) -> PreparedChunk | None:
        """A chunk on the columnar path; None if it falls back, and in a pause after that.

        Unless it *is_whole*, it may end before *last*, where a few messages show how large all are.
        """
        if self._columnar is None or self._pause:
            self._pause = max(0, self._pause - 1)
            return None
        try:
            if not self._has_fit and last - first > 2 * _TRIAL_ROWS:
                few, _ = self._columnar.messages(first, first + _TRIAL_ROWS)
                self._message_bytes = _mean(few.sizes)
                last = last if is_whole else min(last, first + self._rows_of_a_chunk())
            chunk = self._in_columns(self._columnar, first, last)
        except NotColumnar:
            self._has_fit = False
            self._pause = self._next_pause = min(self._next_pause * 2 or 1, _MAX_PAUSE)
            return None
        self._next_pause, self._has_fit = 0, True
        return chunk

    def _in_plain_way(
        self,
        first: int,
        last: int,
        *,
        only: Sequence[bool] | None = None,
        watch: Callable[[int], object] | None = None,
        most_bytes: int | None = _CHUNK_BYTES,
    ) -> PreparedChunk:
        """The rows one by one; the chunk ends before *last* where it has so many bytes."""
        prepared = _without_messages(first, last)
        size = 0
        for row in self._plain.rows(first, last, only=only):
            if watch is not None:
                watch(row.position)
            self.plain_rows += 1
            _put(prepared, row)
            size += int(prepared.sizes[row.position - first])
            if most_bytes is not None and size > most_bytes:
                return _cut(prepared, row.position + 1 - first)
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
        for row in messages.fallback_rows:
            self.plain_rows += 1
            _put(prepared, self._plain.row(first + row, cells.cells(row)))
        return prepared


def _mean(sizes: Sizes) -> int:
    """The mean size of the messages, without rows that have an error."""
    made = int(np.count_nonzero(sizes))
    return int(sizes.sum()) // made if made else 0


def _constant_bytes(bound: BoundLetter) -> int:
    """About the bytes that each message has, whatever its row."""
    files = sum(len(encoded.json) for _, encoded in bound.attachments if encoded is not None)
    return files + sum(len(text) for texts in bound.templates.values() for text in texts)


def _is_plain_forced() -> bool:
    value = os.environ.get(PLAIN) or "0"
    if value not in ("0", "1"):
        raise MailframeError(f"{PLAIN} is {value!r}; write 1, or leave it out")
    return value == "1"


def _without_messages(first: int, last: int) -> PreparedChunk:
    rows = last - first
    sizes = np.zeros(rows, dtype=np.int64)
    return PreparedChunk(
        first,
        sizes,
        [None] * rows,
        [""] * rows,
        [""] * rows,
        [],
        separate=dict.fromkeys(range(rows)),
    )


def _cut(chunk: PreparedChunk, rows: int) -> PreparedChunk:
    """The first rows of a chunk of the row-by-row path."""
    return replace(
        chunk,
        sizes=chunk.sizes[:rows],
        recipients=chunk.recipients[:rows],
        identities=chunk.identities[:rows],
        streams=chunk.streams[:rows],
        separate={row: chunk.separate[row] for row in range(rows)},
    )


def _put(chunk: PreparedChunk, row: Prepared) -> None:
    """Set what the row-by-row path made of one row."""
    place = row.position - chunk.first
    chunk.problems += row.problems
    message = row.message
    chunk.separate[place] = None if message is None else message.body
    chunk.sizes[place] = 0 if message is None else len(message.body)
    chunk.recipients[place] = None if message is None else message.to
    chunk.identities[place] = row.identity
    chunk.streams[place] = row.fields.get("MessageStream", DEFAULT_STREAM)
    template = None if message is None else template_of(row.fields)
    if template is not None:
        chunk.templates.add(template)
