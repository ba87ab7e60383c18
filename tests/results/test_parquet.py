"""Results as Parquet: the identical frame comes back, or an error names the column and the row."""

from __future__ import annotations

import datetime as dt
import re
import sys
import tempfile
import zlib
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

import mailframe as mf
from mailframe.errors import MissingExtra, ResultsError
from mailframe.pandas_versions import has_text_dtype
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from tests import frames

MIXED = {
    "object_index": "level 0 of the index, row 1: .*the int 1 after",
    "all_gap_row": "column 'o', row 2: .*the int 3 after",
    "column_object_mixed": "column 'x', row 1: .*the int 1 after",
    "column_object_int": r"column 'x', row 2: .*the int 10{30};",
    "column_category_mixed": "column 'x', row 1: .*the str '1' after",
    "column_datetime_objects": "column 'x', row 1: .*the datetime datetime.datetime",
    "column_lists": r"column 'x', row 2: .*the list \['x', None\] after",
    "column_dicts": r"column 'x', row 0: .*the dict \{'a': 1\};",
    "column_arrays": r"column 'x', row 0: .*the ndarray array\(\[1, 2\]\);",
    "column_complex": "column 'x': .*the dtype complex128",
}
"""What Parquet has no type for, with the error."""


def results_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the columns of results."""
    return results_frame(frame, RowResults(len(frame)))


def back(results: pd.DataFrame, path: Path) -> pd.DataFrame:
    """What is read from the file that was written."""
    results.mail.to_parquet(path)
    return mf.read_results(path)


def assert_same_with_freq(read, results):
    """The same frame; an object index without rows has another type to pandas 2."""
    index_type = "equiv" if len(results) or has_text_dtype() else False
    pd.testing.assert_frame_equal(read, results, check_freq=True, check_index_type=index_type)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(frames.ZOO.keys() - MIXED.keys()))
def test_the_identical_frame_comes_back(tmp_path, name):
    """Every dtype, index and label of the zoo, with the order of categories and the frequency."""
    results = results_of(frames.ZOO[name]())
    read = back(results, tmp_path / "r.parquet")
    assert_same_with_freq(read, results)
    assert type(read) is mf.Results
    for one, other in zip(read.items(), results.items(), strict=True):
        if other[1].dtype == object:
            assert repr(one[1].tolist()) == repr(other[1].tolist())


@pytest.mark.parametrize("name", sorted(MIXED))
def test_what_has_no_type_names_column_and_row(tmp_path, name):
    """The remedy is code that runs, and nothing is written."""
    results = results_of(frames.ZOO[name]())
    with pytest.raises(ResultsError, match=MIXED[name]) as caught:
        results.mail.to_parquet(tmp_path / "r.parquet")
    assert list(tmp_path.iterdir()) == []
    remedy = re.search(r"as in (.*), drop the column, or use to_csv$", str(caught.value))[1]
    fixed = eval(remedy, {"results": results})  # noqa: S307 - our own sentence
    results = results.assign(x=fixed) if isinstance(fixed, pd.Series) else fixed
    if name != "all_gap_row":
        back(results, tmp_path / "r.parquet")


@settings(max_examples=50, deadline=None)
@given(frame=frames.frames())
def test_any_frame_comes_back_or_is_refused(frame):
    """Nothing in between: no dtype, cell, label or index is another one afterwards."""
    results = results_of(frame)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.parquet"
        try:
            read = back(results, path)
        except ResultsError as error:
            assert re.search(r"(column|level) .*: Parquet cannot hold", str(error))  # noqa: PT017
            assert not path.exists()
            return
        assert_same_with_freq(read, results)
        assert type(read.index) is type(results.index)
        for one, other in zip(read.items(), results.items(), strict=True):
            if other[1].dtype == object:
                assert repr(one[1].tolist()) == repr(other[1].tolist())


@pytest.mark.parametrize(
    "cells",
    [
        [Decimal("1.5"), Decimal("1.50"), None, Decimal("1E+3"), Decimal("-0.001")],
        [None, float("nan"), pd.NaT, pd.NA, "x"],
        [[1, None], [], None, [3]],
        [["a"], ["b", None]],
        [[{"item": "tea", "on": pd.Timestamp("2026-01-02", tz="UTC")}], []],
        [[{"item": "tea", "price": Decimal("1.10")}], [{"item": "cup", "price": Decimal("2.00")}]],
        [(1, 2), (3, 4)],
        [pd.Timedelta("1s"), None],
        [dt.timedelta(seconds=1)],
        [pd.Timestamp("2026-01-02T03:04:05.123456"), pd.NaT],
        [b"\x00\xff", None],
        [0.0, -0.0, float("inf"), float("nan")],
        [None, None],
        [],
    ],
    ids=repr,
)
def test_object_cells_are_the_same_values(tmp_path, cells):
    """With their exponents, kinds of missing values, and types within lists."""
    frame = pd.DataFrame({"x": frames._cells(*cells)})
    read = back(results_of(frame), tmp_path / "r.parquet")["x"]
    assert read.dtype == object
    assert repr(read.tolist()) == repr(frame["x"].tolist())


@pytest.mark.parametrize(
    "cells",
    [
        [Decimal("1.5"), Decimal("NaN")],
        [Decimal("0.0"), Decimal("-0.0")],
        [
            dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        ],
        ["x", "\ud800"],
        [pd.Timestamp("2026-01-02T03:04:05.123456789")],
        [{"b": 1, "a": 2}, {"a": 1, "b": 2}],
    ],
    ids=repr,
)
def test_cells_that_would_be_changed_are_refused(tmp_path, cells):
    """The error names the first row that Parquet would change."""
    with pytest.raises(ResultsError, match=r"column 'x', row [01]: Parquet cannot hold"):
        results_of(pd.DataFrame({"x": frames._cells(*cells)})).mail.to_parquet(
            tmp_path / "r.parquet"
        )


def test_stamps_of_answers_keep_their_nanoseconds(tmp_path):
    """A real run: all seven digits of SubmittedAt, MessageIDs, codes and the summary line."""
    with mf.Sandbox(in_process=True, suppressions=["p1@example.com"]) as sandbox:
        results = (
            frames.people(3)
            .mail.compose(
                sender="a@acme.example", to="{{ email }}", subject="Hi", text_body="Hi", name="hi"
            )
            .send(sandbox.server, progress=False, check_suppressed=False)
        )
    results.loc[0, "SubmittedAt"] = pd.Timestamp("2026-01-02T03:04:05.123456789Z")
    read = back(results, tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(read, results)
    assert read.loc[0, "SubmittedAt"].nanosecond == 789
    assert read.summary_line == "3 rows: 2 accepted · 1 rejected."
    types = pq.read_schema(tmp_path / "r.parquet")
    assert types.field("SubmittedAt").type == pa.timestamp("ns", "UTC")
    assert types.field("ErrorCode").type == pa.int64()


def test_other_programs_read_the_values(tmp_path):
    """With pandas alone they are columns under their names, also for a doubled label."""
    frame = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"], index=["p", "q"])
    results_of(frame).mail.to_parquet(tmp_path / "r.parquet")
    read = pd.read_parquet(tmp_path / "r.parquet")
    assert list(read.columns[:3]) == ["index_0", "x", "x_2"]
    assert read["x_2"].tolist() == ["a", "b"]


def test_a_parquet_file_of_pandas_is_read_too(tmp_path):
    """What ``results.to_parquet`` wrote, as far as pandas reads it back."""
    results = results_of(frames.people())
    results.to_parquet(tmp_path / "r.parquet")
    pd.testing.assert_frame_equal(mf.read_results(tmp_path / "r.parquet"), results)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda path: path.unlink(), "there is no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "cannot be read as Parquet"),
        (lambda path: path.write_bytes(b""), "cannot be read as Parquet"),
        (lambda path: path.write_bytes(b"a,b\n1,2\n"), "cannot be read as Parquet"),
        (lambda path: (path.unlink(), path.mkdir()), "cannot be read as Parquet"),
        (lambda path: frames.people().to_parquet(path), "not a results DataFrame"),
        (
            lambda path: pq.write_table(pq.read_table(path).drop_columns(["To"]), path),
            "its metadata is of",
        ),
    ],
    ids=["absent", "cut", "empty", "CSV", "folder", "other", "column dropped"],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, change, error):
    """One line with the name of the file."""
    path = tmp_path / "r.parquet"
    results_of(frames.people()).mail.to_parquet(path)
    change(path)
    with pytest.raises(ResultsError, match=rf"r\.parquet: .*{error}"):
        mf.read_results(path)


def test_a_failed_write_leaves_the_file_of_before(tmp_path):
    """Whole or not at all, with no other file beside it."""
    path = tmp_path / "r.parquet"
    results = results_of(frames.people())
    results.mail.to_parquet(path)
    before = path.read_bytes()
    with pytest.raises(ResultsError, match="Parquet cannot hold"):
        results.assign(x=frames._cells("x", 1, 2)).mail.to_parquet(path)
    assert [one.name for one in tmp_path.iterdir()] == ["r.parquet"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["r.csv", "r.parquet.gz", "r"])
def test_another_ending_is_refused(tmp_path, name):
    """``read_results`` tells the kind of a file by its name."""
    with pytest.raises(ResultsError, match=r"to_parquet writes \.parquet files"):
        results_of(frames.people()).mail.to_parquet(tmp_path / name)


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    """Writing and reading."""
    results = results_of(frames.people())
    results.mail.to_parquet(tmp_path / "r.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r'pip install "mailframe\[parquet\]"'):
        results.mail.to_parquet(tmp_path / "r.parquet")
    with pytest.raises(MissingExtra, match=r'pip install "mailframe\[parquet\]"'):
        mf.read_results(tmp_path / "r.parquet")


def test_a_bit_that_flipped_is_an_error(tmp_path):
    """A status must not become another one on a disk that fails."""
    frame = frames.people(12).assign(amount=[Decimal("1.5"), Decimal("1.25"), None] * 4)
    results, path = results_of(frame), tmp_path / "r.parquet"
    results.mail.to_parquet(path)
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            read = mf.read_results(path)
        except ResultsError:
            continue
        pd.testing.assert_frame_equal(read, results)


def changed_by(path: Path, change) -> None:
    """The file after another program has changed its table and kept its metadata."""
    pq.write_table(change(pq.read_table(path)), path)


def test_columns_that_another_program_has_moved_get_no_wrong_label(tmp_path):
    """The labels are those of the metadata, in its order."""
    path = tmp_path / "r.parquet"
    results_of(pd.DataFrame({"one": ["a"], "other": ["b"]})).mail.to_parquet(path)
    names = pq.read_schema(path).names
    changed_by(path, lambda table: table.select([names[1], names[0], *names[2:]]))
    with pytest.raises(ResultsError, match="another program has changed its columns"):
        mf.read_results(path)


@pytest.mark.parametrize(
    "cells", [["x", None, float("nan"), "y"], [Decimal("1.25"), Decimal("1.5"), None, None]]
)
def test_rows_that_another_program_has_moved_do_not_change_a_value(tmp_path, cells):
    """The metadata says which cells were missing, and the decimals of each."""
    path = tmp_path / "r.parquet"
    results_of(pd.DataFrame({"x": pd.Series(cells, dtype=object)})).mail.to_parquet(path)
    changed_by(path, lambda table: table.take([3, 2, 0, 1]))
    with pytest.raises(ResultsError, match="another program has changed its rows"):
        mf.read_results(path)


def test_metadata_of_endless_depth_is_an_error(tmp_path):
    """It would end in a RecursionError."""
    path = tmp_path / "r.parquet"
    results_of(frames.people(1)).mail.to_parquet(path)
    note = b"[" * 100_000
    deep = {b"mailframe": note, b"mailframe:crc32": str(zlib.crc32(note)).encode()}
    changed_by(path, lambda table: table.replace_schema_metadata(deep))
    with pytest.raises(ResultsError, match="cannot be read as Parquet"):
        mf.read_results(path)


def test_results_of_another_program_get_their_dtypes(tmp_path):
    """Without the metadata of pandas, whole numbers with gaps are read as floats."""
    path = tmp_path / "r.parquet"
    results = results_of(frames.people(3))
    table = pa.Table.from_pandas(pd.DataFrame(results), preserve_index=False)
    stamps = pa.array(["2026-01-02T03:04:05Z", None, None])
    table = table.set_column(table.column_names.index("SubmittedAt"), "SubmittedAt", stamps)
    pq.write_table(table.replace_schema_metadata(None), path)
    read = mf.read_results(path)
    assert read.dtypes.to_dict() == results.dtypes.to_dict()
    assert read["SubmittedAt"][0] == pd.Timestamp("2026-01-02T03:04:05Z")
