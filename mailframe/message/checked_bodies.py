"""The messages of a preflight check, kept from the check until they are sent.

What was checked is what is sent: the bytes are not made again. They are kept compressed, a few in
memory and many in a temporary file, which no other program can open by a name (on Windows it has
one) and which the system deletes when the campaign is dropped or the process ends in any way. They
have personal data: addresses, and whatever the letter prints. ``MAILFRAME_CHECKED`` chooses another
place.
"""

from __future__ import annotations

import errno
import hashlib
import marshal
import os
import tempfile
import threading
import weakref
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from typing import IO, TYPE_CHECKING, ClassVar, Final, Literal

from mailframe.errors import MailframeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VARIABLE: Final = "MAILFRAME_CHECKED"
"""Environment variable: ``disk``, ``memory``, or ``again`` to keep no messages."""
_PLACES: Final = ("disk", "memory", "again")
_LEVEL: Final = 1
"""Of zlib: messages of one letter are alike, and the fastest level finds that, too."""
_WITHOUT_REFERENCES: Final = 2
"""Version of marshal in which equal values are written as equal bytes."""
_SEPARATOR: Final = b"\n"
"""Of the texts of a column; JSON has none between its quotes."""
_MAX_IN_MEMORY: Final = 1_000_000
"""Bytes that are kept in memory before a file is opened; those of about 10,000 messages."""
_MAX_FILES: Final = 64
"""Files of a process at a time. Each takes a file descriptor, of which 256 may be all there are."""
_ATTACHMENTS: Final = b'"Attachments":['
"""In a message; in a text of it, its quotes would be escaped."""


def storage_mode() -> Literal["disk", "memory", "again"]:
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
        digest: their digest, which tells whether they are damaged.
        constants: the segments that are the same in each row; None in the place of each column.
    """

    first: int
    last: int
    start: int
    size: int
    digest: bytes
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
        separate: Mapping[int, bytes | None],
        *,
        segments: Sequence[bytes | Sequence[bytes]] = (),
    ) -> None:
        """Keep the messages of the next chunk.

        Args:
            first: the position of its first row.
            recipients: the ``To`` text of the message of each row; None without one.
            separate: the messages that are kept as they are posted, by row counted from 0; None
                for a row without one.
            segments: constants and columns, which joined make the message of each other row.

        Raises:
            OSError: the file cannot be written, for example because the disk is full.
        """
        constants = _constants(segments)
        if self._blocks and constants == self._blocks[-1].constants:
            constants = self._blocks[-1].constants
        packed = self._packed(recipients, separate, segments)
        last, digest = first + len(recipients), _digest(packed)
        block = _Block(first, last, self._end, len(packed), digest, constants)
        self._end += len(packed)
        self._write(packed)
        self._blocks.append(block)

    def _packed(
        self,
        recipients: Sequence[str | None],
        separate: Mapping[int, bytes | None],
        segments: Sequence[bytes | Sequence[bytes]],
    ) -> bytes:
        """What the rows of a chunk do not share, compressed; the same for the same messages."""
        columns = [_encoded(recipients)]
        columns += [_in_one(column) for column in segments if not isinstance(column, bytes)]
        different: list[bytes | tuple[bytes, ...]] = []
        for column in columns:  # an address is in several columns, often as it is in To
            if column not in different:
                different.append(column)
        places = [different.index(column) for column in columns]
        parted = {row: self._parted(body) for row, body in separate.items()}
        content = (different, places, parted)
        return zlib.compress(marshal.dumps(content, _WITHOUT_REFERENCES), _LEVEL)

    def is_equal(
        self,
        number: int,
        recipients: Sequence[str | None],
        separate: Mapping[int, bytes | None],
        *,
        segments: Sequence[bytes | Sequence[bytes]] = (),
    ) -> bool:
        """Whether a chunk that was made again has the messages of a chunk that was added.

        Args:
            number: the number of the chunk.
            recipients: see ``add``.
            separate: see ``add``.
            segments: see ``add``. If the chunk was added with segments, equal messages of other
                segments are taken for different ones.
        """
        block = self._blocks[number]
        if not block.constants:
            bodies = joined_bodies(len(recipients), segments, separate)
            separate, segments = dict(enumerate(bodies)), ()
        packed = self._packed(recipients, separate, segments)
        return (_constants(segments), _digest(packed)) == (block.constants, block.digest)

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
        start = body.find(_ATTACHMENTS) + len(_ATTACHMENTS)
        if not (self._shared and body.startswith(self._shared, start)):
            return body, None
        return body[:start], body[start + len(self._shared) :]

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
            packed = self._read(number, block)
        except ValueError as error:  # it is closed
            raise OSError(f"the checked messages cannot be read: {error}") from error
        if _digest(packed) != block.digest:
            raise OSError("the checked messages are damaged")
        # what this object wrote itself, as the digest shows
        different, places, separate = marshal.loads(zlib.decompress(packed))  # noqa: S302
        columns = iter([_separate(different[place]) for place in places[1:]])
        segments = [next(columns) if one is None else one for one in block.constants]
        whole = {
            row: None if parted is None else self._whole(*parted)
            for row, parted in separate.items()
        }
        bodies = joined_bodies(block.last - block.first, segments, whole)
        return _decoded(different[places[0]]), bodies

    def _whole(self, head: bytes, tail: bytes | None) -> bytes:
        return head if tail is None else head + self._shared + tail

    def _read(self, number: int, block: _Block) -> bytes:
        if self._file is None:
            return self._parts[number]
        return self._file.read(block.start, block.size)


def joined_bodies(
    rows: int, segments: Sequence[bytes | Sequence[bytes]], separate: Mapping[int, bytes | None]
) -> list[bytes | None]:
    """The message of each row of a chunk.

    Args:
        rows: the number of rows.
        segments: constants and columns, which joined make the message of each row.
        separate: the messages of other rows, by row counted from 0; None for a row without one.
    """
    bodies: list[bytes | None] = [None] * rows
    if segments:
        columns = [repeat(one, rows) if isinstance(one, bytes) else one for one in segments]
        bodies = list(map(b"".join, zip(*columns, strict=True)))
    for row, body in separate.items():
        bodies[row] = body
    return bodies


def _constants(segments: Sequence[bytes | Sequence[bytes]]) -> tuple[bytes | None, ...]:
    return tuple([one if isinstance(one, bytes) else None for one in segments])


def _digest(packed: bytes) -> bytes:
    return hashlib.sha256(packed).digest()


def _in_one(texts: Sequence[bytes]) -> bytes | tuple[bytes, ...]:
    """The texts in one, which takes less time and space; a tuple if one has the separator."""
    whole = _SEPARATOR.join(texts)
    return whole if whole.count(_SEPARATOR) == len(texts) - 1 else tuple(texts)


def _separate(packed: bytes | tuple[bytes, ...]) -> Sequence[bytes]:
    """The texts of which ``_in_one`` made one."""
    return packed if isinstance(packed, tuple) else packed.split(_SEPARATOR)


def _encoded(recipients: Sequence[str | None]) -> bytes | tuple[bytes, ...]:
    """The recipients as texts in one; an empty text for None."""
    whole = "\n".join([one or "" for one in recipients]).encode("utf-8", "surrogatepass")
    if whole.count(_SEPARATOR) == len(recipients) - 1:
        return whole
    return tuple([(one or "").encode("utf-8", "surrogatepass") for one in recipients])


def _decoded(packed: bytes | tuple[bytes, ...]) -> list[str | None]:
    """The recipients that ``_encoded`` encoded."""
    if isinstance(packed, tuple):
        return [one.decode("utf-8", "surrogatepass") or None for one in packed]
    return [one or None for one in packed.decode("utf-8", "surrogatepass").split("\n")]


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # somebody else closed it
        file.close()


class _TemporaryFile:
    """A file without a name, which only this user can read; closed and deleted with this object."""

    _all: ClassVar[weakref.WeakSet[_TemporaryFile]] = weakref.WeakSet()

    def __init__(self) -> None:
        if len(self._all) >= _MAX_FILES:
            raise OSError(errno.EMFILE, "too many campaigns keep their messages in a file")
        # unbuffered: after a write, everything that was added can be read
        self._file = tempfile.TemporaryFile(prefix="mailframe-", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._file)
        self._all.add(self)

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
