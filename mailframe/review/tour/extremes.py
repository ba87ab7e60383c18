"""The extreme rows: longest and shortest messages, longest values, most missing values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mailframe.counting import counted
from mailframe.letter.jinja.values import GivenValues

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from mailframe.message.cells import Column

Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"

MAX_NEW_ROWS: Final = 6
"""Rows that a tour has only because they are extreme, so that it stays short."""
CLEARLY_LONGER: Final = 2.0
"""The longest text of a column is extreme from this many times the median length …"""
CLEARLY_LONGER_CHARACTERS: Final = 10
"""… if it also has this many characters more: ``Alexandra`` beside ``Ann`` is not extreme."""
_MAX_EQUAL: Final = 1_000
_NONE: Final = (-1, -1)


@dataclass(frozen=True, slots=True)
class Extreme:
    """An extreme, and the rows that have it.

    Attributes:
        reason: the description, such as ``longest subject: 9 characters``.
        rows: the first row that has it, and up to 999 others that are known to be equal.
    """

    reason: str
    rows: tuple[int, ...]


@dataclass(slots=True)
class MessageLengths:
    """The longest and the shortest subject and body of the messages without errors.

    Attributes:
        longest: the length of the longest text in characters, and the first row, by field.
        shortest: the same of the shortest text.
    """

    longest: dict[str, tuple[int, int]] = field(default_factory=dict)
    shortest: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, values: Mapping[str, Any], row: int) -> None:
        """Add a message; its body is the text part, otherwise the HTML part.

        Args:
            values: the values of the draft; those that are not text are ignored.
            row: its position among the rendered rows.
        """
        body = values.get("text_body", values.get("html_body"))
        for name, text in (("subject", values.get("subject")), ("body", body)):
            if isinstance(text, str):
                size = len(text)
                if size > self.longest.get(name, _NONE)[0]:
                    self.longest[name] = size, row
                if name not in self.shortest or size < self.shortest[name][0]:
                    self.shortest[name] = size, row

    def extremes(self) -> Iterator[Extreme]:
        """The longest and the shortest texts, if they differ in length.

        >>> lengths = MessageLengths()
        >>> lengths.add({"subject": "Hello"}, 0), lengths.add({"subject": "Hello Zoë"}, 1)
        (None, None)
        >>> [extreme.reason for extreme in lengths.extremes()]
        ['longest subject: 9 characters', 'shortest subject: 5 characters']
        """
        for name in ("subject", "body"):
            sizes = (self.longest.get(name, _NONE), self.shortest.get(name, _NONE))
            if sizes[0][0] != sizes[1][0]:
                for word, (size, row) in zip(("longest", "shortest"), sizes, strict=True):
                    yield Extreme(f"{word} {name}: {counted(size, 'character')}", (row,))


@dataclass(frozen=True, slots=True)
class MissingValues:
    """The rows with missing values, for each column of the frame that the letter uses.

    Attributes:
        masks: the truth values, one per row, by the name of the column.
    """

    masks: Mapping[object, Mask]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> MissingValues:
        """The missing values of these columns."""
        return cls({column.name: _missing(column) for column in frame_columns(columns)})

    def is_missing(self, column: object, row: int) -> bool:
        """Whether a row has no value in a column; False if there is no such column."""
        return column in self.masks and bool(self.masks[column][row])

    def count(self, column: object) -> int:
        """How many rows have no value in a column."""
        return int(self.masks[column].sum()) if column in self.masks else 0

    def extremes(self) -> Iterator[Extreme]:
        """The rows with the most missing values, unless all rows have as many."""
        if not self.masks:
            return
        counts = np.sum(list(self.masks.values()), axis=0)
        if len(counts) and counts.max() > counts.min():
            most = int(counts.max())
            reason = f"most missing values: {most:,} of {len(self.masks):,} columns"
            yield Extreme(reason, _rows(counts == most))


def longest_values(columns: Sequence[Column]) -> list[Extreme]:
    """The rows with the longest text of a column, if it is clearly longer than the median.

    The most extreme column is first.

    >>> from mailframe.message.cells import Column
    >>> names = Column.of("first_name", pd.Series(["Ann", "Zoë", "Wolfeschlegelsteinhausen"]))
    >>> [extreme.reason for extreme in longest_values([names])]
    ['longest first_name: 24 characters']
    """
    extremes = []
    for column in frame_columns(columns):
        lengths = _lengths(column)
        if lengths is None or not lengths.any():
            continue
        longest, median = int(lengths.max()), float(np.median(lengths[lengths > 0]))
        if longest >= CLEARLY_LONGER * median and longest >= median + CLEARLY_LONGER_CHARACTERS:
            reason = f"longest {column.name}: {counted(longest, 'character')}"
            extremes.append((longest / median, Extreme(reason, _rows(lengths == longest))))
    return [extreme for _, extreme in sorted(extremes, key=lambda item: -item[0])]


def reasons_by_row(extremes: Sequence[Extreme], *, shown: Container[int]) -> dict[int, list[str]]:
    """The reasons of each extreme row: of rows that are shown anyway, and of a few others.

    At most ``MAX_NEW_ROWS`` rows are not in *shown*.

    Args:
        extremes: the extremes, the most important first.
        shown: the rows that the tour shows for their branches.
    """
    reasons: dict[int, list[str]] = {}
    new = 0
    for extreme in extremes:
        row = next((row for row in extreme.rows if row in shown or row in reasons), None)
        if row is None:
            row, new = extreme.rows[0], new + 1
            if new > MAX_NEW_ROWS:
                continue
        reasons.setdefault(row, []).append(extreme.reason)
    return reasons


def _rows(mask: Mask) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask)[:_MAX_EQUAL].tolist())


def frame_columns(columns: Sequence[Column]) -> list[Column]:
    """The columns of the frame, without the values of callables, Series and ``pd.col``."""
    return [column for column in columns if not isinstance(column.name, GivenValues)]


def _missing(column: Column) -> Mask:
    missing = column.series == -1 if column.categories is not None else column.series.isna()
    return missing.to_numpy(dtype=bool)


def _lengths(column: Column) -> np.ndarray[Any, np.dtype[np.int64]] | None:
    """The characters of each text of a column, 0 for other values; None if it cannot hold text."""
    if column.categories is not None:
        sizes = np.array([_size(value) for value in column.categories], dtype=np.int64)
        by_row: np.ndarray[Any, np.dtype[np.int64]] = sizes[column.series.to_numpy()]
        return by_row
    if isinstance(column.series.dtype, np.dtype) and column.series.dtype != object:
        return None
    return np.fromiter(map(_size, column.series.tolist()), dtype=np.int64, count=len(column.series))


def _size(value: object) -> int:
    return len(value) if isinstance(value, str) else 0
