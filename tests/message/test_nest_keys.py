"""Keys of ``df.mail.nest``: no two people get the same records by accident, and errors teach."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from mailframe.errors import FrameError
from tests.composing import cells
from tests.frame_kinds import KINDS


def people(ids: object) -> pd.DataFrame:
    """A person for each key."""
    return pd.DataFrame({"id": ids})


def orders(ids: object) -> pd.DataFrame:
    """An order for each key, numbered from 0."""
    frame = pd.DataFrame({"id": ids})
    return frame.assign(n=range(len(frame)))


def nested(person_ids: object, order_ids: object) -> list[list[int]]:
    """The numbers of the orders of each person."""
    lists = people(person_ids).mail.nest(orders=orders(order_ids), on="id")["orders"]
    return [[order["n"] for order in records] for records in lists]


@pytest.mark.parametrize("large", [2**53, 2**53 + 2, 1e300, float("inf"), -(2.0**53)])
@pytest.mark.parametrize("turned", [False, True])
def test_keys_that_a_float_cannot_tell_apart_are_refused(large, turned):
    """A missing value makes integers floats: 2**53 and 2**53 + 1 would be one person."""
    exact, rounded = [2**53 + 1, 7], pd.Series([float(large), 7.0, None])
    with pytest.raises(
        FrameError, match=r"too large to be exact.*read the column as text or Int64"
    ):
        nested(*((rounded, exact) if turned else (exact, rounded)))


def test_the_largest_exact_floats_are_keys():
    """Below 2**53, and below 2**24 in 32 bits."""
    assert nested([2**53 - 1, 5], pd.Series([2.0**53 - 1, None])) == [[0], []]
    assert nested([2**24 - 1, 5], pd.Series([2.0**24 - 1, None], dtype="float32")) == [[0], []]
    with pytest.raises(FrameError, match="too large"):
        nested([2**24 + 1, 2**24], pd.Series([2.0**24, None], dtype="float32"))


def test_a_large_float_among_objects_is_refused():
    """As in a column of a JSON file."""
    with pytest.raises(FrameError, match=r"'id' of orders: .* too large to be exact"):
        nested([2**53 + 1, 7], cells(float(2**53), 7))


@pytest.mark.parametrize("key", [[1], {"a": 1}, {1}, np.array([1, 2])])
def test_keys_that_are_collections_are_refused(key):
    """With the frame that has them, and the kind."""
    kind = type(key).__name__
    with pytest.raises(FrameError, match=f"'id' of the frame has a {kind}, .*give text, a number"):
        nested(cells(key, 2), [2])
    with pytest.raises(FrameError, match=f"'id' of orders has a {kind}"):
        nested([1, 2], cells(2, key))


def test_a_key_of_another_type_is_refused_even_if_others_match():
    """Otherwise some people would miss their orders, and nothing would say so."""
    with pytest.raises(FrameError, match="'id' is '2' in orders and 2 in the frame"):
        nested([1, 2], cells(1, "2"))
    with pytest.raises(FrameError, match="'id' is 2 in orders and '2' in the frame"):
        nested(cells("1", "2"), cells("1", 2))
    assert nested([1, 2], cells(1, "x")) == [[0], []]
    assert nested(cells(1, "1"), cells("1", 1)) == [[1], [0]]


@pytest.mark.parametrize(
    ("person_ids", "order_ids", "numbers"),
    [
        ([1, 2], [1.0, 2.0, 1.0], [[0, 2], [1]]),
        (cells(Decimal(1), Decimal(2)), [2], [[], [0]]),
        (cells("a", None, np.nan), cells("a", None, np.nan, pd.NA), [[0], [], []]),
        (pd.array([1, None], dtype="Int64"), pd.array([None, 1], dtype="Int64"), [[1], []]),
        (pd.Categorical(["a", "b"]), pd.array(["b"], dtype="string[pyarrow]"), [[], [0]]),
        (pd.arrays.SparseArray([1, 2]), pd.arrays.SparseArray([2, 0]), [[], [0]]),
        (
            pd.date_range("2026-01-01", periods=2, tz="UTC"),
            pd.DatetimeIndex(["2026-01-01 09:00"], tz="Asia/Tokyo"),
            [[0], []],
        ),
        (
            pd.period_range("2026-01", periods=2, freq="M"),
            pd.PeriodIndex(["2026-02"], freq="M"),
            [[], [0]],
        ),
        ([], [1], []),
        ([1], [], [[]]),
    ],
)
def test_equal_keys_match_in_any_dtype(person_ids, order_ids, numbers):
    """Missing keys match nobody."""
    assert nested(person_ids, order_ids) == numbers


@pytest.mark.parametrize("on", [["id"], None])
def test_on_is_one_column(on):
    """As it is in pandas' ``on`` for one key."""
    with pytest.raises(FrameError, match="give the name of one column"):
        people([1]).mail.nest(orders=orders([1]), on=on)


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "duckdb"])
def test_details_may_be_a_frame_of_another_library(kind):
    """With exact values."""
    details = KINDS[kind](pa.table({"id": [1, 1], "ref": [2**60 + 1, None]}))
    nested = people([1, 2]).mail.nest(orders=details, on="id")["orders"].tolist()
    assert [len(records) for records in nested] == [2, 0]
    assert nested[0][0] == {"ref": 2**60 + 1}
