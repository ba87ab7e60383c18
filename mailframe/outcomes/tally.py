"""What events say of each message, added up page by page in arrays: some 50 bytes a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from mailframe.postmark.bounce_types import COMPLAINT, NO_FAILURE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.outcomes.events import EventKind

Array: TypeAlias = "np.ndarray[tuple[int], np.dtype[Any]]"
Bounce: TypeAlias = tuple[int, str, str]
"""The rank of a bounce, its type and its detail; the greatest is shown, so no order decides."""

LATEST: Final = np.iinfo(np.int64).max
"""In place of a time, where there is none."""
_UNKNOWN: Final = "Unknown"


class Tally:
    """What events say of messages, each named by its place.

    Args:
        messages: the number of messages.

    Attributes:
        messages: the number of messages.
        bounces: the severest bounce of each message that has one.
        clicks: the messages of each click on a link, by link.
        new_clicks: those that were not counted before.

    >>> from mailframe.outcomes.events import EventKind
    >>> tally = Tally(2)
    >>> tally.add(EventKind.OPENED, np.array([1, 1]), np.array([7, 5]))
    >>> tally.first(EventKind.OPENED).tolist() == [LATEST, 5]
    True
    >>> tally.number(EventKind.OPENED).tolist(), tally.number(EventKind.OPENED, new=True).tolist()
    ([0, 2], [0, 0])
    """

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self._first: dict[EventKind, Array] = {}
        self._number: dict[tuple[EventKind, bool], Array] = {}
        self.bounces: dict[int, Bounce] = {}
        self.clicks: dict[str, list[Array]] = {}
        self.new_clicks: dict[str, list[Array]] = {}

    def add(self, kind: EventKind, places: Array, times: Array, *, are_new: bool = False) -> None:
        """Add events of a kind, each of which is given once.

        Args:
            kind: the kind.
            places: the message of each event.
            times: when each was, in nanoseconds since 1970.
            are_new: whether none of them was counted by an earlier refresh.
        """
        if not len(places):
            return
        np.minimum.at(self._made(self._first, kind, LATEST, "i8"), places, times)
        np.add.at(self._made(self._number, (kind, are_new), 0, "i4"), places, 1)

    def add_clicks(self, links: Iterable[str | None], places: Array, *, are_new: bool) -> None:
        """Add the link of each click; None for a click without one."""
        by_link: dict[str, list[int]] = {}
        for link, place in zip(links, places.tolist(), strict=True):
            if link is not None:
                by_link.setdefault(link, []).append(place)
        clicks = self.new_clicks if are_new else self.clicks
        for link, numbers in by_link.items():
            clicks.setdefault(link, []).append(np.array(numbers, dtype="i4"))

    def add_bounce(self, place: int, bounce_type: str | None, detail: str | None) -> None:
        """Add a bounce, or a complaint, which is a bounce of that type."""
        bounce = ranked(bounce_type or _UNKNOWN, detail or "")
        self.bounces[place] = max(bounce, self.bounces.get(place, bounce))

    def first(self, kind: EventKind) -> Array:
        """The time of the first event of each message, in nanoseconds since 1970; or LATEST."""
        return self._first.get(kind, np.full(self.messages, LATEST))

    def number(self, kind: EventKind, *, new: bool = False) -> Array:
        """The number of events of each message; those that were counted, or the new ones."""
        return self._number.get((kind, new), np.zeros(self.messages, dtype="i4"))

    def has(self, kind: EventKind) -> bool:
        """Whether there was an event of a kind."""
        return kind in self._first

    def _made(self, arrays: dict[Any, Array], key: Any, value: int, dtype: str) -> Array:
        if key not in arrays:
            arrays[key] = np.full(self.messages, value, dtype=dtype)
        return arrays[key]


def ranked(bounce_type: str, detail: str) -> Bounce:
    """A bounce with its rank: 1 for a note, 2 for a failure, 3 for a hard bounce, 4 a complaint.

    >>> max(ranked("SoftBounce", "full"), ranked("HardBounce", "gone"))
    (3, 'HardBounce', 'gone')
    """
    rank = {COMPLAINT: 4, "HardBounce": 3}.get(bounce_type, 1 if bounce_type in NO_FAILURE else 2)
    return rank, bounce_type, detail
