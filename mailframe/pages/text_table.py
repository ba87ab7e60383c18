"""The lines of a table in a text: columns where they are short, else lines."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MAX_WIDTH: Final = 100
"""Columns of text that a table of data has at most; others are written as lines."""
_MAX_LINE: Final = 78
"""Columns of text of a row of a layout in one line (RFC 5322, 2.1.1)."""
_MAX_COLUMNS: Final = 30
_MAX_HEADING: Final = 60
_BETWEEN: Final = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        lines: its lines.
        is_heading: whether it is a ``<th>``.
        is_right: whether its text is aligned right.
        span: the number of its columns.
    """

    lines: list[str]
    is_heading: bool = False
    is_right: bool = False
    span: int = 1

    @property
    def text(self) -> str:
        """Its lines in one."""
        return " ".join(self.lines)


def table_lines(rows: Sequence[Sequence[Cell]], *, has_data: bool) -> list[str]:
    r"""The lines of a table.

    Args:
        rows: the cells of each row.
        has_data: whether it is a table of data; else it only makes a layout.

    >>> head = [Cell(["Item"], is_heading=True), Cell(["Price"], is_heading=True)]
    >>> cells = [Cell(["Tea"]), Cell(["$4"], is_right=True)]
    >>> print("\n".join(table_lines([head, cells], has_data=True)))
    Item  Price
    ----  -----
    Tea      $4
    """
    filled = [row for row in rows if any(cell.lines for cell in row)]
    if not has_data:
        return _layout(filled)
    return _columns(filled) or _records(filled)


def width_of(text: str) -> int:
    """The columns that a text takes in a font of fixed width: 2 for a wide character.

    >>> width_of("Tee"), width_of("お茶")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


# --- a layout -------------------------------------------------------------------------------------


def _layout(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Rows of short cells as one line each; others with a blank line before and after them."""
    lines: list[str] = []
    was_long = False
    for row in rows:
        of_row = _layout_row([cell.lines for cell in row if cell.lines])
        is_long = len(of_row) > 1
        if lines and (is_long or was_long):
            lines.append("")
        lines += of_row
        was_long = is_long
    return lines


def _layout_row(cells: list[list[str]]) -> list[str]:
    if len(cells) == 1:
        return cells[0]
    if all(len(lines) == 1 for lines in cells):
        line = _BETWEEN.join(lines[0] for lines in cells)
        return [line] if width_of(line) <= _MAX_LINE else [lines[0] for lines in cells]
    return [line for i, lines in enumerate(cells) for line in ([""] if i else []) + lines]


# --- data -----------------------------------------------------------------------------------------


def _columns(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The table with its columns one below the other; empty if it is too wide for that."""
    count = max((sum(cell.span for cell in row) for row in rows), default=0)
    if count > _MAX_COLUMNS or any(len(cell.lines) > 1 for row in rows for cell in row):
        return []
    widths = [0] * count
    for row in rows:
        for at, cell in _placed(row):
            if cell.span == 1:
                widths[at] = max(widths[at], width_of(cell.text))
    for row in rows:
        for at, cell in _placed(row):
            widths[at] += max(0, width_of(cell.text) - _spanned(widths, at, cell))
    if sum(widths) + len(_BETWEEN) * (count - 1) > _MAX_WIDTH:
        return []
    right = _right_columns(rows, count)
    lines = [_line(row, widths, right) for row in rows]
    if len(rows) > 1 and all(cell.is_heading for cell in rows[0]):
        lines.insert(1, _BETWEEN.join("-" * width for width in widths).rstrip())
    return lines


def _placed(row: Sequence[Cell]) -> Iterator[tuple[int, Cell]]:
    at = 0
    for cell in row:
        yield at, cell
        at += cell.span


def _spanned(widths: Sequence[int], at: int, cell: Cell) -> int:
    return sum(widths[at : at + cell.span]) + len(_BETWEEN) * (cell.span - 1)


def _right_columns(rows: Sequence[Sequence[Cell]], count: int) -> list[bool]:
    """The columns whose values are all aligned right; their headings are, too."""
    right = [False] * count
    left = [False] * count
    for row in rows:
        for at, cell in _placed(row):
            if cell.lines and not cell.is_heading and cell.span == 1:
                (right if cell.is_right else left)[at] = True
    return [is_right and not is_left for is_right, is_left in zip(right, left, strict=True)]


def _line(row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool]) -> str:
    texts = []
    for at, cell in _placed(row):
        missing = " " * (_spanned(widths, at, cell) - width_of(cell.text))
        is_right = cell.is_right or (cell.span == 1 and cell.is_heading and right[at])
        texts.append(missing + cell.text if is_right else cell.text + missing)
    return _BETWEEN.join(texts).rstrip(" ")


def _records(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Each row as lines of a heading and a value."""
    has_head = len(rows) > 1 and all(cell.is_heading for cell in rows[0])
    head = {at: cell.text for at, cell in _placed(rows[0])} if has_head else {}
    lines: list[str] = []
    for row in rows[1:] if has_head else rows:
        if lines and has_head:
            lines.append("")
        lines += _record(row, head)
    return lines


def _record(row: Sequence[Cell], head: dict[int, str]) -> list[str]:
    if not head:
        return [": ".join(cell.text for cell in row if cell.lines)]
    lines = []
    for at, cell in _placed(row):
        name = head.get(at, "")
        named = f"{name}: " if name and len(name) <= _MAX_HEADING else ""
        lines += [f"{named}{cell.lines[0]}", *cell.lines[1:]] if cell.lines else []
    return lines
