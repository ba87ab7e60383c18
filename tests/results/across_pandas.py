"""Results in files that another pandas reads.

``files/pandas-….csv`` and ``.parquet`` were written with the versions of pandas in their names:
``python -m tests.results.across_pandas`` writes those of this one.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mailframe as mf
from mailframe.pandas_versions import text_column, text_labels
from mailframe.postmark.responses import Outcome
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults

FILES = Path(__file__).parent / "files"
ROWS = 3


def objects(*values: Any) -> pd.Series:
    """A column of dtype object with these values."""
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    return pd.Series(cells, dtype=object)


def frame() -> pd.DataFrame:
    """One column for each kind of value that teams have, text in the dtype of this pandas."""
    stamps = ["2026-03-29T00:59:59.000006", "NaT", "1999-12-31T23:00:00"]
    columns = {
        "email": text_column([f"p{n}@example.com" for n in range(ROWS)]),
        "text": text_column(["Zoë", None, 'a, "b"\n']),
        "empty texts": text_column(["", None, "NA"]),
        "no text": text_column([None] * ROWS),
        "string": pd.array(["a", None, ""], dtype="string[python]"),
        "plan": pd.Categorical.from_codes([1, -1, 0], text_labels(["tin", "gold"]), ordered=True),
        "int64": [2**53 + 1, -5, 0],
        "Int64": pd.array([2**53 + 1, None, -3], dtype="Int64"),
        "float64": [0.1 + 0.2, np.nan, 1e22],
        "bool": [True, False, True],
        "boolean": pd.array([True, None, False], dtype="boolean"),
        "us": np.array(stamps, dtype="datetime64[us]"),
        "ns": np.array(stamps, dtype="datetime64[ns]"),
        "zone": pd.Series(np.array(stamps, dtype="datetime64[us]")).dt.tz_localize("UTC"),
        "elapsed": np.array([1, "NaT", -90_000], dtype="timedelta64[s]"),
        "Decimal": objects(Decimal("1.10"), None, Decimal("-1E+3")),
        "date": objects(dt.date(2026, 1, 2), None, dt.date(1, 1, 1)),
        "truths and None": objects(True, None, False),
        "text or None": objects("a", None, ""),
    }
    index = pd.Index(text_column(["C-1", "C-2", None]), name="id")
    return pd.DataFrame(columns).set_axis(index, axis=0)


def results() -> pd.DataFrame:
    """Results in that frame, in which no row has a reason."""
    rows = RowResults(ROWS)
    stamp = "2014-02-17T07:25:01.4178645-05:00"
    for row in range(ROWS):
        outcome = Outcome(0, "OK", f"b7bc2f4a-e38e-4336-af7d-e6c392c2f81{row}", stamp)
        rows.settle(row, mf.Status.ACCEPTED, outcome=outcome, to=f"p{row}@example.com", batch=1)
    return results_frame(frame(), rows)


def write_files() -> None:
    """Write the files of this pandas."""
    name = f"pandas-{pd.__version__.rpartition('.')[0]}"
    made = results()
    made.mail.to_csv(FILES / f"{name}.csv")
    made.mail.to_parquet(FILES / f"{name}.parquet")


if __name__ == "__main__":
    write_files()
