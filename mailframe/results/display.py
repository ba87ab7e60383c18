"""What is shown of a results frame: failures first, the columns of results before the caller's.

The data, their order and their columns stay as they are; only the text and the HTML differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.message.arrow_columns import with_usable_columns
from mailframe.message.shown_frame import cut, padded, text_width
from mailframe.pages.results_table import Cell, Column, results_table
from mailframe.pages.text import one_line
from mailframe.pages.text_table import width_of
from mailframe.results.frame import last_column
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

_FIRST: Final = (Status.REJECTED, Status.INVALID, Status.UNKNOWN, Status.UNSENT)
"""The statuses that are shown first, in this order."""
_ORDER: Final = ("status", "reason", "ErrorCode", "Message", "MessageID", "To", "SubmittedAt")
_ORDER_AFTER: Final = ("batch", "changed")
_ID: Final = "MessageID"
_LONG: Final = frozenset(["reason", "Message"])
_LONG_CHARS: Final = 90
"""Characters of a reason or a Message in HTML, where it is wrapped."""
_MOST_CHARS: Final[Mapping[str | None, int | None]] = {_ID: None, "reason": 32}
"""Characters of a column in text; None for all. By default an option of pandas decides."""
_LEAST_CHARS: Final = 20
"""A column is cut to no fewer characters to make it fit."""
_MAX_CHARS: Final = 10_000
"""Characters of any cell."""
_PIECE_ROWS: Final = 10_000
_STAMP: Final = "SubmittedAt"


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of a results frame that is shown.

    Attributes:
        frame: the chosen rows and columns, in the order in which they are shown.
        standard: the standard name of each column of results; None for another column.
        rows: the number of all rows.
        columns: the number of all columns that have a value.
        is_sorted: whether these are not simply the first rows of the data.
    """

    frame: pd.DataFrame
    standard: tuple[str | None, ...]
    rows: int
    columns: int
    is_sorted: bool

    def note(self, columns: int) -> str:
        """The line below the table; empty if the whole frame is shown in its order.

        Args:
            columns: the number of columns that are shown.
        """
        rows, more = len(self.frame), self.columns - columns
        whole = counted(self.rows, "row")
        of_rows = f"{rows:,} of {whole}" if rows < self.rows else whole if self.is_sorted else ""
        of_rows += ", failures first" if self.is_sorted else ""
        of_columns = counted(more, "more column") if more else ""
        return "; ".join(filter(None, [of_rows, of_columns]))


def shown_part(
    results: pd.DataFrame, labels: dict[str, str], key: Sequence[Hashable], *, most_rows: int | None
) -> Shown:
    """Choose the rows and columns of a results frame that are shown.

    Args:
        results: the results frame.
        labels: the label of each column of results by its standard name.
        key: the labels of the key columns; those that are gone are left out.
        most_rows: the number of rows; None for all.
    """
    positions = _positions(results, labels["status"], most_rows)
    places = _places(results, labels, key)
    part = with_usable_columns(results).iloc[positions, list(places)]
    kept, empty = [], 0
    for number, (place, name) in enumerate(places.items()):
        if _is_shown(part.iloc[:, number], name):
            kept.append(number)
        elif not _has_value(results.iloc[:, place], name):
            empty += 1
        elif name is None:
            kept.append(number)
    names = list(places.values())
    return Shown(
        pd.DataFrame(part.iloc[:, kept]),
        tuple(names[number] for number in kept),
        rows=len(results),
        columns=len(names) - empty,
        is_sorted=bool((positions != np.arange(len(positions))).any()),
    )


def _positions(results: pd.DataFrame, label: str, most_rows: int | None) -> Any:
    """The positions of the rows that are shown: failures first, each status in the data's order."""
    statuses = last_column(results, label)
    wanted = len(results) if most_rows is None else min(most_rows, len(results))
    chosen: list[Any] = []
    rest = np.ones(len(results), dtype=bool)
    for status in _FIRST:
        is_status = (statuses == status.value).to_numpy(dtype=bool)
        chosen.append(np.flatnonzero(is_status)[:wanted])
        wanted -= len(chosen[-1])
        rest &= ~is_status
    return np.concatenate([*chosen, np.flatnonzero(rest)[:wanted]])


def _places(
    results: pd.DataFrame, labels: dict[str, str], key: Sequence[Hashable]
) -> dict[int, str | None]:
    """The place of each column in the order in which they are shown, with its standard name."""
    last = {label: place for place, label in enumerate(results.columns)}
    keys = [last[label] for label in key if label in last and label not in labels.values()]
    names = {last[labels[name]]: name for name in (*_ORDER, *_ORDER_AFTER)}
    order = dict.fromkeys([*keys, *names, *range(results.shape[1])])
    return {place: names.get(place) for place in order}


def _is_shown(part: pd.Series, name: str | None) -> bool:
    """Whether any of the shown rows has a value in a column; in ``changed``, whether it is true."""
    return bool(part.any() if name == "changed" else part.notna().any())


def _has_value(column: pd.Series, name: str | None) -> bool:
    """The same of all rows."""
    if name == "changed":
        return bool(column.any())
    if column.dtype != object:
        return bool(column.notna().any())
    starts = range(0, len(column), _PIECE_ROWS)  # most columns have a value near the start
    return any(column.iloc[start : start + _PIECE_ROWS].notna().any() for start in starts)


# --- options of pandas ---------------------------------------------------------------------------


def _most_columns() -> int | None:
    most = pd.get_option("display.max_columns")
    return int(most) if most else None


# --- text ----------------------------------------------------------------------------------------


def as_text(shown: Shown) -> str:
    """The rows as a table of text, with as many columns as fit; a MessageID is never cut."""
    lines = _index_lines(shown.frame.index)
    width, columns = text_width(), 0
    most = _most_columns() or shown.frame.shape[1]
    for name, header, cells in _text_columns(shown):
        room = width - max(map(width_of, lines)) - 2
        if columns == most or not (block := _fitting(name, header, cells, room)):
            break
        lines = [f"{line}  {cell}" for line, cell in zip(lines, block, strict=True)]
        columns += 1
    note = shown.note(columns)
    return "\n".join([*(line.rstrip() for line in lines), *(["", f"{note}."] if note else [])])


def _text_columns(shown: Shown) -> Iterator[tuple[str | None, str, list[str]]]:
    for place, name in enumerate(shown.standard):
        column = shown.frame.iloc[:, place]
        yield name, one_line(str(shown.frame.columns[place])), _texts(column, name)


def _fitting(name: str | None, header: str, cells: list[str], room: int) -> list[str]:
    """The lines of a column that fit into so many characters; none if it does not fit."""
    most = _MOST_CHARS.get(name, pd.get_option("display.max_colwidth"))
    for limit in (most, min(room, most or room)):
        block = padded(header, [cut(cell, limit) for cell in cells], is_left=name in _LEFT)
        if width_of(block[0]) <= room:
            return block
        if name == _ID or room < _LEAST_CHARS:
            break
    return []


_LEFT: Final = frozenset(["status", "reason", "Message", "MessageID", "To"])


def _index_lines(index: pd.Index) -> list[str]:
    """The labels of the rows below the name of each level."""
    lines = [""] * (len(index) + 1)
    for level in range(index.nlevels):
        values, name = index.get_level_values(level), index.names[level]
        header = "" if name is None else one_line(str(name))
        block = padded(header, [cut(text, 50) for text in _texts(pd.Series(values), None)])
        lines = [
            f"{line}  {cell}" if level else cell for line, cell in zip(lines, block, strict=True)
        ]
    return lines


# --- cells ---------------------------------------------------------------------------------------


def _texts(column: pd.Series, name: str | None) -> list[str]:
    """The cells as pandas shows them, on one line, with control characters written out."""
    if name == _STAMP and pd.api.types.is_datetime64_any_dtype(column.dtype):
        column = column.dt.floor("s")
    dtype = column.dtype
    if len(column) and _is_formatted(dtype):
        lines = column.to_string(index=False, header=False).split("\n")
        if len(lines) == len(column):
            return [line.strip() for line in lines]
    return [_text(cell) for cell in column.tolist()]


def _text(cell: object) -> str:
    if isinstance(cell, float) and np.isnan(cell):
        return "NaN"
    return one_line(str(cell), most=_MAX_CHARS)


def _is_formatted(dtype: Any) -> bool:
    """Whether pandas shows the values of a dtype in one form, such as with the same decimals."""
    kinds = pd.api.types
    return kinds.is_numeric_dtype(dtype) or kinds.is_datetime64_any_dtype(dtype)


def as_html(shown: Shown, *, lead: str) -> str:
    """The rows as HTML, with the summary line above them."""
    frame = shown.frame
    most = _most_columns() or frame.shape[1]
    columns = [
        _html_column(frame.iloc[:, place], frame.columns[place], name)
        for place, name in enumerate(shown.standard[:most])
    ]
    index = [
        Column(
            "" if name is None else one_line(str(name)),
            [
                Cell(cut(text, 50))
                for text in _texts(pd.Series(frame.index.get_level_values(level)), None)
            ],
        )
        for level, name in enumerate(frame.index.names)
    ]
    note = shown.note(len(columns))
    return results_table(lead, index, columns, note=f"{note}." if note else "")


def _html_column(column: pd.Series, label: object, name: str | None) -> Column:
    most = _LONG_CHARS if name in _LONG else pd.get_option("display.max_colwidth")
    texts = _texts(column, name)
    is_missing = column.isna().tolist()
    cells = [
        Cell(text if name == _ID else cut(text, most), is_missing=bool(missing))
        for text, missing in zip(texts, is_missing, strict=True)
    ]
    kind = (
        "status" if name == "status" else "id" if name == _ID else "long" if name in _LONG else ""
    )
    is_number = pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool
    return Column(one_line(str(label)), cells, kind or ("number" if is_number else ""))
