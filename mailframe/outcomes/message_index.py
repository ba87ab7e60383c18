"""Which message each row has: its MessageID in 16 bytes, in place of a text of a hundred."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.postmark.message_ids import UUID_BYTES, normalized_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    import pandas as pd

    Array: TypeAlias = "np.ndarray[tuple[int], np.dtype[Any]]"

PIECE_ROWS: Final = 5_000
_WORD: Final = "<u8"
_DIGEST: Final = np.uint64((1 << 48) - 1)


class MessageIndex:
    """The messages of a column of MessageIDs; each once, in any order.

    Args:
        column: MessageIDs in any spelling; a missing one is no message.

    Attributes:
        row: the place of the message of each row; -1 without one.
        first: the first row of each message.

    >>> import pandas as pd
    >>> index = MessageIndex(pd.Series(["id-1", None, "ID-1"]))
    >>> len(index), (index.row >= 0).tolist(), index.find(["Id-1", "id-2"]).tolist()
    (1, [True, False, True], [0, -1])
    """

    def __init__(self, column: pd.Series[Any]) -> None:
        words = np.concatenate([_words(texts) for texts in pieces(column)])
        has_one = np.flatnonzero(words.any(axis=1))
        order = has_one[np.lexsort((words[has_one, 1], words[has_one, 0]))]
        words = words[order]
        is_new = np.ones(len(order), dtype=bool)
        is_new[1:] = (words[1:] != words[:-1]).any(axis=1)
        self.row: Array = np.full(len(column), -1, dtype="i4")
        self.row[order] = np.cumsum(is_new) - 1
        self.first: Array = order[is_new].astype("i4")
        self._words = words[is_new]

    def __len__(self) -> int:
        return len(self.first)

    def digests(self, places: Array) -> Array:
        """48 bits of the MessageID of each message, which two messages hardly share.

        They are of its last half, because the first one of some UUIDs is a time.
        """
        digests: Array = self._words[places, 1] & _DIGEST
        return digests

    def find(self, message_ids: Sequence[Any]) -> Array:
        """The place of each MessageID; -1 for a message of others, and for what is no text."""
        words = _words(message_ids)
        heads = self._words[:, 0]
        start = np.searchsorted(heads, words[:, 0], side="left")
        end = np.searchsorted(heads, words[:, 0], side="right")
        places: Array = np.full(len(words), -1)
        for step in range(int((end - start).max(initial=0))):  # one step, unless halves are equal
            at = np.minimum(start + step, len(self) - 1)
            is_same = (start + step < end) & (self._words[at, 1] == words[:, 1])
            places[is_same & words.any(axis=1)] = at[is_same & words.any(axis=1)]
        return places


def pieces(column: pd.Series[Any]) -> Iterator[list[Any]]:
    """The cells of a column in lists of a few thousand; one without a cell if it is empty.

    Python strings of a whole column would take a hundred bytes for each row.
    """
    for start in range(0, max(1, len(column)), PIECE_ROWS):
        yield column.iloc[start : start + PIECE_ROWS].tolist()


def _words(message_ids: Sequence[Any]) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    """Two numbers for each MessageID; zeros for what is no text."""
    words = np.zeros((len(message_ids), 2), dtype=_WORD)
    places = [place for place, one in enumerate(message_ids) if isinstance(one, str)]
    raw = b"".join(
        one
        if len(one) == UUID_BYTES
        else hashlib.blake2b(one, digest_size=UUID_BYTES).digest()  # an ID that is no UUID
        for one in normalized_ids([message_ids[place] for place in places])
    )
    words[places] = np.frombuffer(raw, dtype=_WORD).reshape(-1, 2)
    return words
