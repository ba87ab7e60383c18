"""What ``plan(server)`` counts is what ``send`` with the same options then does."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailframe as mf

LETTER = mf.Letter(
    sender="me@acme.example", to="{{ email }}", subject="{{ n }}", text_body="Hi {{ name }}"
)
PEOPLE = ["a@example.com", "A@Example.com", "Bob <b@example.com>", "c@example.com", "", None, "d@"]
ROWS = st.fixed_dictionaries(
    {
        "email": st.sampled_from(PEOPLE),
        "name": st.sampled_from(["N", "N", "N", None]),
        "consent": st.sampled_from([True, True, "TRUE", 1, False, None, " "]),
        "held": st.sampled_from([False, False, True]),
    }
)
EARLIER = st.lists(
    st.tuples(
        st.sampled_from(["spring", "spring", "news"]),
        st.integers(0, 4),
        st.sampled_from([None, "1 per day"]),
        st.booleans(),
    ),
    max_size=2,
)
"""Earlier runs: campaign, limit, cap, and whether Postmark is asked who is suppressed."""


@pytest.mark.filterwarnings("ignore::mailframe.errors.MailframeWarning")
@settings(deadline=None, max_examples=10)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=8),
    key=st.sampled_from(["n", "n", None]),
    earlier=EARLIER,
    left_out=st.lists(st.sampled_from(["a@example.com", "c@example.com", "b@EXAMPLE.com"])),
    suppressed=st.sets(st.sampled_from(["a@example.com", "b@example.com"]), max_size=1),
    at_most=st.sampled_from([None, "1 per day", "2 per day"]),
    grouped=st.booleans(),
)
def test_a_plan_counts_what_the_send_does(
    *, rows, key, earlier, left_out, suppressed, at_most, grouped
):
    """Over rows that repeat, lack values or are left out, after runs that ended at a limit."""
    people = pd.DataFrame(rows).assign(n=range(len(rows)))
    groups = {"consent": "consent", "holdout": "held"} if grouped else {}
    options = {"exclude": left_out, "at_most": at_most}
    quiet = {"on_invalid": "skip", "progress": False, "allow_repeat": True}
    with mf.Sandbox(in_process=True) as sandbox, tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger"

        def campaign(name: str) -> mf.Campaign:
            return people.mail.compose(LETTER, name=name, key=key, **groups)

        for address in suppressed:
            sandbox.suppress(address)
        for name, limit, cap, asks in earlier:
            how = {"limit": limit, "at_most": cap, "check_suppressed": asks}
            campaign(name).send(sandbox.server, ledger=ledger, **how, **quiet)
        for address in suppressed if len(earlier) > 1 else ():
            item = {"Suppressions": [{"EmailAddress": address}]}
            sandbox.server.change("/message-streams/outbound/suppressions/delete", item)
        plan = campaign("spring").plan(sandbox.server, ledger=ledger, **options)
        results = campaign("spring").send(sandbox.server, ledger=ledger, **options, **quiet)
    statuses = Counter(results["status"])
    assert plan.skipped == Counter(results.loc[results["status"] == "skipped", "reason"])
    assert plan.messages == statuses["accepted"]
    assert plan.blocked_rows == statuses["invalid"]
    assert plan.earlier.get("rejected", 0) == statuses["rejected"]
    assert sum(count for count, _ in plan.of_batches) == plan.messages
