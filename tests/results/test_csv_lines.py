"""Lines and rows are those of Python's ``csv``."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailframe.results.csv_lines import as_lines, rows_of

CELLS = st.text(alphabet='ab,"\n\r\t \x00\u2028\ufeff', max_size=5)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=5)
CSV = st.text(alphabet='a,"\n\r ', max_size=24)


def read_by_csv(text: str) -> list[list[str]] | str:
    """The rows that are not blank, or the error."""
    try:
        return [row for row in csv.reader(io.StringIO(text, newline="\n"), strict=True) if row]
    except csv.Error as error:
        return str(error)


def read_quickly(text: str) -> list[list[str]] | str:
    """The same by ``rows_of``."""
    try:
        return list(rows_of(io.StringIO(text, newline="\n")))
    except csv.Error as error:
        return str(error)


@pytest.mark.parametrize("all_quoted", [False, True])
@given(rows=ROWS)
def test_rows_are_written_as_csv_writes_them(all_quoted, rows):
    """The same characters; without all quotes a cell has no carriage return (see ``csv.py``)."""
    if not all_quoted:
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    csv.writer(file, lineterminator="\n", quoting=quoting).writerows(rows)
    columns = [[row[place] for row in rows] for place in range(3)]
    assert as_lines(columns, all_quoted=all_quoted) == file.getvalue()


@given(text=CSV)
@example('a"b,c"d\n')
@example('"a""b",c\n')
@example('"a","b"\n')
@example('"a\n\nb",c\n\nd,e')
@example('"a" ,b\n')
@example('a,"b')
@example('"",""\n')
@example("a\rb\n")
def test_any_text_is_read_as_csv_reads_it(text):
    """The same rows, or the same error."""
    assert read_quickly(text) == read_by_csv(text)


@given(rows=ROWS)
def test_what_is_written_is_read(rows):
    """Each cell comes back, in its row."""
    columns = [[row[place] for row in rows] for place in range(3)]
    has_return = any("\r" in cell for row in rows for cell in row)
    lines = as_lines(columns, all_quoted=has_return)
    assert list(rows_of(io.StringIO(lines, newline="\n"))) == rows
