"""The child process of the part sandbox: a sandbox that keeps many messages; its costs, as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.peak import forget_peak, peak, resident
from benchmarks.posted import PATH, client_of, requests_of
from mailframe.sandbox import LocalPostmark

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

SEARCH: Final = "/messages/outbound"
QUESTIONS: Final[Mapping[str, str]] = {
    "the newest 50": "count=50&offset=0",
    "one batch by its metadata": "count=500&offset=0&metadata_batch=0",
    "one message by its metadata": "count=50&offset=0&metadata_row=0-77",
    "a recipient": "count=50&offset=0&recipient=ann77@example.com",
    "a tag that all have": "count=50&offset=0&tag=spring",
}
_TIMES: Final = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A sandbox with many messages.

    Attributes:
        messages: how many.
        cpu: the seconds of CPU time that it took to accept them.
        grown: by how many bytes the largest resident size was above that at the start.
        searches: the seconds of each search, by name; the quickest of some.
    """

    messages: int
    cpu: float
    grown: int
    searches: dict[str, float]


def measure(messages: int) -> Kept:
    """Fill a sandbox with *messages*, and search it."""
    bodies = requests_of(10_000)
    with LocalPostmark(in_process=True, keep=messages) as sandbox, client_of(sandbox) as http:
        http.post(PATH, content=bodies[0])
        sandbox.clear()
        forget_peak()
        before, began = resident(), time.process_time()
        for number in range(messages // 500):
            http.post(PATH, content=bodies[number % len(bodies)])
        cpu = time.process_time() - began
        searches = {name: _quickest(http, query) for name, query in QUESTIONS.items()}
    return Kept(messages, cpu, peak() - before, searches)


def _quickest(http: httpx.Client, query: str) -> float:
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        if not http.get(f"{SEARCH}?{query}").json()["TotalCount"]:
            raise AssertionError(f"nothing matches {query}")
        taken.append(time.perf_counter() - began)
    return min(taken)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox_child", description=__doc__)
    parser.add_argument("--messages", type=int, required=True)
    print(json.dumps(asdict(measure(parser.parse_args(arguments).messages))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
