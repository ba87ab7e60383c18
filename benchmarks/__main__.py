"""``python -m benchmarks``: measure mailframe on this machine; no network is used."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.importing import importing
from benchmarks.ledger_costs import ledger_costs
from benchmarks.memory import memory
from benchmarks.previewing import previewing
from benchmarks.report import as_json, as_text
from benchmarks.results_costs import results_costs
from benchmarks.sending import sending
from benchmarks.speed import speed
from benchmarks.touring import touring

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.report import Part

PARTS = ("import", "speed", "send", "ledger", "results", "preview", "tour", "memory")


def parts(options: argparse.Namespace) -> Iterator[Part]:
    """The selected parts, one after the other."""
    wanted = (options.only,) if options.only else PARTS
    if "import" in wanted:
        yield importing(repeat=options.repeat)
    if "speed" in wanted:
        yield speed(rows=options.rows, repeat=options.repeat)
    if "send" in wanted:
        yield sending(rows=options.rows, repeat=options.repeat)
    if "ledger" in wanted:
        yield ledger_costs(sizes=sorted(set(options.ledger_rows)))
    if "results" in wanted:
        yield results_costs(sizes=sorted(set(options.results_rows)))
    if "preview" in wanted:
        yield previewing(sizes=sorted(set(options.preview_rows)), repeat=options.repeat)
    if "tour" in wanted:
        yield touring(sizes=sorted(set(options.tour_rows)), repeat=min(options.repeat, 3))
    if "memory" in wanted:
        yield memory(sizes=sorted(set(options.memory_rows)), repeat=options.repeat)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON; a missed target is not a failure."""
    options = _parser().parse_args(arguments)
    measured = list(parts(options))
    print(as_text(measured))
    if options.json is not None:
        options.json.write_text(
            json.dumps(as_json(measured), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=_count, default=5_000, help="of the frame of speed and send")
    parser.add_argument(
        "--memory-rows", type=_count, nargs="+", default=[10_000, 100_000, 300_000], metavar="ROWS"
    )
    parser.add_argument(
        "--ledger-rows", type=_count, nargs="+", default=[100_000, 1_000_000], metavar="ROWS"
    )
    parser.add_argument(
        "--results-rows", type=_count, nargs="+", default=[100_000, 1_000_000], metavar="ROWS"
    )
    parser.add_argument(
        "--preview-rows", type=_count, nargs="+", default=[1_000, 1_000_000], metavar="ROWS"
    )
    parser.add_argument("--tour-rows", type=_count, nargs="+", default=[100_000], metavar="ROWS")
    parser.add_argument("--repeat", type=_count, default=5, help="tour and memory: at most 3")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
