"""The comparison as tables, for a terminal and as Markdown for benchmarks/README.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.report import TIMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.peers.comparison import Comparison, Relative
    from benchmarks.peers.outcomes import Counted
    from benchmarks.timing import Spread


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the names of the columns, and the cells as text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """For a terminal: columns of equal width, all but the first to the right.

        >>> print(Table("Prices", ("what", "EUR"), (("tea", "2"), ("cakes", "12"))).as_text())
        Prices
        <BLANKLINE>
          what   EUR
          tea      2
          cakes   12
        """
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = ["  " + "  ".join(_padded(line, widths)).rstrip() for line in lines]
        return "\n".join([self.title, "", *texts])

    def as_markdown(self) -> str:
        """For a page.

        >>> print(Table("Prices", ("what", "EUR"), (("tea", "2"),)).as_markdown())
        Prices:
        <BLANKLINE>
        | what | EUR |
        |---|---:|
        | tea | 2 |
        """
        rule = "|---|" + "---:|" * (len(self.columns) - 1)
        lines = [f"| {' | '.join(line)} |" for line in (self.columns, *self.rows)]
        return "\n".join([f"{self.title}:", "", lines[0], rule, *lines[1:]])


def _padded(line: tuple[str, ...], widths: list[int]) -> list[str]:
    first, *others = zip(line, widths, strict=True)
    return [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]


def tables(comparison: Comparison) -> list[Table]:
    """One table for each count under faults, and one for the costs of each size."""
    sizes = list(dict.fromkeys(each.rows for each in comparison.costs))
    return [
        *(
            _outcomes(title, count, comparison.outcomes)
            for title, count in _COUNTS.items()
            if any(map(count, comparison.outcomes))
        ),
        *(_costs(size, [cost for cost in comparison.costs if cost.rows == size]) for size in sizes),
    ]


def never(comparison: Comparison) -> list[str]:
    """A sentence for each count that is zero for all clients and faults; it has no table."""
    return [
        f"{title}: none, with any client."
        for title, count in _COUNTS.items()
        if not any(map(count, comparison.outcomes))
    ]


_COUNTS: Final[Mapping[str, Callable[[Counted], int]]] = {
    "Messages that were accepted twice, in one run": lambda each: each.duplicates,
    "Rows whose outcome is known and right": lambda each: each.known,
    "Rows with a wrong outcome or the MessageID of another message": lambda each: each.wrong,
    "Messages that were accepted twice, after a second run": lambda each: each.duplicates_again,
    "Rows that neither run has sent": lambda each: each.never_sent,
}


def _outcomes(title: str, count: Callable[[Counted], int], counted: Sequence[Counted]) -> Table:
    """A line for each client, a column for each fault."""
    found = {(each.client, each.fault): f"{count(each):,}" for each in counted}
    clients, faults = (dict.fromkeys(names) for names in zip(*found, strict=True))
    rows = tuple((client, *(found[client, fault] for fault in faults)) for client in clients)
    return Table(f"{title} ({counted[0].rows:,} rows)", ("client", *faults), rows)


def _costs(size: int, costs: Sequence[Relative]) -> Table:
    columns = ("client", "CPU, µs a message", f"{TIMES} loop", "peak memory, MB", f"{TIMES} loop")
    rows = tuple(
        (
            each.client,
            _spread(each.cpu_us, digits=0),
            _spread(each.cpu, digits=2),
            _spread(each.memory_mb, digits=0),
            _spread(each.memory, digits=2),
        )
        for each in costs
    )
    return Table(f"A send of {size:,} rows, median and lowest to highest", columns, rows)


def _spread(spread: Spread, *, digits: int) -> str:
    middle = f"{spread.median:,.{digits}f}"
    if spread.low == spread.high:
        return middle
    return f"{middle} ({spread.low:,.{digits}f}\N{EN DASH}{spread.high:,.{digits}f})"


def as_text(comparison: Comparison) -> str:
    """The report for a terminal."""
    versions = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    texts = [table.as_text() for table in tables(comparison)]
    return "\n\n".join([*texts, *never(comparison), f"({versions})"])


def as_markdown(comparison: Comparison) -> str:
    """The tables for benchmarks/README.md."""
    texts = [table.as_markdown() for table in tables(comparison)]
    return "\n\n".join([*texts, *never(comparison)]) + "\n"
