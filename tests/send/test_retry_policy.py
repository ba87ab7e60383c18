"""Retry policy: one rule for every wait between tries."""

from __future__ import annotations

import pytest

from mailframe.postmark.responses import Answer, Verdict
from mailframe.send.retry_policy import RetryPolicy

POLICY = RetryPolicy(busy_tries=3, reach_tries=2, first_wait_s=1.0, longest_wait_s=60.0)


@pytest.mark.parametrize(("tries", "wait_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0)])
def test_a_pause_doubles_after_each_try_and_varies_by_a_quarter(tries, wait_s):
    """Two senders that began together do not stay in step."""
    pauses = {POLICY.pause_s(tries) for _ in range(200)}
    assert all(0.75 * wait_s <= pause <= 1.25 * wait_s for pause in pauses)
    assert len(pauses) > 1


@pytest.mark.parametrize(
    ("verdict", "tries", "retry_after_s", "wait_s"),
    [
        (Verdict.BUSY, 1, 7.0, 7.0),
        (Verdict.BUSY, 2, 60.0, 60.0),
        (Verdict.BUSY, 2, 61.0, None),
        (Verdict.BUSY, 3, 7.0, None),
        (Verdict.UNSENT, 2, None, None),
    ],
)
def test_a_batch_waits_as_the_server_asks_until_its_tries_or_the_time_are_used_up(
    verdict, tries, retry_after_s, wait_s
):
    """Retry-After counts; a longer one than the policy allows ends the run."""
    answer = Answer(verdict, retry_after_s=retry_after_s)
    assert POLICY.wait_s(tries, answer) == wait_s


def test_a_batch_without_a_retry_after_waits_for_a_pause():
    """The pause of the policy, as everywhere else."""
    wait_s = POLICY.wait_s(1, Answer(Verdict.UNSENT))
    assert wait_s is not None
    assert 0.75 <= wait_s <= 1.25


def test_a_pause_stays_finite_after_any_number_of_tries():
    """A policy without waits may search thousands of times."""
    for tries in (30, 31, 32, 1_024, 1_025, 10_000):
        assert RetryPolicy(first_wait_s=0.0).pause_s(tries) == 0.0
        assert POLICY.pause_s(tries) < 2.0**31
