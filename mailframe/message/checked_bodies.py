"""The messages of a preflight check, kept from the check until they are sent.

What was checked is what is sent: the bytes are not made again. They are kept compressed, a few in
memory and many in a temporary file without a name, which no other program can open and which the
system deletes when the campaign is dropped or the process ends in any way. ``MAILFRAME_CHECKED``
chooses another place.
"""

from __future__ import annotations

import marshal
import os
import tempfile
import threading
import weakref
import zlib
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Final, Literal

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

VARIABLE: Final = "MAILFRAME_CHECKED"
"""Environment variable: ``disk``, ``memory``, or ``again`` to keep no messages."""
_PLACES: Final = ("disk", "memory", "again")
_LEVEL: Final = 1
"""Of zlib: messages of one letter are alike, and the fastest level finds that, too."""
_MAX_IN_MEMORY: Final = 1_000_000
"""Bytes that are kept in memory before a file is opened; those of about 10,000 messages."""


def place() -> Literal["disk", "memory", "again"]:
    """Where checked messages are kept, by ``MAILFRAME_CHECKED``.

    Raises:
        MailframeError: it has another value.
    """
    value = os.environ.get(VARIABLE) or "disk"
    if value not in _PLACES:
        raise MailframeError(f"{VARIABLE} is {value!r}; write one of {', '.join(_PLACES)}")
    return value  # type: ignore[return-value]  # mypy does not narrow by ``in``


@dataclass(frozen=True, slots=True)
class _Block:
    """Where one chunk is.

    Attributes:
        first: the position of its first row.
        last: the position after its last row.
        start: the start of its bytes in the file.
        size: their number.
        constants: the segments that are the same in each row; None in the place of each column.
    """

    first: int
    last: int
    start: int
    size: int
    constants: tuple[bytes | None, ...]


class CheckedBodies:
    """The messages of all rows, chunk by chunk, in row order.

    Args:
        shared: bytes that many messages have, such as those of an attached file; kept once.
        in_memory: whether to keep everything in memory and nothing in a file.
    """

    def __init__(self, *, shared: bytes = b"", in_memory: bool = False) -> None:
        self._shared, self._in_memory = shared, in_memory
        self._blocks: list[_Block] = []
        self._parts: list[bytes] = []
        self._file: _TemporaryFile | None = None
        self._end = 0

    def add(
        self,
        first: int,
        recipients: Sequence[str | None],
        bodies: Sequence[bytes | None],
        *,
        segments: Sequence[bytes | list[bytes]] = (),
        apart: Collection[int] = (),
    ) -> None:
        """Keep the messages of the next chunk.

        Args:
            first: the position of its first row.
            recipients: the ``To`` text of each message; None without one.
            bodies: the message of each row as it is posted; None for a row without one.
            segments: constants and columns, which joined make the message of each row that is not
                *apart*; they take less time and space than the messages. Without them all are.
            apart: the rows, counted from 0, whose messages are kept as they are.

        Raises:
            OSError: the file cannot be written, for example because the disk is full.
        """
        constants = tuple(one if isinstance(one, bytes) else None for one in segments)
        if self._blocks and constants == self._blocks[-1].constants:
            constants = self._blocks[-1].constants
        columns = [one for one in segments if not isinstance(one, bytes)]
        kept = {
            row: self._parted(bodies[row]) for row in (apart if segments else range(len(bodies)))
        }
        content = (len(bodies), list(recipients), columns, kept)
        packed = zlib.compress(marshal.dumps(content), _LEVEL)
        self._blocks.append(_Block(first, first + len(bodies), self._end, len(packed), constants))
        self._end += len(packed)
        self._write(packed)

    def _write(self, packed: bytes) -> None:
        if self._file is not None:
            self._file.append(packed)
            return
        self._parts.append(packed)
        if self._end > _MAX_IN_MEMORY and not self._in_memory:
            self._file = _TemporaryFile()
            self._file.append(b"".join(self._parts))
            self._parts.clear()

    def _parted(self, body: bytes | None) -> tuple[bytes, bytes | None] | None:
        """A message in two parts, between which are the shared bytes; the second None without."""
        if body is None:
            return None
        head, shared, tail = body.partition(self._shared) if self._shared else (body, b"", b"")
        return head, tail if shared else None

    def __len__(self) -> int:
        """The number of chunks."""
        return len(self._blocks)

    @property
    def size(self) -> int:
        """The number of bytes in the file or in memory."""
        return self._end

    def spans(self) -> list[tuple[int, int]]:
        """The positions of the first row of each chunk and of the row after its last one."""
        return [(block.first, block.last) for block in self._blocks]

    def chunk(self, number: int) -> tuple[list[str | None], list[bytes | None]]:
        """The recipients and the messages of one chunk.

        Raises:
            OSError: the file cannot be read, or is damaged.
        """
        block = self._blocks[number]
        try:
            packed = zlib.decompress(self._read(number, block))
        except (ValueError, zlib.error) as error:  # it is closed, or its checksum is wrong
            raise OSError(f"the checked messages cannot be read: {error}") from error
        # what this object wrote itself, and zlib has a checksum
        rows, recipients, columns, kept = marshal.loads(packed)  # noqa: S302
        remaining = iter(columns)
        segments = [
            repeat(one, rows) if one is not None else next(remaining) for one in block.constants
        ]
        bodies: list[bytes | None] = [None] * rows
        if segments:
            bodies = list(map(b"".join, zip(*segments, strict=True)))
        for row, parted in kept.items():
            bodies[row] = None if parted is None else self._whole(*parted)
        return recipients, bodies

    def _whole(self, head: bytes, tail: bytes | None) -> bytes:
        return head if tail is None else head + self._shared + tail

    def _read(self, number: int, block: _Block) -> bytes:
        if self._file is None:
            return self._parts[number]
        return self._file.read(block.start, block.size)


class _TemporaryFile:
    """A file without a name, which only this user can read; closed and deleted with this object."""

    def __init__(self) -> None:
        # unbuffered: after a write, everything that was added can be read
        self._file = tempfile.TemporaryFile(prefix="mailframe-", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    def append(self, content: bytes) -> None:
        """Write at the end.

        Raises:
            OSError: it cannot be written.
        """
        rest = memoryview(content)
        with self._lock:
            self._file.seek(0, os.SEEK_END)
            while rest:
                rest = rest[self._file.write(rest) :]

    def read(self, start: int, size: int) -> bytes:
        """Read *size* bytes from *start*.

        Raises:
            OSError: it cannot be read.
        """
        if hasattr(os, "pread"):  # without the position, which forked processes share
            content = os.pread(self._file.fileno(), size, start)
        else:
            with self._lock:
                self._file.seek(start)
                content = self._file.read(size)
        if len(content) != size:
            raise OSError("the file of the checked messages is shorter than what was written")
        return content
