"""Digests of keys, recipients and messages: one per row, compared in millions."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailframe.message.problem_list import Mask

DIGEST_BYTES: Final = 16
"""A digest of 16 bytes is the same on every machine, and no two texts have the same one."""
_NO_DIGEST: Final = bytes(DIGEST_BYTES)
_NEW_DIGEST: Final = hashlib.blake2b(digest_size=DIGEST_BYTES)
"""A digest of nothing; a copy of it is made faster than a new one."""
HALF_BYTES: Final = 8
"""Half a digest, which is enough to compare the messages of one recipient."""


def digest(text: str) -> bytes:
    """A digest of a text: 16 bytes, the same on every machine."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def digests_of(texts: Iterable[str | None]) -> list[bytes | None]:
    """The ``digest`` of each text, in half the time; None for None.

    >>> digests_of(["Zoë", None]) == [digest("Zoë"), None]
    True
    """
    new = _NEW_DIGEST.copy
    digests: list[bytes | None] = []
    for text in texts:
        if text is None:
            digests.append(None)
            continue
        one = new()
        one.update(text.encode("utf-8", "surrogatepass"))
        digests.append(one.digest())
    return digests


def in_bytes(digests: Iterable[bytes | None]) -> bytes:
    """Digests one after another; zeros for None."""
    return b"".join([one or _NO_DIGEST for one in digests])


def are_among(
    numbers: np.ndarray[Any, Any], ordered: np.ndarray[Any, Any]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each number is one of *ordered*, which is sorted.

    ``np.isin`` of a million numbers without an order takes ten times as long, because NumPy makes a
    hash table of them (2.3 and later), or sorts both in each call.

    >>> are_among(np.array([3, 1, 2]), np.array([1, 3, 3])).tolist()
    [True, True, False]
    """
    among = np.zeros(len(numbers), dtype=bool)
    if len(ordered):
        order = np.argsort(numbers)
        ascending = numbers[order]  # found in a quarter of the time
        places = np.minimum(np.searchsorted(ordered, ascending), len(ordered) - 1)
        among[order] = ordered[places] == ascending
    return among


class Digests:
    """A digest of 16 bytes per row, to find rows with the same text in little memory."""

    def __init__(self, rows: int) -> None:
        self._bytes = bytearray(DIGEST_BYTES * rows)
        self._has_digest = np.zeros(rows, dtype=bool)

    def put_bytes(self, position: int, digest_of_row: bytes) -> None:
        """Set the digest of a row."""
        start = position * DIGEST_BYTES
        self._bytes[start : start + DIGEST_BYTES] = digest_of_row
        self._has_digest[position] = True

    def put_many(self, first: int, digests_of_rows: Sequence[bytes | None]) -> None:
        """Set the digests of the rows from *first* on; None for a row that has none."""
        start, stop = first * DIGEST_BYTES, (first + len(digests_of_rows)) * DIGEST_BYTES
        self._bytes[start:stop] = in_bytes(digests_of_rows)
        self._has_digest[first : first + len(digests_of_rows)] = [
            one is not None for one in digests_of_rows
        ]

    def at(self, position: int) -> bytes:
        """The digest of a row; zeros if it has none."""
        start = position * DIGEST_BYTES
        return bytes(self._bytes[start : start + DIGEST_BYTES])

    def halves(self) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
        """The digest of every row as two numbers, for joins."""
        return np.frombuffer(self._bytes, dtype="<u8").reshape(-1, 2)

    def scatter(self, positions: np.ndarray[Any, Any], digests: Digests) -> None:
        """Set the digests of rows to those of the rows of a part.

        Args:
            positions: the position of each row of the part.
            digests: the digests of the part.
        """
        self.halves()[positions] = digests.halves()
        self._has_digest[positions] = digests._has_digest

    def repeats(self, *, without: Mask | None = None) -> np.ndarray[tuple[int, int], Any]:
        """Positions of each row with the digest of an earlier row, and of the first such row.

        The result has two columns, and is ordered by the first.

        Args:
            without: one per row, whether it does not count; None if all count.
        """
        counts = self._has_digest if without is None else self._has_digest & ~without
        positions = np.flatnonzero(counts)
        halves = self.halves()
        ordered = np.sort(halves[positions, 0])
        shared = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(shared):
            return np.empty((0, 2), dtype=np.intp)
        # few rows share half a digest, so only these are compared whole
        positions = positions[are_among(halves[positions, 0], shared)]
        frame = pd.DataFrame(halves[positions], columns=["a", "b"]).assign(position=positions)
        later = frame.duplicated(["a", "b"])
        firsts = frame.groupby(["a", "b"], sort=False)["position"].transform("first")
        return np.column_stack([positions[later], firsts[later]])
