"""The frame of messages, whole or in chunks."""

from __future__ import annotations

import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe import Attachment, errors
from mailframe.message.messages_frame import _PIECE_ROWS
from tests.frames import ZOO, frames, people

LETTER = {
    "sender": "me@acme.com",
    "to": "{{ email }}",
    "subject": "{{ email }}",
    "text_body": "Hi {{ email }}",
    "metadata": {"email": "{{ email }}"},
    "track_opens": True,
    "headers": {"X-Row": "{{ email }}"},
    "attachments": [Attachment("a.txt", b"a")],
}


def assert_same_in_chunks(frame: pd.DataFrame, chunk_rows: int) -> None:
    """All chunks, one after the other, are the whole frame."""
    campaign = frame.mail.compose(**LETTER)
    whole = campaign.messages()
    chunks = list(campaign.messages(chunk_rows=chunk_rows))
    assert [len(chunk) for chunk in chunks[:-1]] == [chunk_rows] * (len(chunks) - 1)
    assert sum(map(len, chunks)) == len(frame)
    assert len(chunks) == max(1, -(-len(frame) // chunk_rows))
    for chunk in chunks:
        pd.testing.assert_series_equal(chunk.dtypes, whole.dtypes)
    # pandas forgets the frequency of an index when it joins frames
    pd.testing.assert_frame_equal(pd.concat(chunks), whole, check_freq=False)
    pd.testing.assert_index_equal(whole.index, frame.index, exact=True)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 4])
@pytest.mark.parametrize("name", sorted(ZOO))
def test_the_chunks_of_a_frame_of_the_zoo_are_the_whole_frame(name, chunk_rows):
    """Dtypes, index and order, also without rows."""
    frame = ZOO[name]()
    if "email" in frame.columns:
        assert_same_in_chunks(frame, chunk_rows)


@settings(deadline=None, max_examples=30)
@given(frame=frames(max_rows=8), chunk_rows=st.integers(1, 9))
def test_the_chunks_of_any_frame_are_the_whole_frame(frame, chunk_rows):
    """Random dtypes, labels and indexes; messages with errors have missing parts."""
    if "email" in frame.columns:
        assert_same_in_chunks(frame, chunk_rows)


@pytest.mark.parametrize("storage", ["pyarrow", "python"])
@pytest.mark.parametrize("rows", [_PIECE_ROWS - 1, _PIECE_ROWS, _PIECE_ROWS + 1])
def test_a_long_frame_has_each_message_once(storage, rows):
    """At the boundary of the pieces that a whole frame is made of."""
    frame = people(rows)
    frame.loc[rows - 1, "email"] = None
    with pd.option_context("mode.string_storage", storage):
        messages = frame.mail.compose(**LETTER).messages()
    assert getattr(messages["To"].dtype, "storage", storage) == storage
    assert messages["To"].tolist()[:-1] == frame["email"].tolist()[:-1]
    assert messages["To"].isna().tolist() == [*[False] * (rows - 1), True]
    assert messages["size"].isna().sum() == 1


def test_chunks_are_made_when_they_are_asked_for():
    """An iterator renders the rows of the chunks that are taken from it."""
    chunks = people(6).mail.compose(**LETTER).messages(chunk_rows=2)
    assert isinstance(chunks, types.GeneratorType)
    assert next(chunks)["To"].tolist() == people(6)["email"].tolist()[:2]


@pytest.mark.parametrize("chunk_rows", [np.int64(2), np.uint8(2), 10**19])
def test_chunk_rows_may_be_any_whole_number(chunk_rows):
    """Of numpy, or larger than any frame."""
    campaign = people(3).mail.compose(**LETTER)
    chunks = list(campaign.messages(chunk_rows=chunk_rows))
    pd.testing.assert_frame_equal(pd.concat(chunks), campaign.messages())
    assert max(map(len, chunks)) == min(chunk_rows, 3)


@pytest.mark.parametrize("chunk_rows", [0, -1, 1.5, "10", True])
def test_a_chunk_has_at_least_one_row(chunk_rows):
    """Refused at once, and not when the first chunk is taken."""
    campaign = people(3).mail.compose(**LETTER)
    with pytest.raises(errors.MailframeError, match=r"chunk_rows=.* is not a number of rows"):
        campaign.messages(chunk_rows=chunk_rows)
