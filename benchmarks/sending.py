"""Time of a whole send, relative to the loops, with two servers in this process."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx

import mailframe as mf
from benchmarks import loops
from benchmarks.answering import Answering
from benchmarks.frame import people
from benchmarks.letter import compose
from benchmarks.report import Figure, Part, Ratio
from benchmarks.timing import Case, Spread, interleaved, times_faster

if TYPE_CHECKING:
    import pandas as pd

_WITH_LEDGER: Final = "mailframe with its ledger"
_WITHOUT_LEDGER: Final = "mailframe with ledger=None"
_LOOP_A: Final = "loop (a): to_dict, one httpx.Client"
_LOOP_B: Final = "loop (b): iterrows, one httpx.Client"
_SANDBOX: Final = "sandbox"
_ANSWERING: Final = "answers, keeps nothing"


def sending(*, rows: int, repeat: int) -> Part:
    """Time the whole send of every contestant over the same frame, in one process.

    Args:
        rows: of the frame.
        repeat: how often each contestant runs, in turns.

    Raises:
        AssertionError: a row of a contestant was not accepted.
    """
    frame = people(rows)
    ratios: list[Ratio] = []
    figures: list[Figure] = []
    for server, cases in ((_SANDBOX, _over_sandbox(frame)), (_ANSWERING, _over_answering(frame))):
        taken = interleaved(cases, repeat=repeat)
        ratios += [
            Ratio(
                f"{contestant}, times as fast as {loop[:8]}; {server}",
                times_faster(taken[loop], taken[contestant]),
            )
            for contestant in (_WITH_LEDGER, _WITHOUT_LEDGER)
            for loop in (_LOOP_A, _LOOP_B)
        ]
        figures += [_figure(f"{name}; {server}", Spread.of(taken[name]), rows) for name in cases]
    about = (
        f"{rows:,} rows, 500 messages a request, compiling included, no sockets, "
        f"{repeat} repeats in turns, wall clock"
    )
    return Part("send", about, tuple(ratios), tuple(figures))


def _figure(name: str, seconds: Spread, rows: int) -> Figure:
    return Figure(
        name, seconds.times(1e6 / rows), "µs/row", f"{rows / seconds.median:>9,.0f} rows/s"
    )


def _over_sandbox(frame: pd.DataFrame) -> dict[str, Case[Any]]:
    def ready() -> mf.Sandbox:
        return mf.Sandbox(in_process=True).start()

    def client(sandbox: mf.Sandbox) -> httpx.Client:
        headers = {"X-Postmark-Server-Token": sandbox.token, "Accept": "application/json"}
        headers["Content-Type"] = "application/json"
        return httpx.Client(transport=sandbox.transport(), base_url=sandbox.url, headers=headers)

    return {
        _WITH_LEDGER: Case(ready, lambda sandbox: with_ledger(frame, sandbox.server)),
        _WITHOUT_LEDGER: Case(
            ready, lambda sandbox: _mailframe(frame, sandbox.server, ledger=None)
        ),
        _LOOP_A: Case(ready, lambda sandbox: _loop(frame, client(sandbox), iterate=False)),
        _LOOP_B: Case(ready, lambda sandbox: _loop(frame, client(sandbox), iterate=True)),
    }


def _over_answering(frame: pd.DataFrame) -> dict[str, Case[Any]]:
    return {
        _WITH_LEDGER: Case(Answering, lambda server: with_ledger(frame, server.server())),
        _WITHOUT_LEDGER: Case(
            Answering, lambda server: _mailframe(frame, server.server(), ledger=None)
        ),
        _LOOP_A: Case(Answering, lambda server: _loop(frame, server.client(), iterate=False)),
        _LOOP_B: Case(Answering, lambda server: _loop(frame, server.client(), iterate=True)),
    }


def with_ledger(frame: pd.DataFrame, server: mf.Postmark) -> pd.DataFrame:
    """Send with a temporary ledger: the default one would skip these people in the next run."""
    with TemporaryDirectory() as folder:
        return _mailframe(frame, server, ledger=Path(folder) / "ledger.sqlite3")


def _mailframe(frame: pd.DataFrame, server: mf.Postmark, *, ledger: Path | None) -> pd.DataFrame:
    results = compose(frame).send(server, progress=False, ledger=ledger)
    _all_accepted(results)
    return results


def _loop(frame: pd.DataFrame, client: httpx.Client, *, iterate: bool) -> pd.DataFrame:
    rows = loops.iterated(frame) if iterate else loops.records(frame)
    with client:
        results = loops.sent(frame, rows, client)
    _all_accepted(results)
    return results


def _all_accepted(results: pd.DataFrame) -> None:
    refused = int((results["ErrorCode"] != 0).sum())
    if refused or results["MessageID"].nunique() != len(results):
        raise AssertionError(f"{refused} rows were not accepted, or two have one MessageID")
