"""What the sandbox takes: messages, requests, searches, and its memory with many messages."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.answering import Answering
from benchmarks.frame import people
from benchmarks.posted import BATCH, PATH, client_of, http_client, message, requests_of
from benchmarks.report import Figure, Part, Ratio, Target
from benchmarks.sandbox_child import Kept
from benchmarks.sending import with_ledger
from benchmarks.timing import CPU, Case, Spread, interleaved, times_faster
from mailframe.sandbox import LocalPostmark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import httpx

_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 3_600.0
_SINGLES: Final = 500
_SENDS: Final = "mailframe's own send, with its checks and its ledger"
_TAKES: Final = "the sandbox, without a socket"
_BATCHES: Final = "batches over a socket, to a process of its own"
_SINGLE: Final = "single messages over a socket, one after the other"
_FASTER: Final = Target("the sandbox is 5 times as fast as mailframe's own send", at_least=5.0)


def sandboxing(*, rows: int, sizes: Sequence[int], repeat: int) -> Part:
    """Compare the sandbox with a send, and fill it with many messages.

    Args:
        rows: of the frame that mailframe sends, and messages that the sandbox takes; a multiple of
            500.
        sizes: the numbers of messages that sandboxes keep, each in a process of its own.
        repeat: how often each contestant runs, in turns.
    """
    bodies = requests_of(rows)
    taken = interleaved(_cases(rows, bodies), repeat=repeat)
    with _listening() as url, http_client(url, "any") as http:
        over = interleaved(
            {
                _BATCHES: Case(lambda: http, lambda one: _post_all(one, bodies)),
                _SINGLE: Case(lambda: http, _post_singles),
            },
            repeat=repeat,
        )
    figures = [
        _rate(name, Spread.of(values), rows)
        for name, values in (*taken.items(), (_BATCHES, over[_BATCHES]))
    ]
    figures.append(_rate(_SINGLE, Spread.of(over[_SINGLE]), _SINGLES))
    for size in sizes:
        figures += _kept(_in_child(size))
    ratio = Ratio(
        f"{_TAKES}, times as fast as a send", times_faster(taken[_SENDS], taken[_TAKES]), _FASTER
    )
    about = f"{rows:,} messages of 4 KB, 500 a request, {repeat} repeats in turns, CPU time or wall"
    return Part("sandbox", about, (ratio,), tuple(figures))


def _cases(rows: int, bodies: Sequence[bytes]) -> dict[str, Case[Any]]:
    frame = people(rows)
    return {
        _SENDS: Case(Answering, lambda server: with_ledger(frame, server.server()), CPU),
        _TAKES: Case(
            lambda: LocalPostmark(in_process=True).start(), lambda one: _take(one, bodies), CPU
        ),
    }


def _take(sandbox: LocalPostmark, bodies: Sequence[bytes]) -> None:
    with client_of(sandbox) as http:
        _post_all(http, bodies)


def _post_all(http: httpx.Client, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        answer = http.post(PATH, content=body)
        if answer.content.count(b'"ErrorCode":0') != BATCH:
            raise AssertionError("a message was not accepted")


def _post_singles(http: httpx.Client) -> None:
    for row in range(_SINGLES):
        http.post("/email", json=message(0, row)).raise_for_status()


@contextmanager
def _listening() -> Iterator[str]:
    """The URL of a sandbox in a process of its own."""
    command = [sys.executable, "-m", "mailframe", "sandbox", "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - ourselves
        command, stdout=subprocess.PIPE, cwd=_ROOT, text=True
    ) as process:
        if process.stdout is None:
            raise TypeError("it is a pipe")
        try:
            line = process.stdout.readline()
            # It writes a line for each request, and would wait for a reader of a full pipe.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield next(word.rstrip(";") for word in line.split() if word.startswith("http://"))
        finally:
            process.terminate()


def _in_child(messages: int) -> Kept:
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "benchmarks.sandbox_child", "--messages", str(messages)],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    return Kept(**json.loads(done.stdout))


def _rate(name: str, seconds: Spread, count: int) -> Figure:
    return Figure(
        name,
        seconds.times(1e6 / count),
        "µs/message",
        f"{count / seconds.median:>9,.0f} messages/s",
    )


def _kept(kept: Kept) -> Iterator[Figure]:
    name = f"{kept.messages:,} messages kept"
    yield _one(f"{name}: accepting, CPU", kept.cpu * 1e6 / kept.messages, "µs/message")
    yield _one(f"{name}: memory above the start", kept.grown / 1e6, "MB")
    yield _one(f"{name}: the same after all questions", kept.grown_by_questions / 1e6, "MB")
    yield _one(f"{name}: size of the file", kept.size / kept.messages, "bytes/message")
    for question, seconds in kept.questions.items():
        yield _one(f"{name}: {question}, CPU", seconds * 1_000, "ms")


def _one(name: str, value: float, unit: str) -> Figure:
    return Figure(name, Spread(value, value, value), unit)
