"""Sends at a rate: when batches arrive, interrupts, further calls, busy servers."""

from __future__ import annotations

import re

import pytest

import mailframe as mf
from mailframe.paths import default_path
from mailframe.postmark.responses import Answer, Verdict
from mailframe.sandbox import Fault
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.clock import since_boot_s
from mailframe.send.pacing.pace import read_pacing
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import campaign, judge, send_with
from tests.send.interrupting import Button, interrupted_after
from tests.send.test_progress import in_terminal

WAIT = """
import signal, threading
from datetime import datetime, timedelta
import mailframe as mf
from tests.campaigns import campaign

now = datetime.now()
window = (now + timedelta(hours=2)).time(), (now + timedelta(hours=3)).time()
threading.Timer(6.0, signal.raise_signal, [signal.SIGINT]).start()
with mf.Sandbox(in_process=True) as sandbox:
    campaign(3).send(sandbox.server, window=window, tz=now.astimezone().tzinfo, ledger=None)
"""
EARLY_S = 0.5
"""Of the second between two batches; on a busy machine a batch arrives a while after its start."""


def batches(sandbox: mf.Sandbox) -> tuple[list[float], list[int]]:
    """The seconds from each accepted batch to the next, and the messages of each."""
    arrived = sandbox.messages().groupby("request")["SubmittedAt"].agg(["min", "size"])
    return arrived["min"].diff().dt.total_seconds().tolist()[1:], arrived["size"].tolist()


@pytest.mark.parametrize(("workers", "ledger"), [(1, None), (3, "default")])
def test_batches_are_small_and_none_is_early(workers, ledger):
    """Also with several workers."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = send_with(
            campaign(25),
            sandbox.server,
            pacing=read_pacing(rate="20/s"),
            workers=workers,
            ledger=ledger,
        )
        judge(results, sandbox)
        gaps, sizes = batches(sandbox)
    assert (results["batch"].tolist(), sizes) == ([1] * 20 + [2] * 5, [20, 5])
    assert gaps[0] > EARLY_S


def test_an_interrupt_ends_a_wait_and_a_later_call_sends_the_rest():
    """The wait is half an hour; the rows that are left are unsent, and nobody gets two copies."""
    with mf.Sandbox(in_process=True) as sandbox, interrupted_after():
        button = Button(1)
        sandbox.fault(button)
        results = campaign(3).send(sandbox.server, rate="2/h", progress=False)
        button.join()
        judge(results, sandbox)
        assert results["status"].tolist() == ["accepted", "unsent", "unsent"]
        assert results["reason"].tolist()[1:] == ["interrupted"] * 2
        rest = campaign(3).send(sandbox.server, progress=False)
        assert rest["status"].tolist() == ["skipped", "accepted", "accepted"]
        assert sandbox.messages()["To"].is_unique


def test_the_rate_counts_what_an_earlier_call_sent():
    """A cell that is run again does not send faster; another campaign does not count."""
    with mf.Sandbox(in_process=True) as sandbox:
        for limit in (3, None):
            campaign(6).send(sandbox.server, rate="3/s", limit=limit, progress=False)
        gaps, sizes = batches(sandbox)
        assert (sizes, gaps[0] > EARLY_S) == ([3, 3], True)
        other = campaign(1).frame.mail.compose(campaign(1).letter, name="other")
        other.send(sandbox.server, rate="1/h", allow_repeat=True, progress=False)


def test_messages_of_before_a_restart_count_by_the_clock_of_the_ledger():
    """Younger than the unit counts, also of a run that was killed; unsent requests do not.

    What is of the future is of now. An old time may be of a wrong clock, and ends nothing.
    """
    with mf.Sandbox(in_process=True) as sandbox:
        for limit in (2, 2, 1, None):
            campaign(6).send(sandbox.server, limit=limit, progress=False)
    with Ledger(default_path()) as ledger:
        [(record, _)] = ledger.campaigns()
        for number, (age_s, state) in enumerate(
            [(600, "sending"), (7_200, "answered"), (60, "unsent"), (-60, "unknown")], 1
        ):
            with ledger.db.transaction():
                ledger.db.run(
                    "UPDATE attempt SET boot = 'another', state = ?, started_at = "
                    "strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now', ?) WHERE id = ?",
                    (state, f"{-age_s} seconds", number),
                )
        now_s = since_boot_s()
        posted = [(round(now_s - at_s, -1), n) for at_s, n in ledger.requests.posted(record, 3_600)]
        assert posted == [(600, 2), (0, 1)]
        assert ledger.requests.posted(record, 0.0) == []


@pytest.mark.parametrize("fault", ["http_429", "http_503_json"])
def test_a_batch_that_was_not_processed_does_not_count(fault):
    """It is tried again at once, although the next batch may go in half an hour."""
    with mf.Sandbox(in_process=True) as sandbox, interrupted_after():
        sandbox.fault(Fault(fault), request=1)
        results = send_with(campaign(1), sandbox.server, pacing=read_pacing(rate="2/h"))
    assert results["status"].tolist() == ["accepted"]


@pytest.mark.parametrize(
    ("options", "failures", "is_sent"),
    [({}, 3, True), ({}, 4, False), ({"rate": "1/s"}, 9, True), ({"rate": "1/s"}, 10, False)],
    ids=str,
)
def test_a_send_that_waits_has_more_patience_with_the_network(options, failures, is_sent):
    """A laptop that wakes up has none at first; nothing was posted, so nobody gets two copies."""

    class WakingUp(mf.Postmark):
        down = failures

        def send_batch(self, batch, **more):
            if not self.down:
                return super().send_batch(batch, **more)
            self.down -= 1
            return Answer(Verdict.UNSENT, reason="Network is unreachable")

    policy = RetryPolicy(first_wait_s=0.0005)
    with mf.Sandbox(in_process=True) as sandbox, interrupted_after():
        server = WakingUp("any", base_url="https://a.example", transport=sandbox.transport())
        options = {"pacing": read_pacing(**options), "retry_policy": policy}
        try:
            results = send_with(campaign(1), server, **options)
        except mf.errors.ServerUnreachable as error:
            results = error.results
        judge(results, sandbox)
    assert results["status"].tolist() == ["accepted" if is_sent else "unsent"]


def test_a_terminal_shows_until_when_the_send_waits():
    """From the beginning of the wait on, and the time that has passed goes on."""
    drawn, _ = in_terminal(WAIT)
    waits = re.findall(r"0/3 \[(\d\d:\d\d)<\?, \? msg/s, waits until \S* ?\d\d:\d\d", drawn)
    assert waits[0] == "00:00"
    assert waits[-1] > "00:00"
    assert drawn.endswith("nothing sent; 3 rows: 3 unsent (interrupted)\r\n")


def test_a_dry_run_has_the_batches_of_the_rate():
    """It does not wait."""
    with mf.Sandbox(in_process=True) as sandbox:
        results = campaign(5).send(sandbox.server, rate="100/h", dry_run=True, progress=False)
    assert results["batch"].tolist() == [1, 1, 2, 2, 3]


def test_a_log_says_when_the_send_ends(capfd):
    """At its beginning; the last line has the rate per hour if it is below one a second."""
    with mf.Sandbox(in_process=True) as sandbox:
        campaign(2).send(sandbox.server, rate="1/s")
    lines = capfd.readouterr().err.splitlines()
    assert re.fullmatch(r"sending numbers: until (\d{4}-\d\d-\d\d )?\d\d:\d\d", lines[0])
    assert lines[-1].startswith("numbers: 2 rows: 2 accepted, ")
