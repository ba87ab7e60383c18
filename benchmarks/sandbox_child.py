"""The child process of the part sandbox: a sandbox that keeps many messages; its costs, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.peak import forget_peak, peak, resident
from benchmarks.posted import BATCH, PATH, client_of, requests_of
from mailframe.sandbox import LocalPostmark

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

SEARCH: Final = "/messages/outbound?count=50&offset="
QUESTIONS: Final[Mapping[str, str]] = {
    "the newest 50": f"{SEARCH}0",
    "50 before the last 9,950": f"{SEARCH}9950",
    "a recipient": f"{SEARCH}0&recipient=ann77@example.com",
    "a subject": f"{SEARCH}0&subject=Spring news 77",
    "one message by its metadata": f"{SEARCH}0&metadata_row=0-77",
    "one batch by its metadata": "/messages/outbound?count=500&offset=0&metadata_batch=0",
    "a tag that all have": f"{SEARCH}0&tag=spring",
    "a tag that none has": f"{SEARCH}0&tag=autumn",
    "the status sent": f"{SEARCH}0&status=sent",
    "a date": f"{SEARCH}0&fromdate=2026-01-01",
    "the overview of statistics, first": "/stats/outbound",
    "the overview of statistics, again": "/stats/outbound",
    "the inbox": "/",
    "the inbox, in the middle": "/?before={middle}",
    "the inbox, a tag that all have": "/?q=tag:spring",
    "the inbox, a recipient": "/?q=to:ann77@example.com",
    "the inbox, a word that none has": "/?q=autumn",
    "what is new in the inbox": "/_sandbox/changes",
}
"""The path of each question."""
_ONCE: Final = "the overview of statistics, first"
_TIMES: Final = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A sandbox with many messages.

    Attributes:
        messages: how many.
        cpu: the seconds of CPU time that it took to accept them.
        grown: by how many bytes the largest resident size was above that at the start.
        grown_by_questions: the same, after all questions.
        size: the bytes of its file.
        questions: the seconds of CPU time of each question, by name; the quickest of some.
    """

    messages: int
    cpu: float
    grown: int
    grown_by_questions: int
    size: int
    questions: dict[str, float]


def measure(messages: int) -> Kept:
    """Fill a sandbox with *messages*, and ask it the questions."""
    bodies = requests_of(10_000)
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalPostmark(in_process=True, keep=messages, db=Path(folder) / "kept.db") as sandbox,
        client_of(sandbox) as http,
    ):
        http.post(PATH, content=bodies[0])
        sandbox.clear()
        forget_peak()
        before, began = resident(), time.process_time()
        for number in range(messages // BATCH):
            http.post(PATH, content=bodies[number % len(bodies)])
        cpu, grown = time.process_time() - began, peak() - before
        questions = {
            name: _quickest(
                http, path.format(middle=messages // 2), times=1 if name == _ONCE else _TIMES
            )
            for name, path in QUESTIONS.items()
        }
        size = sum(one.stat().st_size for one in Path(folder).iterdir())
    return Kept(messages, cpu, grown, peak() - before, size, questions)


def _quickest(http: httpx.Client, path: str, *, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.process_time()
        http.get(path).raise_for_status()
        taken.append(time.process_time() - began)
    return min(taken)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox_child", description=__doc__)
    parser.add_argument("--messages", type=int, required=True)
    print(json.dumps(asdict(measure(parser.parse_args(arguments).messages))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
