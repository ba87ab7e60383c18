"""What one pandas writes, another reads: the same values, and text as its own text."""

from __future__ import annotations

import pandas as pd
import pytest

import mailframe as mf
from tests.results.across_pandas import FILES, results

NAMES = sorted(path.name for path in FILES.glob("pandas-*") if path.suffix in (".csv", ".parquet"))


@pytest.mark.parametrize("name", NAMES)
def test_results_of_another_pandas_are_those_of_this_one(name):
    """To the dtype of each column, the index and the labels."""
    pd.testing.assert_frame_equal(
        mf.read_results(FILES / name),
        results(),
        check_exact=True,
        check_index_type="exact",
        check_column_type="exact",
    )


def test_a_file_of_a_pandas_without_a_text_dtype_and_one_of_a_pandas_with_it_are_there():
    """So the test above reads both kinds, whichever pandas runs it."""
    assert {name.partition(".")[0] for name in NAMES} >= {"pandas-2", "pandas-3"}
