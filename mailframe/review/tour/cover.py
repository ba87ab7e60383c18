"""The fewest rows that together take every branch: rows of one kind are one candidate, however many they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PROVED: Final = 1_000
"""Kinds of rows up to which it is tried to prove that no fewer rows would do."""
MAX_TRIES: Final = 5_000
"""Steps of that proof; after them the greedy answer stands, and nothing is claimed for it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row, and what it takes.

    Attributes:
        bits: of its branches.
        position: of the row.
        clean: its mail has no error.
    """

    bits: int
    position: int
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Cover:
    """Rows that together take all that any row takes.

    Attributes:
        chosen: each takes a branch that no other of them takes; the one that shows most stands first.
        fewest: no fewer would do.
    """

    chosen: tuple[Candidate, ...]
    fewest: bool


def cover(candidates: Iterable[Candidate]) -> Cover:
    """The fewest rows that take every branch that any of them takes.

    Rows with errors are chosen for branches that no clean row takes, and for nothing else. Where two rows would
    do equally well, the earlier is chosen. Up to ``MAX_PROVED`` kinds of rows the answer is usually proved to be
    the smallest; otherwise it is greedy, which is rarely more than a row away.

    >>> rows = [Candidate(0b0011, 0), Candidate(0b0110, 1), Candidate(0b1100, 2)]
    >>> [candidate.position for candidate in cover(rows).chosen], cover(rows).fewest
    ([0, 2], True)
    """
    ordered = sorted(candidates, key=lambda candidate: candidate.position)
    clean = [candidate for candidate in ordered if candidate.clean]
    faulty = [candidate for candidate in ordered if not candidate.clean]
    needed, all_bits = _union(faulty) & ~_union(clean), _union(ordered)
    first, _ = _smallest(faulty, needed)
    second, is_fewest = _smallest(clean, all_bits & ~_union(first))
    chosen = _irredundant([*first, *second], all_bits)
    if faulty:  # with another row that has an error, fewer clean ones might do
        is_fewest = len(chosen) <= _Search(ordered).at_least(all_bits)
    return Cover(tuple(_most_first(chosen)), is_fewest)


def alone(chosen: Sequence[Candidate]) -> list[int]:
    """For each chosen row the branches that no other chosen row takes.

    >>> alone([Candidate(0b011, 0), Candidate(0b110, 1)])
    [1, 4]
    """
    once = twice = 0
    for candidate in chosen:
        twice |= once & candidate.bits
        once |= candidate.bits
    return [candidate.bits & ~twice for candidate in chosen]


def _union(candidates: Iterable[Candidate]) -> int:
    bits = 0
    for candidate in candidates:
        bits |= candidate.bits
    return bits


def _smallest(candidates: Sequence[Candidate], wanted: int) -> tuple[list[Candidate], bool]:
    """A small choice that takes all of *wanted*, and whether it is proved that none is smaller."""
    useful = _undominated(candidates, wanted)
    greedy = _irredundant(_greedy(useful, wanted), wanted)
    if len(greedy) <= 1:
        return greedy, True
    if len(useful) > MAX_PROVED:
        return greedy, False
    search = _Search(useful)
    for size in range(search.at_least(wanted), len(greedy)):
        found = search.of_size(wanted, size)
        if found is not None or search.tries > MAX_TRIES:
            return found or greedy, found is not None and search.tries <= MAX_TRIES
    return greedy, True


def _undominated(candidates: Sequence[Candidate], wanted: int) -> list[Candidate]:
    """The first row of each kind, without kinds that another one surpasses, if they are few enough to compare."""
    kinds: dict[int, Candidate] = {}
    for candidate in candidates:
        if candidate.bits & wanted:
            kinds.setdefault(candidate.bits & wanted, candidate)
    if len(kinds) > MAX_PROVED:
        return list(kinds.values())
    return [
        candidate
        for bits, candidate in kinds.items()
        if not any(bits & ~other == 0 for other in kinds if other != bits)
    ]


def _greedy(candidates: Sequence[Candidate], wanted: int) -> list[Candidate]:
    chosen = []
    while wanted:
        best = max(candidates, key=lambda candidate: (candidate.bits & wanted).bit_count())
        chosen.append(best)
        wanted &= ~best.bits
    return chosen


def _irredundant(chosen: Sequence[Candidate], wanted: int) -> list[Candidate]:
    """Without the rows that the others make superfluous, the least telling of them first."""
    kept = list(chosen)
    for candidate in sorted(
        chosen, key=lambda each: ((each.bits & wanted).bit_count(), -each.position)
    ):
        others = [other for other in kept if other is not candidate]
        if not wanted & ~_union(others):
            kept = others
    return kept


def _most_first(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Clean rows before others; then the one that shows most that was not shown yet, then the earlier."""
    waiting, ordered, shown = list(chosen), [], 0
    while waiting:
        best = max(
            waiting, key=lambda each: (each.clean, (each.bits & ~shown).bit_count(), -each.position)
        )
        waiting.remove(best)
        ordered.append(best)
        shown |= best.bits
    return ordered


class _Search:
    """Looks for a choice of a given size, at most ``MAX_TRIES`` steps in all."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._takers = {
            1 << place: [each for each in candidates if each.bits >> place & 1]
            for place in range(_union(candidates).bit_length())
        }
        self.tries = 0

    def at_least(self, wanted: int) -> int:
        """As many branches of which no row takes two need as many rows."""
        count = 0
        for bit, takers in sorted(self._takers.items(), key=lambda item: len(item[1])):
            if bit & wanted:
                count += 1
                wanted &= ~_union(takers)
        return count

    def of_size(self, wanted: int, size: int) -> list[Candidate] | None:
        """A choice of at most *size* rows; None if there is none, or the steps are used up."""
        if not wanted:
            return []
        self.tries += 1
        if size == 0 or self.tries > MAX_TRIES or self.at_least(wanted) > size:
            return None
        rarest = min(
            (bit for bit in self._takers if bit & wanted), key=lambda bit: len(self._takers[bit])
        )
        takers = sorted(self._takers[rarest], key=lambda each: -(each.bits & wanted).bit_count())
        for taker in takers:
            rest = self.of_size(wanted & ~taker.bits, size - 1)
            if rest is not None:
                return [taker, *rest]
        return None
