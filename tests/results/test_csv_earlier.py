"""CSV files of earlier versions of mailframe are still read exactly.

The files in ``earlier/`` were written before CSV was moved onto Python's own reader and writer.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import mailframe as mf
from mailframe.pandas_versions import str_dtype
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults, Status

FOLDER = Path(__file__).with_name("earlier")


def results_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Results of three rows: accepted, rejected and unsent."""
    rows = RowResults(3)
    stamp = "2014-02-17T07:25:01.4178645-05:00"
    rows.settle(0, Status.ACCEPTED, outcome=Outcome(0, "OK", "b7bc2f4a", stamp), to="a@b.example")
    rows.settle(1, Status.REJECTED, outcome=Outcome(406, "Inactive."), to="c@d.example", batch=1)
    rows.settle(2, Status.UNSENT, reason="stopped")
    return results_frame(frame, rows)


def objects(*values: object) -> pd.Series:
    """A column of dtype object with these values."""
    cells = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        cells[row] = value
    return pd.Series(cells)


def every_dtype() -> pd.DataFrame:
    """One column for each dtype and each kind of Python value that a CSV restores."""
    days = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00.5Z", None]
    zoned = pd.Timestamp("2026-01-02T03:04:05.000006007", tz="Europe/Berlin")
    return pd.DataFrame(
        {
            "str": pd.array(["0150", np.nan, 'a, "b"\r\n'], dtype=str_dtype("python")),
            "str with empty": pd.array(["", np.nan, "<NA>"], dtype=str_dtype("pyarrow")),
            "string": pd.array(["=1", None, "'=1"], dtype="string[python]"),
            "lone \r": ["a\rb", "\ufeff", "\x00"],
            "int64": [2**53 + 1, -5, 0],
            "uint8": pd.array([0, 255, 7], dtype="uint8"),
            "Int64": pd.array([2**53 + 1, None, -3], dtype="Int64"),
            "float64": [0.1 + 0.2, None, float("-inf")],
            "float32": np.array([0.1, 16777216.0, 1e-40], dtype="float32"),
            "Float64": pd.array([0.1, None, 1e300], dtype="Float64"),
            "bool": [True, False, True],
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "ns": pd.to_datetime(["2026-01-02T03:04:05.123456789", None, None]),
            "s": pd.array(["1066-10-14", None, "9999-12-31"], dtype="datetime64[s]"),
            "zone": pd.to_datetime(days, format="ISO8601")
            .as_unit("us")
            .tz_convert("Europe/Berlin"),
            "timedelta": pd.to_timedelta(["1 days 02:03:04.000000005", None, "-1s"]),
            "long timedelta": np.array([150_000 * 86_400, "NaT", -1], dtype="timedelta64[s]"),
            "category": pd.Categorical(["gold", None, ""], categories=["tin", "gold", ""]),
            "category int": pd.Categorical([3, None, 1], ordered=True),
            "category mixed": pd.Categorical([1, "1", None], pd.Index(["1", 1], dtype=object)),
            "arrow decimal": pd.array(
                [Decimal("1.10"), None, Decimal(-3)], dtype=pd.ArrowDtype(pa.decimal128(10, 2))
            ),
            "arrow date": pd.array([dt.date(2026, 1, 2), None, None], pd.ArrowDtype(pa.date32())),
            "arrow string": pd.array(["a", None, ""], dtype=pd.ArrowDtype(pa.string())),
            "whole": objects(1, None, 10**30),
            "Decimal": objects(Decimal("1.10"), None, Decimal("-1E+3")),
            "date": objects(dt.date(2026, 1, 2), float("nan"), dt.date(1, 1, 1)),
            "time": objects(dt.time(3, 4), pd.NaT, dt.time(3, 4, 5, 6)),
            "datetime": objects(dt.datetime(2026, 1, 2, tzinfo=dt.UTC), pd.NA, None),
            "mixed": objects(zoned.tz_convert("UTC"), dt.timedelta(-1, 5), pd.Timedelta("1h")),
            "tuple": objects((1, "a", None), "(1,)", -2.5),
        }
    )


def labels_and_index() -> pd.DataFrame:
    """Labels of several kinds on both axes; written with ``excel_safe=True``."""
    frame = pd.DataFrame(
        [["=1", 1.5, -5], ["'=1", 2.5, -6], ["", -3.5, 7]],
        index=pd.MultiIndex.from_arrays(
            [
                ["@a", "b", None],
                pd.DatetimeIndex(["2026-03-28", "2026-03-29", "2026-03-30"])
                .as_unit("us")
                .tz_localize("Europe/Berlin"),
            ],
            names=["+team", None],
        ),
    )
    labels = pd.Index(["=x", ("a", 1), 2.5], dtype=object, tupleize_cols=False, name="field")
    return frame.set_axis(labels, axis=1)


def daily() -> pd.DataFrame:
    """An index with a frequency."""
    days = pd.date_range("2026-03-28", periods=3, freq="D", name="day", unit="us")
    return pd.DataFrame({"n": [1, 2, 3]}, index=days)


def counted_down() -> pd.DataFrame:
    """A RangeIndex with a name, which is in the metadata alone."""
    return pd.DataFrame({"n": [1, 2, 3]}, index=pd.RangeIndex(10, 4, -2, name="row"))


FRAMES = {
    "every_dtype": every_dtype,
    "labels_and_index": labels_and_index,
    "daily": daily,
    "counted_down": counted_down,
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_file_of_an_earlier_version_is_read_exactly(name):
    """Every dtype, kind of value, label and index that the metadata can record."""
    read = mf.read_results(FOLDER / f"{name}.csv")
    pd.testing.assert_frame_equal(
        read,
        results_of(FRAMES[name]()),
        check_exact=True,
        check_index_type="exact",
        check_column_type="exact",
    )
