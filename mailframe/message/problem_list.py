"""The problems of a campaign in a few bytes each: most repeat field, code, detail and value."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, overload

import numpy as np

from mailframe.message.text_arrays import MISSING, repeated_texts, text_array
from mailframe.problems import Code, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pandas.api.extensions import ExtensionArray

    Mask: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    Places: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int32]]"
    Kind: TypeAlias = tuple[str, Code]

_LETTER: Final = -1
"""The row of a problem of the letter as a whole."""


class ProblemCollector:
    """Problems as they come; each distinct field, detail and value is kept once.

    >>> problems = ProblemCollector()
    >>> problems += [Problem(row, "to", Code.EMPTY_ADDRESS, "it is empty") for row in (7, 3)]
    >>> [problem.row for problem in problems.ordered()]
    [3, 7]
    """

    def __init__(self) -> None:
        self._rows, self._kinds = array("i"), array("i")
        self._details, self._values = array("i"), array("i")
        self._known_kinds: dict[Kind, int] = {}
        self._known_texts: dict[str, int] = {}

    def __iadd__(self, problems: Iterable[Problem]) -> Self:
        for problem in problems:
            self._rows.append(_LETTER if problem.row is None else problem.row)
            kind = (problem.field, problem.code)
            self._kinds.append(self._known_kinds.setdefault(kind, len(self._known_kinds)))
            self._details.append(self._place(problem.detail))
            is_missing = problem.value is None
            self._values.append(MISSING if is_missing else self._place(str(problem.value)))
        return self

    def _place(self, text: str) -> int:
        return self._known_texts.setdefault(text, len(self._known_texts))

    def ordered(self) -> ProblemList:
        """The problems ordered by row, those of the letter first; within a row as they came."""
        order = np.argsort(_numbers(self._rows), kind="stable")
        return ProblemList(
            rows=_numbers(self._rows)[order],
            kinds=_numbers(self._kinds)[order],
            details=_numbers(self._details)[order],
            values=_numbers(self._values)[order],
            known_kinds=list(self._known_kinds),
            known_texts=list(self._known_texts),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ProblemList(Sequence[Problem]):
    """Problems ordered by row; 16 bytes each. A ``Problem`` is made when it is read.

    Attributes:
        rows: the position of the row of each; -1 for the letter as a whole.
        kinds: the place of its field and code in *known_kinds*.
        details: the place of its detail in *known_texts*.
        values: the place of its value in *known_texts*; -1 without one.
        known_kinds: the distinct pairs of field and code.
        known_texts: the distinct details and values.
    """

    rows: Places
    kinds: Places
    details: Places
    values: Places
    known_kinds: Sequence[Kind]
    known_texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Problem]:
        return map(
            self._problem,
            self.rows.tolist(),
            self.kinds.tolist(),
            self.details.tolist(),
            self.values.tolist(),
        )

    @overload
    def __getitem__(self, place: int) -> Problem: ...
    @overload
    def __getitem__(self, place: slice) -> ProblemList: ...
    def __getitem__(self, place: int | slice) -> Problem | ProblemList:
        if isinstance(place, slice):
            return self._taken(place)
        return self._problem(
            int(self.rows[place]),
            int(self.kinds[place]),
            int(self.details[place]),
            int(self.values[place]),
        )

    def _problem(self, row: int, kind: int, detail: int, value: int) -> Problem:
        field, code = self.known_kinds[kind]
        texts = self.known_texts
        return Problem.of_shown(
            None if row == _LETTER else row,
            field,
            code,
            texts[detail],
            value=None if value == MISSING else texts[value],
        )

    def _taken(self, which: slice | Mask) -> ProblemList:
        return replace(
            self,
            rows=self.rows[which],
            kinds=self.kinds[which],
            details=self.details[which],
            values=self.values[which],
        )

    def where(self, condition: Callable[[Code], bool]) -> ProblemList:
        """The problems whose code fulfills a condition."""
        fulfills = np.array([condition(code) for _, code in self.known_kinds], dtype=bool)
        return self._taken(fulfills[self.kinds])

    def without(self, rows: Mask) -> ProblemList:
        """Those that are not of these rows.

        Args:
            rows: one per row, whether its problems are left out.
        """
        is_of_row = self.rows != _LETTER
        is_of_row[is_of_row] = rows[self.rows[is_of_row]]
        return self._taken(~is_of_row)

    def errors(self) -> ProblemList:
        """The problems that block a row."""
        return self.where(lambda code: code.severity is Severity.ERROR)

    def of_row(self, position: int) -> ProblemList:
        """The problems of one row."""
        first, after = np.searchsorted(self.rows, [position, position + 1])
        return self._taken(slice(int(first), int(after)))

    def positions(self) -> Places:
        """The positions of the rows that have a problem, in order."""
        return np.unique(self.rows[self.rows != _LETTER])

    def codes(self) -> Iterator[tuple[int, Code]]:
        """The row and the code of each problem, in order; the row is -1 for the letter."""
        codes = [code for _, code in self.known_kinds]
        return zip(self.rows.tolist(), map(codes.__getitem__, self.kinds.tolist()), strict=True)

    def rows_by_code(self) -> dict[Code, Places]:
        """The rows that have a problem of each code, each row once; -1 for the letter."""
        words, codes = _distinct([code for _, code in self.known_kinds])
        code_of_each = codes[self.kinds]
        return {
            code: np.unique(self.rows[code_of_each == place]) for place, code in enumerate(words)
        }

    def counts(self) -> dict[Code, int]:
        """The number of problems of each code, most first, then in the order of the problems."""
        words, codes = _distinct([code for _, code in self.known_kinds])
        places, firsts, counts = np.unique(codes[self.kinds], return_index=True, return_counts=True)
        order = np.lexsort((firsts, -counts))
        return {words[places[one]]: int(counts[one]) for one in order.tolist()}

    def column(self, of_kind: Callable[[str, Code], str]) -> ExtensionArray:
        """One text per problem, which its field and code give, as ``str``."""
        words, codes = _distinct([of_kind(field, code) for field, code in self.known_kinds])
        return text_array(repeated_texts(self.kinds, codes=codes, words=words))

    def texts(self, places: Places) -> ExtensionArray:
        """One text per problem, as ``str``.

        Args:
            places: ``details`` or ``values``.
        """
        codes = np.append(np.arange(len(self.known_texts), dtype=np.int32), MISSING)
        return text_array(repeated_texts(places, codes=codes, words=self.known_texts))


def problem_list(problems: Iterable[Problem]) -> ProblemList:
    """The problems, ordered by row."""
    if isinstance(problems, ProblemList):
        return problems
    collector = ProblemCollector()
    collector += problems
    return collector.ordered()


def _distinct(texts: Iterable[Hashable]) -> tuple[list[Any], Places]:
    """The distinct texts, and the place of each text among them."""
    words: dict[Hashable, int] = {}
    places = [words.setdefault(text, len(words)) for text in texts]
    return list(words), np.array(places, dtype=np.int32)


def _numbers(values: array[int]) -> Places:
    return np.frombuffer(values, dtype=np.int32) if values else np.empty(0, dtype=np.int32)
