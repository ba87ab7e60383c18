"""A chunk of rows: the cells of each column, their keys for caches, and their printed texts."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailframe.letter.jinja.printing import as_printed
from mailframe.letter.jinja.values import Missing, PrintedHtml
from mailframe.message.columnar.encoding import (
    escaped_texts,
    garbled_places,
    is_unescaped,
    json_texts,
    may_show_markup,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mailframe.message.columnar.reading import ColumnReader
    from mailframe.message.columnar.text_formats import TextFormat

T = TypeVar("T")
Key = Any
"""Equal for two cells of a column only if no template can tell them apart; None if unknown."""
FALLBACK_DIVISOR: Final = 4
"""A chunk takes the row-by-row path as a whole if more than one row in so many would fall back."""
SECONDS_FOR_ROW: Final = 0.004
"""A slower letter takes the row-by-row path, which can be stopped at any row and shows progress."""
_LEAST_SECONDS: Final = 0.25
"""For a chunk of few rows: the first ones may import a module."""


class NotColumnar(Exception):
    """A letter, or a chunk of rows, that takes the row-by-row path."""


class CellColumn:
    """The cells of one column in a chunk; everything is made when it is first needed.

    Args:
        column: the column.
        start: the position of the first row.
        stop: the position after the last row.
    """

    def __init__(self, column: ColumnReader, start: int, stop: int) -> None:
        self._column, self._start, self._stop = column, start, stop
        self._printed: dict[type[TextFormat], tuple[list[Any], frozenset[int]]] = {}

    @cached_property
    def cells(self) -> list[Any]:
        """The plain cells, as ``Column.cells`` makes them."""
        return self._column.cells(self._start, self._stop)

    @cached_property
    def keys(self) -> list[Key]:
        """A key for each cell."""
        numbers = self._column.numbers(self._start, self._stop)
        if numbers is not None:
            return numbers
        cells = self.cells
        if set(map(type, cells)) <= {str}:  # other chunks of the column may have 1, True and 1.0
            return cells
        return [_key(cell) for cell in cells]

    # --- texts ------------------------------------------------------------------------------------

    @cached_property
    def texts(self) -> list[str | None]:
        """The cells as ``{{ … }}`` prints them; None where that is an error.

        Raises:
            NotColumnar: a cell is trusted HTML.
        """
        cells = self.cells
        types = set(map(type, cells))
        if types <= {str}:
            return cells
        if PrintedHtml in types:  # its text is not what an HTML body prints
            raise NotColumnar
        if len(set(map(id, cells))) * 2 < len(cells):  # categories, booleans, small numbers
            texts = {id(cell): cell for cell in cells}
            printed = {one: _printed(cell) for one, cell in texts.items()}
            return [printed[one] for one in map(id, cells)]
        return [_printed(cell) for cell in cells]

    def printed(self, text_format: TextFormat) -> tuple[list[Any], frozenset[int]]:
        """The texts of a printed column, and the rows of the chunk without one.

        Args:
            text_format: the format of the texts; two formats of a type print the same texts.
        """
        printed = self._printed.get(type(text_format))
        if printed is None:
            texts = text_format.printed(self)
            missing = frozenset[int]()
            if has_none(texts):
                missing = frozenset([row for row, text in enumerate(texts) if text is None])
                texts = [text_format.empty if text is None else text for text in texts]
            printed = self._printed[type(text_format)] = texts, missing
        return printed

    @cached_property
    def json(self) -> list[bytes | None]:
        """The texts as JSON writes them; None where there is none."""
        return filled(self.texts, json_texts)

    @cached_property
    def escaped(self) -> list[str | None]:
        """The texts with HTML escaped; the same list if nothing has to be escaped."""
        texts = self.texts
        return texts if is_unescaped(texts) else filled(texts, escaped_texts)

    @cached_property
    def escaped_json(self) -> list[bytes | None]:
        """The escaped texts as JSON writes them."""
        return self.json if self.escaped is self.texts else filled(self.escaped, json_texts)

    @cached_property
    def has_keys(self) -> bool:
        """Whether every cell has a key."""
        return not has_none(self.keys)

    @cached_property
    def showing_markup(self) -> frozenset[int]:
        """The rows of the chunk whose text may be markup that is shown as it is written."""
        if self.escaped is self.texts:
            return frozenset()
        shown = {text for text in set(self.escaped) if text is not None and may_show_markup(text)}
        rows = enumerate(self.escaped if shown else ())
        return frozenset([row for row, text in rows if text in shown])

    @cached_property
    def garbled(self) -> frozenset[int]:
        """The rows of the chunk whose text has a character that should not be in a mail."""
        return frozenset(garbled_places([text or "" for text in self.texts]))


def has_none(values: Sequence[object]) -> bool:
    """Whether one of the values is None; few columns have empty texts, so ``all`` mostly tells.

    >>> has_none(["a", ""]), has_none(["a", None])
    (False, True)
    """
    return not all(values) and None in values


def filled(
    texts: Sequence[str | None], change: Callable[[Sequence[str]], Iterable[T | None]]
) -> list[T | None]:
    """The texts changed together; None stays None."""
    if not has_none(texts):
        return list(change(texts))  # type: ignore[arg-type]
    changed = iter(change([text for text in texts if text is not None]))
    return [None if text is None else next(changed) for text in texts]


def _printed(cell: Any) -> str | None:
    try:
        return str(as_printed(cell))
    except Exception:  # noqa: BLE001 - whatever it is, the row-by-row path reports it
        return None


def _key(cell: Any) -> Key:
    """The key of one cell of any type: ``1``, ``True`` and ``1.0`` are equal, their keys differ."""
    kind = type(cell)
    if kind is str:
        return cell
    if kind is int or kind is bool:
        return kind, cell
    if kind is float:
        return kind, cell.hex()
    if kind is Decimal:
        return kind, cell.as_tuple()
    if kind is dt.date or (kind is dt.datetime and cell.tzinfo is None and not cell.fold):
        return kind, cell
    return _MISSING if isinstance(cell, Missing) else None


_MISSING: Final = (Missing,)


class Chunk:
    """The rows from *start* to *stop* of a frame, column by column.

    Args:
        columns: the columns of the letter, by name.
        start: the position of the first row.
        stop: the position after the last row.

    Attributes:
        rows: the number of rows.
        fallback_rows: the rows, counted from 0, that fall back to the row-by-row path.
        languages: the language of each row; None if it is the same in all rows.
        evaluated: the texts by evaluation and row, for parts that have the same expression.
        deadline: the time of ``perf_counter`` after which ``fall_back_if_slow`` is called.
    """

    def __init__(self, columns: Mapping[object, ColumnReader], start: int, stop: int) -> None:
        self.rows = stop - start
        seconds = max(self.rows * SECONDS_FOR_ROW, _LEAST_SECONDS)
        self.deadline = time.perf_counter() + seconds
        self._cpu_deadline = time.thread_time() + seconds
        self.fallback_rows: set[int] = set()
        self.languages: Sequence[str] | None = None
        self.evaluated: dict[object, dict[int, str | None]] = {}
        self._columns = columns
        self._start, self._stop = start, stop
        self._read: dict[object, CellColumn] = {}

    def column(self, name: object) -> CellColumn:
        """The cells of a column."""
        column = self._read.get(name)
        if column is None:
            column = self._read[name] = CellColumn(self._columns[name], self._start, self._stop)
        return column

    def fall_back(self, rows: Iterable[int]) -> None:
        """Let rows fall back to the row-by-row path.

        Raises:
            NotColumnar: too many rows of the chunk fall back.
        """
        self.fallback_rows.update(rows)
        self.fall_back_if_many(len(self.fallback_rows))

    def fall_back_if_many(self, faults: int) -> None:
        """Give the chunk up if so many rows have a fault that the row-by-row path is as fast.

        Raises:
            NotColumnar: there are too many.
        """
        if faults * FALLBACK_DIVISOR > self.rows + FALLBACK_DIVISOR:
            raise NotColumnar

    def fall_back_if_slow(self) -> None:
        """Give the chunk up if this thread, and not a busy machine, takes too long.

        Raises:
            NotColumnar: it does.
        """
        if time.thread_time() > self._cpu_deadline:
            raise NotColumnar

    def cells(self, row: int) -> dict[Any, Any]:
        """The plain cells of one row, as the row-by-row path reads them."""
        return {name: self.column(name).cells[row] for name in self._columns}
