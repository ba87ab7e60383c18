"""Events become columns of results: in any order, each once, and the rows stay as they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.errors import ResultsError
from mailframe.outcomes.columns import OUTCOME_DTYPES, OutcomeWord, outcome_columns, with_outcomes
from mailframe.outcomes.events import EVENT_DTYPES, EventKind, events_frame
from mailframe.pandas_versions import as_dtype
from mailframe.results.frame import results_frame
from mailframe.results.row_results import RowResults
from tests import frames

NAMES = [*OUTCOME_DTYPES]
ALL = {"opens": True, "clicks": True}


def results_of(frame: pd.DataFrame, ids: list[str | None]) -> pd.DataFrame:
    """Results in which the rows with a MessageID are accepted."""
    results = results_frame(frame, RowResults(len(frame)))
    label = [name for name in results.columns if str(name).endswith("MessageID")][-1]
    return results.assign(**{label: as_dtype(pd.Series(ids, results.index, object), "str")})


RESULTS = results_of(frames.people(5), ["m0", "m1", None, "M3", "m0"])
EVENTS = st.fixed_dictionaries(
    {
        "MessageID": st.sampled_from(["m0", "M0", "m1", "m3", "other", None]),
        "kind": st.sampled_from([kind.value for kind in EventKind]),
        "at": st.sampled_from([f"2026-11-27T12:00:0{n}.1234567Z" for n in range(4)]),
        "Recipient": st.sampled_from(["ann@example.com", "Ann@Example.com", "bob@example.com"]),
    },
    optional={
        "bounce_type": st.sampled_from(["HardBounce", "SoftBounce", "Transient"]),
        "bounce_detail": st.sampled_from(["full", "gone"]),
        "link": st.sampled_from(["https://acme.example/a", "https://acme.example/b"]),
    },
)


@settings(max_examples=15)
@given(st.lists(EVENTS, max_size=12), st.data())
def test_neither_order_nor_repeats_matter(events, data):
    """Also in two steps, of which the second has all events, or those that are new."""
    whole = with_outcomes(RESULTS, events_frame(events), complete=ALL)
    again = data.draw(st.permutations([*events, *events[: data.draw(st.integers(0, 12))]]))
    pd.testing.assert_frame_equal(with_outcomes(RESULTS, events_frame(again), complete=ALL), whole)
    pd.testing.assert_frame_equal(with_outcomes(whole, events_frame(again), complete=ALL), whole)
    cut = data.draw(st.integers(0, len(again)))
    first = with_outcomes(RESULTS, events_frame(again[:cut]), complete=ALL)
    pd.testing.assert_frame_equal(with_outcomes(first, events_frame(events), complete=ALL), whole)
    assert whole["outcome"].isna().tolist() == RESULTS["MessageID"].isna().tolist()


@settings(max_examples=15)
@given(st.lists(EVENTS, max_size=12), st.integers(0, 12))
def test_new_events_are_added_to_the_counts(events, cut):
    """What was counted is not given again, as an incremental refresh does."""
    once = events_frame(events)
    spelled = once.assign(
        MessageID=once["MessageID"].astype(object).str.lower() if len(once) else once["MessageID"],
        Recipient=once["Recipient"].astype(object).str.lower() if len(once) else once["Recipient"],
    )
    once = once[~spelled.duplicated(["MessageID", "kind", "at", "Recipient", "link"])]
    whole = with_outcomes(RESULTS, once, complete=ALL)
    first = with_outcomes(RESULTS, once.iloc[:cut], complete=ALL)
    pd.testing.assert_frame_equal(
        with_outcomes(first, once.iloc[cut:], complete=ALL, are_new=True), whole
    )


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", sorted(frames.ZOO))
def test_rows_columns_and_index_stay(name):
    """The columns stand after all others, with the dtypes of the table."""
    frame = frames.ZOO[name]()
    results = results_of(frame, [f"m{n}" for n in range(len(frame))])
    events = events_frame([{"MessageID": "m0", "kind": "opened", "at": "2026-11-27T12:00:00Z"}])
    joined = with_outcomes(results, events)
    pd.testing.assert_frame_equal(joined.iloc[:, : len(results.columns)], results)
    labels = outcome_columns(joined)
    assert [*labels.values()] == joined.columns[-len(NAMES) :].tolist()
    for standard, label in labels.items():
        column = joined.iloc[:, joined.columns.get_indexer_for([label])[-1]]
        assert column.dtype == as_dtype(column.head(0), OUTCOME_DTYPES[standard]).dtype
    twice = with_outcomes(joined, events)
    pd.testing.assert_frame_equal(twice, joined)
    assert type(twice) is type(joined) is type(results)


def test_a_column_of_the_caller_is_never_overwritten():
    """Neither before the columns of results nor after them, also in a second call."""
    results = results_of(frames.people(1).assign(opens=7), ["m0"]).assign(outcome="mine")
    opened = {"MessageID": "m0", "kind": "opened", "at": "2026-11-27T12:00:00Z"}
    joined = with_outcomes(with_outcomes(results, events_frame([])), events_frame([opened]))
    assert joined[["opens", "outcome"]].to_numpy().tolist() == [[7, "mine"]]
    assert joined[["mail_opens", "mail_outcome"]].to_numpy().tolist() == [[1, "opened"]]
    assert len(joined.columns) == len(results.columns) + len(NAMES)


ONE = {
    EventKind.DELIVERED: {},
    EventKind.BOUNCED: {"bounce_type": "SoftBounce"},
    EventKind.OPENED: {},
    EventKind.CLICKED: {"link": "https://acme.example"},
    EventKind.UNSUBSCRIBED: {},
    EventKind.COMPLAINED: {},
}


@pytest.mark.parametrize("kind", ONE)
def test_the_outcome_is_the_last_word_of_the_list_that_holds(kind):
    """With each event alone, and with all that stand before it."""
    one = {"MessageID": "m0", "at": "2026-11-27T12:00:00Z"}
    words = [*OutcomeWord]
    before = [item for item in ONE.items() if words.index(item[0]) <= words.index(kind)]
    for items in ([(kind, ONE[kind])], before):
        events = events_frame([one | about | {"kind": it.value} for it, about in items])
        assert with_outcomes(RESULTS, events)["outcome"].tolist()[:2] == [kind, "accepted"]


def test_several_recipients_of_a_message_are_one_row():
    """Counts are sums, times the first of any; the severest bounce is shown."""
    events = [
        ("opened", "12:00:02", "ann", {}),
        ("opened", "12:00:01", "bob", {}),
        ("bounced", "12:00:03", "cy", {"bounce_type": "HardBounce", "bounce_detail": "gone"}),
        ("bounced", "12:00:04", "dee", {"bounce_type": "AutoResponder"}),
        ("clicked", None, "ann", {}),
    ]
    table = events_frame(
        {
            "MessageID": "m1",
            "kind": kind,
            "at": at and f"2026-11-27T{at}Z",
            "Recipient": f"{who}@example.com",
            **about,
        }
        for kind, at, who, about in events
    )
    row = with_outcomes(RESULTS, table).iloc[1]
    assert row[["outcome", "opens", "bounce_type", "bounce_detail"]].tolist() == [
        *("opened", 2, "HardBounce", "gone")
    ]
    assert row["opened_at"] == pd.Timestamp("2026-11-27 12:00:01", tz="UTC")
    assert pd.isna(row["clicks"])  # an event without a time is none


def test_none_is_zero_only_where_all_are_known():
    """A missing count is not zero; a row without a message has none."""
    complete = {"opens": np.array([True, False, True, True, False]), "clicks": True}
    joined = with_outcomes(RESULTS, events_frame([]), complete=complete)
    assert joined["opens"].tolist() == [0, pd.NA, pd.NA, 0, pd.NA]
    assert joined["clicks"].tolist() == [0, 0, pd.NA, 0, 0]
    later = with_outcomes(joined, events_frame([]))
    assert later["opens"].tolist() == joined["opens"].tolist()


def test_a_note_is_no_failure():
    """A delay and an answer are shown as bounces of Postmark, and the outcome is not `bounced`."""
    at = {"MessageID": "m0", "at": "2026-11-27T12:00:00Z"}
    delayed = at | {"kind": "bounced", "bounce_type": "Transient"}
    row = with_outcomes(RESULTS, events_frame([delayed, at | {"kind": "delivered"}])).iloc[0]
    assert row[["outcome", "bounce_type"]].tolist() == ["delivered", "Transient"]


def test_columns_with_other_values_are_refused():
    """The text names the column."""
    joined = with_outcomes(RESULTS, events_frame([])).assign(opened_at="yesterday evening")
    with pytest.raises(ResultsError, match="'opened_at' is not the column 'opened_at' of outcomes"):
        with_outcomes(joined, events_frame([]))
    with pytest.raises(ResultsError, match="not a results DataFrame"):
        with_outcomes(frames.people(2), events_frame([]))


def test_a_table_of_events_has_typed_columns():
    """Also without events; what is no text is missing."""
    for events in ([], [{"MessageID": 7, "kind": "opened", "at": "today"}]):
        table = events_frame(events)
        for name, dtype in EVENT_DTYPES.items():
            assert table[name].dtype == as_dtype(table[name].head(0), dtype).dtype
    assert table.isna().to_numpy().tolist() == [[True, False, True, True, True, True, True]]
