"""Row selection by labels of every kind, by a mask, a tour or a batch."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from mailframe.errors import FrameError
from mailframe.message.row_names import is_missing_label
from mailframe.message.row_selection import one_row, row_positions
from tests.campaigns import campaign
from tests.frames import ZOO


def same(first: object, second: object) -> bool:
    """Whether two labels are one: equal, or both missing, in each level."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return all(map(same, first, second))
    return (is_missing_label(first) and is_missing_label(second)) or first == second


@pytest.mark.parametrize("name", ZOO)
def test_each_label_of_the_zoo_names_the_rows_that_have_it(name):
    """Also missing and repeated labels, timestamps, categories and tuples."""
    index = ZOO[name]().index
    for label in index:
        expected = tuple(place for place, other in enumerate(index) if same(label, other))
        assert row_positions(index, [label]) == expected, label


@pytest.mark.parametrize("name", ZOO)
def test_all_labels_together_name_each_row_once(name):
    """Also if many rows have one label."""
    index = ZOO[name]().index
    assert sorted(row_positions(index, index)) == list(range(len(index)))


def test_rows_come_in_the_order_in_which_they_are_named():
    """Each row once; a generator is read once."""
    index = pd.Index(["a", "b", "c", "a"])
    assert row_positions(index, iter(["c", "a", "c"])) == (2, 0, 3)
    assert row_positions(index, []) == ()


def test_part_of_a_label_names_all_rows_below_it():
    """In a sorted index or not, without a warning of pandas about speed."""
    index = pd.MultiIndex.from_tuples([("b", 1), ("a", 2), ("b", 3), ("b", 1)])
    assert row_positions(index, ["b"]) == (0, 2, 3)
    assert row_positions(index, [("b",), ("a", 2)]) == (0, 2, 3, 1)
    assert row_positions(index, [("b", 1)]) == (0, 3)


def test_a_tuple_that_is_a_label_is_refused_as_a_list():
    """As a list it would name every row of ``a`` and of ``b``."""
    index = pd.MultiIndex.from_tuples([("a", "b"), ("a", "a"), ("b", "b")])
    with pytest.raises(FrameError, match=r"write rows=\[\('a', 'b'\)\]"):
        row_positions(index, ("a", "b"))


STAMPS = pd.DatetimeIndex(["2026-03-01", "2026-01-01", "2026-03-15 09:30"])


@pytest.mark.parametrize(
    "stamps", [STAMPS, STAMPS.sort_values(), STAMPS.tz_localize("Europe/Berlin")], ids=str
)
@pytest.mark.parametrize(
    "text", ["2026", "2026-03", "2026-03-15", "March 2026", "2026-03-15 09", "9:30", ""]
)
def test_part_of_a_date_names_no_row(stamps, text):
    """``2026-03`` could be a day or a month; a mask selects a month."""
    with pytest.raises(FrameError, match="there is no row"):
        row_positions(stamps, [text])


def test_a_whole_date_as_text_is_one_timestamp():
    """It is midnight if it has no time, in the time zone of the index."""
    assert row_positions(STAMPS, ["2026-03-01", "2026-03-15 09:30", "2026-03-15T09:30"]) == (0, 2)
    assert row_positions(STAMPS.tz_localize("Europe/Berlin"), ["2026-03-01"]) == (0,)
    both = pd.MultiIndex.from_arrays([STAMPS, ["x", "y", "z"]])
    assert row_positions(both, [("2026-03-15 09:30", "z"), "2026-01-01"]) == (2, 1)
    with pytest.raises(FrameError, match="there is no row"):
        row_positions(both, [("2026-03", "x")])


def test_a_time_of_day_is_not_a_label():
    """Pandas would match it with every timestamp at that time."""
    with pytest.raises(FrameError, match="there is no row"):
        row_positions(STAMPS, [dt.time(0)])


def test_a_month_is_a_label_of_months_and_not_of_days():
    """Periods of another length are other labels."""
    assert row_positions(pd.period_range("2026-01", periods=3, freq="M"), ["2026-02"]) == (1,)
    with pytest.raises(FrameError, match="there is no row '2026-01'"):
        row_positions(pd.period_range("2026-01-01", periods=40), ["2026-01"])


def test_an_interval_is_a_label():
    """Pandas returns a numpy number here, which is not a mask."""
    assert row_positions(pd.interval_range(0, 3), [pd.Interval(1, 2)]) == (1,)


UNKNOWN = [
    "zz",
    99,
    (1, 2),
    ("a", slice(None)),
    slice(0, 2),
    [0],
    (0, [1]),
    ...,
    1.5,
    True,
    b"a",
    {"a": 1},
]
INDEXES = {
    "range": pd.RangeIndex(3),
    "text": pd.Index(["x", "y", "z"]),
    "multi": pd.MultiIndex.from_tuples([("x", 1), ("y", 2)]),
    "stamps": STAMPS,
    "spans": pd.timedelta_range("1h", periods=3, freq="7h"),
    "categories": pd.CategoricalIndex(["x", "y"]),
    "empty": pd.RangeIndex(0),
}


@pytest.mark.parametrize("label", UNKNOWN, ids=repr)
@pytest.mark.parametrize("name", INDEXES)
def test_an_unknown_label_is_in_the_error(name, label):
    """For every error and warning of pandas."""
    with pytest.raises(FrameError) as raised:
        row_positions(INDEXES[name], [label])
    assert f"there is no row {label!r} in the frame's index" in str(raised.value)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=repr)
@pytest.mark.parametrize("name", INDEXES)
def test_a_missing_label_names_no_row(name, missing):
    """In ``problems()`` it is the letter as a whole."""
    assert row_positions(INDEXES[name], [missing, *INDEXES[name], missing]) == tuple(
        range(len(INDEXES[name]))
    )


def test_a_missing_label_names_the_rows_of_an_index_that_has_it():
    """For example after an outer join."""
    assert row_positions(pd.Index([1.0, np.nan]), [np.nan]) == (1,)
    assert row_positions(pd.Index(["a", None], dtype=object), [None]) == (1,)


@pytest.mark.parametrize("rows", ["ab", b"ab", 5, 1.5, None, slice(0, 2)], ids=repr)
def test_an_object_that_is_not_a_list_is_refused(rows):
    """The error says what to write."""
    with pytest.raises(FrameError, match=r"is not a list of labels; write rows=\["):
        row_positions(pd.Index(["a", "b"]), rows)


@pytest.mark.parametrize(
    "rows",
    [
        [True, False],
        np.array([False, True]),
        pd.array([True, None], dtype="boolean"),
        pd.Series([True, None]),
    ],
    ids=["list", "array", "boolean", "objects"],
)
def test_booleans_that_are_not_a_mask_are_refused(rows):
    """As labels they would be the rows 1 and 0; the error says what a mask is."""
    with pytest.raises(FrameError, match="a mask is a boolean Series"):
        row_positions(pd.RangeIndex(2), rows)


def test_a_frame_is_not_a_list_of_rows():
    """Its columns would be read as labels."""
    with pytest.raises(FrameError, match=r"write rows=frame\.index"):
        row_positions(pd.Index(["a", "b"]), pd.DataFrame({"a": [1, 2]}))


def test_a_mask_names_the_rows_that_it_is_true_for():
    """By position, also if labels are repeated; a missing value is not true."""
    index = pd.Index([7, 7, 5])
    assert row_positions(index, pd.Series([False, True, True], index=index)) == (1, 2)
    assert row_positions(index, pd.Series([None, True, None], index=index, dtype="boolean")) == (1,)
    assert row_positions(
        index, pd.Series([None, True, None], index=index, dtype="bool[pyarrow]")
    ) == (1,)


@pytest.mark.parametrize("other", [[5, 7, 7], [7, 7], [7, 7, 5, 5]], ids=str)
def test_a_mask_over_another_index_is_refused(other):
    """It could be true for other rows."""
    with pytest.raises(FrameError, match="mask over another index"):
        row_positions(pd.Index([7, 7, 5]), pd.Series(data=True, index=other))


def test_a_tour_and_a_batch_select_their_rows():
    """For any labels."""
    made = campaign(3)
    [batch] = made.batches()
    assert row_positions(made.frame.index, batch) == (0, 1, 2)
    assert (
        row_positions(made.frame.index, made.tour(progress=False))
        == made.tour(progress=False).positions
    )


def test_a_tour_of_a_longer_frame_is_refused():
    """The frame does not have its rows."""
    longer = campaign(12).tour(progress=False)
    with pytest.raises(FrameError, match="of another campaign"):
        row_positions(pd.RangeIndex(min(longer.positions)), longer)


def test_one_row_has_a_label_of_its_own():
    """A label of several rows is an error if one row is needed."""
    df = pd.DataFrame(index=["a", "b", "a"])
    assert one_row(df, (), row="b") == 1
    with pytest.raises(
        FrameError, match=r"'a' names 2 rows, at the positions 0, 2; .*unique index"
    ):
        one_row(df, (), row="a")
