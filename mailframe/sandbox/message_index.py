"""The log that Postmark's searches read: what is accepted, and how much of it is indexed. Not thread-safe."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from mailframe.sandbox.search_results import SearchResult, Stored

if TYPE_CHECKING:
    from mailframe.sandbox.accepted_message import Posted
    from mailframe.sandbox.search_query import Search

_NOWHERE: list[int] = []


class OutboundLog:
    """Accepted messages in order, found by stream and metadata without a scan.

    What is indexed is always a beginning of the log: a delay holds back the newest, and a pause all that comes
    after its start. So one number says what a search can see.

    Attributes:
        index_delay_s: seconds from the acceptance of a message until a search can see it.
    """

    def __init__(self) -> None:
        self.index_delay_s = 0.0
        self._paused_at: int | None = None
        self.clear()

    def clear(self) -> None:
        """Forget the messages; a pause goes on."""
        self._stored: list[Stored] = []
        self._accepted_s: list[float] = []
        self._place_by_id: dict[str, int] = {}
        self._by_stream: dict[str, list[int]] = {}
        self._by_metadata: dict[tuple[str, str, str], list[int]] = {}
        if self._paused_at is not None:
            self._paused_at = 0

    @property
    def is_paused(self) -> bool:
        """Whether what is accepted now stays hidden."""
        return self._paused_at is not None

    def pause(self) -> None:
        """Hide what is accepted from now on; a second pause changes nothing."""
        if self._paused_at is None:
            self._paused_at = len(self._stored)

    def resume(self) -> None:
        """Show what was accepted in the pause, and hide no more."""
        self._paused_at = None

    def add(self, posted: Posted, *, now_s: float) -> None:
        """Take *posted* at *now_s* seconds of a clock that never goes back."""
        place = len(self._stored)
        self._stored.append(Stored(posted))
        self._accepted_s.append(now_s)
        self._place_by_id[posted.message_id] = place
        self._by_stream.setdefault(posted.stream, []).append(place)
        for key, value in posted.metadata.items():
            self._by_metadata.setdefault((posted.stream, key.lower(), value), []).append(place)

    def find(self, search: Search, *, now_s: float, first: int | None = None) -> SearchResult:
        """The matches that are indexed at *now_s*; of them the oldest *first* when that is a number."""
        places = self._places(search)
        total = bisect_left(places, self._indexed(now_s))
        if not search.is_settled_by_index:
            places = [place for place in places[:total] if search.takes(self._stored[place].posted)]
            total = len(places)
        total = total if first is None else min(total, first)
        end = max(0, total - search.offset)
        page = places[max(0, end - search.count) : end]
        return SearchResult(total, [self._stored[place] for place in reversed(page)])

    def get(self, message_id: str, *, now_s: float) -> Posted | None:
        """The message of that id, in lower case, if it is indexed at *now_s*."""
        place = self._place_by_id.get(message_id)
        return (
            None if place is None or place >= self._indexed(now_s) else self._stored[place].posted
        )

    def _places(self, search: Search) -> list[int]:
        if search.metadata is None:
            return self._by_stream.get(search.stream, _NOWHERE)
        return self._by_metadata.get((search.stream, *search.metadata), _NOWHERE)

    def _indexed(self, now_s: float) -> int:
        """How many messages, from the oldest on, a search can see."""
        old_enough = bisect_right(self._accepted_s, now_s - self.index_delay_s)
        return old_enough if self._paused_at is None else min(old_enough, self._paused_at)
