"""States of messages: what an answer means, and which status a row has then."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.postmark.responses import Answer, Outcome, Verdict
from mailframe.results.row_results import RowResults, Status
from mailframe.send.states import (
    MessageState,
    set_outcomes,
    set_reason_of_unsent,
    set_status,
    state_of,
    state_without_outcome,
    with_outcomes,
)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome(0, "OK", "id-1"), MessageState.ACCEPTED),
        (Outcome(None, "may be delayed", "id-1"), MessageState.ACCEPTED),
        (Outcome(406, "inactive"), MessageState.REJECTED),
        (Outcome(None, "HTTP 413"), MessageState.REJECTED),
    ],
)
def test_an_outcome_with_an_id_is_accepted_and_one_without_is_rejected(outcome, state):
    """The MessageID decides, not the ErrorCode."""
    assert state_of(outcome) is state


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_request_without_outcomes_is_unknown_only_if_postmark_may_have_accepted_it(verdict):
    """Every other verdict proves that nothing was processed."""
    unknown = verdict is Verdict.UNKNOWN
    state = MessageState.UNKNOWN if unknown else MessageState.PLANNED
    assert state_without_outcome(Answer(verdict)) is state


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("messages", [1, 2])
def test_only_413_to_one_message_becomes_an_outcome(verdict, messages):
    """A larger batch is sent in halves; no other answer is changed."""
    answer = Answer(verdict, reason="a reason", http_status=413)
    changed = with_outcomes(answer, messages=messages)
    if verdict is Verdict.TOO_LARGE and messages == 1:
        assert changed.verdict is Verdict.ANSWERED
        assert changed.outcomes == (Outcome(None, "a reason"),)
    else:
        assert changed is answer


@pytest.mark.parametrize(
    ("state", "earlier", "status", "reason"),
    [
        (MessageState.PLANNED, False, "unsent", "why"),
        (MessageState.SENDING, True, "unknown", "why"),
        (MessageState.UNKNOWN, False, "unknown", "why"),
        (MessageState.UNKNOWN, True, "unknown", "why"),
        (MessageState.ACCEPTED, False, "accepted", "why"),
        (MessageState.ACCEPTED, True, "skipped", "already_sent"),
        (MessageState.REJECTED, False, "rejected", "inactive_recipient"),
        (MessageState.REJECTED, True, "rejected", "inactive_recipient"),
    ],
)
def test_each_state_is_one_status(state, earlier, status, reason):
    """An accepted message is skipped in later runs; a rejected one has the meaning of its code."""
    rows = RowResults(1)
    code = 406 if state is MessageState.REJECTED else 0
    set_status(rows, 0, state, reason="why", outcome=Outcome(code, "text"), earlier=earlier)
    columns = rows.columns()
    assert (columns["status"][0], columns["reason"][0]) == (status, reason)
    assert columns["ErrorCode"][0] == code


@given(
    outcomes=st.lists(
        st.builds(
            Outcome,
            st.sampled_from([None, 0, 300, 406, 99_999]),
            st.sampled_from(["OK", "no"]),
            st.sampled_from([None, "id 1"]) | st.uuids().map(str),
            st.sampled_from([None, "2014-02-17T07:25:01.4178645-05:00"]),
        ),
        max_size=6,
    ),
    batch=st.sampled_from([None, 7]),
)
def test_the_outcomes_of_a_batch_are_set_as_one_by_one(outcomes, batch):
    """Accepted and rejected messages in any order, each with its own reason and answer."""
    size = len(outcomes)
    to = [None if place % 3 == 2 else f"p{place}@example.com" for place in range(size)]
    together, single = RowResults(size), RowResults(size)
    set_outcomes(together, range(size), outcomes, to=to, batch=batch)
    for place, outcome in enumerate(outcomes):
        state = state_of(outcome)
        set_status(single, place, state, outcome=outcome, to=to[place], batch=batch)
    pd.testing.assert_frame_equal(pd.DataFrame(together.columns()), pd.DataFrame(single.columns()))
    assert together.counts() == single.counts()


def test_the_reason_of_unsent_rows_replaces_no_other_reason():
    """Only rows that are unsent get it."""
    rows = RowResults(3)
    rows.settle(0, Status.INVALID, reason="invalid_address")
    set_status(rows, 1, MessageState.UNKNOWN, reason="no answer")
    set_reason_of_unsent(rows, "limit")
    reasons = pd.Series(rows.columns()["reason"]).tolist()
    assert reasons == ["invalid_address", "no answer", "limit"]
