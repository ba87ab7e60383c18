"""The ways of docs/scale.md: one process, processes, Dask and Spark, each with the send."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from benchmarks.costs import Cost
from benchmarks.frame import people
from benchmarks.report import Figure, Part, Ratio
from benchmarks.scale_child import ONE, WAYS
from benchmarks.server import answering
from benchmarks.timing import Spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ROOT: Final = Path(__file__).parent.parent
_TIMEOUT_S: Final = 7_200.0
_FILES: Final = 4
_MB: Final = 1e6
_PROTOTYPE_S: Final = {ONE: 135, "processes": 99, "dask": 103, "spark": 115}
"""A million rows with the send, on two cores, before columns were rendered together."""


def scale(*, rows: int, repeat: int) -> Part:
    """Render and send *rows* in each way that is installed, in turns, each in a new process."""
    ways = [way for way in WAYS if _is_installed(way)]
    measured: dict[str, list[dict[str, Cost]]] = {way: [] for way in ways}
    with TemporaryDirectory() as folder:
        source = Path(folder) / "people"
        write_source(source, rows)
        for _ in range(repeat):
            for way in ways:
                measured[way].append(in_way(way, rows=rows, source=source))
    left_out = [way for way in WAYS if way not in ways]
    about = (
        "the letter of benchmarks/letter from Parquet files, two workers, a ledger, results in a "
        "file, a server that keeps nothing; wall clock"
    )
    about += f"; not installed: {', '.join(left_out)}" if left_out else ""
    return Part("scale", about, tuple(_ratios(measured)), tuple(_figures(measured, rows)))


def _is_installed(way: str) -> bool:
    if way == "spark":
        return find_spec("pyspark") is not None and shutil.which("java") is not None
    return way != "dask" or find_spec("distributed") is not None


def write_source(source: Path, rows: int) -> None:
    """Files of about the same number of rows.

    No address is on a domain for documentation: such a row is checked twice, because a live server
    refuses it.
    """
    source.mkdir()
    frame = people(rows)
    frame["email"] = frame["email"].str.replace("example.com", "acme.dev", regex=False)
    size = -(-rows // _FILES)
    for number, first in enumerate(range(0, rows, size)):
        frame[first : first + size].to_parquet(source / f"{number}.parquet", index=False)


def in_way(way: str, *, rows: int, source: Path) -> dict[str, Cost]:
    """The costs of each step of a way, in a process of its own.

    Raises:
        subprocess.CalledProcessError: the child failed; its error is on stderr.
    """
    with answering() as url, TemporaryDirectory() as folder:
        options = {"way": way, "rows": rows, "source": source, "url": url, "folder": folder}
        command = [sys.executable, "-m", "benchmarks.scale_child"]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        done = subprocess.run(  # noqa: S603 - ourselves
            command, check=True, stdout=subprocess.PIPE, timeout=_TIMEOUT_S, cwd=_ROOT
        )
    costs = [Cost(**cost) for cost in json.loads(done.stdout.splitlines()[-1])]
    return {cost.step: cost for cost in costs}


def _total(run: Mapping[str, Cost]) -> float:
    return run["render"].wall_s + run["send"].wall_s


def _ratios(measured: Mapping[str, Sequence[Mapping[str, Cost]]]) -> Iterator[Ratio]:
    for way, runs in measured.items():
        if way != ONE:
            pairs = zip(runs, measured[ONE], strict=True)
            values = [_total(run) / _total(one) for run, one in pairs]
            yield Ratio(f"{way} / {ONE}, rendered and sent", Spread.of(values))


def _figures(measured: Mapping[str, Sequence[Mapping[str, Cost]]], rows: int) -> Iterator[Figure]:
    for way, runs in measured.items():
        prototype = f"prototype {_PROTOTYPE_S[way]} s" if way in _PROTOTYPE_S else ""
        yield Figure(
            f"{rows:,} rows: {way}", Spread.of([_total(run) for run in runs]), "s", prototype
        )
        for step in ("render", "send"):
            cpu_s = Spread.of([run[step].cpu_s for run in runs]).median
            memory = Spread.of([run[step].memory for run in runs]).median
            yield Figure(
                f"{way}: {step}",
                Spread.of([run[step].wall_s for run in runs]),
                "s",
                f"{cpu_s:.0f} s of processor; {memory / _MB:,.0f} MB in the process that sends, "
                f"{memory / rows:,.0f} bytes a row",
            )
