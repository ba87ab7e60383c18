"""The packed form: what is written is read again, and damage is an error."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.packs import PACK_MESSAGES, DamagedError
from mailframe.send.states import MessageState

SIZES = pytest.mark.parametrize("messages", [1, 2, PACK_MESSAGES - 1, PACK_MESSAGES])
IDS = st.lists(st.integers(1, 60) | st.integers(PACK_MESSAGES - 3, 2**40), unique=True, max_size=40)


def column(name: str, messages: int) -> packs.Rows:
    """A column of random bytes."""
    chance = np.random.default_rng(messages)
    return packs.rows_of(chance.bytes(messages * packs.WIDTHS[name]), name)


@SIZES
@pytest.mark.parametrize("name", packs.WIDTHS)
def test_a_column_is_read_as_it_was_written(name, messages):
    """For each column and the sizes at which a pack begins and ends."""
    before = column(name, messages)
    after = packs.read_column(packs.write_column(before), name, messages=messages)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("messages", [0, PACK_MESSAGES + 1])
@pytest.mark.parametrize("name", packs.WIDTHS)
def test_a_column_of_no_message_or_of_too_many_is_damaged(name, messages):
    """No pack has that size."""
    blob = packs.write_column(column(name, messages))
    with pytest.raises(DamagedError):
        packs.read_column(blob, name, messages=messages)


@given(data=st.data(), name=st.sampled_from(list(packs.WIDTHS)), messages=st.integers(1, 50))
def test_any_damage_of_a_blob_is_an_error(data, name, messages):
    """A changed byte, a lost end or further bytes: never other digests or other states."""
    blob = bytearray(packs.write_column(column(name, messages)))
    place = data.draw(st.integers(0, len(blob) - 1))
    damage = data.draw(st.sampled_from(["byte", "cut", "more"]))
    if damage == "byte":
        blob[place] ^= data.draw(st.integers(1, 255))
    elif damage == "cut":
        del blob[max(place, 1) :]
    else:
        blob += data.draw(st.binary(min_size=1, max_size=50))
    with pytest.raises(DamagedError):
        packs.read_column(bytes(blob), name, messages=messages)


@pytest.mark.parametrize("name", ["addresses", "contents", "message_ids"])
def test_an_empty_blob_is_a_column_of_zeros(name):
    """As ``prune`` leaves it; keys and states always have one."""
    assert not packs.read_column(b"", name, messages=3).any()
    for required in ("keys", "states"):
        with pytest.raises(DamagedError):
            packs.read_column(b"", required, messages=3)


@pytest.mark.parametrize("state", range(256))
def test_only_states_and_their_flags_are_states(state):
    """A byte that no mailframe wrote is an error and not another state."""
    blob = packs.write_column(np.array([MessageState.ACCEPTED, state], dtype="u1"))
    flags = {0, packs.RESENT, packs.NO_SPELLING, packs.RESENT | packs.NO_SPELLING}
    if state in {one | flag for one in MessageState for flag in flags}:
        assert packs.read_states(blob).tolist() == [MessageState.ACCEPTED, state]
    else:
        with pytest.raises(DamagedError):
            packs.read_states(blob)


@given(IDS)
def test_runs_of_ids_are_read_in_order(ids):
    """Whatever the order of a batch."""
    blob = packs.write_runs(np.array(ids, dtype="i8"))
    assert packs.read_runs(blob, at_most=len(ids)).tolist() == sorted(ids)
    if ids:
        with pytest.raises(DamagedError):
            packs.read_runs(blob, at_most=len(ids) - 1)


def test_a_batch_of_consecutive_messages_is_one_run_of_16_bytes():
    """So the messages of a request cost nothing."""
    assert len(packs.write_runs(packs.ids_of_pack(7, 500))) == 16 + 4


@pytest.mark.parametrize(
    "runs",
    [
        [[5, 2], [6, 1]],
        [[5, 0]],
        [[5, -1]],
        [[0, 1]],
        [[-3, 1]],
        [[9, 1], [5, 1]],
        [[5, 2**62], [2**62, 1]],
    ],
    ids=["overlap", "empty", "negative", "zero", "below zero", "order", "overflow"],
)
def test_runs_that_no_request_has_are_damaged(runs):
    """Also with a checksum that fits."""
    blob = packs._sealed(np.array(runs, dtype="<i8").tobytes())
    with pytest.raises(DamagedError):
        packs.read_runs(blob, at_most=500)


@given(IDS)
def test_ids_are_grouped_by_pack(ids):
    """Each id once, with its place in *ids* and in its pack."""
    groups = list(packs.by_pack(np.array(ids, dtype="i8")))
    assert len({pack for pack, _, _ in groups}) == len(groups)
    again = {
        index: pack * PACK_MESSAGES + place
        for pack, indices, places in groups
        for index, place in zip(indices.tolist(), places.tolist(), strict=True)
    }
    assert [again[index] for index in range(len(ids))] == ids


ODD_IDS = [
    "B7BC2F4A-E38E-4336-AF7D-E6C392C2F817",
    "id 1",
    str(uuid.UUID(int=0)),
    "\udcff",
    "-" * 36,
]


@given(st.lists(st.none() | st.uuids().map(str) | st.sampled_from(ODD_IDS), max_size=20))
def test_message_ids_are_packed_and_the_others_are_kept_as_text(message_ids):
    """Nothing is lost and nothing raises; only the usual spelling of a UUID is packed."""
    rows, others = packs.pack_ids(message_ids)
    texts = packs.id_texts(rows)
    for place, one in enumerate(message_ids):
        if one in ODD_IDS:
            assert texts[place] is None
            assert others[place] == one.encode("utf-8", "replace").decode()
        else:
            assert texts[place] == one
            assert place not in others


WORDS = st.lists(st.sampled_from([b"\0\0\0\0", b"\1\0\0\0", b"abcd"]), min_size=3, max_size=3)


@given(st.lists(WORDS.map(b"".join), max_size=12), st.lists(WORDS.map(b"".join), max_size=12))
def test_an_index_finds_what_a_comparison_of_each_with_each_finds(digests, others):
    """Also if digests are equal, or differ and have the same head."""
    left, right = (np.frombuffer(b"".join(one), "u1").reshape(-1, 12) for one in (digests, others))
    index = DigestIndex(left)
    places = [pair.tolist() for pair in index.pairs(right)]
    expected = [
        (place, line)
        for line, other in enumerate(others)
        for place, digest in enumerate(digests)
        if digest == other
    ]
    assert list(zip(*places, strict=True)) == expected
    for place, other in zip(index.find(right).tolist(), others, strict=True):
        assert digests[place] == other if place >= 0 else other not in digests
    assert index.has_repeats() == (len(set(digests)) < len(digests))
