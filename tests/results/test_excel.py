"""A results frame as an Excel file: what a spreadsheet shows is what the frame holds."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.results.excel import MAX_CELL_UNITS, excel_value
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from tests.campaigns import campaign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file goes."""
    return tmp_path / "results.xlsx"


def results_of(**columns: Any) -> pd.DataFrame:
    """A results frame over these columns."""
    frame = pd.DataFrame(columns)
    return results_frame(frame, RowResults(len(frame)))


def sheet_of(path: Path) -> Any:
    """The one sheet of a file."""
    return openpyxl.load_workbook(path)["results"]


def column(path: Path, name: str) -> list[Any]:
    """The cells below a header."""
    header, *rows = sheet_of(path).iter_rows()
    place = [cell.value for cell in header].index(name)
    return [row[place] for row in rows]


def test_the_stamps_of_a_run_are_written_as_utc(path):
    """``results.to_excel`` of pandas refuses them for their zone."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(3).send(sandbox.server, progress=False)
    results.mail.to_excel(path)
    written = [cell.value for cell in column(path, "SubmittedAt")]
    assert all(stamp.tzinfo is None for stamp in written)
    expected = results["SubmittedAt"].dt.tz_localize(None)
    assert (pd.Series(written) - expected).abs().max() <= pd.Timedelta("1ms")
    assert [cell.value for cell in column(path, "MessageID")] == results["MessageID"].tolist()
    assert [cell.value for cell in column(path, "batch")] == [1, 1, 1]
    read = pd.read_excel(path)
    assert list(read) == list(results)
    assert read["status"].tolist() == ["accepted"] * 3


@pytest.mark.parametrize(
    "text",
    ["0150", "=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "#N/A", "#REF!", "TRUE", "1e5"],
)
def test_text_stays_text(text, path):
    """Zip codes keep their zeros; no cell is a formula or an error, also not after an edit."""
    results_of(zip=[text], **{text: ["x"]}).mail.to_excel(path)
    [cell] = column(path, "zip")
    assert (cell.value, cell.data_type) == (text, "s")
    assert cell.quotePrefix or text[0] not in "=+-@#"
    assert column(path, text)[0].value == "x"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        (True, True),
        (1.5, 1.5),
        (10**15 - 1, 10**15 - 1),
        (10**15, "1000000000000000"),
        (1234567890123456.0, "1234567890123456"),
        (float("inf"), "inf"),
        (Decimal("1.10"), 1.10),
        (Decimal("1.2345678901234567"), "1.2345678901234567"),
        (dt.date(2026, 11, 25), dt.datetime(2026, 11, 25)),  # noqa: DTZ001 - Excel has no zones
        (dt.date(1899, 12, 31), "1899-12-31"),
        (dt.time(9, 30), dt.time(9, 30)),
        (dt.timedelta(hours=30), dt.timedelta(hours=30)),
        (dt.timedelta(hours=-1), "-1 day, 23:00:00"),
        (pd.Timestamp("2026-11-25 12:00", tz="Europe/Oslo"), dt.datetime(2026, 11, 25, 11)),  # noqa: DTZ001
        (pd.Timestamp("2026-11-25 12:00"), dt.datetime(2026, 11, 25, 12)),  # noqa: DTZ001
        (None, None),
        (pd.NaT, None),
        (float("nan"), None),
        (["a", 1], "['a', 1]"),
        (b"x", "b'x'"),
        (pd.Period("2026-11"), "2026-11"),
    ],
)
def test_a_cell_is_written_exactly_or_as_text(value, expected, path):
    """Excel keeps 15 digits and no year before 1900; other values are text."""
    results_of(value=pd.Series([value], dtype=object)).mail.to_excel(path)
    [cell] = column(path, "value")
    assert cell.value == expected


@given(
    st.one_of(
        st.integers(),
        st.floats(allow_nan=False),
        st.text(),
        st.booleans(),
        st.decimals(allow_nan=False),
    )
)
def test_no_number_loses_a_digit(value):
    """A number that Excel could not keep is the text of all its digits."""
    cell = excel_value(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        digits = Decimal(str(cell)).as_tuple().digits if Decimal(str(cell)).is_finite() else ()
        assert isinstance(cell, str | float) or len(digits) <= 15
        assert type(value)(cell) == value
    else:
        assert cell == value


@pytest.mark.parametrize(
    ("index", "headers", "first"),
    [
        (pd.RangeIndex(2), [], []),
        (pd.RangeIndex(5, 7), [""], [5]),
        (pd.Index(["a", "a"], name="who"), ["who"], ["a"]),
        (pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"]), ["x", "y"], ["a", 1]),
    ],
)
def test_an_index_with_labels_is_written_first(index, headers, first, path):
    """An index that counts from 0 is not written."""
    results_of(n=[1, 2]).set_axis(index).mail.to_excel(path)
    header, row, _ = sheet_of(path).iter_rows(values_only=True)
    assert [name or "" for name in header][: len(headers) + 1] == [*headers, "n"]
    assert list(row[: len(first) + 1]) == [*first, 1]


@pytest.mark.parametrize("dtype", ["str", "string", "category", "object", "string[pyarrow]"])
def test_every_kind_of_text_column_is_text(dtype, path):
    """A missing value is an empty cell."""
    results_of(zip=pd.Series(["0150", None], dtype=dtype)).mail.to_excel(path)
    assert [cell.value for cell in column(path, "zip")] == ["0150", None]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a\x07b", r"the character '\\x07'"),
        ("\ud800", "the character"),
        ("x" * 32_768, "32,768 characters"),
    ],
)
def test_what_excel_cannot_hold_is_refused_with_row_and_column(text, what, path):
    """Nothing is cut off silently, and no file is left behind."""
    results = results_of(note=pd.Series(["fine", text], dtype=object)).set_axis(["a", "b"])
    with pytest.raises(
        mf.errors.ResultsError, match=f"row 'b', column 'note': Excel cannot hold .*{what}"
    ):
        results.mail.to_excel(path)
    assert list(path.parent.iterdir()) == []


def test_a_row_is_named_by_its_label_as_in_other_errors(path):
    """A number of the index is no number of numpy."""
    results = results_of(note=["fine", "a\x07b"]).set_axis([5, 7])
    with pytest.raises(mf.errors.ResultsError, match=r"^row 7, column 'note'"):
        results.mail.to_excel(path)


def test_the_longest_text_that_excel_takes_is_written(path):
    """32,767 UTF-16 units."""
    results_of(note=["x" * MAX_CELL_UNITS]).mail.to_excel(path)
    assert len(column(path, "note")[0].value) == MAX_CELL_UNITS


@pytest.mark.parametrize(
    ("frame", "name", "message"),
    [
        (pd.DataFrame({"a": [1]}), "r.xlsx", "not a results DataFrame"),
        (results_of(a=[1]), "r.csv", "to_csv writes CSV"),
        (results_of(a=[1]), "r.xls", "to_excel writes .xlsx files"),
        (results_of(a=[1]), "nowhere/r.xlsx", "in a folder that exists"),
    ],
)
def test_a_call_that_cannot_work_says_why(frame, name, message, tmp_path):
    """Another frame, another ending, no folder."""
    with pytest.raises(mf.errors.ResultsError, match=message):
        frame.mail.to_excel(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_without_openpyxl_the_extra_is_named():
    """In a process of its own, where it cannot be imported."""
    script = (
        "import sys; sys.modules['openpyxl'] = None\n"
        "import pandas as pd, mailframe as mf\n"
        "from mailframe.results.frame import results_frame\n"
        "from mailframe.results.row_results import RowResults\n"
        "try: results_frame(pd.DataFrame({'a': [1]}), RowResults(1)).mail.to_excel('r.xlsx')\n"
        "except mf.errors.MissingExtra as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (
        done.stdout
        == 'results.mail.to_excel needs the extra "excel": pip install "mailframe[excel]"\n'
    )
