"""Equal digests among millions of others: one sorted search instead of one query for each."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mailframe.message.digests import are_among

if TYPE_CHECKING:
    from mailframe.message.preflight import Mask
    from mailframe.send.ledger.packs import Ids, Rows

Heads: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint64]]"
Words: TypeAlias = "np.ndarray[tuple[int, int], np.dtype[np.uint32]]"


class DigestIndex:
    """Digests of one width that others are compared with.

    They are sorted and searched by a head of 8 bytes. The whole digests are compared after that.

    Args:
        digests: one per line; their width is a multiple of 4 bytes.

    Examples:
        >>> digests = np.array([[1] * 12, [2] * 12, [1] * 12], "u1")
        >>> DigestIndex(digests[:2]).find(digests).tolist()
        [0, 1, 0]
        >>> DigestIndex(digests[:1]).find(digests).tolist()
        [0, -1, 0]
        >>> [places.tolist() for places in DigestIndex(digests).pairs(digests[:1])]
        [[0, 2], [0, 0]]
    """

    def __init__(self, digests: Rows) -> None:
        self._words = _words(digests)

    @cached_property
    def _order(self) -> Ids:
        return np.argsort(_heads(self._words))

    @cached_property
    def _heads(self) -> Heads:
        return _heads(self._words)[self._order]

    def find(self, others: Rows) -> Ids:
        """The place in the index of a digest that is equal to each of the *others*; -1 without one.

        Args:
            others: digests of the same width.
        """
        if not len(self._words) or not len(others):
            return np.full(len(others), -1, dtype="i8")
        words = _words(others)
        if np.array_equal(words, self._words):  # the same frame as before, in the same order
            return np.arange(len(words))
        heads = _heads(words)
        places = np.full(len(others), -1, dtype="i8")
        at = self._search(heads)
        line = self._with_head(np.arange(len(others)), at, heads)
        while len(line):  # a second time only if two digests have the same head
            place = self._order[at[line]]
            is_equal = (self._words[place] == words[line]).all(axis=1)
            places[line[is_equal]] = place[is_equal]
            line = line[~is_equal]
            at[line] += 1
            line = self._with_head(line, at, heads)
        return places

    def pairs(self, others: Rows) -> tuple[Ids, Ids]:
        """Each pair of equal digests.

        Args:
            others: digests of the same width.

        Returns:
            The places of the digests of the index, and those of the *others*; ordered by the second
            and then by the first.
        """
        words = _words(others)
        heads = _heads(words)
        at = self._search(heads)
        line = self._with_head(np.arange(len(others)), at, heads)
        counts = np.searchsorted(self._heads, heads[line], side="right") - at[line]
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        place = self._order[np.repeat(at[line], counts) + steps]
        line = np.repeat(line, counts)
        is_equal = (self._words[place] == words[line]).all(axis=1)
        place, line = place[is_equal], line[is_equal]
        order = np.lexsort((place, line))
        return place[order], line[order]

    def has_repeats(self) -> bool:
        """Whether two of the digests are equal."""
        [same] = np.nonzero(self._heads[1:] == self._heads[:-1])
        if not len(same):
            return False
        words = self._words[self._order[are_among(self._heads, self._heads[same])]]
        return len(np.unique(words, axis=0)) < len(words)

    def _search(self, heads: Heads) -> Ids:
        """Where each head is in the index; sorted ones are found in half the time."""
        order = np.argsort(heads)
        places = np.empty(len(heads), dtype="i8")
        places[order] = np.searchsorted(self._heads, heads[order])
        return places

    def _with_head(self, line: Ids, at: Ids, heads: Heads) -> Ids:
        """Those of some *others* whose head is at their place in the index."""
        line = line[at[line] < len(self._heads)]
        has_head: Mask = self._heads[at[line]] == heads[line]
        return line[has_head]


def _words(digests: Rows) -> Words:
    return np.ascontiguousarray(digests).view("<u4")


def _heads(words: Words) -> Heads:
    """One number per digest, in which each of its bytes counts."""
    heads = np.zeros((len(words), 2), dtype="<u4")
    for start in range(0, words.shape[1], 2):
        part = words[:, start : start + 2]
        heads[:, : part.shape[1]] ^= part
    return heads.view("<u8")[:, 0]
