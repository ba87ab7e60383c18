"""The problems of rows that share a key or a recipient with an earlier row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.message.keys import cell
from mailframe.message.problem_list import ProblemCollector
from mailframe.message.row_names import RowNames
from mailframe.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    import numpy as np
    import pandas as pd

    from mailframe.message.digests import Digests
    from mailframe.message.problem_list import Mask, ProblemList

    Pairs: TypeAlias = Sequence[Sequence[int]]
    Sizes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint32]]"

_BLOCK: Final = 20_000
"""Repeats whose names and texts are in memory at once."""


@dataclass(frozen=True, slots=True)
class RepeatFinder:
    """Finds the rows that share a key or a recipient with an earlier row.

    Attributes:
        people: one digest per row, of its recipient.
        keys: one digest per row, of its key; None without a key.
        of_keys: the problems of rows with the key of an earlier row, from the positions of both.
        of_people: the same of recipients.
    """

    people: Digests
    keys: Digests | None
    of_keys: Callable[[Pairs], Iterable[Problem]]
    of_people: Callable[[Pairs], Iterable[Problem]]

    def problems(self, *, without: Mask | None = None) -> Iterator[Problem]:
        """The problems of all rows but some.

        Args:
            without: one per row, whether it does not count; None if all count.
        """
        if self.keys is not None:
            yield from _in_blocks(self.of_keys, self.keys, without=without)
        yield from _in_blocks(self.of_people, self.people, without=without)


def _in_blocks(
    of_pairs: Callable[[Pairs], Iterable[Problem]], digests: Digests, *, without: Mask | None
) -> Iterator[Problem]:
    pairs = digests.repeats(without=without)
    for first in range(0, len(pairs), _BLOCK):
        yield from of_pairs(pairs[first : first + _BLOCK].tolist())


@dataclass(frozen=True, slots=True)
class Repeats:
    """The repeats of a check, which are others when rows are left out.

    Attributes:
        finder: finds them.
        others: the other problems of the check.
        sizes: the bytes of the message of each row; 0 for a row that *others* block.
    """

    finder: RepeatFinder
    others: ProblemList
    sizes: Sizes

    def problems(self, *, without: Mask) -> ProblemList:
        """All problems of the check when some rows are left out."""
        problems = ProblemCollector()
        problems += self.others.without(without)
        problems += self.finder.problems(without=without)
        return problems.ordered()

    def sizes_of(self, problems: ProblemList, *, without: Mask) -> Sizes:
        """The bytes of each message that can be sent when some rows are left out."""
        sizes = self.sizes.copy()
        sizes[without] = 0
        sizes[problems.errors().positions()] = 0
        return sizes


def repeated_recipients(
    pairs: Pairs, recipients: Iterable[object], names: RowNames, *, has_key: bool
) -> Iterator[Problem]:
    """A problem for each row whose recipient an earlier row has.

    Args:
        pairs: the positions of each such row, and of the first row with its recipient.
        recipients: the recipient of each such row.
        names: the names of the rows.
        has_key: whether the campaign has a key; the problem is then a warning.
    """
    code = Code.REPEATED_RECIPIENT if has_key else Code.DUPLICATE_RECIPIENT
    firsts = names.many([first for _, first in pairs])
    for (position, _), first, recipient in zip(pairs, firsts, recipients, strict=True):
        detail = f"the same recipient as {first}"
        if code is Code.DUPLICATE_RECIPIENT:
            detail += "; drop one, or name the column that tells the rows apart: key=…"
        yield Problem(position, "to", code, detail, value=recipient)


def repeated_keys(frame: pd.DataFrame, columns: Sequence[str], repeats: Pairs) -> Iterator[Problem]:
    """A problem for each row whose key an earlier row has.

    Args:
        frame: one row per message.
        columns: the columns of the key.
        repeats: the positions of each such row and of the first row with its key.
    """
    names = RowNames(frame)
    series = [frame[column] for column in columns]
    pairs = zip(*(names.many([pair[side] for pair in repeats]) for side in (1, 0)), strict=True)
    for (position, _), (first, second) in zip(repeats, pairs, strict=True):
        detail = (
            f"{first} and {second} have the same {' + '.join(map(str, columns))}; "
            "add a column to the key, or keep one row"
        )
        yield Problem(position, "key", Code.DUPLICATE_KEY, detail, value=cell(series, position))
