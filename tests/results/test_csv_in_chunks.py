"""A CSV that is written and read some rows at a time is the one of the plain way."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailframe.errors import ResultsError
from mailframe.pandas_versions import text_column
from mailframe.results import csv as results_csv
from mailframe.results.csv import read_results, write_csv
from mailframe.results.csv_blocks import _BLOCK_BYTES as BLOCK_BYTES
from mailframe.results.csv_cells import from_cells
from mailframe.results.csv_texts import CHUNK_ROWS, to_cells
from tests.frames import TEXT_IN_CSV, ZOO, frames
from tests.results.plain_csv import plain_files
from tests.results.test_csv import assert_same, results_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
ENDINGS = ("", ".gz", ".bz2", ".xz", ".zip")


def assert_as_plain(frame: pd.DataFrame, folder: Path, *, ending: str = "", safe: bool) -> None:
    """The two files have the bytes of the plain way."""
    path = folder / f"r.csv{ending}"
    write_csv(frame, path, excel_safe=safe)
    content, metadata = plain_files(frame, name=path.name, excel_safe=safe)
    assert path.read_bytes() == content
    assert path.with_name(f"{path.name}-metadata.json").read_bytes() == metadata


@pytest.mark.sampled(3)
@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_frame_of_the_zoo_is_written_as_the_plain_way_does(name, safe, tmp_path):
    """The same bytes, also in the metadata."""
    assert_as_plain(results_of(ZOO[name]()), tmp_path, safe=safe)


@in_one_folder
@given(frame=frames(max_rows=12), safe=st.booleans(), ending=st.sampled_from(ENDINGS))
def test_any_frame_is_written_as_the_plain_way_does(frame, safe, ending, tmp_path):
    """Random dtypes, labels and indexes, plain and compressed."""
    assert_as_plain(results_of(frame), tmp_path, ending=ending, safe=safe)


LONG: dict[str, Callable[[int], object]] = {
    "text": lambda n: [f"na\u00efve, {i}" for i in range(n)],
    "missing text at the end": lambda n: text_column(["x"] * (n - 1) + [None]),
    "an empty text at the end": lambda n: [None] + ["x"] * (n - 2) + [""],
    "the null marker at the end": lambda n: [None, ""] + ["x"] * (n - 3) + ["<NA>"],
    "a carriage return at the end": lambda n: ["x"] * (n - 1) + ["a\rb"],
    "integers": lambda n: np.arange(n) - 7,
    "nullable integers": lambda n: pd.array([*range(n - 1), None], dtype="Int64"),
    "floats": lambda n: np.r_[np.linspace(-1, 1, n - 1), np.nan],
    "truth values": lambda n: np.arange(n) % 3 == 0,
    "stamps": lambda n: pd.date_range("1969-12-31", periods=n, freq="s"),
    "stamps in UTC": lambda n: pd.date_range("2026-01-01", periods=n, freq="7ns", tz="UTC"),
    "stamps elsewhere": lambda n: pd.date_range("2026-03-28", periods=n, freq="h", tz="Asia/Tokyo"),
    "early stamps": lambda n: np.array(["0009-01-01"] * n, dtype="datetime64[s]"),
    "categories": lambda n: pd.Categorical((["a", None, "b", ""] * n)[:n]),
    "categories with equal texts": lambda n: pd.Categorical(([1, "1"] * n)[:n]),
    "another kind at the end": lambda n: pd.Series(["x"] * (n - 1) + [7], dtype="object"),
    "two kinds of missing": lambda n: pd.Series([None] * (n - 1) + [np.nan], dtype="object"),
    "decimals": lambda n: [Decimal(i) / 4 for i in range(n)],
    "dates": lambda n: [dt.date(2026, 1, 1)] * (n - 1) + [None],
}


ALONE = {"text", "a carriage return at the end"}
"""A comma quotes a cell and a carriage return quotes all: others stand beside them without."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("rows", [CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS])
@pytest.mark.parametrize(
    "names", [{name} for name in sorted(ALONE)] + [set(LONG) - ALONE], ids=[*sorted(ALONE), "rest"]
)
def test_a_long_frame_is_written_and_read_as_the_plain_way_does(names, rows, tmp_path):
    """At the boundaries of the chunks, where the last row is unlike the others."""
    columns = {name: make(rows) for name, make in LONG.items() if name in names}
    results = results_of(pd.DataFrame(columns))
    assert_as_plain(results, tmp_path, safe=False)
    assert_same(read_results(tmp_path / "r.csv"), results)
    assert results_csv._read_in_chunks(tmp_path / "r.csv") is not None


@pytest.fixture(scope="module")
def two_megabytes() -> pd.DataFrame:
    """Results whose CSV is longer than a block of ``csv_blocks.py`` and than two of bzip2."""
    dice, rows = np.random.default_rng(7), 24_000
    return results_of(pd.DataFrame({"x": dice.random(rows), "y": dice.integers(0, 99, rows)}))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_long_file_is_compressed_to_the_same_bytes(ending, two_megabytes, tmp_path):
    """Several blocks of a megabyte: a compressor that is fed in parts makes the same file."""
    assert_as_plain(two_megabytes, tmp_path, ending=ending, safe=False)
    assert_same(read_results(tmp_path / f"r.csv{ending}"), two_megabytes)
    assert ending or (tmp_path / "r.csv").stat().st_size > BLOCK_BYTES


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(set(ZOO) - TEXT_IN_CSV))
def test_every_frame_of_the_zoo_is_read_in_chunks(name, tmp_path):
    """Reading all at once is only for files with something wrong."""
    results = results_of(ZOO[name]())
    write_csv(results, tmp_path / "r.csv")
    frame = results_csv._read_in_chunks(tmp_path / "r.csv")
    assert frame is not None
    assert_same(frame, results)
    assert_same(results_csv._read_whole(tmp_path / "r.csv"), results)


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("12_0", "row 8999: '12_0' is not a valid integer"),
        ("", "row 8999: a missing value is not a valid int64"),
        ("x", "row 8999: 'x' is not a valid integer"),
    ],
)
def test_an_error_names_the_row_of_the_file(cell, error, tmp_path):
    """Not its place in a chunk; and the first column with an error is named."""
    write_csv(results_of(pd.DataFrame({"x": np.arange(9_000)})), tmp_path / "r.csv")
    lines = (tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()
    lines[-1] = f"{cell},{lines[-1].partition(',')[2]}"
    (tmp_path / "r.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ResultsError, match=error):
        read_results(tmp_path / "r.csv")


@pytest.mark.parametrize("rows", [1, 3])
def test_kinds_of_another_number_of_rows_are_refused(rows, tmp_path):
    """A damaged note never gives a value to another row."""
    write_csv(
        results_of(pd.DataFrame({"x": pd.Series(["a", 1], dtype="object")})), tmp_path / "r.csv"
    )
    path = tmp_path / "r.csv-metadata.json"
    metadata = json.loads(path.read_bytes())
    metadata["tableSchema"]["columns"][0]["mailframe:kinds"] = "s" * rows
    path.write_text(json.dumps(metadata), encoding="utf-8")
    with pytest.raises(ResultsError, match=f"damaged .*{rows} kinds for 2 rows"):
        read_results(tmp_path / "r.csv")


UNITS = ("s", "ms", "us", "ns")


@given(
    unit=st.sampled_from(UNITS),
    zone=st.sampled_from([None, "UTC"]),
    moments=st.lists(st.none() | st.datetimes(), max_size=5),
    nanoseconds=st.integers(0, 999),
)
def test_stamps_are_written_and_read_as_pandas_does_one_by_one(unit, zone, moments, nanoseconds):
    """In every unit, before and after the years of nanoseconds, with and without NaT."""
    try:
        column = pd.Series(moments, dtype=f"datetime64[{unit}]")
        column += pd.Timedelta(nanoseconds if unit == "ns" else 0)
    except (pd.errors.OutOfBoundsDatetime, OverflowError):
        return
    column = column.dt.tz_localize(zone)
    texts, note = to_cells(column)
    assert list(texts) == [None if one is pd.NaT else one.isoformat() for one in column.tolist()]
    pd.testing.assert_series_equal(from_cells(texts, note), column)


@given(
    text=st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?\Z")
)
def test_a_stamp_that_does_not_exist_is_refused_as_pandas_refuses_it(text):
    """A 30th of February or the hour 25."""
    note = {"mailframe:dtype": "datetime64[us]", "mailframe:kind": "P", "mailframe:gap": "0"}
    try:
        expected = pd.Series(pd.array([pd.Timestamp(text)], dtype="datetime64[us]"))
    except (ValueError, OverflowError):
        with pytest.raises(ResultsError, match="is not a valid datetime"):
            from_cells([text], note)
    else:
        pd.testing.assert_series_equal(from_cells([text], note), expected)
