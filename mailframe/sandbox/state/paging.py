"""One way to page all lists: the newest entries first, by their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from mailframe.sandbox.state.database import Database

PAGE: Final = 50
_END: Final = 2**63 - 1
_Item = TypeVar("_Item")
_Other = TypeVar("_Other")


@dataclass(frozen=True, slots=True)
class Span:
    """Which page of a list.

    Attributes:
        count: the number of entries.
        before: the number that the page begins below; None is above the newest.
        after: the number that the page ends above, in place of *before*.
    """

    count: int = PAGE
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """A page of a list.

    Attributes:
        items: its entries, newest first.
        newer: the number after which there are newer ones; None if there are none.
        older: the number before which there are older ones; None if there are none.
    """

    items: list[_Item]
    newer: int | None = None
    older: int | None = None

    def of(self, make: Callable[[_Item], _Other]) -> Page[_Other]:
        """The page with what *make* makes of each entry."""
        return Page([make(item) for item in self.items], self.newer, self.older)


def page_of(
    database: Database, query: str, values: list[Any], *, number: str, span: Span
) -> Page[sqlite3.Row]:
    """The rows of a query on a page.

    Args:
        database: the database.
        query: ``select … from … where …``, without an order.
        values: the values of its ``?``.
        number: the column that numbers the rows, the newest highest.
        span: which page.
    """
    column = number.rpartition(".")[2]

    def rows(side: str, bound: int, count: int) -> list[sqlite3.Row]:
        order = "asc" if side == ">" else "desc"
        sql = f"{query} and {number} {side} ? order by {number} {order} limit ?"
        return database.rows(sql, *values, min(bound, _END), count)

    with database:
        if span.after is not None:
            items = rows(">", span.after, span.count)[::-1]
            edge = span.after + 1
        else:
            edge = _END if span.before is None else span.before
            items = rows("<", edge, span.count)
        newest = items[0][column] if items else max(0, edge - 1)
        oldest = items[-1][column] if items else edge
        return Page(
            items,
            newest if rows(">", newest, 1) else None,
            oldest if rows("<", oldest, 1) else None,
        )
