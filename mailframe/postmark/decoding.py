"""The body of an answer, decoded in small pieces, so that a few bytes cannot fill the memory.

Every request asks for ``identity``. A proxy may compress the answer all the same, so gzip and deflate are read, once;
an encoding within an encoding and any other one are refused. httpx decodes a whole chunk at once: 264 bytes of nested
gzip took 2.2 GB.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PIECE_BYTES: Final = 65_536
"""A decoded piece is at most as long."""
_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW_DEFLATE: Final = -zlib.MAX_WBITS  # what some servers call deflate
_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31
_WINDOWS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class DecodingError(Exception):
    """The body is not encoded as its header says, or in a way that nobody asked for."""


def decoded(chunks: Iterable[bytes], *, encoding: str) -> Iterator[bytes]:
    """The body in pieces of at most 64 KiB; one at least for each chunk, so that a clock can be looked at.

    Args:
        chunks: as they came.
        encoding: the header ``Content-Encoding``; "" when there is none.

    Raises:
        DecodingError: see there.

    >>> b"".join(decoded([zlib.compress(b"[]")], encoding="deflate"))
    b'[]'
    """
    named = [
        name
        for part in encoding.split(",")
        if (name := part.strip().lower()) not in ("", "identity")
    ]
    if not named:
        return iter(chunks)
    if len(named) > 1 or named[0] not in _WINDOWS:
        raise DecodingError
    return _inflated(chunks, _WINDOWS[named[0]])


def _inflated(chunks: Iterable[bytes], window: int) -> Iterator[bytes]:
    stream = None
    for chunk in chunks:
        rest, piece = chunk, b""
        while (
            rest or len(piece) == PIECE_BYTES
        ):  # a full piece: zlib may hold more of what it has read
            if stream is None or (stream.eof and rest):
                stream = zlib.decompressobj(_window_of(rest, window))
            try:
                piece = stream.decompress(rest, PIECE_BYTES)
            except zlib.error:
                raise DecodingError from None
            rest = stream.unconsumed_tail or stream.unused_data
            yield piece
        yield b""  # the chunk may have held nothing to show
    if stream is not None and not stream.eof:
        raise DecodingError


def _window_of(start: bytes, window: int) -> int:
    """What zlib needs to know; deflate has a header of zlib, or none."""
    if window != _ZLIB:
        return window
    has_header = start[0] & 15 == _ZLIB_METHOD and (
        len(start) == 1 or (start[0] * 256 + start[1]) % _ZLIB_CHECK == 0
    )
    return window if has_header else _RAW_DEFLATE
