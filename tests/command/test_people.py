"""PEOPLE: files become frames by documented rules, and a file that does not fit is an error."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import sys
from decimal import Decimal

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.command.arguments import make_parser
from mailframe.command.people import read_people
from mailframe.command.people_csv import type_of
from mailframe.errors import FrameError
from mailframe.pandas_versions import text_dtype


def read(path, *options: str) -> pd.DataFrame:
    """The frame of a file, with options of the command line."""
    return read_people(make_parser().parse_args(["problems", "letter", str(path), *options]))


def read_text(tmp_path, text: str | bytes, *options: str) -> pd.DataFrame:
    """The frame of a CSV with this content."""
    path = tmp_path / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path, *options)


# --- types of a CSV ------------------------------------------------------------------------------

TYPES = {
    "whole numbers": (["3", "-4", "0"], "int64", [3, -4, 0]),
    "zip codes": (["02101", "10115"], "str", ["02101", "10115"]),
    "phone numbers": (["+4930", "4930"], "str", ["+4930", "4930"]),
    "prices": (["12.50", "7"], "object", [Decimal("12.50"), Decimal(7)]),
    "article numbers": (["1e5", "2e5"], "str", ["1e5", "2e5"]),
    "decimal commas": (['"1,50"', '"2,00"'], "str", ["1,50", "2,00"]),
    "truth values": (["true", "false"], "bool", [True, False]),
    "truth values of Excel": (["TRUE", "FALSE"], "bool", [True, False]),
    "words in two spellings": (["true", "FALSE"], "str", ["true", "FALSE"]),
    "words for missing values": (["NA", "null"], "str", ["NA", "null"]),
    "the largest int64": ([str(2**63 - 1)], "int64", [2**63 - 1]),
    "one above it": ([str(2**63)], "str", [str(2**63)]),
    "what Python writes as 1E-7": (["0.0000001"], "str", ["0.0000001"]),
    "minus zero": (["-0"], "str", ["-0"]),
    "digits of other scripts": (["٣"], "str", ["٣"]),
    "spaces": ([" 3"], "str", [" 3"]),
}


@pytest.mark.parametrize(("cells", "dtype", "values"), TYPES.values(), ids=TYPES)
def test_a_column_has_the_type_that_loses_nothing(cells, dtype, values, tmp_path):
    """One value that a number would change keeps the whole column text."""
    frame = read_text(tmp_path, "email,x\n" + "".join(f"a,{cell}\n" for cell in cells))
    assert frame["x"].dtype == (text_dtype() if dtype == "str" else dtype)
    assert frame["x"].tolist() == values


def test_a_missing_value_keeps_numbers_whole(tmp_path):
    """3 beside an empty cell is not 3.0."""
    frame = read_text(tmp_path, "email,seats,ok,name\na,3,true,\nb,,,x\n")
    assert frame.dtypes.tolist() == [text_dtype(), "Int64", "boolean", text_dtype()]
    assert frame.iloc[1].isna().tolist() == [False, True, True, False]
    assert pd.isna(frame["name"].iloc[0])


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False) | st.integers()))
def test_numbers_are_written_back_as_they_were_read(numbers):
    """Whatever is read as a number prints as the cell did."""
    cells = [str(number) for number in numbers]
    kind = {"int": int, "decimal": Decimal, "str": str}[type_of(cells)]
    assert [str(kind(cell)) for cell in cells] == cells


def test_dtype_and_missing_say_otherwise(tmp_path):
    """The user's word counts more than the rule."""
    text = "email,zip,price,seats,since,ok\na,2101,1.50,3,2026-11-26,true\nb,7,NA,NA,NA,NA\n"
    frame = read_text(
        tmp_path,
        text,
        *("--dtype", "zip=str", "--dtype", "price=float", "--dtype", "since=datetime"),
        *("--missing", "NA"),
    )
    assert frame["zip"].tolist() == ["2101", "7"]
    assert frame["price"].iloc[0] == 1.5
    assert (str(frame["seats"].dtype), str(frame["ok"].dtype)) == ("Int64", "boolean")
    assert frame["since"].iloc[0] == dt.datetime(2026, 11, 26)  # noqa: DTZ001 - a date without a zone
    assert frame.iloc[1, 2:].isna().all()


# --- what a CSV can look like --------------------------------------------------------------------

SAME = {
    "plain": b"email,name\nann@example.com,K\xc3\xa4the\n",
    "with a byte order mark": b"\xef\xbb\xbfemail,name\nann@example.com,K\xc3\xa4the\n",
    "semicolons": b"email;name\r\nann@example.com;K\xc3\xa4the\r\n",
    "tabs": b"email\tname\nann@example.com\tK\xc3\xa4the",
    "old Mac line ends": b"email,name\rann@example.com,K\xc3\xa4the\r",
    "quotes": b'"email","name"\n"ann@example.com","K\xc3\xa4the"\n',
    "blank rows": b"email,name\nann@example.com,K\xc3\xa4the\n\n,\n",
    "empty columns at the end": b"email,name,,\nann@example.com,K\xc3\xa4the,,\n",
}


@pytest.mark.parametrize("content", SAME.values(), ids=SAME)
def test_a_csv_is_read_in_every_usual_form(content, tmp_path):
    """The separator is a comma, or what a header without one has."""
    frame = read_text(tmp_path, content)
    assert frame.to_dict("list") == {"email": ["ann@example.com"], "name": ["Käthe"]}
    assert frame.index.tolist() == [2]


def test_rows_have_the_numbers_that_a_spreadsheet_shows(tmp_path):
    """The header is row 1; a line break in a cell makes no row, and a blank row counts."""
    frame = read_text(tmp_path, 'email,note\na,"two\nlines"\n\nb,\n')
    assert frame.index.tolist() == [2, 4]
    assert frame["note"].iloc[0] == "two\nlines"


def test_other_encodings_and_separators_are_named(tmp_path):
    """A header with a comma in it, and Windows."""
    content = '"a,b"|name\n1|Käthe\n'.encode("cp1252")
    frame = read_text(tmp_path, content, "--sep", "|", "--encoding", "cp1252")
    assert frame.to_dict("list") == {"a,b": [1], "name": ["Käthe"]}


def test_a_huge_cell_is_read(tmp_path):
    """Python's csv refuses cells above 131,072 characters by default."""
    assert len(read_text(tmp_path, f"email,note\na,{'x' * 1_000_000}\n")["note"].iloc[0]) == 10**6


def test_standard_input_and_packed_files_are_csv(tmp_path, monkeypatch):
    """``-`` is CSV."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SAME["plain"])))
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(SAME["plain"]))
    assert read("-").equals(read(tmp_path / "people.csv.gz"))


WRONG = {
    "empty": (b" \n", "the file is empty; it needs a header"),
    "two columns of one name": (b"email,a,email\n", "columns 1 and 3 are both called 'email'"),
    "an index of pandas": (b",email\n0,a\n", r"column 1 has values and no name; .*index=False"),
    "a short row": (b"a,b\n1,2\n1\n", "row 3 has 1 cells and the header has 2; put quotes"),
    "an open quote": (b'a,b\n1,"2\n', "it is not a CSV"),
    "Latin-1": (b"a\nK\xe4the\n", r"not utf-8 \(byte 3\); .*--encoding cp1252"),
    "UTF-16": ("a\nb\n".encode("utf-16"), "add --encoding utf-16"),
}


@pytest.mark.parametrize(("content", "text"), WRONG.values(), ids=WRONG)
def test_a_csv_that_does_not_fit_is_refused(content, text, tmp_path):
    """The error names the file, the place and what to do."""
    with pytest.raises(FrameError, match=f"people.csv: .*{text}"):
        read_text(tmp_path, content)


WRONG_OPTIONS = {
    "a column that is not there": (["--dtype", "zp=str"], r"did you mean zip\?.*'email', 'zip'"),
    "a cell of another type": (["--dtype", "email=int"], "row 2: email is 'a'.*email=str"),
    "infinity": (["--dtype", "zip=float"], "row 3: zip is 'inf'"),
    "an unknown encoding": (["--encoding", "utf-99"], "no encoding 'utf-99'"),
    "a sheet of a CSV": (["--sheet", "x"], "--sheet is for Excel"),
}


@pytest.mark.parametrize(("options", "text"), WRONG_OPTIONS.values(), ids=WRONG_OPTIONS)
def test_an_option_that_does_not_fit_is_refused(options, text, tmp_path):
    """Before anything is rendered."""
    with pytest.raises(FrameError, match=text):
        read_text(tmp_path, "email,zip\na,1\nb,inf\n", *options)


NOT_READ = {"x.xls": "save it as .xlsx", "x.json": r"\.jsonl", "x.md": "the letter comes first"}


@pytest.mark.parametrize(("name", "text"), NOT_READ.items())
def test_other_kinds_of_files_are_refused(name, text, tmp_path):
    """With the kind to use instead; before the file is opened."""
    with pytest.raises(FrameError, match=text):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_path_that_is_no_file_is_refused(name):
    """A folder, too."""
    with pytest.raises(FrameError, match=r"no such file|cannot be read"):
        read(name)


# --- Excel, Parquet, JSON lines ------------------------------------------------------------------


def excel(path, *sheets) -> None:
    """Write a workbook with one sheet per list of rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_excel_cells_keep_their_types(tmp_path):
    """A whole number beside an empty cell stays whole, text keeps its zeros, rows their numbers."""
    rows = [
        ["email", "zip", "seats", "since", "ok"],
        ["a", "02101", 3, dt.datetime(2026, 11, 26), True],  # noqa: DTZ001 - as Excel has it
        [],
        ["b", "7", None, None, False],
    ]
    excel(tmp_path / "people.xlsx", rows)
    frame = read(tmp_path / "people.xlsx")
    assert frame.index.tolist() == [2, 4]
    assert frame["zip"].tolist() == ["02101", "7"]
    assert (str(frame["seats"].dtype), str(frame["ok"].dtype)) == ("Int64", "bool")
    assert frame["since"].iloc[0] == dt.datetime(2026, 11, 26)  # noqa: DTZ001 - as above
    assert read(tmp_path / "people.xlsx", "--dtype", "seats=str")["seats"].iloc[0] == "3"


def test_of_several_sheets_one_is_named(tmp_path):
    """The error lists them."""
    path = tmp_path / "people.xlsx"
    excel(path, [["email"], ["a"]], [["email"], ["b"]], [])
    with pytest.raises(FrameError, match="has 3 sheets; name one: --sheet 'sheet 0'"):
        read(path)
    with pytest.raises(FrameError, match="no sheet 'x'"):
        read(path, "--sheet", "x")
    with pytest.raises(FrameError, match="the sheet is empty"):
        read(path, "--sheet", "sheet 2")
    assert read(path, "--sheet", "sheet 1")["email"].tolist() == ["b"]


def test_an_error_of_a_formula_is_refused(tmp_path):
    """``#N/A`` would be printed to a person."""
    excel(tmp_path / "people.xlsx", [["email", "x"], ["a", "#N/A"]])
    with pytest.raises(FrameError, match="cell B2 has the error #N/A"):
        read(tmp_path / "people.xlsx")


def test_parquet_keeps_its_types(tmp_path):
    """A whole number beside a missing one stays whole; a named index becomes a column."""
    path = tmp_path / "people.parquet"
    frame = pd.DataFrame({"email": ["a", "b"], "seats": [3, None]}, pd.Index(["x", "y"], name="id"))
    frame.astype({"seats": "Int64"}).to_parquet(path)
    people = read(path)
    assert people.columns.tolist() == ["id", "email", "seats"]
    assert (str(people["seats"].dtype), people["id"].tolist()) == ("Int64", ["x", "y"])
    assert str(read(path, "--dtype", "seats=str")["seats"].iloc[0]) == "3"


def test_json_lines_keep_their_types(tmp_path):
    """Lists stay lists, and a member that an object lacks is missing."""
    path = tmp_path / "people.jsonl"
    path.write_text('{"email": "a", "seats": 3, "orders": [{"n": 1}]}\n\n{"email": "b"}\n')
    frame = read(path)
    assert frame.index.tolist() == [1, 3]
    assert str(frame["seats"].dtype) == "Int64"
    assert frame["orders"].tolist() == [[{"n": 1}], None]


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("x.jsonl", b'{"a": 1}\n[1]', "line 2 is '\\[1\\]'; each line is one object"),
        ("x.jsonl", b'{"a": NaN}', "line 1 is not JSON .*write null"),
        ("x.jsonl", b"{", "line 1 is not JSON"),
        ("x.jsonl", b"", "the file is empty"),
        ("x.jsonl", b"\xff", "not UTF-8"),
        ("x.parquet", b"no", "not a Parquet file"),
        ("x.xlsx", b"no", "not an Excel file"),
    ],
)
def test_a_damaged_file_is_refused(name, content, text, tmp_path):
    """With its line where there is one."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FrameError, match=text):
        read(tmp_path / name)
