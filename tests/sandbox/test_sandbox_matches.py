"""The columns of a pack, and searches that leave most of them unread."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox.api.search_parameters import parse
from mailframe.sandbox.checks.account import DEFAULT_STREAMS
from mailframe.sandbox.state.messages.columns import (
    MOST_CHARACTERS,
    MOST_VALUES,
    Traits,
    packed,
    unpacked,
)
from tests.sandbox.kept_messages import SERVER, count_of, empty_store, keep
from tests.sandbox.sandbox_mail import mail

TEXTS = st.sampled_from(["a", "B", "", '"*To', "Grüße", "a_b%", "\\", "x" * 400])
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["From", "To", "Tag", "TrackOpens", "Metadata"]),
        st.none() | TEXTS | st.booleans() | st.lists(TEXTS, max_size=2),
    ),
    min_size=1,
    max_size=40,
)


@given(ROWS)
def test_columns_give_back_each_message(rows):
    """A field that is null is as good as missing; the order and empty places stay."""
    traits, others = packed(rows)
    read = Traits.of(traits, len(rows))
    expected = [{name: row[name] for name in row if row[name] is not None} for row in rows]
    assert unpacked(read, others) == expected
    for name in {name for row in rows for name in row} - read.many | {"Other"}:
        marks = ["1" if row.get(name) == "a" else "0" for row in rows]
        assert read.marks(name, lambda value: value == "a") == "".join(marks)


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_traits_are_few_and_short(over):
    """So that a search reads little of each pack."""
    values = [{"Tag": str(number)} for number in range(MOST_VALUES + over)]
    assert (Traits.of(packed(values)[0], len(values)).many == {"Tag"}) is (over > 0)
    long = [{"Tag": "x" * (MOST_CHARACTERS + over)}]
    assert (Traits.of(packed(long)[0], 1).many == {"Tag"}) is (over > 0)


PEOPLE = st.sampled_from(
    ["ann@example.com", "Ann <ANN@example.com>", "bob@example.com, ann@example.com", "c@d.example"]
)
MESSAGES = st.builds(
    mail,
    To=PEOPLE,
    Cc=st.none() | PEOPLE,
    Tag=st.sampled_from([None, "spring", "Spring", "spr_ng"]),
    Subject=st.sampled_from([None, "Spring news", "spr", "Grüße", "SPRING %"]),
    Metadata=st.sampled_from([None, {"Row": "1"}, {"row": "2", "batch": "1"}]),
)
QUERIES = st.dictionaries(
    st.sampled_from(["recipient", "fromemail", "tag", "subject", "metadata_row"]),
    st.sampled_from(
        ["ann@example.com", "hello@example.com", "spring", "Spring", "spr_ng", "Grüße", "1", "%"]
    ),
    max_size=2,
)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.lists(MESSAGES, min_size=1, max_size=50), max_size=4),
    st.data(),
    QUERIES,
    st.integers(0, 3),
    st.integers(1, 60),
)
def test_a_search_finds_what_a_look_at_every_message_finds(batches, data, asked, offset, count):
    """Whatever is removed, beyond the cap, hidden or on another page."""
    store = empty_store(keep=60)
    ids = [one for batch in batches for one in keep(store, *batch)]
    for removed in data.draw(st.sets(st.sampled_from(ids), max_size=3)) if ids else ():
        message = store.messages.get(removed)
        if message:
            store.remove_message(message)
    until = data.draw(st.integers(1, store.messages.next_position))
    first = data.draw(st.none() | st.integers(0, 30))
    query = parse(urlencode({"count": count, "offset": offset, **asked}), streams=DEFAULT_STREAMS)
    expected = [one for one in store.messages.all() if one.position < until]
    expected = [one.position for one in expected if query.matches(one.head)][:first]
    total, page = store.messages.find(SERVER, query, until=until, first=first)
    assert total == len(expected)
    assert [one.position for one in page] == expected[::-1][offset : offset + count]


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({}, 40),
        ({"tag": "spring"}, 20),
        ({"tag": "summer"}, 0),
        ({"fromemail": "hello@example.com"}, 40),
        ({"status": "sent"}, 40),
        ({"fromdate": "2000-01-01"}, 0),
        ({"recipient": "ann@other.example"}, 0),
        ({"subject": "winter"}, 0),
    ],
)
def test_packs_that_match_as_a_whole_are_counted_unread(query, total):
    """However many there are; the page is read of the newest alone."""
    store = empty_store()
    for _ in range(4):
        keep(store, *(mail(Tag=("spring", "autumn")[row % 2]) for row in range(10)))
    last = store.messages.next_position - 10
    store.database.run("update packs set heads = '{' where first < ?", last)
    assert count_of(store, urlencode({"count": 5, "offset": 0, **query})) == total
