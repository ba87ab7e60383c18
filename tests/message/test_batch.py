"""Batches have all messages in order, are within the limits, and are filled before the next."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailframe import limits
from mailframe.message.batch import Batch, batches, counts
from mailframe.message.message import Message
from tests.composing import compose, frame

OURS = limits.METADATA_BYTES_FOR_MAILFRAME
LARGEST = limits.MAX_MESSAGE_BYTES - OURS
sizes_in_bytes = st.lists(
    st.integers(2, 300) | st.sampled_from([5_000_000, 9_999_999 - OURS, LARGEST]), max_size=30
)


class Sized(bytes):
    """Bytes that report a length without using it, so that a test does not need many megabytes."""

    def __new__(cls, size):
        """As many bytes as it says, and none of them."""
        made = super().__new__(cls)
        made.size = size
        return made

    def __len__(self) -> int:
        return self.size


def messages(sizes):
    """One message per size, in row order."""
    return [Message(row, f"p{row}@acme.com", Sized(size)) for row, size in enumerate(sizes)]


@given(sizes_in_bytes)
@example([LARGEST] * 6)
@example([2] * 501)
@example([])
def test_batches_are_the_messages_in_order(sizes):
    """They have all messages, are numbered from 1, within both limits, and as full as possible."""
    given_messages = messages(sizes)
    made = list(batches(given_messages))
    assert [message for batch in made for message in batch] == given_messages
    assert [batch.number for batch in made] == list(range(1, len(made) + 1))
    for batch in made:
        assert 1 <= len(batch) <= limits.MAX_BATCH_MESSAGES
        assert batch.size + len(batch) * OURS <= limits.MAX_BATCH_BYTES
    for batch, following in pairwise(made):
        grown = batch.size + len(batch) * OURS + 1 + len(following.messages[0].body) + OURS
        assert len(batch) == limits.MAX_BATCH_MESSAGES or grown > limits.MAX_BATCH_BYTES
    assert counts(sizes) == [(len(batch), batch.size) for batch in made]


@settings(
    max_examples=5,
    suppress_health_check=[HealthCheck.large_base_example, HealthCheck.data_too_large],
)
@given(st.lists(st.integers(2, 2000), min_size=499, max_size=1002))
def test_small_messages_make_batches_of_500(sizes):
    """By count alone."""
    assert [len(batch) for batch in batches(messages(sizes))][:-1] == [500] * (
        (len(sizes) - 1) // 500
    )
    assert len(counts(sizes)) == -(-len(sizes) // 500)


@pytest.mark.parametrize(("rows", "expected"), [(499, [499]), (500, [500]), (501, [500, 1])])
def test_a_batch_has_500_messages(rows, expected):
    """``batches()`` has the positions of their rows."""
    made = list(compose(frame(rows)).batches())
    assert [len(batch) for batch in made] == expected
    assert [position for batch in made for position in batch.positions] == list(range(rows))


@pytest.mark.parametrize(("over", "expected"), [(-1, 1), (0, 1), (1, 2)])
def test_a_batch_has_50_megabytes(over, expected):
    """With its brackets, its commas and what the ledger adds to each message."""
    sizes = [10_000_000 - OURS] * 4 + [10_000_000 - OURS - 2 - 4 + over]
    assert len(list(batches(messages(sizes)))) == expected
    assert len(counts(sizes)) == expected


def test_a_message_that_is_too_large_is_a_batch_of_its_own():
    """A check blocks such a message; batching it must not loop forever."""
    sizes = [5, limits.MAX_BATCH_BYTES + 1, 5]
    assert [len(batch) for batch in batches(messages(sizes))] == [1, 1, 1]


@given(st.lists(st.text(max_size=20), min_size=1, max_size=12))
def test_a_batchs_size_is_that_of_its_bytes(texts):
    """The bytes are one JSON array of any messages."""
    texts = [text.encode("utf-8", "ignore").decode() or "x" for text in texts]
    df = frame(v=texts)
    for batch in compose(df, text_body="x{{ v }}").batches():
        assert batch.size == len(batch.body)
        assert json.loads(batch.body) == [message.payload for message in batch]
        assert [item["TextBody"] for item in json.loads(batch.body)] == [
            "x" + texts[row] for row in batch.positions
        ]


def test_blocked_rows_are_left_out_of_batches():
    """The others keep their positions and their order."""
    df = frame(6).assign(email=["a@acme.com", "bad", "c@acme.com", "", "e@acme.com", "f@acme.com"])
    [batch] = compose(df).batches()
    assert batch.positions == (0, 2, 4, 5)
    assert [message.to for message in batch] == [
        "a@acme.com",
        "c@acme.com",
        "e@acme.com",
        "f@acme.com",
    ]
    assert compose(df).plan().batches == 1


def test_blocked_rows_count_in_no_batch_and_no_size_of_the_plan():
    """This holds for a row that cannot be rendered, and for one that another row blocks."""
    df = frame(502).assign(n=range(502))
    df.loc[500, "email"], df.loc[501, "n"] = "bad", 0
    plan, sent = compose(df, key="n").plan(), compose(df.head(500), key="n").plan()
    assert (plan.messages, plan.batches, plan.bytes) == (500, 1, sent.bytes)


@given(st.lists(st.sampled_from([b'{"To":"a@acme.com"}', b'{"Metadata":{"n":"1"}}']), max_size=9))
def test_a_marked_batch_has_the_bytes_of_its_marked_messages(bodies):
    """In its body, its size and its halves; the messages themselves stay as they are."""
    unmarked = [Message(row, "a@acme.com", body) for row, body in enumerate(bodies)]
    keys = [f"{row:032x}" for row in range(len(bodies))]
    marked = [
        message.marked(campaign="c" * 24, attempt="b" * 24, key=key)
        for message, key in zip(unmarked, keys, strict=True)
    ]
    batch = Batch(7, tuple(unmarked)).marked(campaign="c" * 24, attempt="b" * 24, keys=keys)
    assert batch.body == Batch(7, tuple(marked)).body
    assert batch.body == b"[" + b",".join(message.body for message in marked) + b"]"
    assert batch.size == len(batch.body)
    assert (batch.number, list(batch)) == (7, unmarked)
    if len(bodies) > 1:
        first, second = batch.halves()
        assert first.body[:-1] + b"," + second.body[1:] == batch.body


def test_a_batch_is_not_marked_with_fewer_keys_than_messages():
    """No message would be left out."""
    batch = Batch(1, tuple(messages([5, 5])))
    with pytest.raises(ValueError, match="shorter"):
        batch.marked(campaign="c", attempt="b", keys=["0"]).parts()
