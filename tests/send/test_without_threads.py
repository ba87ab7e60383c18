"""Sends where no thread can be started, as in Pyodide: the same results, in the calling thread.

A size of the stack that no memory has keeps threads from starting, with the error of Pyodide.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

import mailframe as mf
from mailframe import errors
from mailframe.demo import demo
from mailframe.sandbox import LocalPostmark
from tests.campaigns import campaign, judge, send_with
from tests.send.test_progress import SHOWN, in_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows refuses such a size of the stack")

NO_THREADS = "import threading\nthreading.stack_size(1 << 46)\n"


@contextmanager
def without_threads() -> Iterator[None]:
    """A context in which no thread can be started."""
    before = threading.stack_size(1 << 46)
    try:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            threading.Thread(target=print).start()
        yield
    finally:
        threading.stack_size(before)


def sent(sandbox: mf.Sandbox, **options) -> dict[str, list]:
    """Statuses, reasons and batches of 1,200 rows in three batches, and how many have arrived."""
    try:
        results = send_with(campaign(1_200), sandbox.server, **options)
    except errors.SendError as error:
        results = error.results
    arrived = sandbox.messages()["To"]
    assert arrived.is_unique
    columns = results[["status", "reason", "batch"]].astype("object")
    columns = columns.where(columns.notna(), "")
    return columns.to_dict("list") | {"arrived": len(arrived)}


def sent_twice(set_up: Callable[[mf.Sandbox], object], **options) -> list[dict[str, list]]:
    """What two sends came to; the second is after the end of a pause."""
    with mf.Sandbox(in_process=True) as sandbox:
        set_up(sandbox)
        first = sent(sandbox, **options)
        sandbox.resume()
        return [first, sent(sandbox, **options)]


def lost(sandbox: mf.Sandbox) -> None:
    """The answer to an accepted batch is lost, and no search finds it."""
    sandbox.pause()
    sandbox.fault("close_accepted", request=2)


@pytest.mark.parametrize(
    ("set_up", "options", "arrived"),
    [
        (lambda sandbox: None, {"workers": 1}, [1_200, 1_200]),
        (lambda sandbox: None, {"workers": 3, "limit": 700}, [700, 1_200]),
        (lambda sandbox: sandbox.fault("http_429_retry_after", request=2), {}, [1_200, 1_200]),
        (lost, {}, [1_000, 1_200]),
        (lambda sandbox: sandbox.fault("http_307", request=2), {}, [500, 700]),
    ],
)
def test_a_send_without_threads_ends_as_one_with_threads(set_up, options, arrived):
    """Each row has the status, the reason and the batch that it has with threads; again, too."""
    with without_threads():
        results = sent_twice(set_up, **options)
    assert results == sent_twice(set_up, **options)
    assert [result["arrived"] for result in results] == arrived


@pytest.mark.parametrize("number", [1, 2])
def test_an_interrupt_is_handled_after_the_answer_of_its_batch(number):
    """The batch that is being posted is accepted, and no other one is posted."""

    def press(arrival) -> None:
        if arrival.number == number:
            os.kill(os.getpid(), signal.SIGINT)

    with without_threads(), mf.Sandbox(faults=[press]) as sandbox:
        first = sent(sandbox, workers=2)
        again = sent(sandbox, workers=2)
    accepted, left = number * 500, 1_200 - number * 500
    assert first["status"] == ["accepted"] * accepted + ["unsent"] * left
    assert set(first["reason"][accepted:]) == {"interrupted"}
    assert first["arrived"] == accepted
    assert again["status"] == ["skipped"] * accepted + ["accepted"] * left


def test_a_server_behind_a_socket_is_posted_to_and_searched():
    """The answer to the second of three batches is lost; a search finds its messages."""
    with mf.Sandbox(faults=["close_accepted"]) as sandbox, without_threads():
        results = send_with(campaign(1_200), sandbox.server)
        judge(results, sandbox)
    assert set(results["status"]) == {"accepted"}
    assert len(sandbox.messages()) == 1_200


def test_a_bar_in_a_terminal_needs_no_thread():
    """The monitor of tqdm is a thread; nothing is said of its absence."""
    drawn, output = in_terminal(NO_THREADS + SHOWN)
    assert "sending hello:   0%|" in drawn
    assert drawn.rstrip().endswith("msg/s")
    assert "monitor" not in drawn
    assert output == ""


def test_what_is_done_before_a_send_needs_no_thread():
    """Plan, problems, preview, gallery, tour and test emails."""
    composed = campaign(30)
    with without_threads(), mf.Sandbox() as sandbox:
        assert repr(sandbox) == "<Sandbox without a socket, 0 messages>"
        assert composed.plan().messages == 30
        assert composed.problems().empty
        assert "text/html" in composed.preview(rows=[7], static=False)._repr_mimebundle_()
        assert "You are number 7." in composed.preview(rows=[7], static=True)._repr_html_()
        assert "You are number 7." in composed.gallery(rows=[7])._repr_html_()
        assert not composed.tour().frame().empty
        results = composed.send_test(sandbox.server, "me@acme.example")
        assert set(results["status"]) == {"accepted"}


def test_the_demo_needs_no_thread(tmp_path, capsys):
    """It sends to a sandbox without a socket."""
    with without_threads():
        demo(out=tmp_path / "demo.csv", rows=30)
    assert "the sandbox holds 30 messages" in capsys.readouterr().out


def test_a_sandbox_without_threads_keeps_webhooks_in_the_queue():
    """A simulation makes their events; nothing posts them."""
    hook = {"Url": "http://127.0.0.1:9/hook", "Triggers": {"Bounce": {"Enabled": True}}}
    with without_threads(), mf.Sandbox() as sandbox:
        with httpx.Client(transport=sandbox.transport(), base_url=sandbox.url) as client:
            headers = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
            assert client.post("/webhooks", json=hook, headers=headers).status_code == 200
        send_with(campaign(30), sandbox.server)
        sandbox.simulate(bounces=1.0, seed=1)
        assert len(sandbox.bounces()) == 30


def test_a_local_postmark_without_threads_names_what_needs_none():
    """Its clients need a socket; those of mailframe do not."""
    with without_threads(), pytest.raises(errors.SandboxError, match="in_process=True needs"):
        LocalPostmark().start()
