"""The index that searches read: the accepted messages, and how many of them are indexed.

Not thread-safe; the store holds its lock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from mailframe.sandbox.api.search_results import IndexedMessage, SearchResult

if TYPE_CHECKING:
    from mailframe.sandbox.api.search_query import SearchQuery
    from mailframe.sandbox.state.accepted_message import AcceptedMessage

_NONE: list[int] = []


class MessageIndex:
    """Accepted messages in order, with an index by stream and metadata.

    The indexed messages are always the oldest ones: a delay hides the newest messages, and a pause
    all that are accepted after its start. So a search only needs their number.

    Attributes:
        index_delay_s: the seconds from the acceptance of a message until a search finds it.
    """

    def __init__(self) -> None:
        self.index_delay_s = 0.0
        self._paused_at: int | None = None
        self.clear()

    def clear(self) -> None:
        """Remove the messages; a pause continues."""
        self._messages: list[IndexedMessage] = []
        self._accepted_s: list[float] = []
        self._position_by_id: dict[str, int] = {}
        self._by_stream: dict[str, list[int]] = {}
        self._by_metadata: dict[tuple[str, str, str], list[int]] = {}
        if self._paused_at is not None:
            self._paused_at = 0

    @property
    def paused(self) -> bool:
        """Whether messages that are accepted now stay hidden until the pause ends."""
        return self._paused_at is not None

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused != self.paused:
            self._paused_at = len(self._messages) if paused else None

    def add(self, message: AcceptedMessage, *, now_s: float) -> None:
        """Add *message*, accepted at *now_s* seconds of a monotonic clock."""
        position = len(self._messages)
        self._messages.append(IndexedMessage(message))
        self._accepted_s.append(now_s)
        self._position_by_id[message.message_id] = position
        self._by_stream.setdefault(message.stream, []).append(position)
        for key, value in message.metadata.items():
            field = (message.stream, key.lower(), value)
            self._by_metadata.setdefault(field, []).append(position)

    def find(self, query: SearchQuery, *, now_s: float, first: int | None = None) -> SearchResult:
        """The matches that are indexed at *now_s*, or the oldest *first* of them."""
        positions = self._positions(query)
        total = bisect_left(positions, self._indexed_count(now_s))
        if query.filters:
            positions = [
                position
                for position in positions[:total]
                if query.matches(self._messages[position].message)
            ]
            total = len(positions)
        total = total if first is None else min(total, first)
        end = max(0, total - query.offset)
        page = positions[max(0, end - query.count) : end]
        return SearchResult(total, [self._messages[position] for position in reversed(page)])

    def get(self, message_id: str, *, now_s: float) -> AcceptedMessage | None:
        """The message of that id, in lower case, if it is indexed at *now_s*."""
        position = self._position_by_id.get(message_id)
        if position is None or position >= self._indexed_count(now_s):
            return None
        return self._messages[position].message

    def _positions(self, query: SearchQuery) -> list[int]:
        if query.metadata is None:
            return self._by_stream.get(query.stream, _NONE)
        return self._by_metadata.get((query.stream, *query.metadata), _NONE)

    def _indexed_count(self, now_s: float) -> int:
        """How many messages, from the oldest on, are indexed."""
        old_enough = bisect_right(self._accepted_s, now_s - self.index_delay_s)
        return old_enough if self._paused_at is None else min(old_enough, self._paused_at)
