"""The messages as the inbox lists them: newest first, a page at a time, also of a search.

A page is named by a position, so it opens as fast at a million messages as at ten, and stays the
same when more arrive. A search reads the messages of one window of positions after the other, and
ends after MOST_READ of them: the next page goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.messages.inbox_query import InboxQuery
    from mailframe.sandbox.state.messages.packs import PackTable
    from mailframe.sandbox.state.messages.stored_message import StoredMessage

PAGE: Final = 50
MOST_READ: Final = 100_000
MOST_READ_WITH_BODIES: Final = 20_000
_WINDOW: Final = 2_000


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of the list.

    Attributes:
        messages: its messages with their content, newest first.
        newer: the position after which newer matches may be; None if there are none.
        older: the position before which older matches may be; None if there are none.
    """

    messages: list[StoredMessage]
    newer: int | None = None
    older: int | None = None


class MessageList:
    """The kept messages of one or all servers in pages.

    Args:
        database: the database of *packs*.
        packs: the messages.
    """

    def __init__(self, database: Database, packs: PackTable) -> None:
        self._database = database
        self._packs = packs

    def page(
        self,
        query: InboxQuery,
        *,
        server: int | None = None,
        before: int | None = None,
        after: int | None = None,
        count: int = PAGE,
    ) -> ListedPage:
        """The newest matches before a position, or the oldest after one.

        Args:
            query: which messages match.
            server: the ID of their server; None is all.
            before: the position that the page begins below; None is above the newest.
            after: the position that the page ends above, instead of *before*.
            count: the number of messages.
        """
        with self._database:
            end_of_all = self._packs.next_position
            if after is not None:
                matches, end = self._collected(query, server, after, count, is_upward=True)
                newer = end if end < end_of_all - 1 else None
                low = matches[0] if matches else after + 1
                return ListedPage(self._whole(matches[::-1]), newer, self._older(low))
            start = end_of_all if before is None else min(before, end_of_all)
            matches, end = self._collected(query, server, start, count, is_upward=False)
            newer = max(0, start - 1) if start < end_of_all else None
            return ListedPage(self._whole(matches), newer, self._older(end))

    def _older(self, position: int) -> int | None:
        return position if position > self.oldest else None

    @property
    def oldest(self) -> int:
        """The position of the oldest message that is kept, or the next one without any."""
        first = self._database.value("select first from packs order by first limit 1")
        if first is None:
            return self._packs.next_position
        return max(int(first), self._packs.first_position)

    @property
    def total(self) -> int:
        """How many messages of all servers are kept; only packs with holes are read for it."""
        oldest = self.oldest
        row = self._database.row(
            "select first, count, kept from packs where first <= ? order by first desc limit 1",
            oldest,
        )
        if row is None:
            return 0
        last: int = row["first"] + row["count"] - 1
        of_first: int = last - oldest + 1
        if row["kept"] < row["count"]:  # some of its holes may be older than the oldest message
            of_first = sum(1 for _ in self._packs.between(oldest, last, is_upward=True))
        holes: int = self._database.value(
            "select ifnull(sum(count - kept), 0) from packs indexed by packs_with_holes"
            " where kept < count and first > ?",
            last,
        )
        return of_first + self._packs.next_position - 1 - last - holes

    def positions(self) -> Iterator[int]:
        """The positions of all messages that are kept, oldest first."""
        oldest = self.oldest
        rows = self._database.rows("select first, count, kept from packs order by first")
        for first, count, kept in rows:
            last = first + count - 1
            if kept == count:
                yield from range(max(first, oldest), last + 1)
            else:
                pack = self._packs.between(first, last, is_upward=True)
                yield from (message.position for message in pack)

    def neighbor(
        self, query: InboxQuery, position: int, *, server: int | None = None, is_newer: bool
    ) -> StoredMessage | None:
        """The match next to *position*; None if there is none among the next ones."""
        with self._database:
            matches, _ = self._collected(query, server, position, 1, is_upward=is_newer)
            page = self._packs.at(matches)
            return page[0] if page else None

    def _whole(self, positions: list[int]) -> list[StoredMessage]:
        return self._packs.at(positions, with_content=True)

    def _collected(
        self, query: InboxQuery, server: int | None, start: int, count: int, *, is_upward: bool
    ) -> tuple[list[int], int]:
        """The positions of at most *count* matches from *start* on, and where the search ended."""
        matches: list[int] = []
        conditions, values = query.conditions()
        if server is not None:
            conditions, values = ["server = ?", *conditions], [server, *values]
        most = MOST_READ_WITH_BODIES if query.needs_content else MOST_READ
        oldest, newest = self.oldest, self._packs.next_position - 1
        at = max(start, oldest - 1) if is_upward else start
        first = at
        while abs(at - first) < most and (at < newest if is_upward else at > oldest):
            low = at + 1 if is_upward else max(oldest, at - _WINDOW)
            high = min(newest, at + _WINDOW) if is_upward else at - 1
            window = self._packs.between(
                low,
                high,
                conditions=conditions,
                values=values,
                is_upward=is_upward,
                with_content=query.needs_content,
            )
            for message in window:
                if query.matches(message):
                    matches.append(message.position)
                    if len(matches) == count:
                        return matches, message.position
            at = high if is_upward else low
        return matches, at
