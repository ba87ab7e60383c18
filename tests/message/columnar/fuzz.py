"""Many random letters over random frames, each made in both ways.

By hand::

python -m tests.message.columnar.fuzz --letters 10000 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import mailframe as mf
from mailframe.message.binding import bind
from mailframe.message.columnar.parts import _UnsplitTemplate
from tests.message.columnar.both_ways import Comparison, compare
from tests.message.columnar.letters import random_frame, random_letter

if TYPE_CHECKING:
    from random import Random

    from mailframe.message.binding import BoundLetter


def random_campaign(source: Random, folder: Path) -> BoundLetter | None:
    """A letter bound to a frame; None if the letter is refused."""
    frame = random_frame(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bind(random_letter(source, folder), frame)
    except (mf.errors.LetterError, mf.errors.FrameError, UnicodeEncodeError):
        return None


def compare_one(source: Random, folder: Path) -> Comparison | None:
    """Make one random campaign in both ways; None if its letter is refused."""
    bound = random_campaign(source, folder)
    if bound is None:
        return None
    chunk_rows = source.choice((1, 1, 1, 2, 3, 4, 5, 6, 7))
    return compare(bound, live=source.random() < 0.5, chunk_rows=chunk_rows)


def counted(made: Comparison | None) -> Counter[str]:
    """What happened to a letter, its parts and its rows."""
    if made is None:
        return Counter({"letters refused": 1})
    columnar = made.columnar._columnar
    counts = Counter({"letters compared": 1, "rows": made.columnar._rows})
    counts["rows that fell back"] = made.columnar.plain_rows
    counts["rows with a problem"] = made.faulty
    if columnar is None:
        return counts + Counter({"letters declined": 1})
    for part in columnar._parts.values():
        is_whole = any(isinstance(piece, _UnsplitTemplate) for piece in part.pieces)
        is_split = not is_whole and len(part.pieces) > 1
        counts[
            "parts rendered as a whole"
            if is_whole
            else "parts split"
            if is_split
            else "parts of one piece"
        ] += 1
    return counts


def main() -> None:
    """Compare the number of letters that the command line asks for, and write what happened."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        for seed in range(options.seed, options.seed + options.letters):
            try:
                counts += counted(compare_one(random.Random(seed), Path(name)))
            except Exception as error:  # noqa: BLE001 - the next letters are compared, too
                counts["letters that differ"] += 1
                sys.stdout.write(f"--seed {seed}: {type(error).__name__}: {str(error)[:300]}\n")
            if seed % 500 == 0:
                sys.stdout.write(f"{dict(counts)}\n")
                sys.stdout.flush()
    sys.stdout.write("".join(f"{number:9,} {what}\n" for what, number in counts.items()))
    sys.exit(bool(counts["letters that differ"]))


if __name__ == "__main__":
    main()
