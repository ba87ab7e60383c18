r"""The rows of a CSV as columns of Arrow text, a block of bytes at a time.

pyarrow reads cells in a twentieth of the time of Python strings. Its rules are those of Python's
``csv`` only for a block that is *regular*: no carriage return, no byte order mark in front, and
every quote begins or ends a cell or is doubled inside a quoted one. ``csv_lines.py`` reads every
other file, and is the definition.

This module is imported only where pandas keeps text in Arrow.
"""

from __future__ import annotations

import codecs
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from mailframe.results.csv_arrow import ArrowCells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BLOCK_BYTES: Final = 1 << 21
"""Bytes that are read at once: some five thousand rows of 40 columns."""
_QUOTE, _NEWLINE = b'"\n'
_AROUND_CELLS: Final = np.frombuffer(b',\n"', dtype=np.uint8)


class NotRegularError(ValueError):
    """The block is not regular; only ``csv_lines.py`` knows its rows or its error."""


def header_and_chunks(
    file: IO[bytes], *, columns: int, block_bytes: int = _BLOCK_BYTES
) -> tuple[list[str], Iterator[Sequence[ArrowCells]]]:
    """The header of a CSV, and the cells of each column, of some rows at a time.

    Args:
        file: the content of the CSV.
        columns: the number of its columns.
        block_bytes: how much of the content is read at once.

    Returns:
        The title of each column, and at least one chunk.

    Raises:
        NotRegularError: the file is empty or not regular, also while the chunks are read.
    """
    blocks = _blocks(file, block_bytes)
    first = _cells(next(blocks, b"").removeprefix(codecs.BOM_UTF8), columns)
    if not first or not len(first[0]):
        raise NotRegularError("no header in the first block")
    header = [title or "" for (title,) in (column[:1].to_pylist() for column in first)]
    return header, _chunks([column[1:] for column in first], blocks)


def _chunks(first: Sequence[Any], blocks: Iterator[bytes]) -> Iterator[Sequence[ArrowCells]]:
    yield [ArrowCells(column) for column in first]
    for block in blocks:
        yield [ArrowCells(column) for column in _cells(block, len(first))]


def _blocks(file: IO[bytes], block_bytes: int) -> Iterator[bytes]:
    """The content in blocks of whole rows.

    Raises:
        NotRegularError: a row is longer than a block.
    """
    rest = b""
    while more := file.read(block_bytes):
        if len(rest) > block_bytes:
            raise NotRegularError("a row is longer than a block")
        content = rest + more
        end = _end_of_rows(content)
        if end:
            yield content[:end]
        rest = content[end:]
    if rest:
        yield rest


def _end_of_rows(content: bytes) -> int:
    r"""Where the last whole row ends: after a "\n" that no quoted cell holds.

    >>> _end_of_rows(b'a,b\n"c\nd'), _end_of_rows(b"a,b")
    (4, 0)
    """
    end = content.rfind(b"\n") + 1
    if content.count(b'"', 0, end) % 2 == 0:
        return end
    characters = np.frombuffer(content, dtype=np.uint8)
    newlines = np.flatnonzero(characters == _NEWLINE)
    quotes = np.searchsorted(np.flatnonzero(characters == _QUOTE), newlines)
    ends = newlines[quotes % 2 == 0]
    return int(ends[-1]) + 1 if len(ends) else 0


def _cells(block: bytes, columns: int) -> list[Any]:
    """The cells of each column as Arrow text, in which an empty cell is missing.

    Raises:
        NotRegularError: the block is not regular, is not UTF-8, or a row has too few or many cells.
    """
    _refuse_irregular(block)
    names = [str(place) for place in range(columns)]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=len(block) + 1, column_names=names
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowException as error:
        raise NotRegularError(str(error)) from error
    return [column.combine_chunks() for column in table.columns]


def _refuse_irregular(block: bytes) -> None:
    if b"\r" in block or block.startswith(codecs.BOM_UTF8):
        raise NotRegularError("pyarrow reads carriage returns and byte order marks by other rules")
    if b'"' not in block:
        return
    # the line ends around it make a first and a last cell look like the others
    characters = np.frombuffer(b"\n" + block + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(characters == _QUOTE)
    opening, closing = quotes[::2], quotes[1::2]
    if (
        len(opening) != len(closing)
        or not np.isin(characters[opening - 1], _AROUND_CELLS).all()
        or not np.isin(characters[closing + 1], _AROUND_CELLS).all()
    ):
        raise NotRegularError("a quote is neither at the beginning nor at the end of a cell")
