"""A machine that was suspended between the record of a batch and its request."""

from __future__ import annotations

import pytest

import mailframe as mf
from mailframe.results.row_results import RowResults
from mailframe.send.batch_source import CampaignBatches
from mailframe.send.dispatcher import Dispatcher
from mailframe.send.interrupts import Interrupts
from mailframe.send.ledger.clock import Stopwatch, since_boot_s
from mailframe.send.ledger.session import ClaimedBatch, SessionWithoutLedger
from mailframe.send.progress import Bar
from tests.campaigns import QUICK, campaign


class Suspended(SessionWithoutLedger):
    """A session in whose first claim so many seconds pass."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.reasons = seconds, []

    def claim(self, batch, *, after=None):
        """Recorded so long ago, and the next time at once."""
        began_s, self.seconds = since_boot_s() - self.seconds, 0.0
        return ClaimedBatch(batch, since=Stopwatch(began_s=began_s))

    def record_answer(self, claimed, answer):
        """Kept for the test."""
        self.reasons.append(answer.reason)


@pytest.mark.parametrize(("seconds", "is_posted"), [(0.0, True), (28.0, True), (30.5, False)])
def test_a_batch_is_posted_within_30_seconds_of_its_record(seconds, is_posted):
    """Later it is unsent and recorded again; each person has one message."""
    composed = campaign(3)._composed
    preflight, rows, session = composed.preflight(), RowResults(3), Suspended(seconds)
    with mf.Sandbox(in_process=True) as sandbox, Interrupts() as interrupts:
        source = CampaignBatches(
            composed, preflight, sandbox.server, rows, eligible=preflight.sendable, limit=None
        )
        dispatcher = Dispatcher(source, session, rows, interrupts, retry_policy=QUICK)
        dispatcher.run(Bar(3, name="numbers", shown=False))
        assert len(sandbox.messages()) == 3
    assert (len(session.reasons) == 1) is is_posted
    assert ("suspended" in session.reasons[0]) is not is_posted
    assert [str(status) for status in rows.statuses()] == ["accepted"] * 3
