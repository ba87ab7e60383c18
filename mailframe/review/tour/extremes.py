"""The rows at the ends: the longest and the shortest mail, the longest value of a column, the most gaps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.counting import counted
from mailframe.letter.jinja.values import GivenValues

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from mailframe.message.cells import Column

MAX_NEW_ROWS: Final = 6
"""Rows that are shown for being an end of something and for no branch; the tour stays short."""
CLEARLY_LONGER: Final = 2.0
"""Times the median of a column's texts from which on the longest is worth a look …"""
CLEARLY_LONGER_CHARACTERS: Final = 10
"""… if it is also this much longer: ``Alexandra`` beside ``Ann`` is no news."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """An end of something.

    Attributes:
        reason: in words for a person.
        rows: the places, among the rows that are looked at, that are this end; the first in order, and perhaps
            others that are known to be equal.
    """

    reason: str
    rows: tuple[int, ...]


@dataclass(slots=True)
class Ends:
    """The longest and the shortest text of one part, over clean rows.

    Attributes:
        name: of the part, for a person.
    """

    name: str
    longest: tuple[int, int] | None = None
    shortest: tuple[int, int] | None = None

    def add(self, text: str, row: int) -> None:
        """Note a row's text; of equal ones the first stays."""
        size = len(text)
        if self.longest is None or self.shortest is None:
            self.longest = self.shortest = size, row
        elif size > self.longest[0]:
            self.longest = size, row
        elif size < self.shortest[0]:
            self.shortest = size, row

    def found(self) -> Iterator[Extreme]:
        """Both ends, if they are two.

        >>> ends = Ends("subject")
        >>> ends.add("Hello", 0), ends.add("Hello Zoë", 1)
        (None, None)
        >>> [extreme.reason for extreme in ends.found()]
        ['the longest subject: 9 characters', 'the shortest subject: 5 characters']
        """
        if self.longest is None or self.shortest is None or self.longest[0] == self.shortest[0]:
            return
        for word, (size, row) in (("longest", self.longest), ("shortest", self.shortest)):
            yield Extreme(f"the {word} {self.name}: {counted(size, 'character')}", (row,))


@dataclass(slots=True)
class Lengths:
    """What is noted of each clean mail: where its subject and its body are longest and shortest."""

    subject: Ends = field(default_factory=lambda: Ends("subject"))
    body: Ends = field(default_factory=lambda: Ends("body"))

    def add(self, values: Mapping[str, Any], row: int) -> None:
        """Note a mail; its body is the text part, else the HTML part.

        Args:
            values: of the draft.
            row: its place among the rows that are looked at.
        """
        subject = values.get("subject")
        if isinstance(subject, str):
            self.subject.add(subject, row)
        body = values.get("text_body", values.get("html_body"))
        if isinstance(body, str):
            self.body.add(body, row)


@dataclass(frozen=True, slots=True)
class MissingCounts:
    """Where the columns that the letter uses have no value, over the rows that are looked at.

    Attributes:
        by_column: one truth value a row, by the column's name.
    """

    by_column: Mapping[object, np.ndarray[Any, np.dtype[np.bool_]]]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> MissingCounts:
        """The gaps of the frame's own columns."""
        return cls({column.name: _gaps(column) for column in _own(columns)})

    def only(self, column: str) -> int | None:
        """The one row that has no value there; None if there is none, or more."""
        if column not in self.by_column:
            return None
        rows = np.flatnonzero(self.by_column[column])
        return int(rows[0]) if len(rows) == 1 else None

    def emptiest(self) -> Iterator[Extreme]:
        """The rows with the most gaps, unless all rows have as many."""
        if not self.by_column:
            return
        counts = np.sum(list(self.by_column.values()), axis=0)
        if len(counts) and counts.max() > counts.min():
            most, columns = int(counts.max()), len(self.by_column)
            have = "has" if most == 1 else "have"
            reason = f"emptiest: {most} of {counted(columns, 'column')} {have} no value"
            yield Extreme(reason, _rows(counts == most))


def longest_values(columns: Sequence[Column]) -> Iterator[Extreme]:
    """The rows with a column's longest text where it is clearly above what is usual; the most striking first.

    >>> from mailframe.message.cells import Column
    >>> names = Column.of("first_name", pd.Series(["Ann", "Zoë", "Wolfeschlegelsteinhausen"]))
    >>> [extreme.reason for extreme in longest_values([names])]
    ['the longest first_name: 24 characters']
    """
    found = []
    for column in _own(columns):
        lengths = _lengths(column)
        if lengths is None or not lengths.any():
            continue
        longest, usual = int(lengths.max()), float(np.median(lengths[lengths > 0]))
        if longest >= CLEARLY_LONGER * usual and longest >= usual + CLEARLY_LONGER_CHARACTERS:
            reason = f"the longest {column.name}: {counted(longest, 'character')}"
            found.append((longest / usual, Extreme(reason, _rows(lengths == longest))))
    yield from (extreme for _, extreme in sorted(found, key=lambda item: -item[0]))


def placed(extremes: Sequence[Extreme], *, chosen: Container[int]) -> dict[int, list[str]]:
    """The reasons of each row, for rows that are shown already and at most ``MAX_NEW_ROWS`` others.

    Args:
        extremes: the more telling ones first.
        chosen: rows that are shown for their branches.
    """
    reasons: dict[int, list[str]] = {}
    new = 0
    for extreme in extremes:
        known = next((row for row in extreme.rows if row in chosen or row in reasons), None)
        row = extreme.rows[0] if known is None else known
        if known is None:
            new += 1
            if new > MAX_NEW_ROWS:
                continue
        reasons.setdefault(row, []).append(extreme.reason)
    return reasons


_MAX_EQUAL: Final = 1_000


def _rows(where: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(where)[:_MAX_EQUAL].tolist())


def _own(columns: Sequence[Column]) -> list[Column]:
    """Without the values of callables, Series and ``pd.col``, which have no name that a person gave them."""
    return [column for column in columns if not isinstance(column.name, GivenValues)]


def _gaps(column: Column) -> np.ndarray[Any, np.dtype[np.bool_]]:
    missing = column.series == -1 if column.categories is not None else column.series.isna()
    return missing.to_numpy(dtype=bool)


def _lengths(column: Column) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """Characters of each text of a column, 0 for what is none; None if it cannot hold text."""
    if column.categories is not None:
        sizes = np.array([_size(value) for value in column.categories], dtype=np.int64)
        taken: np.ndarray[Any, np.dtype[np.int64]] = sizes[column.series.to_numpy()]
        return taken
    if isinstance(column.series.dtype, np.dtype) and column.series.dtype != object:
        return None
    return np.fromiter(map(_size, column.series.tolist()), dtype=np.int64, count=len(column.series))


def _size(value: object) -> int:
    return len(value) if isinstance(value, str) else 0
