"""``results.mail.refresh``: a first refresh, and one after 1 % more events; requests and memory."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pandas as pd

import mailframe as mf
from benchmarks.costs import Cost, cost
from benchmarks.report import Figure, Part
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 3_600.0
_OVER: Final = "2d"
_MOST: Final = "35h"
"""The time after which 99 % of the events have happened."""
_LETTER: Final = mf.Letter(
    sender="Acme <news@acme.example>",
    to="{{ email }}",
    subject="Autumn",
    html_body='<a href="https://acme.example/a">A</a> <a href="https://acme.example/b">B</a>',
    text_body="https://acme.example/a",
    tag="autumn",
    message_stream="broadcast",
    track_opens=True,
    track_links="HtmlAndText",
)


def refreshing(*, sizes: Sequence[int]) -> Part:
    """Measure each size; the sandbox runs in this process, each refresh in one of its own."""
    figures = tuple(figure for rows in sizes for figure in _figures(rows))
    about = "40 % opens, 10 % clicks, 2 % bounces, 1 % unsubscribes, over two days"
    return Part("refresh", about, (), figures)


def _figures(rows: int) -> list[Figure]:
    people = pd.DataFrame({"email": [f"person.{n}@acme.example" for n in range(rows)]})
    figures = []
    with TemporaryDirectory() as folder, mf.Sandbox(keep=2 * rows) as sandbox:
        campaign = people.mail.compose(_LETTER, name="autumn")
        ledger = str(Path(folder) / "ledger.sqlite3")
        results = campaign.send(sandbox.server, progress=False, ledger=ledger)
        sandbox.simulate(opens=0.4, clicks=0.1, bounces=0.02, unsubscribes=0.01, seed=1, over=_OVER)
        path = Path(folder) / "results.pickle"
        path.write_bytes(pickle.dumps(results))
        before = 0
        for step, time in (("first", _MOST), ("1 % more", _OVER)):
            sandbox.advance(time)
            events = len(sandbox.events())
            asked = len(sandbox.requests())
            measured = _in_child(path, sandbox.url, sandbox.token)
            requests = len(sandbox.requests()) - asked
            memory = f"{measured.memory / 1e6:,.0f} MB beyond the results"
            note = f"{requests} requests for {events - before:,} events, {memory}"
            name = f"{step}, {rows:,} rows"
            figures.append(Figure(name, Spread.of([measured.cpu_s]), "s CPU", note))
            before = events
    return figures


def measure(path: Path, url: str, token: str) -> Cost:
    """The cost of a refresh of the results in a file, which are replaced.

    Raises:
        AssertionError: a count is missing.
    """
    results = pickle.loads(path.read_bytes())  # noqa: S301 - ours
    server = mf.Postmark(token, base_url=url)
    kept: list[pd.DataFrame] = []
    measured = cost(
        "refresh",
        len(results),
        lambda: kept.append(results.mail.refresh(server, progress=False)),
    )
    if kept[0][["opens", "clicks"]].isna().any(axis=None):
        raise AssertionError("a count is missing")
    path.write_bytes(pickle.dumps(kept[0]))
    return measured


def _in_child(path: Path, url: str, token: str) -> Cost:
    command = [sys.executable, "-m", "benchmarks.refreshing", str(path), url, token]
    done = subprocess.run(  # noqa: S603 - ourselves
        command, check=True, stdout=subprocess.PIPE, timeout=_TIMEOUT_S, cwd=_ROOT
    )
    return Cost(**json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))))
