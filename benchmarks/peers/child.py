"""The child process of the costs: one client sends one frame; its CPU time and memory, as JSON."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.answering import TOKEN
from benchmarks.frame import people
from benchmarks.peak import forget_peak, peak, resident
from benchmarks.peers.clients import CLIENTS, Server
from benchmarks.timing import both_clocks

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.peers.clients import Client

_WARM_UP_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """What one send needed.

    Attributes:
        rows: of the frame.
        cpu_s: seconds of CPU time of the process, all its threads.
        wall_s: seconds.
        memory: peak resident bytes during the send beyond those before it, the results included.
        exact: whether the peak was reset before the send.
    """

    rows: int
    cpu_s: float
    wall_s: float
    memory: int
    exact: bool


def cost(client: Client, *, rows: int, url: str) -> Cost:
    """Send a few rows, so that everything is imported, then measure the send of *rows* rows.

    Raises:
        AssertionError: a row was not accepted.
    """
    frame = people(rows)
    with TemporaryDirectory() as warm, TemporaryDirectory() as folder:
        server = Server(url, TOKEN, Path(folder))
        client.send(people(_WARM_UP_ROWS), replace(server, folder=Path(warm)))
        gc.collect()
        exact = forget_peak()
        before = resident()
        kept: list[pd.DataFrame] = []
        took = both_clocks(lambda _: kept.append(client.send(frame, server)), None)
        largest = peak()
    if not kept[0]["outcome"].eq("accepted").all() or not kept[0]["MessageID"].is_unique:
        raise AssertionError("a row was not accepted, or two have one MessageID")
    return Cost(rows, took.cpu, took.wall, largest - before, exact)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.child", description=__doc__)
    parser.add_argument("--client", choices=tuple(CLIENTS), required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--url", required=True)
    options = parser.parse_args(arguments)
    print(json.dumps(asdict(cost(CLIENTS[options.client], rows=options.rows, url=options.url))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
