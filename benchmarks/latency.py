"""Time of a whole send over sockets, beside posting batches that were rendered before."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from benchmarks import loops
from benchmarks.report import TIMES, Figure, Part, Ratio, Target
from benchmarks.server import answering, client, postmark
from benchmarks.timing import Case, Spread, Took, interleaved_both, times_faster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    import mailframe as mf
    from benchmarks.workloads import Workload

LATENCIES_MS: Final[tuple[int, ...]] = (0, 50, 100)
_WHOLE: Final = "mailframe: check, render, send, with its ledger"
_CHECKED: Final = "mailframe: send of a campaign that plan() has checked"
_LOOP: Final = "loop (a)"
_BARE: Final = "posting batches that were rendered before"
_AT_LEAST: Final = 1.8
_AT_MOST: Final[Mapping[int, float]] = {50: 1.2, 100: 1.1}


def latency(
    workload: Workload, *, rows: int, repeat: int, latencies_ms: Sequence[int] = LATENCIES_MS
) -> Part:
    """Time the whole send of every contestant, with a server in a process of its own.

    Args:
        workload: the letter and its frame.
        rows: of the frame.
        repeat: how often each contestant runs, in turns.
        latencies_ms: the waits of the server before each answer, in milliseconds.

    Raises:
        AssertionError: a row was not accepted.
    """
    frame = workload.frame(rows)
    ratios: list[Ratio] = []
    figures: list[Figure] = []
    for wait_ms in latencies_ms:
        with answering(latency_s=wait_ms / 1_000) as url:
            taken = interleaved_both(_cases(workload, frame, url), repeat=repeat)
        ratios += _ratios(taken, wait_ms=wait_ms, name=workload.name)
        figures += _figures(taken, wait_ms=wait_ms, rows=rows)
    about = (
        f"{workload.about}; {rows:,} rows, 500 messages a request over a socket, "
        f"server in its own process, {repeat} repeats in turns"
    )
    return Part(f"latency, {workload.name}", about, tuple(ratios), tuple(figures))


def _cases(workload: Workload, frame: pd.DataFrame, url: str) -> dict[str, Case[Any]]:
    rendered = list(loops.bodies(workload.records(frame), workload.templates()))

    def fresh() -> mf.Campaign:
        return workload.compose(frame)

    def checked() -> mf.Campaign:
        campaign = workload.compose(frame)
        campaign.plan()
        return campaign

    return {
        _BARE: Case(lambda: rendered, lambda bodies: _posted(bodies, url)),
        _LOOP: Case(lambda: frame, lambda frame: _loop(workload, frame, url)),
        _CHECKED: Case(checked, lambda campaign: _sent(campaign, url)),
        _WHOLE: Case(fresh, lambda campaign: _sent(campaign, url)),
    }


def _posted(bodies: Sequence[bytes], url: str) -> None:
    with client(url) as http:
        for body in bodies:
            http.post("/email/batch", content=body).raise_for_status()


def _loop(workload: Workload, frame: pd.DataFrame, url: str) -> pd.DataFrame:
    with client(url) as http:
        return loops.sent(frame, workload.records(frame), http, workload.templates())


def _sent(campaign: mf.Campaign, url: str) -> pd.DataFrame:
    """Send with a temporary ledger: the default one would skip these people in the next run."""
    with TemporaryDirectory() as folder:
        results = campaign.send(
            postmark(url), progress=False, ledger=Path(folder) / "ledger.sqlite3"
        )
    if not results["status"].eq("accepted").all():
        raise AssertionError("a row was not accepted")
    return results


def _ratios(taken: Mapping[str, Sequence[Took]], *, wait_ms: int, name: str) -> list[Ratio]:
    cpu = {case: [took.cpu for took in several] for case, several in taken.items()}
    wall = {case: [took.wall for took in several] for case, several in taken.items()}
    faster, slower = _targets(wait_ms, name)
    whole = f"{wait_ms} ms: whole send"
    against_loop = f"{whole}, times as fast as loop (a)"
    once_checked = f"{wait_ms} ms: send once checked, against bare posting; wall"
    bare = wall[_BARE]
    return [
        Ratio(f"{against_loop}; CPU", times_faster(cpu[_LOOP], cpu[_WHOLE]), faster),
        Ratio(f"{against_loop}; wall", times_faster(wall[_LOOP], wall[_WHOLE])),
        Ratio(once_checked, times_faster(wall[_CHECKED], bare), slower),
        Ratio(f"{whole}, against bare posting; wall", times_faster(wall[_WHOLE], bare)),
    ]


def _targets(wait_ms: int, name: str) -> tuple[Target | None, Target | None]:
    """At 0 ms the loop is the target, at others posting alone, or nothing."""
    if wait_ms == 0:
        what = f"{name}: whole send at 0 ms ≥ {_AT_LEAST} {TIMES} the loop, CPU"
        return Target(what, at_least=_AT_LEAST), None
    if (most := _AT_MOST.get(wait_ms)) is None:
        return None, None
    what = f"{name}: send at {wait_ms} ms ≤ {most} {TIMES} bare posting, wall"
    return None, Target(what, at_most=most)


def _figures(taken: Mapping[str, Sequence[Took]], *, wait_ms: int, rows: int) -> list[Figure]:
    batches = -(-rows // loops.BATCH_MESSAGES)
    return [
        Figure(
            f"{wait_ms} ms: {case}",
            Spread.of([took.wall for took in several]).times(1_000 / batches),
            "ms a batch",
            f"CPU {Spread.of([took.cpu for took in several]).median * 1e6 / rows:.0f} µs/row",
        )
        for case, several in taken.items()
    ]
