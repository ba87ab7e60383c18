"""The fewest rows that together take every branch that any row takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mailframe.review.tour.branches import bit_positions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_COMPARED: Final = 1_000
"""Candidates up to which the number of rows may be proven to be minimal."""
MAX_STEPS: Final = 5_000
"""Steps of that proof. After them the greedy cover is used, and nothing is claimed for it."""
MAX_KEPT: Final = 20_000
"""Candidates that are kept during a tour; of more, only those of the current cover are kept."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The first row that takes a set of branches.

    Attributes:
        bits: the bits of the branches.
        row: the position of the row.
        clean: whether its message has no error.
    """

    bits: int
    row: int
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Cover:
    """Rows that together take every branch that any row takes.

    Attributes:
        rows: the rows, each with a branch of its own; the row with the most branches is first.
        fewest: whether it is proven that fewer rows are not enough.
    """

    rows: tuple[Candidate, ...]
    fewest: bool


@dataclass(slots=True)
class CandidateRows:
    """The distinct sets of branches that rows take: the first row of each, and the number of rows.

    Memory does not grow with the number of rows.

    Attributes:
        max_kept: the maximum number of candidates that are kept at once.
    """

    max_kept: int = MAX_KEPT
    _first_rows: dict[tuple[int, bool], int] = field(default_factory=dict)
    _counts: Counter[int] = field(default_factory=Counter)
    _counts_by_branch: Counter[int] = field(default_factory=Counter)
    _dropped: bool = False

    def __len__(self) -> int:
        return len(self._first_rows)

    def add(self, bits: int, row: int, *, clean: bool) -> None:
        """Add a row.

        Args:
            bits: the bits of the branches that it takes.
            row: its position; rows are added in ascending order.
            clean: whether its message has no error.
        """
        self._counts[bits] += 1
        if (bits, clean) not in self._first_rows:
            self._first_rows[bits, clean] = row
            if len(self) > self.max_kept:
                self._drop()

    def cover(self) -> Cover:
        """The fewest rows that take every branch that any row takes."""
        cover = smallest_cover(
            Candidate(bits, row, clean) for (bits, clean), row in self._first_rows.items()
        )
        return Cover(cover.rows, fewest=cover.fewest and not self._dropped)

    def counts_by_branch(self) -> Mapping[int, int]:
        """How many rows take each branch, by the position of its bit."""
        counts = Counter(self._counts_by_branch)
        for bits, rows in self._counts.items():
            for position in bit_positions(bits):
                counts[position] += rows
        return counts

    def _drop(self) -> None:
        rows = self.cover().rows
        self._counts_by_branch = Counter(self.counts_by_branch())
        self._counts.clear()
        self._first_rows = {(each.bits, each.clean): each.row for each in rows}
        self._dropped = True


def smallest_cover(candidates: Iterable[Candidate]) -> Cover:
    """The fewest rows that take every branch that any of the candidates takes.

    Rows with errors are only used for branches that no clean row takes. Of equally good rows, the
    first is used. With up to ``MAX_COMPARED`` candidates, the cover is usually proven to be the
    smallest. Otherwise it is greedy, which is rarely more than one row larger.

    >>> candidates = [Candidate(0b0011, 0), Candidate(0b0110, 1), Candidate(0b1100, 2)]
    >>> cover = smallest_cover(candidates)
    >>> [candidate.row for candidate in cover.rows], cover.fewest
    ([0, 2], True)
    """
    ordered = sorted(candidates, key=lambda candidate: candidate.row)
    clean = [candidate for candidate in ordered if candidate.clean]
    with_errors = [candidate for candidate in ordered if not candidate.clean]
    all_bits = _union(ordered)
    first, _ = _smallest(with_errors, _union(with_errors) & ~_union(clean))
    second, is_fewest = _smallest(clean, all_bits & ~_union(first))
    cover = _irredundant([*first, *second], all_bits)
    if with_errors:  # another row with an error might need fewer clean rows
        is_fewest = len(cover) <= _ExactSearch(ordered).lower_bound(all_bits)
    return Cover(tuple(_most_branches_first(cover)), is_fewest)


def unique_bits(rows: Sequence[Candidate]) -> list[int]:
    """For each row of a cover, the branches that none of the others takes.

    >>> unique_bits([Candidate(0b011, 0), Candidate(0b110, 1)])
    [1, 4]
    """
    once = twice = 0
    for row in rows:
        twice |= once & row.bits
        once |= row.bits
    return [row.bits & ~twice for row in rows]


def _union(candidates: Iterable[Candidate]) -> int:
    bits = 0
    for candidate in candidates:
        bits |= candidate.bits
    return bits


def _smallest(candidates: Sequence[Candidate], wanted: int) -> tuple[list[Candidate], bool]:
    """A small cover of the *wanted* branches, and whether it is proven to be the smallest."""
    useful = _undominated(candidates, wanted)
    greedy = _irredundant(_greedy(useful, wanted), wanted)
    if len(greedy) <= 1:
        return greedy, True
    if len(useful) > MAX_COMPARED:
        return greedy, False
    search = _ExactSearch(useful)
    for size in range(search.lower_bound(wanted), len(greedy)):
        smaller = search.cover_of_size(wanted, size)
        if smaller is not None or search.steps > MAX_STEPS:
            return smaller or greedy, smaller is not None and search.steps <= MAX_STEPS
    return greedy, True


def _undominated(candidates: Sequence[Candidate], wanted: int) -> list[Candidate]:
    """The first row for each set of branches, without sets that are part of another set."""
    by_bits: dict[int, Candidate] = {}
    for candidate in candidates:
        if candidate.bits & wanted:
            by_bits.setdefault(candidate.bits & wanted, candidate)
    if len(by_bits) > MAX_COMPARED:  # comparing them would take too long
        return list(by_bits.values())
    return [
        candidate
        for bits, candidate in by_bits.items()
        if not any(bits & ~other == 0 for other in by_bits if other != bits)
    ]


def _greedy(candidates: Sequence[Candidate], wanted: int) -> list[Candidate]:
    cover = []
    while wanted:
        best = max(candidates, key=lambda candidate: (candidate.bits & wanted).bit_count())
        cover.append(best)
        wanted &= ~best.bits
    return cover


def _irredundant(cover: Sequence[Candidate], wanted: int) -> list[Candidate]:
    """The cover without redundant rows; those with the fewest branches are removed first."""
    kept = list(cover)
    for candidate in sorted(cover, key=lambda row: ((row.bits & wanted).bit_count(), -row.row)):
        others = [other for other in kept if other is not candidate]
        if not wanted & ~_union(others):
            kept = others
    return kept


def _most_branches_first(cover: Sequence[Candidate]) -> list[Candidate]:
    """Clean rows first; then the row with the most branches not shown yet, then the first row."""
    remaining, ordered, shown = list(cover), [], 0
    while remaining:
        best = max(
            remaining, key=lambda row: (row.clean, (row.bits & ~shown).bit_count(), -row.row)
        )
        remaining.remove(best)
        ordered.append(best)
        shown |= best.bits
    return ordered


class _ExactSearch:
    """Searches a cover of a given size, in at most ``MAX_STEPS`` steps in total."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._takers = {
            1 << position: [each for each in candidates if each.bits >> position & 1]
            for position in range(_union(candidates).bit_length())
        }
        self.steps = 0

    def lower_bound(self, wanted: int) -> int:
        """Branches of which no row takes two; each of them needs its own row."""
        count = 0
        for bit, takers in sorted(self._takers.items(), key=lambda item: len(item[1])):
            if bit & wanted:
                count += 1
                wanted &= ~_union(takers)
        return count

    def cover_of_size(self, wanted: int, size: int) -> list[Candidate] | None:
        """A cover of at most *size* rows; None if there is none, or if the steps are used up."""
        if not wanted:
            return []
        self.steps += 1
        if size == 0 or self.steps > MAX_STEPS or self.lower_bound(wanted) > size:
            return None
        rarest = min(
            (bit for bit in self._takers if bit & wanted), key=lambda bit: len(self._takers[bit])
        )
        takers = sorted(self._takers[rarest], key=lambda row: -(row.bits & wanted).bit_count())
        for taker in takers:
            rest = self.cover_of_size(wanted & ~taker.bits, size - 1)
            if rest is not None:
                return [taker, *rest]
        return None
