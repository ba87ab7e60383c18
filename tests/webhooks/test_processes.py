"""The receiver as a process: kills, signals, and the deliveries of the sandbox."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import re
import shutil
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pandas as pd
import pytest

import mailframe as mf
from mailframe.webhooks.event_file import EventFile
from mailframe.webhooks.receiver import Receiver as WebhookReceiver
from mailframe.webhooks.serving import listening
from mailframe.webhooks.storing import Storing
from tests.systems import KILL, posix_only
from tests.webhooks.receiving import AUTH, Receiver, event, events_in

TRIGGERS = ("Open", "Click", "Delivery", "Bounce", "SpamComplaint", "SubscriptionChange")


def create_webhook(sandbox, url, **more):
    """A webhook with all triggers."""
    headers = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
    answer = httpx.post(
        f"{sandbox.url}/webhooks",
        headers=headers,
        json={
            "Url": url,
            "MessageStream": "broadcast",
            "HttpAuth": {"Username": AUTH[0], "Password": AUTH[1]},
            "Triggers": {name: {"Enabled": True} for name in TRIGGERS},
        }
        | more,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["ID"]


def simulated(sandbox, rows):
    """Send a campaign, and let its recipients do everything."""
    letter = mf.Letter(
        sender="Acme <news@acme.example>",
        to="{{ email }}",
        subject="News",
        html_body='<a href="https://acme.example/a">A</a> {{ unsubscribe_url }}',
        message_stream="broadcast",
        track_opens=True,
        track_links="HtmlAndText",
        metadata={"customer": "{{ email }}"},
    )
    people = pd.DataFrame({"email": [f"user{n}@acme.example" for n in range(rows)]})
    campaign = people.mail.compose(letter, name="news")
    results = campaign.send(sandbox.server, ledger=None, progress=False)
    sandbox.simulate(opens=0.5, clicks=0.3, bounces=0.2, complaints=0.1, unsubscribes=0.1, seed=1)
    return results


def test_every_delivery_of_the_sandbox_becomes_one_line(tmp_path):
    """And all of them columns of the results; some came again, because the receiver was killed."""
    path = tmp_path / "events.jsonl"
    with mf.Sandbox() as sandbox, Receiver(path) as receiver:
        sandbox.set_webhook_times(retries_s=[60, 60], timeout_s=10)
        create_webhook(sandbox, receiver.url)
        results = simulated(sandbox, 20)
        while not path.read_bytes():
            threading.Event().wait(0.005)
        receiver.end(KILL)
        assert sandbox.wait_for_webhooks(timeout_s=120)
        assert len(events_in(path)) < len(sandbox.webhook_deliveries())
        with Receiver(path, port=receiver.port):
            sandbox.advance("1m")
            assert sandbox.wait_for_webhooks(timeout_s=120)
        deliveries = sandbox.webhook_deliveries()
        happened = sandbox.events().groupby("RecordType")
    assert deliveries["Status"].unique().tolist() == ["delivered"]
    stored = pd.Series([one["RecordType"] for one in events_in(path)]).value_counts()
    assert stored.to_dict() == deliveries["RecordType"].value_counts().to_dict()
    assert set(stored.index) == set(TRIGGERS)
    refreshed = results.mail.refresh(mf.read_events(path))
    for kind, column in (("Open", "opens"), ("Click", "clicks")):
        counts = results["MessageID"].map(happened.get_group(kind)["MessageID"].value_counts())
        assert refreshed[column].tolist() == counts.astype("Int64").tolist()
    outcomes = refreshed["outcome"].value_counts()
    assert outcomes["complained"] == stored["SpamComplaint"]
    assert refreshed["bounce_type"].notna().sum() == stored["Bounce"] + stored["SpamComplaint"]
    assert refreshed["delivered_at"].notna().sum() == stored["Delivery"]


def test_no_answered_event_is_lost_or_double_after_kills(tmp_path):
    """Eight clients post until they are answered, as Postmark does; it is killed three times."""
    path, port = tmp_path / "events.jsonl", free_port()
    url = f"http://127.0.0.1:{port}/postmark"
    answered, numbers, end = [], itertools.count(), threading.Event()

    def keep_posting():
        with httpx.Client(auth=AUTH, timeout=60, trust_env=False) as http:
            while not end.is_set():
                body = event(next(numbers))
                while not end.is_set():
                    try:
                        if http.post(url, json=body).status_code == 200:
                            answered.append(body["MessageID"])
                            break
                    except httpx.TransportError:
                        end.wait(0.01)

    with ThreadPoolExecutor(8) as threads:
        posting = [threads.submit(keep_posting) for _ in range(8)]
        try:
            for number in range(4):
                with Receiver(path, port=port) as receiver:
                    enough = len(answered) + 50
                    while len(answered) < enough and not any(one.done() for one in posting):
                        end.wait(0.005)
                    code = receiver.end(KILL if number < 3 else signal.SIGTERM)
        finally:
            end.set()
    assert (code, [one.exception() for one in posting]) == (0, [None] * 8)
    stored = collections.Counter(one["MessageID"] for one in events_in(path))
    assert len(answered) >= 200
    assert set(answered) <= set(stored)
    assert set(stored.values()) == {1}


def free_port():
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@posix_only
def test_ctrl_c_ends_it_with_0(tmp_path):
    """It prints the URL for Postmark first, and no traceback at the end."""
    url = "https://hooks.acme.example/a/postmark"
    path = tmp_path / "events.jsonl"
    with Receiver(path, "--public-url", url) as receiver:
        assert receiver.post(event(1)).status_code == 200
        assert receiver.end(signal.SIGINT) == 0
    listening = f"Listening on {receiver.url} with user acme and its password"
    assert receiver.lines == [
        f"mailframe webhooks: the URL for Postmark is {url}\n",
        f"{listening}; events go to {path}. Ctrl-C stops it.\n",
        "200 OK: Delivery stored\n",
        "receiver closed\n",
    ]


def test_an_answer_of_two_packets_is_sent_at_once():
    """Without TCP_NODELAY each post of a connection that stays open takes 40 ms more."""
    with listening("127.0.0.1", 0) as at, socket.create_connection(at.getsockname()):
        connection, _ = at.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_request_under_way_at_the_end_is_answered_with_503(tmp_path):
    """Postmark repeats it; there is no traceback."""

    async def never():
        await asyncio.Event().wait()

    async def ended():
        starts, lines = [], []
        with contextlib.closing(EventFile(tmp_path / "events.jsonl")) as file:
            app = WebhookReceiver(Storing(file), credentials=None, write=lines.append).app()
            scope = {"type": "http", "method": "POST", "path": "/postmark", "query_string": b""}
            scope |= {"headers": [(b"content-type", b"application/json")]}

            async def send(message):
                starts.append(message)

            request = asyncio.create_task(app(scope, never, send))
            await asyncio.sleep(0.01)
            request.cancel()
            await request
        return starts[0]["status"], lines

    assert asyncio.run(ended()) == (503, ["503 Service Unavailable: the receiver ends"])


STRACE = shutil.which("strace")


@pytest.mark.skipif(STRACE is None, reason="strace is not installed")
def test_an_event_is_on_the_disk_before_the_answer(tmp_path):
    """The order of the system calls: the line, its fsync, and then 200."""
    path, log = tmp_path / "events.jsonl", tmp_path / "calls"
    calls = ["-D", "-f", "-s", "300", "-e", "trace=write,fsync,sendto", "-o", str(log)]
    with Receiver(path, under=[STRACE or "strace", *calls]) as receiver:
        for number in range(3):
            assert receiver.post(event(number)).status_code == 200
        receiver.post(event(0))
        receiver.end(signal.SIGTERM)
    while not re.search(rf"^{receiver.pid} +\+\+\+ exited", log.read_text(), re.MULTILINE):
        threading.Event().wait(0.01)  # strace writes the rest
    steps = [step for line in log.read_text().splitlines() if (step := step_of(line))]
    at_the_start = ["fsync", "fsync"]  # of the file and its folder
    assert steps == [*at_the_start, *["line", "fsync", "answer"] * 3, "answer"]


def step_of(line):
    """What a system call does to the file of events or the connection; None for another one."""
    if "200 OK" in line and "HTTP/1.1" in line:
        return "answer"
    if "RecordType" in line:
        return "line"
    return "fsync" if re.search(r"fsync\(.*= 0", line) else None
