"""Interrupts are normal use: nothing is lost, and the results so far are returned."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import mailframe as mf
from mailframe.paths import default_path
from mailframe.sandbox import Fault
from mailframe.send.interrupts import Interrupts
from mailframe.send.ledger import Ledger
from mailframe.send.states import MessageState
from tests.campaigns import campaign, judge
from tests.send.interrupting import Button, interrupted_at, raised_at


def test_once_stops_after_the_batch_in_flight():
    """The batch in flight is waited for; what comes after it is unsent; there is no duplicate."""
    with mf.Sandbox() as sandbox:
        button = Button(2, fault=Fault("slow", delay_s=5.0))
        sandbox.fault(button)
        results = campaign(5_000).send(sandbox.server, progress=False, ledger=None)
        button.join()
        judge(results, sandbox)
        arrived = len(sandbox.messages())
    assert results["status"].value_counts().to_dict() == {"accepted": 1_000, "unsent": 4_000}
    assert arrived == 1_000
    assert set(results.query("status == 'unsent'")["reason"]) == {"interrupted"}


def test_twice_returns_at_once_with_the_batch_unknown():
    """The second interrupt does not wait for the answer."""
    with mf.Sandbox(delay_s=60.0) as sandbox:
        button = Button(1, times=2)
        sandbox.fault(button)
        options = {"progress": False, "ledger": None, "check_suppressed": False}
        results = campaign(1_000).send(sandbox.server, **options)
        button.join()
        judge(results, sandbox)
    assert results["status"].tolist() == ["unknown"] * 500 + ["unsent"] * 500


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer that sends signals")
def test_a_signal_at_the_end_of_a_wait_is_no_longer_wait():
    """``SimpleQueue.get`` of Python 3.11 and 3.12 waits for ever if a signal comes as it ends."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    try:
        with mf.Sandbox(delay_s=30.0) as sandbox:
            button = Button(1, times=2, gap_s=1.0)
            sandbox.fault(button)
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.000_2)
            options = {"progress": False, "ledger": None, "check_suppressed": False}
            results = campaign(3).send(sandbox.server, **options)
            button.join()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert results["status"].tolist() == ["unknown"] * 3


def test_an_interrupt_ends_a_wait_where_no_signal_wakes_it():
    """On Windows, before Python 3.14, Ctrl-C wakes no thread that waits.

    Here the same: the signal comes in another thread, and its handler runs in the main thread once
    the wait of a lock has ended.
    """
    began = time.monotonic()
    with Interrupts() as interrupts:
        button = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
        button.start()
        interrupts.wait(120.0)
        button.join()
        assert interrupts.stop
    assert time.monotonic() - began < 120.0


@pytest.fixture
def _late_interrupts():
    """An interrupt after the end of the run does not fail the test."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_late_interrupts")
@pytest.mark.parametrize("press", [1, 3, 10])
@pytest.mark.parametrize(
    "where",
    [
        "settle_many",
        "_take_answer",
        "_answered",
        "claim",
        "record_answer",
        "results_frame",
        "plan",
        "set_recorded_statuses",
    ],
)
@pytest.mark.parametrize("ledger", ["default", None])
def test_interrupts_while_an_answer_is_recorded_lose_nothing(press, where, ledger):
    """Interrupts at the first call of a function: accepted rows are accepted, the others unsent."""
    with mf.Sandbox(in_process=True) as sandbox:
        with interrupted_at(where, times=press) as called:
            results = campaign(1_200).send(sandbox.server, progress=False, ledger=ledger)
        assert called or (ledger is None and where in ("plan", "set_recorded_statuses"))
        judge(results, sandbox)
        arrived = set(sandbox.messages()["To"])
        assert arrived <= set(results.query("status in ('accepted', 'unknown')")["email"])
        assert set(results["status"]) <= {"accepted", "unsent", "unknown"}
        campaign(1_200).send(sandbox.server, progress=False, ledger=ledger) if ledger else None
        assert sandbox.messages()["To"].is_unique


@pytest.mark.usefixtures("_late_interrupts")
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("path", ["/server", "/messages/outbound"])
def test_an_interrupt_while_the_first_questions_hang_returns_at_once(path, times):
    """Nothing was sent, so there is nothing to wait for; the ledger's rows have their status."""
    with mf.Sandbox() as sandbox:
        campaign(3).send(sandbox.server, progress=False, limit=1)
        fault = Fault("hang_lost", path=path, delay_s=100.0, times=None)
        button = Button(1, times=times, fault=fault)
        sandbox.fault(button, path=path)
        began = time.monotonic()
        results = campaign(3).send(sandbox.server, progress=False)
        took = time.monotonic() - began
        button.join()
    assert took < 90
    assert results["status"].tolist() == ["skipped", "unsent", "unsent"]
    assert set(results["reason"]) == {"already_sent", "interrupted"}


@pytest.mark.usefixtures("_late_interrupts")
def test_an_interrupt_while_the_search_for_an_unknown_batch_hangs_returns_at_once():
    """The batch stays unknown, the rest is unsent, and the next run finds it."""
    with mf.Sandbox() as sandbox:
        sandbox.fault("close_accepted")
        button = Button(3, fault=Fault("hang_lost", delay_s=100.0))
        sandbox.fault(button, path="/messages/outbound")
        began = time.monotonic()
        results = campaign(700).send(sandbox.server, progress=False)
        took = time.monotonic() - began
        button.join()
        assert took < 90
        assert results["status"].tolist() == ["unknown"] * 500 + ["unsent"] * 200
        sandbox.reset()


def test_an_interrupt_while_waiting_for_a_busy_server_returns():
    """A wait of a minute is left at once; nothing was taken, so nothing is unknown."""
    button = Button(1, fault=Fault("http_429_retry_after", times=None, retry_after_s=59))
    with mf.Sandbox() as sandbox:
        sandbox.fault(button)
        began = time.monotonic()
        results = campaign(3).send(sandbox.server, progress=False)
        button.join()
    assert (results["status"] == "unsent").all()
    assert time.monotonic() - began < 50


def test_an_interrupt_during_the_check_sends_nothing():
    """While rows are checked nothing is sent."""
    with mf.Sandbox(in_process=True) as sandbox:
        with interrupted_at("watch") as called:
            results = campaign(3).send(sandbox.server, progress=False)
        assert sandbox.requests().empty
    assert called
    assert (results["status"] == "unsent").all()
    assert set(results["reason"]) == {"interrupted"}


def test_the_handler_of_before_is_back_afterwards():
    """Ctrl-C raises KeyboardInterrupt again, or calls the handler of before."""
    before = signal.getsignal(signal.SIGINT)
    with mf.Sandbox(in_process=True) as sandbox:
        campaign(1).send(sandbox.server, progress=False)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_send_works_outside_the_main_thread():
    """Where no signal can reach, nothing is installed and everything is sent."""
    results = []
    with mf.Sandbox() as sandbox:
        worker = threading.Thread(
            target=lambda: results.append(campaign(3).send(sandbox.server, progress=False))
        )
        worker.start()
        worker.join()
    assert results[0]["status"].tolist() == ["accepted"] * 3


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    ("function", "event", "file", "earlier"),
    [
        *[
            (function, "call", "mailframe", 0)
            for function in (
                *("claim", "record_and_claim", "_claim", "record_answer", "record_outcomes"),
                *("move", "set_outcomes", "_take_answer", "_following", "_launch", "_answered"),
                *("settle_many", "without_repeats"),
            )
        ],
        pytest.param("marked", "call", "message/batch", 0, id="marked"),
        pytest.param("claim", "return", "mailframe", 0, id="between a claim and its request"),
        pytest.param("start", "call", "threading", 3, id="before the thread of a request"),
        pytest.param("lock.acquire", "c_return", "in_flight", 0, id="while one is awaited"),
    ],
)
def test_an_interrupt_that_is_raised_in_a_thread_loses_no_record(
    function, event, file, earlier, number
):
    """What the results say is what the ledger says, and the send ends after one interrupt.

    Three threads start *earlier*, which ask the server before the first request.
    """
    sent = []

    def run():
        with raised_at(function, earlier + number, event=event, file=file):
            sent.append(campaign(1_200).send(sandbox.server, progress=False))

    with mf.Sandbox(in_process=True) as sandbox:
        worker = threading.Thread(target=run, daemon=True)
        worker.start()
        worker.join(30)
        assert not worker.is_alive()
        judge(sent[0], sandbox)
        with Ledger(default_path()) as ledger:
            [(record, _)] = ledger.campaigns()
            states = ledger.recorded_messages(record).states
        accepted = int((states == MessageState.ACCEPTED).sum())
        assert (sent[0]["status"] == "accepted").sum() == accepted
        assert set(sent[0]["status"]) <= {"accepted", "unsent"}
        again = campaign(1_200).send(sandbox.server, progress=False)
        assert set(again["status"]) <= {"accepted", "skipped"}
        assert sandbox.messages()["To"].is_unique
        assert len(sandbox.messages()) == 1_200


def test_a_process_that_was_interrupted_twice_ends_at_once():
    """The request that was given up does not keep the interpreter alive."""
    script = """
        import threading, time
        import mailframe as mf
        from tests.campaigns import campaign
        from tests.systems import press_ctrl_c
        def press():
            for _ in range(2):
                time.sleep(1.0)
                press_ctrl_c()
        sandbox = mf.Sandbox(delay_s=300).start()
        sandbox.fault(lambda _: threading.Thread(target=press).start())
        options = {"progress": False, "ledger": None, "check_suppressed": False}
        results = campaign(3).send(sandbox.server, **options)
        print(results["status"].tolist(), flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "['unknown', 'unknown', 'unknown']", done.stderr
