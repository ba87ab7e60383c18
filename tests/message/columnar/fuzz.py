"""Many random letters over random frames, each made in both ways; by hand::

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
from tests.message.columnar.both_ways import assert_same
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


def compare_one(source: Random, folder: Path) -> tuple[BoundLetter, int] | None:
    """Make one random campaign in both ways."""
    bound = random_campaign(source, folder)
    if bound is None:
        return None
    chunk_rows, live = source.choice((1, 1, 1, 2, 3, 4, 5, 6, 7)), source.random() < 0.5
    return bound, assert_same(bound, live=live, chunk_rows=chunk_rows)


def main() -> None:
    """Compare the number of letters that the command line asks for, and print what happened."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--letters", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    failed = []
    with tempfile.TemporaryDirectory() as name:
        for seed in range(options.seed, options.seed + options.letters):
            try:
                made = compare_one(random.Random(seed), Path(name))
            except Exception as error:
                failed.append((seed, f"{type(error).__name__}: {str(error)[:300]}"))
                continue
            if made is None:
                counts["refused"] += 1
            else:
                counts["letters"] += 1
                counts["rows"] += made[0].rows
                counts["left"] += made[1]
    print(counts)
    for seed, what in failed[:15]:
        print(seed, what)
    print(len(failed), "failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
