"""``python -m benchmarks``: measure mailframe on this machine; no network is used."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.importing import importing
from benchmarks.latency import latency
from benchmarks.ledger_costs import ledger_costs
from benchmarks.memory import memory
from benchmarks.million import million
from benchmarks.peers import tables
from benchmarks.peers.comparison import compare
from benchmarks.previewing import previewing
from benchmarks.refreshing import refreshing
from benchmarks.report import as_json, as_text
from benchmarks.reports import reports
from benchmarks.results_costs import results_costs
from benchmarks.sandboxing import sandboxing
from benchmarks.scale import scale
from benchmarks.sending import sending
from benchmarks.speed import speed
from benchmarks.touring import touring
from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from benchmarks.report import Part

PARTS: Final = (
    *("import", "speed", "send", "ledger", "results", "preview", "tour", "memory", "sandbox"),
)
ON_REQUEST: Final = ("million", "scale", "reports", "refresh", "peers")
"""They run only if they are named: they take long, or need other packages."""


def parts(options: argparse.Namespace) -> Iterator[Part]:
    """The selected parts, one after the other."""
    measure: dict[str, Callable[[argparse.Namespace], Iterable[Part]]] = {
        "import": lambda o: [importing(repeat=o.repeat)],
        "speed": _speed,
        "send": lambda o: [sending(rows=o.rows, repeat=o.repeat)],
        "ledger": lambda o: [ledger_costs(sizes=_sizes(o.ledger_rows))],
        "results": lambda o: [results_costs(sizes=_sizes(o.results_rows))],
        "preview": lambda o: [previewing(sizes=_sizes(o.preview_rows), repeat=o.repeat)],
        "tour": lambda o: [touring(sizes=_sizes(o.tour_rows), repeat=min(o.repeat, 3))],
        "memory": lambda o: [memory(sizes=_sizes(o.memory_rows), repeat=o.repeat)],
        "sandbox": lambda o: [
            sandboxing(rows=o.rows, sizes=_sizes(o.sandbox_rows), repeat=o.repeat)
        ],
        "million": _million,
        "scale": lambda o: [
            scale(rows=rows, repeat=min(o.repeat, 3)) for rows in _sizes(o.scale_rows)
        ],
        "reports": lambda _: [reports()],
        "refresh": lambda o: [refreshing(sizes=_sizes(o.refresh_rows))],
    }
    for name in (options.only,) if options.only else PARTS:
        yield from measure[name](options)


def _speed(options: argparse.Namespace) -> Iterator[Part]:
    for name in options.workload:
        yield speed(WORKLOADS[name], rows=options.rows, repeat=options.repeat)
        yield latency(WORKLOADS[name], rows=options.rows, repeat=options.repeat)


def _million(options: argparse.Namespace) -> Iterator[Part]:
    for name in options.workload:
        yield million(WORKLOADS[name], sizes=_sizes(options.million_rows), repeat=options.repeat)


def _sizes(rows: Sequence[int]) -> list[int]:
    return sorted(set(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the files; a missed target is not a failure."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.only = options.only or options.part
    if options.only == "peers":
        return _peers(parser, options)
    measured = list(parts(options))
    print(as_text(measured))
    _write_json(options.json, as_json(measured))
    return 0


def _peers(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    try:
        comparison = compare(
            rows=options.fault_rows, sizes=_sizes(options.peer_rows), repeat=options.repeat
        )
    except ModuleNotFoundError as error:
        parser.error(str(error))
    print(tables.as_text(comparison))
    _write_json(options.json, comparison.as_json())
    if options.markdown is not None:
        options.markdown.write_text(tables.as_markdown(comparison), encoding="utf-8")
    return 0


def _write_json(path: Path | None, values: object) -> None:
    if path is not None:
        text = json.dumps(values, indent=2, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "part", nargs="?", choices=(*PARTS, *ON_REQUEST), help=f"all but {', '.join(ON_REQUEST)}"
    )
    parser.add_argument("--only", choices=(*PARTS, *ON_REQUEST), help="the same as PART")
    parser.add_argument(
        "--rows", type=_count, default=20_000, help="of the frame of speed and send"
    )
    parser.add_argument(
        "--workload",
        nargs="+",
        choices=tuple(WORKLOADS),
        default=tuple(WORKLOADS),
        help="of speed and million; all by default",
    )
    for name, default in _ROWS.items():
        parser.add_argument(
            f"--{name}-rows", type=_count, nargs="+", default=default, metavar="ROWS"
        )
    parser.add_argument("--fault-rows", type=_count, default=1_200, help="of peers under faults")
    parser.add_argument(
        "--repeat", type=_count, default=5, help="most parts with children: at most 3"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the tables of peers")
    return parser


_ROWS: Final[Mapping[str, Sequence[int]]] = {
    "memory": [10_000, 100_000, 300_000],
    "ledger": [100_000, 1_000_000],
    "results": [100_000, 1_000_000],
    "preview": [1_000, 1_000_000],
    "tour": [100_000],
    "sandbox": [100_000, 1_000_000],
    "million": [100_000, 1_000_000],
    "scale": [1_000_000],
    "refresh": [10_000, 100_000],
    "peer": [5_000, 100_000],
}


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
