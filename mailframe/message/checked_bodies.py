"""The messages of a preflight check, kept from the check until they are sent.

What was checked is what is sent: the bytes are not made again. They are kept compressed, a few in
memory and many in a temporary file without a name, which no other program can open and which the
system deletes when the campaign is dropped or the process ends in any way. ``MAILFRAME_CHECKED``
chooses another place.
"""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import orjson

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLE: Final = "MAILFRAME_CHECKED"
"""Environment variable: ``disk``, ``memory``, or ``again`` to keep no messages."""
_PLACES: Final = ("disk", "memory", "again")
_LEVEL: Final = 1
"""Of zlib: messages of one letter are alike, and the fastest level finds that, too."""
_MAX_IN_MEMORY: Final = 1_000_000
"""Bytes that are kept in memory before a file is opened; those of about 10,000 messages."""
_SHARED: Final = b"\x00"
"""Stands for the shared bytes; JSON never has this byte."""


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
    """

    first: int
    last: int
    start: int
    size: int


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
        self, first: int, recipients: Sequence[str | None], bodies: Sequence[bytes | None]
    ) -> None:
        """Keep the messages of the next chunk.

        Args:
            first: the position of its first row.
            recipients: the ``To`` text of each message; None without one.
            bodies: the message of each row as it is posted; None for a row without one.

        Raises:
            OSError: the file cannot be written, for example because the disk is full.
        """
        sizes = [-1 if body is None else len(body) for body in bodies]
        head = orjson.dumps([recipients, sizes]) + b"\n"
        kept = b"".join([self._without_shared(body) for body in bodies if body is not None])
        packed = zlib.compress(head + kept, _LEVEL)
        self._blocks.append(_Block(first, first + len(bodies), self._end, len(packed)))
        self._end += len(packed)
        if self._file is not None:
            self._file.append(packed)
            return
        self._parts.append(packed)
        if self._end > _MAX_IN_MEMORY and not self._in_memory:
            self._file = _TemporaryFile()
            self._file.append(b"".join(self._parts))
            self._parts.clear()

    def _without_shared(self, body: bytes) -> bytes:
        return body.replace(self._shared, _SHARED, 1) if self._shared else body

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
            text = zlib.decompress(self._read(number, block))
        except (ValueError, zlib.error) as error:  # it is closed, or its checksum is wrong
            raise OSError(f"the checked messages cannot be read: {error}") from error
        head, _, kept = text.partition(b"\n")
        recipients, sizes = orjson.loads(head)
        return recipients, self._cut(kept, sizes)

    def _cut(self, kept: bytes, sizes: Sequence[int]) -> list[bytes | None]:
        """The messages of their sizes, one after another."""
        bodies: list[bytes | None] = []
        at = 0
        for size in sizes:
            if size < 0:
                bodies.append(None)
                continue
            stop = at + size
            if self._shared:
                mark = kept.find(_SHARED, at, stop)
                stop -= len(self._shared) - len(_SHARED) if mark >= 0 else 0
                bodies.append(kept[at:stop].replace(_SHARED, self._shared, 1))
            else:
                bodies.append(kept[at:stop])
            at = stop
        return bodies

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
