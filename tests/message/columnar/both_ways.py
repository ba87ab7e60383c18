"""The plain and the columnar path side by side: they must make the same messages and problems.

By hand, over every campaign that the tests compose::

    python -m tests.message.columnar.both_ways tests/message tests/letter
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from mailframe.message import composed as composing
from mailframe.message import preflight as preflights
from mailframe.message.columnar.chunks import ChunkPreparer
from mailframe.message.pipeline import Preparer

if TYPE_CHECKING:
    from mailframe.message.binding import BoundLetter


@dataclass(frozen=True)
class Comparison:
    """Two equal ways: the preparer of one, and the number of rows with a problem."""

    columnar: ChunkPreparer
    faulty: int


def assert_same(bound: BoundLetter, *, live: bool = False, chunk_rows: int = 500) -> int:
    """Compare the two paths row by row.

    Returns:
        The number of rows that the columnar path left to the row-by-row path.
    """
    return compare(bound, live=live, chunk_rows=chunk_rows).columnar.plain_rows


def compare(bound: BoundLetter, *, live: bool, chunk_rows: int) -> Comparison:
    """Compare the two paths row by row."""
    columnar = ChunkPreparer(bound, live=live, chunk_rows=chunk_rows, min_rows=0)
    rows = Preparer(bound, live=live).rows()
    faulty = 0
    for chunk in columnar.chunks():
        problems = []
        for place, body in enumerate(chunk.bodies):
            plain = next(rows)
            assert plain.position == chunk.first + place
            expected = None if plain.message is None else plain.message.body
            assert body == expected, (plain.position, expected, body)
            assert chunk.sizes[place] == len(body or b""), plain.position
            problems += plain.problems
            faulty += bool(plain.problems)
            if plain.message is not None:
                made = (chunk.recipients[place], chunk.identities[place], chunk.streams[place])
                stream = plain.fields.get("MessageStream", "outbound")
                assert made == (plain.message.to, plain.identity, stream), plain.position
        assert list(map(_plain, chunk.problems)) == list(map(_plain, problems))
    assert next(rows, None) is None
    return Comparison(columnar, faulty)


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def _plain(problem: Any) -> tuple[Any, ...]:
    """A problem without addresses in memory, which texts of jinja2's errors can have."""
    texts = (_ADDRESS.sub("", text) for text in (problem.detail, repr(problem.value)))
    return (problem.row, problem.field, problem.code, *texts)


class _Compared:
    """Compares every campaign before its preflight check."""

    def __init__(self) -> None:
        self.campaigns = self.rows = self.left = 0

    def install(self) -> None:
        run = preflights.run_preflight

        def compared(bound: BoundLetter, *args: Any, live: bool = False, **kwargs: Any) -> Any:
            result = run(bound, *args, live=live, **kwargs)
            if bound.rows <= 3_000:
                self.campaigns += 1
                self.rows += bound.rows
                self.left += assert_same(bound, live=live, chunk_rows=7)
            return result

        composing.run_preflight = compared


if __name__ == "__main__":
    compared = _Compared()
    compared.install()
    code = pytest.main(["-q", "-p", "no:randomly", "-n", "0", *sys.argv[1:]])
    sys.stdout.write(
        f"{compared.campaigns:,} campaigns, {compared.rows:,} rows, "
        f"{compared.left:,} on the row-by-row path\n"
    )
    raise SystemExit(code)
