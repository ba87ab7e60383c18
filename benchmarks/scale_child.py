"""The child process of the part scale: Parquet is rendered in one way, and sent; costs as JSON."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

import mailframe as mf
from benchmarks.costs import Cost, cost
from benchmarks.letter import KEY, LETTER
from benchmarks.server import postmark

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE: Final = "one process"
DATASET: Final = "one process, as a dataset"
WAYS: Final = (ONE, DATASET, "processes", "dask", "spark")
_WORKERS: Final = 2


def costs(way: str, *, rows: int, source: Path, url: str, folder: Path) -> Iterator[Cost]:
    """Start the engine, render all rows and send them, with a ledger and a file for the results.

    Raises:
        AssertionError: a row was not accepted.
    """
    campaigns: list[Any] = []
    with ExitStack() as stack:
        engines: list[Any] = []
        yield cost("start", rows, lambda: engines.append(_engine(way, stack)))
        before = _processor_s()
        rendered = cost(
            "render", rows, lambda: campaigns.append(_rendered(way, engines[0], source, folder))
        )
        yield replace(rendered, cpu_s=_processor_s() - before)
    counts: list[pd.DataFrame] = []

    def send() -> None:
        files = {"ledger": folder / "ledger.sqlite3", "results": folder / "results.parquet"}
        counts.append(campaigns[0].send(postmark(url), progress=False, **files))

    yield cost("send", rows, send)
    if counts[0][["status", "rows"]].to_numpy().tolist() != [["accepted", rows]]:
        raise AssertionError(f"a row is not accepted: {counts[0]}")


def _processor_s() -> float:
    """Seconds of processor of this process and of all that it has started, workers of Java too."""
    import psutil  # noqa: PLC0415 - a dependency of Dask

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    running = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(
        [
            own.ru_utime,
            own.ru_stime,
            ended.ru_utime,
            ended.ru_stime,
            *(sum(one[:4]) for one in running),
        ]
    )


def _engine(way: str, stack: ExitStack) -> Any:
    """What ``executor`` gets; it ends with the stack."""
    if way == "dask":
        import distributed  # noqa: PLC0415 - an extra

        made: Any = distributed  # it has no types
        local = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        cluster = made.LocalCluster(_WORKERS, threads_per_worker=1, **local)
        return stack.enter_context(made.Client(stack.enter_context(cluster)))
    if way == "spark":
        from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = SparkSession.builder.master(f"local[{_WORKERS}]")
        for name, value in {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.memory": "2g",
        }.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
        stack.callback(session.stop)
        return session
    return "processes" if way == "processes" else None


def _rendered(way: str, engine: Any, source: Path, folder: Path) -> Any:
    """The campaign, with all rows checked."""
    if way == ONE:
        campaign: Any = mf.compose(pd.read_parquet(source), LETTER, name="benchmark", key=KEY)
    else:
        given: Any = engine.read.parquet(str(source)) if way == "spark" else source
        executor = None if way == "spark" else engine
        path = mf.write_messages(given, LETTER, folder / "messages", key=KEY, executor=executor)
        campaign = mf.messages(path, name="benchmark")
    campaign.plan()
    return campaign


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_child", description=__doc__)
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(arguments)
    measured = costs(
        options.way,
        rows=options.rows,
        source=options.source,
        url=options.url,
        folder=options.folder,
    )
    print(json.dumps([asdict(one) for one in measured]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
