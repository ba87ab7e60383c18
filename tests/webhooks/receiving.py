"""A real receiver of webhooks: ``mailframe webhooks`` in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.command.commands import command, environment
from tests.systems import KILL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AUTH = ("acme", "päss:wörd")
ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/postmark")
COMMON = {"MessageStream": "outbound", "Metadata": {}, "Tag": "autumn"}


def event(number: int, **fields: Any) -> dict[str, Any]:
    """An event: a delivery, unless another RecordType is given."""
    return {
        "RecordType": "Delivery",
        "MessageID": f"m{number}",
        "Recipient": f"user{number}@acme.example",
        "DeliveredAt": "2026-11-27T12:00:00.1234567Z",
        **COMMON,
        **fields,
    }


class Receiver:
    """A receiver for ``with``, with its output by lines.

    Args:
        out: its file of events.
        port: its port; 0 takes a free one.
        options: further options.
        under: a program that runs it, such as strace.
    """

    def __init__(self, out: Path, *options: str, port: int = 0, under: Sequence[str] = ()) -> None:
        self.out = out
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [*under, *command("webhooks", "--out", out, "--port", port, *options)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=environment(MAILFRAME_WEBHOOKS_AUTH=":".join(AUTH)),
        )
        self.pid = self._process.pid
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        assert self._started.wait(60), self.lines
        self.port = int(ADDRESS.search("".join(self.lines)).group(1))
        self.http = httpx.Client(timeout=60, trust_env=False)
        self.url = f"http://127.0.0.1:{self.port}/postmark"

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line)
            if "Ctrl-C" in line:
                self._started.set()
        self._started.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(KILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal; returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(60)
        self.http.close()
        self._reader.join()
        self._process.stdout.close()
        return code

    def post(self, body: Any, **more: Any) -> httpx.Response:
        """Post a JSON value, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        options = {"auth": AUTH, "headers": {"Content-Type": "application/json"}} | more
        return self.http.post(self.url, content=content, **options)

    def wait_for(self, line: str) -> None:
        """Wait until a line of its output begins so."""
        until = time.monotonic() + 30
        while not any(one.startswith(line) for one in self.lines):
            assert time.monotonic() < until, self.lines
            time.sleep(0.005)

    def events(self) -> list[Any]:
        """The events of the file."""
        return events_in(self.out)


def events_in(path: Path) -> list[Any]:
    """The events of a file, each of whose lines is complete."""
    text = path.read_bytes()
    assert text.endswith(b"\n") or not text
    return [json.loads(line) for line in text.splitlines()]
