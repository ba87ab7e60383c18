"""Rows that failed or were accepted, and statuses counted by other columns."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf
from mailframe.errors import FrameError, ResultsError
from mailframe.results.frame import newest, results_frame
from mailframe.results.row_results import RowResults
from mailframe.results.summary_line import About, with_summary_line
from tests import frames

STATUSES = list(mf.Status)


def results_of(frame: pd.DataFrame, statuses: list[mf.Status] | None = None) -> pd.DataFrame:
    """The frame with the columns of results; by default the statuses take turns."""
    rows = RowResults(len(frame))
    for position in range(len(frame)):
        rows.settle(position, (statuses or STATUSES)[position % len(statuses or STATUSES)])
    return with_summary_line(results_frame(frame, rows), About())


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(frames.ZOO))
def test_failed_and_accepted_are_the_rows_themselves(name):
    """All columns, the same labels and dtypes, in their order, as a plain frame."""
    frame = frames.ZOO[name]()
    results = results_of(frame, [mf.Status.INVALID, mf.Status.ACCEPTED, mf.Status.REJECTED])
    for part, statuses in (
        (results.mail.failed(), ("invalid", "rejected")),
        (results.mail.accepted(), ("accepted",)),
    ):
        label = [label for label in results.columns if str(label).endswith("status")][-1]
        wanted = np.flatnonzero(results[label].isin(statuses).to_numpy())
        pd.testing.assert_frame_equal(part, pd.DataFrame(results).iloc[wanted])
        assert type(part) is pd.DataFrame
    assert len(results.mail.failed()) + len(results.mail.accepted()) == len(results)


def test_failed_has_neither_unknown_nor_unsent_rows():
    """To fix and send an unknown row risks duplicates; send takes the unsent ones anyway."""
    results = results_of(frames.people(6))
    assert results.mail.failed()["status"].tolist() == ["rejected", "invalid"]
    assert results.mail.accepted()["status"].tolist() == ["accepted"]


def test_the_newest_results_count():
    """A frame that was sent twice has two sets."""
    first = results_of(frames.people(2), [mf.Status.REJECTED])
    second = results_of(first, [mf.Status.ACCEPTED])
    assert second.mail.failed().empty
    assert len(second.mail.accepted()) == 2
    assert second.mail.by("status").columns.tolist() == ["rows", "accepted"]
    assert second.mail.by("status").index.tolist() == ["rejected"]


def test_summary_has_shares():
    """Of all rows; a frame without rows has none."""
    summary = results_of(
        frames.people(3), [mf.Status.ACCEPTED, mf.Status.ACCEPTED, mf.Status.SKIPPED]
    )
    shares = summary.mail.summary()["share"]
    assert shares.tolist() == [2 / 3, 1 / 3]
    assert list(summary.mail.summary()) == [
        "status",
        "ErrorCode",
        "reason",
        "rows",
        "share",
        "Message",
    ]
    empty = results_of(frames.people(0)).mail.summary()
    assert (len(empty), empty["share"].dtype) == (0, "float64")


def test_by_counts_each_status_for_each_value():
    """The value with the most rows first, then the order of the data; a missing value has a row."""
    frame = pd.DataFrame({"plan": ["free", "pro", "pro", None, "pro", "free", None, "new"]})
    statuses = [mf.Status.ACCEPTED, mf.Status.REJECTED, mf.Status.ACCEPTED, mf.Status.INVALID]
    table = results_of(frame, statuses).mail.by("plan")
    expected = pd.DataFrame(
        {
            "rows": [3, 2, 2, 1],
            "accepted": [2, 1, 1, 0],
            "rejected": [1, 1, 0, 0],
            "invalid": [0, 0, 1, 1],
        },
        index=pd.Index(["pro", "free", None, "new"], name="plan"),
    )
    pd.testing.assert_frame_equal(table, expected)


def test_by_a_category_has_its_order():
    """Only values that occur; the missing one is last, however many there are."""
    plans = pd.Categorical(
        ["gold", None, None, "tin", "gold"], categories=["tin", "iron", "gold"], ordered=True
    )
    table = results_of(pd.DataFrame({"plan": plans})).mail.by("plan")
    assert table.index.tolist()[:2] == ["tin", "gold"]
    assert pd.isna(table.index[2])
    assert isinstance(table.index, pd.CategoricalIndex)
    assert table.index.ordered


def test_by_several_columns_is_ordered_within_each_value():
    """The largest group first, and its largest part first."""
    frame = pd.DataFrame(
        {"plan": ["a", "b", "b", "b", "a"], "country": ["no", "se", "no", "no", "dk"]}
    )
    table = results_of(frame, [mf.Status.ACCEPTED]).mail.by(["plan", "country"])
    assert table.index.tolist() == [("b", "no"), ("b", "se"), ("a", "no"), ("a", "dk")]
    assert table.index.names == ["plan", "country"]
    assert table["rows"].tolist() == [2, 1, 1, 1]


def test_shares_are_of_the_row():
    """The rows stay numbers."""
    frame = pd.DataFrame({"plan": ["a", "a", "a", "b"]})
    table = results_of(frame, [mf.Status.ACCEPTED, mf.Status.UNKNOWN]).mail.by("plan", shares=True)
    assert table.to_dict("list") == {
        "rows": [3, 1],
        "accepted": [2 / 3, 0.0],
        "unknown": [1 / 3, 1.0],
    }
    assert table.dtypes.astype(str).tolist() == ["int64", "float64", "float64"]


@pytest.mark.parametrize("label", ["accepted", "rows", "unsent", ("a", 1), 0, True, ""])
def test_by_a_column_of_any_name(label):
    """Also one that is called like a column of the table."""
    frame = pd.DataFrame({0: ["x", "y", "x"]})
    frame.columns = pd.Index([label], dtype=object, tupleize_cols=False)
    table = results_of(frame, [mf.Status.ACCEPTED]).mail.by(label)
    assert table.index.names == [label]
    assert table["rows"].tolist() == table["accepted"].tolist() == [2, 1]


def test_a_label_that_is_not_there_names_the_columns():
    """1 is not True, and a doubled label is not chosen by chance."""
    results = results_of(pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"]))
    with pytest.raises(FrameError, match=r"no column 'z'; the columns are 'x', 'x', 'y', 'status'"):
        results.mail.by("z")
    with pytest.raises(FrameError, match="2 columns are called 'x'"):
        results.mail.by("x")
    with pytest.raises(ResultsError, match="not a results DataFrame"):
        pd.DataFrame({"x": [1]}).mail.by("x")


@pytest.mark.parametrize("name", ["lists", "dicts", "arrays", "arrow_list"])
def test_a_cell_that_cannot_be_counted_names_its_row(name):
    """The remedy works."""
    results = results_of(frames.ZOO[f"column_{name}"]())
    with pytest.raises(
        FrameError, match=r"column 'x', row 0: a \w+ cannot be counted; .*"
    ) as caught:
        results.mail.by("x")
    code = str(caught.value).partition("as in ")[2]
    assert eval(code, {"results": results})["rows"].sum() == len(results)  # noqa: S307 - our own sentence


def test_by_needs_a_label():
    """A list without labels is a mistake."""
    with pytest.raises(FrameError, match="by needs the label of a column"):
        results_of(frames.people()).mail.by([])


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "name",
    sorted(set(frames.ZOO) - {f"column_{n}" for n in ("lists", "dicts", "arrays", "arrow_list")}),
)
def test_by_any_column_of_the_zoo(name):
    """Every row is counted once, and the values keep their dtype."""
    results = results_of(frames.ZOO[name]())
    for place, label in enumerate(results.columns):
        if list(results.columns).count(label) > 1:
            continue
        table = results.mail.by(label)
        assert table["rows"].sum() == len(results)
        assert table.drop(columns="rows").sum(axis=1).tolist() == table["rows"].tolist()
        assert table.index.dtype == results.iloc[:, place].dtype


@settings(max_examples=40, deadline=None)
@given(frame=frames.frames(min_rows=1), data=st.data())
def test_by_counts_what_a_loop_counts(frame, data):
    """For any column of any frame: the same numbers, every value once, a stable order."""
    statuses = data.draw(st.lists(st.sampled_from(STATUSES), min_size=1, max_size=4))
    results = results_of(frame, statuses)
    label = data.draw(st.sampled_from(list(frame.columns)))
    table = results.mail.by(label)
    cells = [("missing",) if pd.isna(cell) else cell for cell in frame[label].tolist()]
    rows = Counter(cells)
    values = [("missing",) if pd.isna(cell) else cell for cell in table.index.tolist()]
    assert dict(zip(values, table["rows"].tolist(), strict=True)) == rows
    assert len(values) == len(rows)
    pairs = Counter(zip(cells, newest(results)["status"].tolist(), strict=True))
    for value, (_, counts) in zip(values, table.iterrows(), strict=True):
        for status in table.columns[1:]:
            assert counts[status] == pairs[value, status]
    if not isinstance(frame[label].dtype, pd.CategoricalDtype):
        assert table["rows"].is_monotonic_decreasing


def test_a_label_of_numpy_is_the_label():
    """``for label in np.array(…)`` gives such labels, which pandas takes; True is not 1."""
    results = results_of(pd.DataFrame({0: [1, 1], "plan": ["a", "b"]}))
    assert results.mail.by(np.int64(0))["rows"].tolist() == [2]
    assert results.mail.by(np.array(["plan"])[0])["rows"].tolist() == [1, 1]
    with pytest.raises(FrameError, match="no column False"):
        results.mail.by(False)
