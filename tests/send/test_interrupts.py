"""The interrupt button is normal use: it loses nothing and returns what is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import mailframe as mf
from mailframe.sandbox import Fault
from tests.campaigns import campaign, judge


def press_after(seconds: float, times: int = 1, gap_s: float = 0.3) -> threading.Thread:
    """Press the button so often, from another thread, as a kernel's interrupt does."""

    def press():
        time.sleep(seconds)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(gap_s)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_once_stops_after_the_batch_in_flight():
    """The batch in flight is waited for; what comes after it is unsent; nobody has two."""
    with mf.Sandbox(delay_s=0.4) as sandbox:
        presser = press_after(0.6)
        results = campaign(5_000).send(sandbox.server, progress=False, ledger=None)
        presser.join()
        judge(results, sandbox)
        arrived = len(sandbox.messages())
    counts = results["status"].value_counts().to_dict()
    assert set(counts) == {"accepted", "unsent"}
    assert counts["accepted"] == arrived
    assert set(results.query("status == 'unsent'")["reason"]) == {"interrupted"}


def test_twice_returns_at_once_with_the_batch_unknown():
    """The second press does not wait for the answer."""
    with mf.Sandbox(delay_s=3.0) as sandbox:
        presser = press_after(0.5, times=2)
        began = time.monotonic()
        results = campaign(1_000).send(sandbox.server, progress=False, ledger=None)
        took = time.monotonic() - began
        presser.join()
        judge(results, sandbox)
    assert results["status"].tolist() == ["unknown"] * 500 + ["unsent"] * 500
    assert took < 2.5


@pytest.fixture
def _late_presses():
    """A press that comes when the run has ended is not a test's failure."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_late_presses")
@pytest.mark.parametrize("press", [1, 3, 10])
@pytest.mark.parametrize(
    "where", ["settle", "_take_answer", "_answered", "claim", "results_frame", "plan", "tell"]
)
@pytest.mark.parametrize("ledger", ["default", None])
def test_presses_while_an_answer_is_being_recorded_lose_nothing(press, where, ledger):
    """Aimed at the first call of a function: every row that the server took is accepted, the others never left."""
    aimed = []

    def aim(frame, event, _arg):
        if (
            event == "call"
            and frame.f_code.co_name == where
            and "mailframe" in frame.f_code.co_filename
            and not aimed
        ):
            aimed.append(where)
            for _ in range(press):
                signal.raise_signal(signal.SIGINT)

    with mf.Sandbox(in_process=True) as sandbox:
        sys.setprofile(aim)
        try:
            results = campaign(1_200).send(sandbox.server, progress=False, ledger=ledger)
        finally:
            sys.setprofile(None)
        judge(results, sandbox)
        arrived = set(sandbox.messages()["To"])
        known = results.query("status in ('accepted', 'unknown')")
        assert arrived <= set(known["email"])
        assert set(results["status"]) <= {"accepted", "unsent", "unknown"}
        campaign(1_200).send(sandbox.server, progress=False, ledger=ledger) if ledger else None
        assert sandbox.messages()["To"].is_unique


@pytest.mark.usefixtures("_late_presses")
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("path", ["/server", "/messages/outbound"])
def test_an_interrupt_while_the_first_questions_hang_returns_at_once(path, times):
    """Nothing has left yet, so there is nothing to wait for; what the ledger has is told."""
    with mf.Sandbox() as sandbox:
        campaign(3).send(sandbox.server, progress=False, limit=1)
        sandbox.fault(Fault("hang_lost", path=path, delay_s=20.0, times=None))
        presser = press_after(0.5, times=times, gap_s=0.1)
        began = time.monotonic()
        results = campaign(3).send(sandbox.server, progress=False)
        took = time.monotonic() - began
        presser.join()
    assert took < 5
    assert results["status"].tolist() == ["skipped", "unsent", "unsent"]
    assert set(results["reason"]) == {"already_sent", "interrupted"}


@pytest.mark.usefixtures("_late_presses")
def test_an_interrupt_while_the_search_for_an_unknown_batch_hangs_returns_at_once():
    """The batch stays unknown, the rest is unsent, and the next run finds it."""
    with mf.Sandbox() as sandbox:
        sandbox.fault("close_accepted")
        sandbox.fault(
            lambda arrival: Fault("hang_lost", delay_s=20.0) if 2 < arrival.number < 5 else None,
            path="/messages/outbound",
        )
        presser = press_after(0.8)
        began = time.monotonic()
        results = campaign(700).send(sandbox.server, progress=False)
        took = time.monotonic() - began
        presser.join()
        assert took < 8
        assert results["status"].tolist() == ["unknown"] * 500 + ["unsent"] * 200
        sandbox.reset()


def test_an_interrupt_while_waiting_for_a_busy_server_returns():
    """A wait of a minute is left at once; nothing was taken, so nothing is unknown."""
    with mf.Sandbox(
        faults=[Fault("http_429_retry_after", times=None, retry_after_s=50)]
    ) as sandbox:
        presser = press_after(0.5)
        began = time.monotonic()
        results = campaign(3).send(sandbox.server, progress=False)
        presser.join()
    assert (results["status"] == "unsent").all()
    assert time.monotonic() - began < 5


def test_an_interrupt_during_the_check_sends_nothing():
    """While rows are still being checked nothing has left."""
    slow = "{% for i in range(20000) %}{% endfor %}"
    with mf.Sandbox(in_process=True) as sandbox:
        presser = press_after(0.3)
        results = campaign(20_000, text_body=slow + "x").send(sandbox.server, progress=False)
        presser.join()
        assert sandbox.requests().empty
    assert (results["status"] == "unsent").all()
    assert set(results["reason"]) == {"interrupted"}


def test_the_handler_of_before_is_back_afterwards():
    """Ctrl-C is Ctrl-C again, whatever handler the caller had."""
    before = signal.getsignal(signal.SIGINT)
    with mf.Sandbox(in_process=True) as sandbox:
        campaign(1).send(sandbox.server, progress=False)
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_send_works_outside_the_main_thread():
    """Where no signal can reach, nothing is installed and everything is sent."""
    found = []
    with mf.Sandbox() as sandbox:
        worker = threading.Thread(
            target=lambda: found.append(campaign(3).send(sandbox.server, progress=False))
        )
        worker.start()
        worker.join()
    assert found[0]["status"].tolist() == ["accepted"] * 3


def test_a_process_that_was_interrupted_twice_ends_at_once():
    """The request that was given up does not keep the interpreter alive."""
    script = """
        import os, signal, threading, time
        import mailframe as mf
        from tests.campaigns import campaign
        def press():
            for wait in (1.0, 0.3):
                time.sleep(wait)
                os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=press).start()
        sandbox = mf.Sandbox(delay_s=30).start()
        print(campaign(3).send(sandbox.server, progress=False, ledger=None)["status"].tolist(), flush=True)
    """
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert done.stdout.strip() == "['unknown', 'unknown', 'unknown']", done.stderr
    assert time.monotonic() - began < 20
