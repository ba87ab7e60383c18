"""``limit=`` on several days: each call sends the next rows."""

from __future__ import annotations

import mailframe as mf
from tests.campaigns import LETTER, people


def test_a_limit_sends_the_next_rows_on_the_next_call():
    """Rows that were sent do not count; the order is the frame's, also if it grew."""
    calls = [(2, people(6)), (0, people(6)), (3, people(8)), (2, people(8)[::-1])]
    with mf.Sandbox(in_process=True) as sandbox:
        for limit, frame in calls:
            frame.mail.compose(LETTER, name="ramp").send(
                sandbox.server, limit=limit, progress=False
            )
        arrived = sandbox.messages()["To"].str.extract(r"(\d)", expand=False).astype(int).tolist()
        last = people(8).mail.compose(LETTER, name="ramp").send(sandbox.server, progress=False)
    assert arrived == [0, 1, 2, 3, 4, 7, 6]
    assert last["status"].tolist() == ["skipped"] * 5 + ["accepted"] + ["skipped"] * 2


def test_rows_that_were_rejected_do_not_use_up_the_limit_again():
    """An inactive recipient is not tried again, so the next call reaches the rows behind it."""
    with mf.Sandbox(in_process=True, suppressions=["p0@example.com"]) as sandbox:
        for _ in range(2):
            results = (
                people(3)
                .mail.compose(LETTER, name="ramp")
                .send(sandbox.server, limit=1, progress=False, check_suppressed=False)
            )
    assert results["status"].tolist() == ["rejected", "accepted", "unsent"]


def test_a_limit_without_a_ledger_sends_the_first_rows_again():
    """Nothing is recorded."""
    with mf.Sandbox(in_process=True) as sandbox:
        for _ in range(2):
            people(3).mail.compose(LETTER, name="ramp").send(
                sandbox.server, limit=1, ledger=None, progress=False
            )
        assert sandbox.messages()["To"].tolist() == ["p0@example.com"] * 2


def test_a_limit_beyond_all_rows_and_numbers_of_64_bits_is_none():
    """A whole number is a number of messages, however large."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = (
            people(3)
            .mail.compose(LETTER, name="ramp")
            .send(sandbox.server, limit=2**63, progress=False)
        )
    assert set(results["status"]) == {"accepted"}
