"""What searches find of the messages that were accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailframe.sandbox.state.messages.search_query import SearchQuery
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store


class SearchIndex:
    """The messages that searches find: the oldest ones, without those of a delay or a pause.

    Args:
        store: the state of the sandbox.

    Attributes:
        delay_s: the seconds from the acceptance of a message until a search finds it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.delay_s = 0.0

    def find(
        self, server: int, query: SearchQuery, *, first: int | None
    ) -> tuple[int, list[StoredMessage]]:
        """The number of matches of a search now, or only its oldest *first*, and the page."""
        store = self._store
        with store.lock:
            until, now_ns = self._until(), store.clock.now_ns()
            return store.messages.find(server, query, until=until, first=first, now_ns=now_ns)

    def get(self, server: int, wanted: str) -> StoredMessage | None:
        """The message of that ID, ignoring case, if it is this server's and indexed now."""
        with self._store.lock:
            message = self._store.messages.get(wanted)
            if message is None or message.server != server:
                return None
            return message if message.position < self._until() else None

    def _until(self) -> int:
        """The first position that no search sees."""
        store, until = self._store, self._store.unpaused_until()
        if self.delay_s:
            before_ns = max(0, store.clock.now_ns() - round(self.delay_s * 1e9))
            until = min(until, store.messages.indexed_until(before_ns))
        return until
