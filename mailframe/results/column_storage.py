"""The columns of results during a run: a few bytes a row, then pandas arrays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mailframe.message.text_arrays import MISSING, PIECE_ROWS, from_bytes, from_texts, text_array
from mailframe.postmark.timestamps import NO_STAMP, as_stamps, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pandas.api.extensions import ExtensionArray

    Positions: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
    Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"

ALL: Final = slice(None)
_WAITING_STAMPS: Final = 10_000
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_CHARS: Final = 36
_UUID_BYTES: Final = 16
_HYPHENS: Final = (8, 13, 18, 23)
_IS_MISSING, _IS_UUID, _IS_TEXT = range(3)


class TextColumn:
    """One text per row, as UTF-8 in one block: 4 bytes a row plus the text.

    A row that was not set has a missing value. Where the rows are not set in their order, the place
    of each text takes another 8 bytes.
    """

    __slots__ = ("_block", "_is_lent", "_next", "_sizes", "_starts")

    def __init__(self, rows: int) -> None:
        self._block = bytearray()
        self._sizes = np.full(rows, MISSING, dtype=np.int32)
        self._starts: Positions | None = None  # None while the block is in the order of the rows
        self._next = 0  # the row after the last one that was set
        self._is_lent = False

    def put(self, position: int, text: str) -> None:
        """Set the text of a row."""
        raw = text.encode("utf-8", "surrogatepass")
        self._begin(position, position + 1)
        if self._starts is not None:
            self._starts[position] = len(self._block)
        self._sizes[position] = len(raw)
        self._block += raw

    def put_many(self, positions: Positions, texts: Sequence[str]) -> None:
        """Set the texts of several rows, each of which occurs once."""
        if not len(positions):
            return
        raws = [text.encode("utf-8", "surrogatepass") for text in texts]
        sizes = np.array([len(raw) for raw in raws], dtype=np.int32)
        is_sorted = bool((np.diff(positions) > 0).all())
        self._begin(int(positions[0]) if is_sorted else -1, int(positions[-1]) + 1)
        if self._starts is not None:
            self._starts[positions] = len(self._block) + np.cumsum(sizes) - sizes
        self._sizes[positions] = sizes
        self._block += b"".join(raws)

    def _begin(self, first: int, after: int) -> None:
        """Prepare for texts of rows from *first* (-1 if not in order) to before *after*."""
        if self._starts is None and first < self._next:
            self._starts = self._places()[:-1]
        self._next = after
        if self._is_lent:
            self._block, self._is_lent = bytearray(self._block), False

    def _places(self) -> Positions:
        """Where each text begins in a block in the order of the rows, and where the last ends."""
        places = np.zeros(len(self._sizes) + 1, dtype=np.int64)
        np.cumsum(np.maximum(self._sizes, 0), out=places[1:])
        return places

    def array(self, rows: slice = ALL) -> ExtensionArray:
        """The column of some rows as ``str``; it uses this memory until the next text is set."""
        return text_array(self._pieces(*rows.indices(len(self._sizes))))

    def _pieces(self, first: int, last: int, _step: int) -> Iterator[Any]:
        self._is_lent = True
        # where the next piece begins in a block in the order of the rows
        begin = int(np.maximum(self._sizes[:first], 0).sum(dtype=np.int64))
        for start in range(first, last, PIECE_ROWS):
            sizes = self._sizes[start : min(start + PIECE_ROWS, last)]
            ends = np.zeros(len(sizes) + 1, dtype=np.int64)
            np.cumsum(np.maximum(sizes, 0), out=ends[1:])
            block: bytes | memoryview
            if self._starts is None:
                block = memoryview(self._block)[begin : begin + int(ends[-1])]
                begin += len(block)
            else:
                places = self._starts[start : start + len(sizes)].tolist()
                block = b"".join(
                    self._block[place : place + size]
                    for place, size in zip(places, np.diff(ends).tolist(), strict=True)
                )
            yield from_bytes(block, ends, is_missing=sizes < 0)


class IdColumn:
    """One MessageID or missing value per row: 17 bytes a row, and texts that are no UUID beside.

    Postmark's ids are UUIDs in lower case. Any other text is kept as it is.
    """

    __slots__ = ("_bytes", "_kinds", "_texts")

    def __init__(self, rows: int) -> None:
        self._bytes = np.zeros((rows, _UUID_BYTES), dtype=np.uint8)
        self._kinds = np.zeros(rows, dtype=np.uint8)
        self._texts: dict[int, str] = {}

    def put(self, position: int, text: str | None) -> None:
        """Set the id of a row; None is a missing value."""
        self._texts.pop(position, None)
        kind = self._kinds[position] = _kind(text)
        if text is not None and kind == _IS_UUID:
            raw = bytes.fromhex(text.replace("-", ""))
            self._bytes[position] = np.frombuffer(raw, dtype=np.uint8)
        elif text is not None:
            self._texts[position] = text

    def put_many(self, positions: Positions, ids: Sequence[str | None]) -> None:
        """Set the ids of several rows, each of which occurs once; None is a missing value."""
        self.clear(positions)
        kinds = [_kind(text) for text in ids]
        self._kinds[positions] = kinds
        uuids = [text for text, kind in zip(ids, kinds, strict=True) if text and kind == _IS_UUID]
        raw = np.frombuffer(bytes.fromhex("".join(uuids).replace("-", "")), dtype=np.uint8)
        is_uuid = np.array(kinds, dtype=np.uint8) == _IS_UUID
        self._bytes[positions[is_uuid]] = raw.reshape(-1, _UUID_BYTES)
        if _IS_TEXT in kinds:
            for position, kind, text in zip(positions.tolist(), kinds, ids, strict=True):
                if kind == _IS_TEXT and text is not None:
                    self._texts[position] = text

    def put_uuids(self, positions: Positions, uuids: Bytes) -> None:
        """Set the ids of several rows to UUIDs of 16 bytes, one per line; zeros are missing."""
        self.clear(positions)
        self._bytes[positions] = uuids
        self._kinds[positions] = np.where(uuids.any(axis=1), _IS_UUID, _IS_MISSING)

    def clear(self, positions: Positions) -> None:
        """Give several rows a missing value."""
        self._kinds[positions] = _IS_MISSING
        if self._texts:
            for position in positions.tolist():
                self._texts.pop(position, None)

    def array(self, rows: slice = ALL) -> ExtensionArray:
        """The column of some rows as ``str``."""
        return text_array(self._pieces(*rows.indices(len(self._kinds))))

    def _pieces(self, first: int, last: int, _step: int) -> Iterator[Any]:
        for start in range(first, last, PIECE_ROWS):
            kinds = self._kinds[start : min(start + PIECE_ROWS, last)]
            is_uuid = kinds == _IS_UUID
            spelled = _spelled(self._bytes[start : start + len(kinds)][is_uuid])
            ends = np.zeros(len(kinds) + 1, dtype=np.int64)
            np.cumsum(is_uuid * _UUID_CHARS, out=ends[1:])
            if not (kinds == _IS_TEXT).any():
                yield from_bytes(spelled, ends, is_missing=~is_uuid)
                continue
            yield from_texts(
                [
                    spelled[end - _UUID_CHARS : end].decode("ascii")
                    if kind == _IS_UUID
                    else self._texts.get(place)
                    for place, (kind, end) in enumerate(
                        zip(kinds.tolist(), ends[1:].tolist(), strict=True), start
                    )
                ]
            )


def _kind(text: str | None) -> int:
    if text is None:
        return _IS_MISSING
    return _IS_UUID if _UUID.fullmatch(text) else _IS_TEXT


def _spelled(uuids: Bytes) -> bytes:
    """UUIDs as text, one after the other: each 36 characters with hyphens, in lower case."""
    digits = np.frombuffer(uuids.tobytes().hex().encode("ascii"), dtype=np.uint8)
    texts = np.full((len(uuids), _UUID_CHARS), ord("-"), dtype=np.uint8)
    texts[:, [place for place in range(_UUID_CHARS) if place not in _HYPHENS]] = digits.reshape(
        len(uuids), 2 * _UUID_BYTES
    )
    return texts.tobytes()


class StampColumn:
    """One timestamp or missing value per row: 8 bytes a row.

    The texts are read by ten thousands, because pandas takes a millisecond to begin.
    """

    __slots__ = ("_nanoseconds", "_waiting")

    def __init__(self, rows: int) -> None:
        self._nanoseconds = np.full(rows, NO_STAMP, dtype=np.int64)
        self._waiting: list[tuple[int, str | None]] = []

    def put(self, position: int, text: str | None) -> None:
        """Set the timestamp of a row; None is a missing value."""
        self._waiting.append((position, text))
        if len(self._waiting) >= _WAITING_STAMPS:
            self._read()

    def put_many(self, positions: Positions, texts: Sequence[str | None]) -> None:
        """Set the timestamps of several rows; see ``stamps``."""
        self._waiting += zip(positions.tolist(), texts, strict=True)
        if len(self._waiting) >= _WAITING_STAMPS:
            self._read()

    def clear(self, positions: Positions) -> None:
        """Give several rows a missing value."""
        self._read()
        self._nanoseconds[positions] = NO_STAMP

    def array(self, rows: slice = ALL) -> ExtensionArray:
        """The column of some rows as ``datetime64[ns, UTC]``."""
        self._read()
        return as_stamps(self._nanoseconds[rows].copy())

    def _read(self) -> None:
        if not self._waiting:
            return
        # of a row that was set twice the last one counts
        last = dict(self._waiting)
        places = np.fromiter(last, dtype=np.int64, count=len(last))
        self._nanoseconds[places] = nanoseconds(list(last.values()))
        self._waiting.clear()
