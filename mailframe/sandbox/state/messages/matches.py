"""The messages that a search of Postmark's API finds; most packs are not read for it."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from mailframe.sandbox.state.messages.columns import NO_COLUMNS, Traits, unpacked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.messages.search_query import Filter, SearchQuery


class Matches:
    """The matches of one search, as a text for each pack: "1" for a match, "0" for another message.

    Args:
        database: the database of the packs.
        server: the ID of the server.
        query: what to find.
        now_ns: the time, to tell queued messages from sent ones.
    """

    def __init__(
        self, database: Database, server: int, query: SearchQuery, *, now_ns: int = 0
    ) -> None:
        self._database, self._server, self._query = database, server, query
        self._now_ns = now_ns
        self._firsts, self._marks = array("q"), list[str]()
        self.total = 0

    def search(self, oldest: int, until: int) -> None:
        """Search the messages from the position *oldest* on, and before *until*."""
        where, values = self._query.conditions(
            self._server, oldest=oldest, until=until, now_ns=self._now_ns
        )
        # All of it is in an index, but for the heads, which few packs are asked for.
        for row in self._database.each(
            f"select first, count, kept, traits from packs where {where} order by first",  # noqa: S608 - constants
            *values,
        ):
            first, count = row["first"], row["count"]
            marks = self._marks_of(row)
            low, high = max(0, oldest - first), until - first
            if low or high < count:
                marks = "0" * low + marks[low:high]
            if "1" not in marks:
                continue
            self._firsts.append(first)
            self._marks.append(marks)
            self.total += marks.count("1")

    def between(self, low: int, high: int) -> list[int]:
        """The positions of the matches *low* to *high*, the newest first; 0 is the oldest match."""
        positions: list[int] = []
        end = self.total
        for first, marks in zip(reversed(self._firsts), reversed(self._marks), strict=True):
            start = end - marks.count("1")
            if start < high and end > low:
                matches = [first + place for place, mark in enumerate(marks) if mark == "1"]
                positions += matches[max(0, low - start) : high - start][::-1]
            end = start
            if end <= low:
                break
        return positions

    def _marks_of(self, row: sqlite3.Row) -> str:
        query, traits = self._query, Traits.of(row["traits"], row["count"])
        is_whole = row["kept"] == row["count"]
        needs_heads = not is_whole or query.metadata is not None
        data = NO_COLUMNS
        if needs_heads or traits.many.intersection(query.fields):
            data = self._database.value("select heads from packs where first = ?", row["first"])
        if needs_heads:
            heads = unpacked(traits, data, only={"From", *query.fields})  # each has a sender
            return _marks(query.matches(head) if head else False for head in heads)
        both = (1 << traits.count) - 1
        for one in query.filters:
            both &= int(_marks_by(one, traits, data), 2)
        return f"{both:0{traits.count}b}"


def _marks_by(condition: Filter, traits: Traits, data: bytes) -> str:
    """The marks of one filter."""
    name = condition.fields[0]
    if len(condition.fields) == 1 and name not in traits.many:
        return traits.marks(name, lambda value: condition.is_match({name: value}))
    return _marks(map(condition.is_match, unpacked(traits, data, only=condition.fields)))


def _marks(matches: Iterable[bool]) -> str:
    return "".join(["1" if is_match else "0" for is_match in matches])
