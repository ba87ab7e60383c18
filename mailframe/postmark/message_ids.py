"""MessageIDs: their format, and which ones already belong to a message."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    Numbers: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.uint64]]

_FORMAT: Final = re.compile(r"[!-~]{1,100}")
"""Printable ASCII without spaces. Postmark's are UUIDs of 36 characters; 100 is an assumption."""
UUID_BYTES: Final = 16
_ZEROS: Final = bytes(UUID_BYTES)
_UUID_CHARS: Final = 36
_HYPHENS: Final = (8, 13, 18, 23)
"""The places of the hyphens in the usual spelling of a UUID."""
_PARTS: Final = 16
_FIRST_OF_PARTS: Final = np.arange(1, _PARTS, dtype="<u8") << np.uint64(60)
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number, by which each number has another product modulo 2**64; its bits look random."""
_LEAST_RECENT: Final = 1 << 15
_RECENT_SHARE: Final = 32
"""A set has this share of the UUIDs, and at least so many, before all others are copied."""


def is_message_id(text: object) -> bool:
    """Whether *text* can be a MessageID.

    >>> is_message_id("b7bc2f4a-e38e-4336-af7d-e6c392c2f817"), is_message_id("id 1")
    (True, False)
    """
    return isinstance(text, str) and _FORMAT.fullmatch(text) is not None


def normalized_id(message_id: str) -> bytes:
    """The same bytes for every spelling of a MessageID: 16 of a UUID, other text in lower case.

    >>> normalized_id("{B7BC2F4A-E38E-4336-AF7D-E6C392C2F817}").hex()
    'b7bc2f4ae38e4336af7de6c392c2f817'
    """
    try:
        return uuid.UUID(message_id).bytes
    except ValueError:
        return message_id.casefold().encode("utf-8", "surrogatepass")


def normalized_ids(message_ids: Sequence[str]) -> list[bytes]:
    """The normalized id of each MessageID; those in their usual spelling are read together.

    >>> [one.hex()[:8] for one in normalized_ids(["b7bc2f4a-e38e-4336-af7d-e6c392c2f817"] * 2)]
    ['b7bc2f4a', 'b7bc2f4a']
    """
    raw = uuid_bytes(message_ids)
    if raw is None:
        return [normalized_id(message_id) for message_id in message_ids]
    return [raw[start : start + UUID_BYTES] for start in range(0, len(raw), UUID_BYTES)]


def uuid_bytes(message_ids: Sequence[str]) -> bytes | None:
    """UUIDs in their usual spelling, 16 bytes each; None if one of the MessageIDs is none.

    The usual spelling has 36 characters: 32 hexadecimal digits in lower case and four hyphens.
    The UUID of zeros is none, because zeros stand for a missing MessageID.

    >>> uuid_bytes(["b7bc2f4a-e38e-4336-af7d-e6c392c2f817"]).hex()
    'b7bc2f4ae38e4336af7de6c392c2f817'
    >>> uuid_bytes(["b7bc2f4ae38e4336af7de6c392c2f817"]) is None
    True
    """
    if not set(map(len, message_ids)) <= {_UUID_CHARS}:
        return None
    text = "".join(message_ids)
    if text != text.lower() or any(text[at::_UUID_CHARS].strip("-") for at in _HYPHENS):
        return None
    try:
        raw = bytes.fromhex(text.replace("-", ""))
    except ValueError:
        return None
    # it is shorter if there are more hyphens, or spaces, which fromhex skips
    is_whole = len(raw) == UUID_BYTES * len(message_ids)
    return raw if is_whole and _ZEROS not in raw else None


def first_repeat(message_ids: Sequence[str | None]) -> int | None:
    """The place of the first MessageID that is equal to an earlier one; None without one.

    >>> first_repeat(["id-1", None, "ID-1", None])
    2
    """
    places = [place for place, one in enumerate(message_ids) if one is not None]
    ids = normalized_ids([one for one in message_ids if one is not None])
    if len(set(ids)) == len(ids):
        return None
    seen: set[bytes] = set()
    for place, one in zip(places, ids, strict=True):
        if one in seen:
            return place
        seen.add(one)
    return None


class TakenIds:
    """The MessageIDs that already belong to a message; a UUID takes about 30 bytes.

    >>> taken = TakenIds()
    >>> taken.take(["id-1", "id-2"]), taken.take(["ID-2"])
    (True, False)
    """

    def __init__(self) -> None:
        self._texts: set[bytes] = set()
        self._recent: set[bytes] = set()
        """The UUIDs that were added last, about 120 bytes each."""
        self._parts = [_SortedUuids() for _ in range(_PARTS)]
        """The other UUIDs; each part has those whose first number begins with the same bits."""

    def hold(self, uuids: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> None:
        """Add UUIDs, each of 16 bytes; ignore lines of zeros."""
        halves = np.ascontiguousarray(uuids).view("<u8")
        self._keep(_as_numbers(halves[halves.any(axis=1)]))

    def hold_texts(self, message_ids: Iterable[str | None]) -> None:
        """Add MessageIDs; ignore None."""
        self._add(normalized_ids([one for one in message_ids if one is not None]))

    def take(self, message_ids: Iterable[str]) -> bool:
        """Add these ids if they are new and differ from each other; whether that was so."""
        ids = normalized_ids(list(message_ids))
        distinct = set(ids)
        if len(distinct) < len(ids) or self._holds(distinct):
            return False
        self._add(ids)
        return True

    def _add(self, ids: Sequence[bytes]) -> None:
        uuids = [one for one in ids if len(one) == UUID_BYTES]
        self._recent.update(uuids)
        if len(uuids) < len(ids):
            self._texts.update(one for one in ids if len(one) != UUID_BYTES)
        if len(self._recent) >= max(_LEAST_RECENT, sum(map(len, self._parts)) // _RECENT_SHARE):
            self._keep(_numbers_of(self._recent))
            self._recent.clear()

    def _keep(self, numbers: Numbers) -> None:
        """Put UUIDs in their place, part by part, so that few are in memory twice."""
        for part, of_part in zip(self._parts, _divided(numbers), strict=True):
            part.add(of_part)

    def _holds(self, ids: set[bytes]) -> bool:
        """Whether one of these ids was added."""
        if not (ids.isdisjoint(self._recent) and ids.isdisjoint(self._texts)):
            return True
        numbers = _numbers_of([one for one in ids if len(one) == UUID_BYTES])
        return any(map(_SortedUuids.has_any, self._parts, _divided(numbers)))


class _SortedUuids:
    """UUIDs as two numbers each, ordered by the first."""

    def __init__(self) -> None:
        self._firsts = self._seconds = np.zeros(0, dtype="<u8")

    def __len__(self) -> int:
        return len(self._firsts)

    def add(self, numbers: Numbers) -> None:
        firsts = np.concatenate([self._firsts, numbers[:, 0]])
        order = np.argsort(firsts, kind="stable")
        self._firsts = firsts[order]
        self._seconds = np.concatenate([self._seconds, numbers[:, 1]])[order]

    def has_any(self, numbers: Numbers) -> bool:
        """Whether one of these UUIDs is among them."""
        if not len(self):
            return False
        places = np.searchsorted(self._firsts, numbers[:, 0])
        is_near = self._firsts.take(places, mode="clip") == numbers[:, 0]
        return any(
            second in self._seconds[place : np.searchsorted(self._firsts, first, side="right")]
            for place, (first, second) in zip(places[is_near], numbers[is_near], strict=True)
        )


def _numbers_of(uuids: Iterable[bytes]) -> Numbers:
    return _as_numbers(np.frombuffer(b"".join(uuids), dtype="<u8").reshape(-1, 2))


def _as_numbers(halves: Numbers) -> Numbers:
    """UUIDs as two numbers each: both halves in one, and the second half.

    No two UUIDs have the same pair, and few have the same first number, even if they are counted.
    """
    return np.column_stack([halves[:, 0] * _ODD ^ halves[:, 1], halves[:, 1]])


def _divided(numbers: Numbers) -> list[Numbers]:
    """The UUIDs of each part, ordered."""
    ordered = numbers[np.argsort(numbers[:, 0])]
    return np.split(ordered, np.searchsorted(ordered[:, 0], _FIRST_OF_PARTS))
