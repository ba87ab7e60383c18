"""Keys: a value is the same key in every dtype, and different values are different keys."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe import errors
from mailframe.message.digests import Digests, digest
from mailframe.message.key_spelling import loose
from mailframe.message.keys import KeyFault, canonical, joined
from tests.campaigns import LETTER, people

UUID = uuid.UUID("0a129aee-e1cd-480d-b08d-4f48548ff48d")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (1, "1"),
        (1.0, "1"),
        ("1", "1"),
        ("1.0", "1"),
        (np.int64(1), "1"),
        (np.float64(1), "1"),
        (Decimal("1.00"), "1"),
        (-0.0, "0"),
        (2**53 + 1, "9007199254740993"),
        ("001", "001"),
        ("1.10", "1.10"),
        ("e\u0301", "é"),
        (" a ", " a "),
        (dt.date(2026, 11, 22), "2026-11-22"),
        (pd.Timestamp("2026-11-22 09:30"), "2026-11-22T09:30:00"),
        (UUID, str(UUID)),
        (str(UUID), str(UUID)),
    ],
)
def test_one_value_is_one_key(value, key):
    """ledger.md §6.8: int, integral float and their text are one key; leading zeros are another."""
    assert canonical(value) == key


@pytest.mark.parametrize(
    "value", [None, np.nan, pd.NA, pd.NaT, 1.5, True, b"x", [1], float("inf"), Decimal("NaN")]
)
def test_values_that_identify_nothing_are_not_keys(value):
    """Missing values, fractions, booleans and collections."""
    with pytest.raises(KeyFault):
        canonical(value)


@given(
    parts=st.lists(st.text(max_size=4), min_size=2, max_size=2),
    others=st.lists(st.text(max_size=4), min_size=2, max_size=2),
)
def test_joined_parts_are_equal_only_when_they_are(parts, others):
    """No two lists of parts make one key: ["a", "b|c"] is not ["a|b", "c"]."""
    assert (joined(parts) == joined(others)) == (parts == others)


@given(texts=st.lists(st.sampled_from("abcd"), max_size=12))
def test_repeats_name_the_first_of_each(texts):
    """Every later row with the same text, with the position of the first."""
    digests = Digests(len(texts))
    for position, text in enumerate(texts):
        digests.put_bytes(position, digest(text))
    assert dict(digests.repeats().tolist()) == {
        i: texts.index(t) for i, t in enumerate(texts) if texts.index(t) != i
    }


def problems(frame: pd.DataFrame, key) -> list[tuple[object, str]]:
    """Row and code of each problem of the key."""
    rows = frame.mail.compose(LETTER, name="keys", key=key).problems()
    rows = rows[rows["field"] == "key"]
    return list(zip(rows["row"], rows["code"], strict=True))


def test_missing_and_repeated_keys_are_listed_with_their_positions():
    """A missing key and a repeated one, in any dtype."""
    frame = people(5).assign(key=pd.Series(["1", 1.0, None, "", "a"], dtype=object))
    assert problems(frame, "key") == [(1, "duplicate_key"), (2, "missing_key"), (3, "missing_key")]


def test_keys_that_differ_in_leading_zeros_are_a_warning():
    """'001' and 1 are two keys, which may be a mistake."""
    frame = people(3).assign(key=pd.Series(["001", 1, "002"], dtype=object))
    assert problems(frame, "key") == [(1, "ambiguous_key")]


def test_several_columns_make_one_key():
    """The pair is the key."""
    frame = people(3).assign(a=["x", "x", "y"], b=[1, 2, 1])
    assert problems(frame, ["a", "b"]) == []
    assert problems(frame, ["a"]) == [(1, "duplicate_key")]


@pytest.mark.parametrize("key", ["nope", ["email", "nope"], []])
def test_a_missing_key_column_is_an_error(key):
    """At compose time, with the columns that there are."""
    with pytest.raises(errors.FrameError, match=r"nope|empty list"):
        people(1).mail.compose(LETTER, name="keys", key=key)


def test_the_default_key_is_the_address():
    """A later row with the same recipient is blocked; case and name are ignored."""
    frame = pd.DataFrame(
        {"email": ["Bob@Example.com", "Bob <bob@example.com>", "bob+1@example.com"], "n": range(3)}
    )
    rows = frame.mail.compose(LETTER, name="keys").problems()
    assert rows[["row", "code", "severity"]].to_numpy().tolist() == [
        [1, "duplicate_recipient", "error"]
    ]


def test_a_blocked_row_does_not_block_its_double():
    """The first row without errors is sent."""
    frame = pd.DataFrame({"email": ["a@example.com", "a@example.com"], "n": [None, 2]})
    campaign = frame.mail.compose(LETTER, name="keys")
    assert campaign.problems()["row"].unique().tolist() == [0]
    assert [position for batch in campaign.batches() for position in batch.positions] == [1]


@pytest.mark.parametrize(
    ("spelled", "key"),
    [("0", "0"), ("00", "0"), (" 00 ", "0"), ("\uff10\uff10", "0"), (" 007", "7"), ("0a", "0a")],
)
def test_a_key_that_is_read_again_differs_from_the_recorded_one_in_spelling_alone(spelled, key):
    """A key of zeros keeps one of them, with and without spaces around it."""
    assert loose(spelled) == loose(key) == key
