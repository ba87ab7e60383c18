"""A results frame to a plain CSV file and back, exactly."""

from __future__ import annotations

import errno
import json
import os
import stat
import string
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import ResultsError
from mailframe.pandas_versions import has_text_dtype, text_column, text_dtype
from mailframe.results.csv import read_results, write_csv
from mailframe.results.csv_texts import shield, unshield
from mailframe.results.frame import COLUMNS, results_frame
from mailframe.results.row_results import RowResults
from tests.frames import TEXT_IN_CSV, ZOO, frames, people
from tests.results.test_frame import some_results

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def results_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Results with every status in *frame*."""
    return results_frame(frame, some_results(len(frame)))


def assert_same(read: pd.DataFrame, written: pd.DataFrame) -> None:
    """Both frames are the same to the last bit that pandas can compare."""
    # an object index without rows is a text one to pandas 2 if its levels have unused texts
    index_type = "exact" if len(written) or has_text_dtype() else False
    pd.testing.assert_frame_equal(
        read, written, check_exact=True, check_index_type=index_type, check_column_type="exact"
    )
    assert list(map(type, read.columns)) == list(map(type, written.columns))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test writes its CSV."""
    return tmp_path / "results.csv"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("excel_safe", [False, True])
@pytest.mark.parametrize("name", sorted(set(ZOO) - TEXT_IN_CSV))
def test_an_awkward_frame_comes_back_exactly(name, excel_safe, path):
    """Every frame of the zoo, with and without ``excel_safe``."""
    results = results_of(ZOO[name]())
    write_csv(results, path, excel_safe=excel_safe)
    assert_same(read_results(path), results)


@pytest.mark.parametrize("name", sorted(TEXT_IN_CSV))
def test_what_a_csv_cannot_hold_comes_back_as_its_text(name, path):
    """Lists, dicts, bytes, periods and the like; written again, the text comes back exactly."""
    frame = ZOO[name]()
    write_csv(results_of(frame), path)
    read = read_results(path)
    expected = [
        None if cell is None or cell is pd.NA else str(cell) for cell in frame["x"].tolist()
    ]
    assert [None if pd.isna(cell) else cell for cell in read["x"]] == expected
    write_csv(read, path)
    assert_same(read_results(path), read)


@in_one_folder
@given(frame=frames(max_rows=12), excel_safe=st.booleans())
def test_any_frame_comes_back_exactly(frame, excel_safe, tmp_path):
    """Random dtypes, labels and indexes."""
    results = results_of(frame)
    write_csv(results, tmp_path / "r.csv", excel_safe=excel_safe)
    assert_same(read_results(tmp_path / "r.csv"), results)


@in_one_folder
@given(frame=frames(max_rows=12))
def test_any_csv_is_one_that_pandas_reads(frame, tmp_path):
    """Without the metadata it has the right number of rows and cells."""
    results = results_of(frame)
    write_csv(results, tmp_path / "r.csv")
    plain = pd.read_csv(
        tmp_path / "r.csv", dtype=str, header=None, keep_default_na=False, encoding="utf-8"
    )
    levels = 0 if isinstance(results.index, pd.RangeIndex) else results.index.nlevels
    assert plain.shape == (len(results) + 1, results.shape[1] + levels)


def test_results_of_results_come_back(path):
    """Two sets of results; the path may be a str."""
    results = results_of(results_of(people()))
    write_csv(results, str(path))
    assert_same(read_results(str(path)), results)


def test_a_person_called_na_is_not_a_missing_value(path):
    """Names that pandas reads as missing, an empty name and a missing value stay different."""
    frame = ZOO["column_names_that_look_like_gaps"]()
    write_csv(results_of(frame), path)
    assert read_results(path)["x"].tolist()[:-1] == frame["x"].tolist()[:-1]
    assert pd.isna(read_results(path)["x"].iloc[-1])


def test_the_null_marker_never_occurs_in_its_column(path):
    """It is empty unless the column has empty texts, and longer if the column has it as text."""
    frame = pd.DataFrame(
        {"a": ["", None, "<NA>"], "b": ["x", None, "y"], "c": ["", "<NA>", "<<NA>>"]}
    )
    write_csv(results_of(frame), path)
    columns = json.loads(path.with_name("results.csv-metadata.json").read_text())["tableSchema"][
        "columns"
    ]
    assert [column["null"] for column in columns[:3]] == ["<<NA>>", "", "<<<NA>>>"]
    assert_same(read_results(path), results_of(frame))


def test_the_csv_is_plain(path):
    """UTF-8 without a byte order mark, one line a row, quotes only where needed."""
    write_csv(
        results_frame(pd.DataFrame({"name": ["Zoë", 'A, "B"'], "n": [-5, 1]}), RowResults(2)), path
    )
    assert path.read_bytes().decode("utf-8") == (
        "name,n,status,reason,MessageID,ErrorCode,Message,SubmittedAt,To,batch,changed\n"
        "Zoë,-5,unsent,,,,,,,,False\n"
        '"A, ""B""",1,unsent,,,,,,,,False\n'
    )


def test_the_metadata_is_csv_on_the_web(path):
    """It names its context, the file, each header, its datatype and its null marker."""
    write_csv(results_of(people()), path)
    metadata = json.loads(path.with_name("results.csv-metadata.json").read_text(encoding="utf-8"))
    assert metadata["@context"] == "http://www.w3.org/ns/csvw"
    assert metadata["url"] == "results.csv"
    columns = {column["titles"]: column for column in metadata["tableSchema"]["columns"]}
    assert list(columns) == path.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert columns["ErrorCode"]["datatype"] == "integer"
    assert columns["SubmittedAt"]["datatype"] == "datetime"
    standard = {"name", "titles", "datatype", "null"}
    assert all(key in standard or ":" in key for column in columns.values() for key in column)


@in_one_folder
@given(frame=frames(max_rows=12).map(lambda frame: frame.reset_index(drop=True)))
def test_the_columns_of_results_are_exact_without_metadata(frame, tmp_path):
    """Without the metadata file the columns of results are exact."""
    results, path = results_of(frame), tmp_path / "alone.csv"
    write_csv(results, tmp_path / "r.csv")
    path.write_bytes((tmp_path / "r.csv").read_bytes())
    if not str(results.columns[0]):
        return  # an empty first header is the index by the plain rule
    count = len(COLUMNS)
    ours = [
        frame.iloc[:, -count:].set_axis(range(count), axis=1)
        for frame in (read_results(path), results)
    ]
    assert_same(*ours)


@pytest.mark.parametrize("index", [True, False])
def test_a_file_of_to_csv_is_read_by_the_plain_rule(index, path):
    """With or without the index; a number that would be written differently is text."""
    frame = pd.DataFrame(
        {
            "zip": ["0150", "0151"],
            "price": ["1.10", "2.50"],
            "person": ["NA", None],
            "n": [2**53 + 1, -5],
            "nullable": pd.array([1, None], dtype="Int64"),
            "x": [0.1, None],
            "ok": [True, False],
            "maybe": pd.array([True, None], dtype="boolean"),
            "mixed": ["1", "2.5"],
            "inf": ["inf", "nan"],
            "big": [str(2**63), "1"],
            "zero": ["-0", "0"],
            "void": text_column([None, None]),
        }
    )
    results = results_of(frame)
    results.to_csv(path, index=index)
    assert_same(read_results(path), results)


@pytest.mark.parametrize(
    ("text", "dtype"),
    [("9223372036854775807", "int64"), ("9223372036854775808", "str"),
     ("-9223372036854775808", "int64"), ("-9223372036854775809", "str"), ("1e+22", "float64"),
     ("1e22", "str"), ("+1", "str"), ("1_0", "str"), (" 1", "str"), ("1.0", "float64"),
     ("True", "bool"), ("true", "str"), ("0", "int64"), ("00", "str"), ("inf", "str"),
     ("-inf", "str"), ("nan", "str"), ("-0", "str")],
)  # fmt: skip
def test_a_value_is_a_number_only_if_it_would_be_written_the_same(text, dtype, path):
    """The plain rule at its boundaries."""
    results_of(pd.DataFrame({"x": [text]})).to_csv(path, index=False)
    assert read_results(path)["x"].dtype == (text_dtype() if dtype == "str" else dtype)


def test_an_empty_file_of_to_csv_keeps_its_default_index(path):
    """Also without rows, the column without a header is the index."""
    results = results_of(people(0))
    results.to_csv(path)
    pd.testing.assert_index_equal(read_results(path).index, results.index, exact=True)


@pytest.mark.parametrize(
    "index",
    [
        ["a", "b", "c"],
        [7, 7, 5],
        [0.0, 1.0, 2.0],
        pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]),
    ],
)
def test_leading_columns_without_a_header_are_the_index(index, path):
    """``to_csv`` of pandas writes an index without a name so."""
    results = results_of(people().set_axis(index, axis=0))
    results.to_csv(path)
    pd.testing.assert_index_equal(read_results(path).index, results.index)


def test_a_csv_that_a_spreadsheet_saved_again_is_read(path):
    """It has CRLF line ends and a byte order mark."""
    results = results_of(people())
    text = results.to_csv(index=False)
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert_same(read_results(path), results)


def test_a_formula_does_not_run(path):
    """Cells, headers and index labels that begin like one get a ``'`` in front; numbers do not."""
    frame = pd.DataFrame(
        {"=x": ["=cmd|' /C calc'!A0", "-1"], "n": [-5, 1]}, index=pd.Index(["@a", "b"], name="+i")
    )
    results = results_of(frame)
    write_csv(results, path, excel_safe=True)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert lines[0].startswith("'+i,'=x,n,")
    assert lines[1].startswith("'@a,'=cmd|' /C calc'!A0,-5,")
    assert lines[2].startswith("b,'-1,1,")
    assert_same(read_results(path), results)


def test_a_formula_is_written_unchanged_by_default(path):
    """Only ``excel_safe=True`` puts a ``'`` in front."""
    write_csv(results_of(pd.DataFrame({"x": ["=1+1"]})), path)
    assert path.read_text(encoding="utf-8").splitlines()[1].startswith("=1+1,")


def test_a_safe_file_without_its_metadata_is_restored_too(path):
    """The byte order mark shows that ``'`` was put in front."""
    results = results_of(pd.DataFrame({"=x": ["=1", "'=1", "'x"], "n": [-5, 1, 2]}))
    write_csv(results, path, excel_safe=True)
    path.with_name("results.csv-metadata.json").unlink()
    assert_same(read_results(path), results)


@given(text=st.text(st.sampled_from("'\"=+-@\t\r\n \uff1d\uff0b\uff0d\uff20ab")))
def test_a_shielded_text_never_starts_a_formula_and_comes_back(text):
    """A text that already begins with ``'`` and a formula gets another one."""
    assert unshield(shield(text)) == text
    assert (
        text.lstrip("'\" \t\r\n")[:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20") - {""}
        or shield(text)[0] == "'"
    )
    assert shield(text)[:1] not in set("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") - {""}


def test_a_cell_may_hold_a_whole_mail(path):
    """Longer than the limit of Python's csv module, which is restored."""
    results = results_of(pd.DataFrame({"body": ["x" * 200_000, "\n" * 200_000]}))
    write_csv(results, path)
    assert_same(read_results(path), results)


WRITTEN = ["results.csv", "results.csv-metadata.json"]


def names_beside(path):
    """The names of all files in its folder."""
    return sorted(file.name for file in path.parent.iterdir())


def test_a_file_is_replaced_whole_and_nothing_is_left_behind(path):
    """Writing twice leaves the CSV and its metadata, with the permissions of the umask."""
    write_csv(results_of(people(9)), path)
    results = results_of(people(2))
    write_csv(results, path, excel_safe=True)
    assert_same(read_results(path), results)
    assert names_beside(path) == WRITTEN
    other = path.with_name("other")
    other.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="a symlink needs rights there")
def test_a_link_stays_a_link(path):
    """The file behind it is replaced."""
    link = path.with_name("link.csv")
    link.symlink_to(path)
    write_csv(results_of(people()), link)
    assert link.is_symlink()
    assert_same(read_results(link), results_of(people()))


def test_a_frame_that_is_no_results_frame_is_not_written(path):
    """And no file appears."""
    with pytest.raises(ResultsError, match="not a results DataFrame"):
        write_csv(people(), path)
    assert not path.exists()


def test_half_a_surrogate_pair_is_refused_before_a_byte_is_written(path):
    """UTF-8 cannot write it; the existing file stays."""
    write_csv(results_of(people()), path)
    bad = results_of(pd.DataFrame({"x": pd.Series(["a\ud800b"], dtype=object)}))
    with pytest.raises(ResultsError, match=r"surrogate.*\\ud800"):
        write_csv(bad, path)
    assert_same(read_results(path), results_of(people()))


def test_a_folder_that_is_not_there_is_an_error_that_says_so(path):
    """It names the file and what to do."""
    with pytest.raises(
        ResultsError, match=r"results\.csv could not be written.*folder that exists"
    ):
        write_csv(results_of(people()), path.parent / "absent" / "results.csv")
    path.mkdir()
    with pytest.raises(ResultsError, match="could not be written"):
        write_csv(results_of(people()), path)
    assert [file.name for file in path.parent.iterdir()] == ["results.csv"]


def test_a_metadata_file_that_cannot_be_replaced_leaves_the_old_files(path):
    """There is a folder in its place; the CSV that it would describe is not replaced."""
    write_csv(results_of(people()), path)
    before = path.read_bytes()
    metadata = path.with_name("results.csv-metadata.json")
    metadata.unlink()
    metadata.mkdir()
    with pytest.raises(ResultsError, match="could not be written"):
        write_csv(results_of(people(2)), path)
    assert path.read_bytes() == before
    assert names_beside(path) == WRITTEN


@pytest.mark.parametrize("others", [[], ["results-2.csv", "results-3.csv-metadata.json"]])
def test_results_have_another_name_if_excel_has_the_file_open(path, monkeypatch, others):
    """Windows refuses to replace an open file; the old files stay, and the new ones are whole.

    On other systems a rename to that name fails as it does there.
    """
    for name in others:
        path.with_name(name).touch()
    old, new = results_of(people(3)), results_of(people(2))
    write_csv(old, path)
    rename = Path.replace

    def refused(part, target):
        if Path(target) == path and os.name != "nt":
            raise PermissionError(errno.EACCES, "Access is denied")
        return rename(part, target)

    free = "results-4.csv" if others else "results-2.csv"
    with path.open("rb"), monkeypatch.context() as windows:
        windows.setattr(Path, "replace", refused)
        with pytest.raises(ResultsError, match=rf"Excel has open. The results are in {free}; "):
            write_csv(new, path)
    assert_same(read_results(path), old)
    assert_same(read_results(path.with_name(free)), new)
    assert names_beside(path) == sorted([*WRITTEN, *others, free, f"{free}-metadata.json"])


def test_a_write_that_fails_leaves_the_old_files(path):
    """A folder that is a file and a name that is too long; no other file is left behind."""
    results = results_of(people())
    write_csv(results, path)
    with pytest.raises(ResultsError, match="could not be written"):
        write_csv(results, path / "inside_a_file.csv")
    with pytest.raises(ResultsError, match="could not be written"):
        write_csv(results, path.with_name("x" * 300))
    assert names_beside(path) == WRITTEN
    assert_same(read_results(path), results)


HEADER = "status,reason,MessageID,ErrorCode,Message,SubmittedAt,To,batch,changed\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\n", "empty"),
        ("Zoë".encode("latin-1"), "not UTF-8"),
        ("status\n".encode("utf-16"), "not UTF-8"),
        (b"name,age\nAda,36\n", "no column 'status'"),
        (b"status;reason\na;b\n", "no column 'status'"),
        (HEADER.encode() + b"accepted,,x\n", "row 0 has 3 cells and the header has 9"),
        (HEADER.encode() + b'accepted,"half', "not a CSV file"),
        (
            HEADER.encode() + b"accepted,,id,12.0,,,,,False\n",
            "column 'ErrorCode', row 0: '12.0' is not a valid integer",
        ),
        (
            HEADER.encode() + b"accepted,,id,0,,17/02/2014 07:25,,,False\n",
            "column 'SubmittedAt', row 0: '17/02/2014 07:25' is not a valid timestamp",
        ),
        (HEADER.encode() + b"delivered,,id,0,,,,,False\n", "row 0 of column 'status'"),
        (HEADER.encode() + b",,id,0,,,,,False\n", "row 0 of column 'status'"),
    ],
)
def test_a_file_that_is_no_results_csv_is_refused(content, words, path):
    """The error names the file and what is wrong with it."""
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=f"results.csv: .*{words}"):
        read_results(path)


def test_a_file_that_is_not_there_and_a_folder_are_refused(path):
    """Both by name."""
    with pytest.raises(ResultsError, match=r"results\.csv: there is no such file"):
        read_results(path)
    path.mkdir()
    with pytest.raises(ResultsError, match=r"results\.csv: it cannot be read"):
        read_results(path)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda text: text.replace("email", "e-mail", 1),
            r"lacks the columns \['email'\].*\['e-mail'\]",
        ),
        (
            lambda text: "".join(text.splitlines(keepends=True)[:-1]),
            "written for 3 rows and the CSV has 2",
        ),
        (
            lambda text: text.replace(",406,", ",4O6,"),
            "column 'ErrorCode', row 1: '4O6' is not a valid integer",
        ),
        (
            lambda text: text.replace(",2,", ",,"),
            "column 'n', row 2: a missing value is not a valid int64",
        ),
    ],
)
def test_a_csv_that_was_changed_no_longer_fits_its_metadata(edit, words, path):
    """The error says what does not fit, and how to read the CSV without its metadata."""
    write_csv(results_of(people()), path)
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ResultsError, match=rf"{words}[\s\S]*without it"):
        read_results(path)


def test_a_cell_of_a_mixed_column_can_be_cleared_and_not_filled(path):
    """The metadata record no kind for a value that was missing."""
    write_csv(results_of(pd.DataFrame({"x": pd.Series([7, "a", None], dtype=object)})), path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n7,", "\n,"), encoding="utf-8")
    assert read_results(path)["x"].tolist() == [None, "a", None]
    path.write_text(text.replace("\n,", "\n8,"), encoding="utf-8")
    with pytest.raises(ResultsError, match="column 'x', row 2: '8' is not a valid missing value"):
        read_results(path)


@pytest.mark.parametrize(
    "metadata",
    ["", "{", "[]", '{"@context": "http://www.w3.org/ns/csvw"}', '{"mailframe:index": 1}'],
)
def test_metadata_that_is_not_ours_is_refused(metadata, path):
    """The error says how to read the CSV without it."""
    write_csv(results_of(people()), path)
    path.with_name("results.csv-metadata.json").write_text(metadata, encoding="utf-8")
    with pytest.raises(ResultsError, match=r"metadata[\s\S]*without it"):
        read_results(path)


@given(number=st.floats(allow_nan=False), width=st.sampled_from(["float64", "float32"]))
@in_one_folder
def test_a_float_keeps_every_bit(number, width, tmp_path):
    """Written with repr, read with float."""
    with np.errstate(over="ignore"):
        cells = np.array([number]).astype(width)
    write_csv(results_of(pd.DataFrame({"x": cells})), tmp_path / "r.csv")
    assert read_results(tmp_path / "r.csv")["x"].to_numpy().tobytes() == cells.tobytes()


@given(st.lists(st.sampled_from((0, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1)), min_size=1))
@in_one_folder
def test_a_number_of_64_bits_keeps_every_digit(tmp_path, numbers):
    """Hashes are on both sides of 2**63, where pandas makes floats of a list of numbers."""
    column = pd.Series(numbers, dtype="uint64")
    results = results_of(pd.DataFrame({"id": column, "category": column.astype("category")}))
    write_csv(results.set_index("id", drop=False), tmp_path / "r.csv")
    assert_same(read_results(tmp_path / "r.csv"), results.set_index("id", drop=False))


@pytest.mark.parametrize(
    ("zone", "year"), [("Asia/Shanghai", "1900"), ("Africa/Monrovia", "1971"), ("Etc/UTC", "1900")]
)
def test_a_timestamp_whose_offset_has_seconds_comes_back_exactly(zone, year, path):
    """Before zones were whole minutes; 1900-01-01 often stands for an unknown day."""
    stamps = pd.DatetimeIndex([f"{year}-01-01 00:00:00.000000001", None], tz=zone)
    frame = pd.DataFrame({"tz": stamps, "day": stamps.floor("s"), "category": stamps})
    results = results_of(frame.astype({"category": "category"}))
    write_csv(results, path)
    assert_same(read_results(path), results)


def test_every_printable_character_survives_as_a_header(path):
    """Also a header that is empty, doubled or made of quotes and commas."""
    labels = [*string.printable, "", '""', "a", "a"]
    results = results_of(pd.DataFrame([range(len(labels))], columns=labels))
    write_csv(results, path)
    assert_same(read_results(path), results)


ENDINGS = ["csv.gz", "csv.bz2", "csv.xz", "csv.zip", "CSV.GZ", "csv"]


@pytest.mark.parametrize("excel_safe", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_compressed_file_comes_back_exactly(ending, excel_safe, tmp_path):
    """The suffix says how, as in pandas, which reads it too."""
    path, written = (
        tmp_path / f"r.{ending}",
        results_of(pd.DataFrame({"zip": ["0150", "=1", None], "n": [1, 2, 3]})),
    )
    written.mail.to_csv(path, excel_safe=excel_safe)
    assert_same(mf.read_results(path), written)
    assert pd.read_csv(path, dtype="str")["n"].tolist() == ["1", "2", "3"]
    assert (path.read_bytes()[:1] in b"z\xef") is (ending == "csv")
    first = path.read_bytes()
    written.mail.to_csv(path, excel_safe=excel_safe)
    assert path.read_bytes() == first


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_compressed_file_of_pandas_is_read(ending, tmp_path):
    """By the plain rule, without metadata."""
    written = results_of(pd.DataFrame({"zip": ["0150"]}))
    written.to_csv(tmp_path / f"r.{ending}", index=False)
    assert mf.read_results(tmp_path / f"r.{ending}")["zip"].tolist() == ["0150"]


@pytest.mark.parametrize("ending", ["csv.zst", "csv.tar", "csv.tar.gz", "csv.tar.bz2"])
def test_an_unsupported_suffix_is_refused(ending, tmp_path):
    """The error lists the supported ones; no plain CSV is written under such a name."""
    with pytest.raises(ResultsError, match=r"is not supported; use \.gz, \.bz2, \.xz, \.zip"):
        results_of(pd.DataFrame({"a": [1]})).mail.to_csv(tmp_path / f"r.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_an_excel_file_is_refused(tmp_path):
    """No spreadsheet opens a CSV of that name."""
    with pytest.raises(
        ResultsError, match=r"r\.XLSX: to_csv writes CSV; to_excel writes \.xlsx files"
    ):
        results_of(pd.DataFrame({"a": [1]})).mail.to_csv(tmp_path / "r.XLSX")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["csv.gz", "csv.bz2", "csv.xz", "csv.zip"])
def test_a_compressed_file_that_was_cut_short_is_refused(ending, tmp_path):
    """The error says what to do."""
    path = tmp_path / f"r.{ending}"
    results_of(pd.DataFrame({"a": [1]})).mail.to_csv(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ResultsError, match=r"cannot be unpacked.*Write the results again"):
        mf.read_results(path)


def test_a_plain_file_that_is_called_gz_is_still_read(tmp_path):
    """Earlier versions wrote such files."""
    written = results_of(pd.DataFrame({"a": [1]}))
    written.mail.to_csv(tmp_path / "r.csv")
    (tmp_path / "r.csv").rename(tmp_path / "r.csv.gz")
    assert len(mf.read_results(tmp_path / "r.csv.gz")) == 1


def test_an_archive_of_several_files_is_refused(tmp_path):
    """It does not say which one to read."""
    with zipfile.ZipFile(tmp_path / "r.csv.zip", "w") as archive:
        archive.writestr("a.csv", "status")
        archive.writestr("b.csv", "status")
    with pytest.raises(ResultsError, match="the archive holds 2 files"):
        mf.read_results(tmp_path / "r.csv.zip")
