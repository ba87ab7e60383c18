r"""Rows of cells as the lines of a CSV, and back, in a fraction of the time of Python's ``csv``.

Lines are "\n" between the rows. What is not simple is left to ``csv``: a text with a quote, a cell
of several lines, anything that is not written in this way. Both give the same lines and rows.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_QUOTED: Final = re.compile(r'[,"\n]')


def as_lines(columns: Sequence[Sequence[str]], *, all_quoted: bool = False) -> str:
    r"""The lines of some rows; cells are quoted where it is needed.

    Args:
        columns: the cells of each column; at least two columns, because ``csv`` quotes an empty
            cell that is alone in its row.
        all_quoted: whether to quote every cell.

    >>> as_lines([["a", "b, c"], ["1", ""]])
    'a,1\n"b, c",\n'
    """
    if all_quoted:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows(zip(*columns, strict=True))
        return text.getvalue()
    lines = map(",".join, zip(*map(_with_quotes, columns), strict=True))
    return "".join([f"{line}\n" for line in lines])


def _with_quotes(cells: Sequence[str]) -> Sequence[str]:
    if not _QUOTED.search("".join(cells)):
        return cells
    return [_quoted(cell) if _QUOTED.search(cell) else cell for cell in cells]


def _quoted(cell: str) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def rows_of(lines: Iterator[str]) -> Iterator[list[str]]:
    r"""The rows of a CSV that are not blank.

    Args:
        lines: the lines of the CSV, each with its "\n".

    Raises:
        csv.Error: it is not a CSV.

    >>> list(rows_of(iter(['a,"b, c"\n', '\n', '1,2\n'])))
    [['a', 'b, c'], ['1', '2']]
    """
    for line in lines:
        row = _simple_row(line.removesuffix("\n"))
        if row is None:
            # it takes as many lines as the row has
            row = next(csv.reader(itertools.chain([line], lines), strict=True))
        if row:
            yield row


def _simple_row(line: str) -> list[str] | None:
    """The cells of a line; None where only ``csv`` knows them."""
    if "\r" in line or not line:
        return None
    if '"' not in line:
        return line.split(",")
    plain, *rest = line.split('"')
    row: list[str] = []
    if plain:
        if not plain.endswith(","):
            return None
        row = plain[:-1].split(",")
    while len(rest) > 1:
        quoted, plain, *rest = rest
        row.append(quoted)
        is_last = not rest
        if is_last and not plain:
            return row
        if not plain.startswith(",") or not (is_last or plain.endswith(",")):
            return None
        if is_last or plain != ",":
            row += plain[1 : None if is_last else -1].split(",")
    return None if rest else row
