"""The body of a reply: decompressed in small pieces and parsed, with limits on memory.

Every request asks for ``identity``. A proxy may still compress the reply, so gzip and deflate are
decoded, once; nested encodings and all others are refused. httpx decodes a whole chunk at once: 264
bytes of nested gzip took 2.2 GB.
"""

from __future__ import annotations

import codecs
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_REPLY_BYTES: Final = 64 * 2**20
"""A longer reply is not read: 500 items with 50 recipients each have less than 16 MB."""
MAX_REPLY_VALUES: Final = 1_000_000
"""Commas and brackets of a reply that is parsed: ``{},`` takes three bytes, and 70 once parsed."""
_SEPARATORS: Final = (b",", b"{", b"[")
PIECE_BYTES: Final = 65_536
"""The maximum length of a decoded piece."""
_GZIP: Final = zlib.MAX_WBITS | 16
_ZLIB: Final = zlib.MAX_WBITS
_RAW_DEFLATE: Final = -zlib.MAX_WBITS  # what some servers call deflate
_ZLIB_METHOD: Final = 8
_ZLIB_CHECK: Final = 31
_DECODER: Final = json.JSONDecoder()
_FIRST: Final = re.compile(r"\s*(?:(\])|(?=\{))")
_NEXT: Final = re.compile(r"\s*(?:(\])|,\s*(?=\{))")
"""What is before an object of a list, or its end."""
_WINDOWS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class DecodingError(Exception):
    """The body is not encoded as its header says, or in an unsupported way."""


def decoded(chunks: Iterable[bytes], *, encoding: str) -> Iterator[bytes]:
    """The body in pieces of at most 64 KiB; at least one per chunk, so that a timeout is noticed.

    Args:
        chunks: the chunks of the body as received.
        encoding: the header ``Content-Encoding``; "" without one.

    Raises:
        DecodingError: the encoding is not supported, or the body does not follow it.

    >>> b"".join(decoded([zlib.compress(b"[]")], encoding="deflate"))
    b'[]'
    """
    encodings = [
        name
        for part in encoding.split(",")
        if (name := part.strip().lower()) not in ("", "identity")
    ]
    if not encodings:
        return iter(chunks)
    if len(encodings) > 1 or encodings[0] not in _WINDOWS:
        raise DecodingError
    return _inflated(chunks, _WINDOWS[encodings[0]])


def _inflated(chunks: Iterable[bytes], window: int) -> Iterator[bytes]:
    stream = None
    for chunk in chunks:
        rest, piece = chunk, b""
        while rest or len(piece) == PIECE_BYTES:  # after a full piece zlib may hold more output
            if stream is None or (stream.eof and rest):
                stream = zlib.decompressobj(_window_of(rest, window))
            try:
                piece = stream.decompress(rest, PIECE_BYTES)
            except zlib.error:
                raise DecodingError from None
            rest = stream.unconsumed_tail or stream.unused_data
            yield piece
        yield b""  # the chunk may have had no output
    if stream is not None and not stream.eof:
        raise DecodingError


def _window_of(start: bytes, window: int) -> int:
    """The window argument of zlib; deflate may come with or without a zlib header."""
    if window != _ZLIB:
        return window
    has_header = start[0] & 15 == _ZLIB_METHOD and (
        len(start) == 1 or (start[0] * 256 + start[1]) % _ZLIB_CHECK == 0
    )
    return window if has_header else _RAW_DEFLATE


def parse_json(body: bytes | bytearray) -> object:
    """The JSON value of *body*.

    Raises:
        ValueError: it is too large, or not JSON; the message continues a sentence.

    >>> parse_json(b'{"ID": 1}')
    {'ID': 1}
    """
    if len(body) > MAX_REPLY_BYTES:
        raise ValueError(f"the body is longer than {MAX_REPLY_BYTES:,} bytes")
    if sum(body.count(separator) for separator in _SEPARATORS) > MAX_REPLY_VALUES:
        raise ValueError(f"the body has more than {MAX_REPLY_VALUES:,} values")
    try:
        value: object = orjson.loads(body)
    except (ValueError, RecursionError, MemoryError):
        raise ValueError("the body is not JSON") from None
    return value


def json_objects(pieces: Iterable[bytes], *, name: str) -> Iterator[dict[str, Any]]:
    """The objects of the list *name* in a JSON object, while its text arrives.

    Args:
        pieces: the text in UTF-8.
        name: the key of the list.

    Raises:
        ValueError: the text is not such an object, or has no end; objects before the fault have
            been returned.

    >>> list(json_objects([b'{"N": 2, "L": [{"a": 1}, {"', b'a": 2}]}'], name="L"))
    [{'a': 1}, {'a': 2}]
    """
    start = re.compile(rf'"{name}"\s*:\s*\[')
    text, around, is_list = "", "", False
    between = _FIRST
    for piece in codecs.iterdecode(pieces, "utf-8"):
        text += piece
        if not around and (match := start.search(text)):
            around, text, is_list = text[: match.end()], text[match.end() :], True
        at = 0
        while is_list and (match := between.match(text, at)):
            if match[1]:
                is_list, at = False, match.end() - 1
                continue
            try:
                value, at = _DECODER.raw_decode(text, match.end())
            except json.JSONDecodeError:  # the rest of it has not arrived
                break
            between = _NEXT
            yield value
        text = text[at:]
        if len(text) > MAX_REPLY_BYTES:
            raise ValueError(f"a value is longer than {MAX_REPLY_BYTES:,} bytes")
    if not isinstance(whole := parse_json((around + text).encode()), dict) or whole.get(name) != []:
        raise ValueError(f"the body has no list {name}")
