"""What pyarrow writes and reads of a CSV is what the plain way writes and reads, or it declines."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailframe.errors import ResultsError
from mailframe.pandas_versions import text_column, text_storage
from mailframe.results import csv as results_csv
from mailframe.results.csv import write_csv
from mailframe.results.csv_arrow import _READ, ArrowCells, _form
from mailframe.results.csv_arrow_lines import as_texts, cells_of, lines
from mailframe.results.csv_blocks import NotRegularError, header_and_chunks
from mailframe.results.csv_cells import ColumnReader
from mailframe.results.csv_lines import as_lines, rows_of
from mailframe.results.csv_texts import CHUNK_ROWS, column_cells, plain_cells
from tests.frames import ZOO, frames
from tests.results.test_csv import assert_same, results_of

if TYPE_CHECKING:
    from pathlib import Path

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
CELLS = st.text(alphabet='ab,"\n\t \x00\u2028\ufeff\u20ac', max_size=5)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=7)
LARGE = 1 << 20

pytestmark = pytest.mark.skipif(
    text_storage() != "pyarrow", reason="pandas 2 keeps text as Python objects: no file goes here"
)

# --- rows ----------------------------------------------------------------------------------------


def rows_by_arrow(content: bytes, *, columns: int = 3, block_bytes: int = LARGE) -> list[list[str]]:
    """All rows, the header first.

    Raises:
        NotRegularError: the content is not regular.
    """
    file = io.BytesIO(content)
    header, chunks = header_and_chunks(file, columns=columns, block_bytes=block_bytes)
    cells = [as_texts([column._texts.fill_null("") for column in chunk]) for chunk in chunks]
    return [header, *(list(row) for chunk in cells for row in zip(*chunk, strict=True))]


def rows_by_csv(content: bytes) -> list[list[str]]:
    """All rows that are not blank, as the plain way reads them."""
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="\n") as text:
        return list(rows_of(text))


@given(
    content=st.text(alphabet='a,"\n\r \x00\ufeff\u20ac', max_size=24).map(str.encode)
    | st.lists(st.sampled_from([*b'a,"\n\r ', 0xEF, 0xBB, 0xBF, 0xED, 0xA0, 0x80])).map(bytes),
    columns=st.integers(1, 3),
    block_bytes=st.sampled_from([1, 2, 3, 8, LARGE]),
)
@example(b'a"b,c"d\n', 2, LARGE)
@example(b'"a"b,c\n', 2, LARGE)
@example(b'"a""b",c\n', 2, LARGE)
@example(b'"a\n\nb",c\n\nd,e', 2, LARGE)
@example(b'"a" ,b\n', 2, LARGE)
@example(b'a,"b', 2, LARGE)
@example(b'"",""\n', 2, LARGE)
@example(b"a\rb\n", 1, LARGE)
@example(b"\xef\xbb\xbf\xef\xbb\xbfa,b\n", 2, LARGE)
@example(b"a,b\n\xef\xbb\xbfc,d\n", 2, 4)
@example(b"a,\xed\xa0\x80\n", 2, LARGE)
def test_rows_are_those_of_the_plain_way_or_declined(content, columns, block_bytes):
    """Any characters, valid UTF-8 or not, in blocks of any size."""
    with suppress(NotRegularError):
        rows = rows_by_arrow(content, columns=columns, block_bytes=block_bytes)
        assert rows == rows_by_csv(content)


@given(rows=ROWS, all_quoted=st.booleans(), bom=st.sampled_from([b"", b"\xef\xbb\xbf"]))
def test_what_is_written_is_never_declined(rows, all_quoted, bom):
    """Commas, quotes and line ends in cells; only a carriage return and a byte order mark are."""
    if rows[0][0].startswith("\ufeff"):
        return
    columns = [[row[place] for row in rows] for place in range(3)]
    content = bom + as_lines(columns, all_quoted=all_quoted).encode()
    assert rows_by_arrow(content) == rows


@given(rows=ROWS, margin=st.integers(0, 9))
def test_blocks_end_between_rows(rows, margin):
    """A block of the longest row or more; line ends in cells are not taken for ends of rows."""
    rows = [[cell.replace("\ufeff", "") for cell in row] for row in rows]
    written = [as_lines([[cell] for cell in row]).encode() for row in rows]
    longest = max(map(len, written))
    assert rows_by_arrow(b"".join(written), block_bytes=longest + margin) == rows


def test_a_row_that_is_longer_than_a_block_is_declined():
    """And one of the length of a block is not."""
    assert rows_by_arrow(b"a,b,c\n" * 3, block_bytes=5) == [["a", "b", "c"]] * 3
    with pytest.raises(NotRegularError, match="longer than a block"):
        rows_by_arrow(b"a,b,c\n" * 3, block_bytes=2)


@pytest.mark.parametrize("content", [b"", b"\n", b"a,b\n", b"a,b,c,d\n", b"a,b,c\nd,e\n"])
def test_rows_of_another_length_are_declined(content):
    """Also a file without a header."""
    with pytest.raises(NotRegularError):
        rows_by_arrow(content)


# --- cells to columns ----------------------------------------------------------------------------

NUMBERS = st.text(alphabet="0123456789+-.eE", max_size=24)
ODD_NUMBERS = (
    *("", " 7", "7 ", "007", "+7", "-0", "0x1F", "1_000", "\u0667", "9223372036854775808"),
    *("1e400", "1e-400", "-0.0", "nan", "NaN", "inf", "Infinity", "nan(7)", "1.", ".5", "1e"),
)
ODD_TEXTS = ("True", "true", "False", "<NA>", "a", "b", "\x00", "'=1", "''=1", "'a", "=1")
ODD_STAMPS = (
    *("2026-02-30T00:00:00", "2026-02-28T25:00:00", "2026-02-28 00:00:00", "2026-02-28"),
    *("2026-02-28T00:00:00+00:00", "2026-02-28T00:00:00+01:00", "2026-02-28T00:00:00.100000"),
    *("1677-12-31T00:00:00", "1678-01-01T00:00:00", "2261-12-31T00:00:00", "2262-01-01T00:00:00"),
)
ODD = st.sampled_from(ODD_NUMBERS + ODD_TEXTS + ODD_STAMPS)
WRITTEN = {
    "i": st.integers(-(2**63), 2**63 - 1).map(str),
    "f": st.floats(allow_nan=False).map(repr) | st.integers().map(str) | NUMBERS,
    "b": st.sampled_from(["True", "False"]),
    "P": st.datetimes().map(lambda one: one.isoformat())
    | st.datetimes().map(lambda one: f"{one.isoformat()}+00:00")
    | st.datetimes().map(lambda one: f"{one.isoformat()}.123456789"),
    "s": st.text(max_size=4),
}
DTYPES_OF = {
    "i": ["int64", "Int64", "int8", "uint64", "object", "float64", "arrow:int64"],
    "f": ["float64", "float32", "Float64", "object"],
    "b": ["bool", "boolean", "object"],
    "P": [f"datetime64[{unit}{zone}]" for unit in ("s", "us", "ns") for zone in ("", ", UTC")],
    "s": ["str[pyarrow]", "str[python]", "string[pyarrow]", "object"],
}


@st.composite
def notes(draw: st.DrawFn) -> tuple[list[str], dict[str, Any]]:
    """The cells of a column, and a note that they fit or not."""
    kind = draw(st.sampled_from(sorted(WRITTEN)))
    cells = draw(st.lists(WRITTEN[kind], max_size=6) | st.lists(WRITTEN[kind] | ODD, max_size=6))
    note = {
        "mailframe:dtype": draw(st.sampled_from(DTYPES_OF[kind])),
        "mailframe:kind": kind,
        "mailframe:gap": draw(st.sampled_from("nN0?")),
    }
    if kind == "s" and draw(st.booleans()):
        names = list(dict.fromkeys(cells))[: draw(st.integers(0, 6))]
        categories = {
            "mailframe:dtype": draw(st.sampled_from(["str[pyarrow]", "object"])),
            "mailframe:kind": "s",
            "mailframe:texts": names,
        }
        note = {
            "mailframe:dtype": "category",
            "mailframe:ordered": draw(st.booleans()),
            "mailframe:categories": categories,
        }
    return cells, note


def column_or_error(cells: Any, note: dict[str, Any], **how: Any) -> pd.Series | str:
    """What a reader makes of the cells."""
    reader = ColumnReader(note, rows=len(cells))
    try:
        reader.add(cells, **how)
    except (ResultsError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return reader.column()


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # of float32
@settings(max_examples=150, deadline=None)
@given(of=notes(), null=st.sampled_from(["", "<NA>"]), unshielded=st.booleans())
def test_a_column_is_the_one_of_the_plain_way(of, null, unshielded):
    """The same column or the same error, for cells that fit their note and cells that do not."""
    cells, note = of
    texts = ArrowCells(pa.array([cell or None for cell in cells], pa.large_string()))
    expected = column_or_error(tuple(cells), note, null=null, unshielded=unshielded)
    column = column_or_error(texts, note, null=null, unshielded=unshielded)
    if isinstance(expected, str):
        assert column == expected
    else:
        pd.testing.assert_series_equal(column, expected)
        assert column.dtype == expected.dtype
        if expected.dtype == np.float64:
            assert column.to_numpy().tobytes() == expected.to_numpy().tobytes()


QUICK = {
    "text": text_column(["a", None, "b"]),
    "whole numbers": pd.Series([-7, 0, 7]),
    "nullable whole numbers": pd.Series([7, None], dtype="Int64"),
    "numbers": pd.Series([1.5, -0.0, 1e300, np.nan]),
    "truth values": pd.Series([True, False]),
    "categories": pd.Series(["a", None], dtype="category"),
    "days": pd.Series(pd.to_datetime(["2026-02-28", None])),
    "stamps": pd.Series(pd.to_datetime(["2026-02-28T01:02:03.123456789Z", None], utc=True)),
}


@pytest.mark.parametrize("name", QUICK)
def test_an_ordinary_column_takes_the_quick_way(name):
    """In both directions, so that a change never makes everything plain unnoticed."""
    column = QUICK[name]
    cells = column_cells(column)
    written = cells_of(cells, 0, len(column), safe=False, null="")
    assert isinstance(written, list if name == "numbers" else pa.Array)
    texts = pa.array([text or None for text in as_texts([written])[0]], pa.large_string())
    note = cells.note()
    read = _READ[_form(note)](texts, note)
    pd.testing.assert_series_equal(read, column)
    read.array[0] = column.array[0]  # its memory can be written to


# --- columns to lines ----------------------------------------------------------------------------


def assert_same_cells(column: pd.Series, *, safe: bool) -> None:
    """The same cells and the same note."""
    plain, quick = column_cells(column), column_cells(column)
    null = plain.null
    for start in range(0, max(len(column), 1), 2):
        expected = list(plain_cells(plain, start, start + 2, safe=safe, null=null))
        cells = cells_of(quick, start, start + 2, safe=safe, null=null)
        assert list(as_texts([cells])[0]) == expected
    assert quick.note() == plain.note()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("name", sorted(ZOO))
def test_the_cells_of_the_zoo_are_those_of_the_plain_way(name, safe):
    """Every column of every frame, two rows at a time."""
    frame = results_of(ZOO[name]())
    for place in range(frame.shape[1]):
        assert_same_cells(frame.iloc[:, place], safe=safe)


@settings(deadline=None)
@given(frame=frames(max_rows=6), safe=st.booleans())
def test_the_cells_of_any_column_are_those_of_the_plain_way(frame, safe):
    """Random dtypes."""
    for place in range(frame.shape[1]):
        assert_same_cells(frame.iloc[:, place], safe=safe)


@given(
    texts=st.lists(st.text(alphabet="a0'\"=+-@\t\n\uff1d\u2028 ", max_size=3) | st.none()),
    safe=st.booleans(),
)
def test_formulas_are_shielded_as_in_the_plain_way(texts, safe):
    """A column of text takes the quick way only if no text begins like a formula."""
    assert_same_cells(text_column(texts), safe=safe)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats() | st.floats(9e-5, 1.1e-4) | st.floats(9e15, 1.1e16)))
@example([1e-4, 9.999999999999999e-05, 1e16, 9999999999999998.0, 5e-324, -0.0, 0.1 + 0.2])
def test_floats_are_written_by_their_repr(values):
    """Around the sizes at which an exponent begins, infinite and missing."""
    cells = column_cells(pd.Series(values, dtype="float64")).texts(0, len(values))
    assert cells == [None if value != value else repr(value) for value in values]  # noqa: PLR0124


@given(rows=ROWS, in_arrow=st.lists(st.booleans(), min_size=3, max_size=3))
def test_lines_are_those_of_the_plain_way(rows, in_arrow):
    """Columns of Arrow text and of Python strings, with and without quotes."""
    columns = [[row[place] for row in rows] for place in range(3)]
    mixed = [
        pa.array(column, pa.large_string()) if arrow else column
        for column, arrow in zip(columns, in_arrow, strict=True)
    ]
    assert lines(mixed) == as_lines(columns).encode()


def test_half_a_surrogate_pair_is_left_to_the_plain_way():
    """Arrow cannot hold it; the plain way names it."""
    assert lines([["a"], ["\ud800"]]) is None


@pytest.mark.parametrize("is_category", [False, True])
def test_half_a_surrogate_pair_has_the_error_of_the_plain_way(is_category, tmp_path):
    """In a cell and in a category; nothing is written."""
    column = pd.Series(["a", "b\ud800"], dtype="object")
    if is_category:
        column = pd.Series(pd.Categorical.from_codes([0, 1], pd.Index(column, dtype="object")))
    with pytest.raises(ResultsError, match=r"half a surrogate pair, .*'b\\ud800,"):
        write_csv(results_of(pd.DataFrame({"x": column})), tmp_path / "r.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_cell_never_makes_its_row_empty():
    """The other cells of the row would be lost."""
    with pytest.raises(ValueError, match="missing"):
        lines([pa.array(["a", None], pa.large_string()), ["1", "2"]])


def test_a_column_of_many_categories_is_written_the_plain_way():
    """More words than the rows of a chunk; at the boundary both ways give the same."""
    for words in (CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1):
        column = pd.Series([*map(str, range(words)), None], dtype="category")
        cells = cells_of(column_cells(column), 0, words + 1, safe=False, null="")
        assert isinstance(cells, pa.Array) == (words < CHUNK_ROWS)
        assert list(as_texts([cells])[0]) == [*map(str, range(words)), ""]


# --- whole files ---------------------------------------------------------------------------------

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 2),
        st.sampled_from(
            [b"", b",", b'"', b"\n", b"\r", b"\x00", b"7", b"-", b".", b"e", b"'", b" "]
        )
        | st.sampled_from([b"\xff", b'""', b",\n", b"\xef\xbb\xbf", b"_", b"T", b"+", b"1,2"]),
    ),
    max_size=3,
)


def edited(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """The content with some bytes removed and others in their place."""
    for share, removed, added in edits:
        place = int(share * len(content))
        content = content[:place] + added + content[place + removed :]
    return content


def read_by(read: Any, path: Path) -> pd.DataFrame | None:
    """The frame of one way; None if anything is wrong."""
    metadata = results_csv._read_metadata(path.with_name(f"{path.name}-metadata.json"))
    try:
        return read(path, metadata)
    except results_csv._ANYTHING_WRONG:
        return None


@settings(in_one_folder, max_examples=60)
@given(frame=frames(max_rows=5), safe=st.booleans(), edits=EDITS)
def test_an_edited_file_is_read_as_the_plain_way_does(frame, safe, edits, tmp_path):
    """Arrow gives the same frame or none; a file without edits it always reads."""
    path = tmp_path / "r.csv"
    write_csv(results_of(frame), path, excel_safe=safe)
    written = path.read_bytes()
    path.write_bytes(edited(written, edits))
    by_arrow = read_by(results_csv._read_by_arrow, path)
    by_csv = read_by(results_csv._read_by_csv, path)
    if by_arrow is not None:
        assert_same(by_arrow, by_csv)
    elif not edits and b"\r" not in written and written.count(b"\xef\xbb\xbf") == 0:
        assert by_csv is None


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_frame_of_the_zoo_is_read_by_pyarrow(name, tmp_path):
    """The plain way is for files that were edited, and for carriage returns."""
    path = tmp_path / "r.csv"
    write_csv(results_of(ZOO[name]()), path)
    by_csv = read_by(results_csv._read_by_csv, path)
    by_arrow = read_by(results_csv._read_by_arrow, path)
    if b"\r" not in path.read_bytes():
        assert_same(by_arrow, by_csv)
