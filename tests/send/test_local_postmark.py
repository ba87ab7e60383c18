"""The guarantees of a send, against a local Postmark that is killed, and whose mails live on."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections import Counter

import httpx
import pytest

import mailframe as mf
from mailframe.sandbox import LocalPostmark
from tests.campaigns import LETTER, campaign, people, send_with
from tests.sandbox.receiver import Receiver

ROWS = 2_500
TOKEN = "kept-token"
KINDS = {"Delivery", "Bounce", "Open", "SpamComplaint", "SubscriptionChange"}


def start(path, *, port=0, delay_s=0.0):
    """A sandbox in a process of its own that keeps everything in a file; and its URL."""
    options = ["--db", str(path), "--port", str(port), "--token", TOKEN, "--delay", str(delay_s)]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "mailframe", "sandbox", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, re.search(r"http://[\d.]+:\d+", process.stdout.readline()).group()


def ask(sandbox, path, body):
    """Post to the API of Postmark; returns its answer."""
    headers = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
    return httpx.post(sandbox.url + path, json=body, headers=headers).raise_for_status().json()


def stop(process, *, how=signal.SIGTERM):
    """End the process, and read what it still says."""
    with process:
        process.send_signal(how)
        process.stdout.read()


def kill_after(process, *, batches):
    """Kill the sandbox when its log has that many batches: the last answer is still to be sent."""

    def watch():
        seen = 0
        for line in process.stdout:
            seen += line.startswith("POST /email/batch")
            if seen == batches:
                process.kill()
                return

    watching = threading.Thread(target=watch)
    watching.start()
    return watching


@pytest.mark.parametrize("batches", [1, 3])
def test_a_server_that_is_killed_and_starts_again_gets_each_message_once(tmp_path, batches):
    """SIGKILL before it answers a batch that it has taken; its file has what it took."""
    path = tmp_path / "sandbox.db"
    process, url = start(path, delay_s=0.3)
    with process:
        watching = kill_after(process, batches=batches)
        first = send_with(campaign(ROWS), mf.Postmark(TOKEN, base_url=url))
        watching.join()
    counts = Counter(first["status"])
    assert counts["accepted"] == (batches - 1) * 500
    assert counts["unknown"] == 500
    process, url = start(path, port=int(url.rpartition(":")[2]))
    try:
        server = mf.Postmark(TOKEN, base_url=url)
        again = send_with(campaign(ROWS), server)
        assert again["status"].value_counts().to_dict() == {
            "skipped": batches * 500,
            "accepted": ROWS - batches * 500,
        }
        assert mf.reconcile("numbers", server).empty
    finally:
        stop(process)
    with LocalPostmark(in_process=True, db=path) as sandbox:
        assert sorted(sandbox.messages()["To"]) == sorted(people(ROWS)["email"])


def test_the_events_of_a_campaign_arrive_with_the_ids_of_its_rows():
    """One delivery for each row, and what the aftermath brings; by webhooks, over a socket."""
    letter = LETTER.replace(message_stream="broadcast")
    with mf.Sandbox() as sandbox, Receiver() as receiver:
        triggers = {kind: {"Enabled": True} for kind in KINDS}
        ask(
            sandbox,
            "/webhooks",
            {"Url": receiver.url(), "MessageStream": "broadcast", "Triggers": triggers},
        )
        sandbox.simulate(
            opens=0.5,
            bounces={"HardBounce": 0.1},
            complaints=0.1,
            unsubscribes=0.2,
            seed=3,
            upcoming=True,
        )
        results = send_with(people(60).mail.compose(letter, name="numbers"), sandbox.server)
        sandbox.wait_for_webhooks()
        events = [post.json for post in receiver.posts]
        rows = dict(zip(results["MessageID"], results["email"], strict=True))
        for event in events:
            assert rows[event["MessageID"]] == event.get("Recipient", event.get("Email"))
        by_kind = Counter(event["RecordType"] for event in events)
        assert by_kind["Delivery"] + by_kind["Bounce"] == 60
        assert min(by_kind.values()) > 0
        assert set(by_kind) == KINDS
        gone = set(sandbox.suppressions("broadcast")["EmailAddress"])
        again = send_with(
            people(60).mail.compose(letter, name="a second campaign"),
            sandbox.server,
            allow_repeat=True,
        )
        refused = again[again["status"] == "rejected"]
        assert set(refused["email"]) == gone
        assert set(refused["ErrorCode"]) == {406}
        assert len(sandbox.messages()) == 120 - len(gone)
