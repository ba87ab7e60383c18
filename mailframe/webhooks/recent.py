"""The events that were stored last, in a bounded amount of memory."""

from __future__ import annotations

from typing import Final

MOST: Final = 500_000
"""Postmark repeats an event for at most half a day."""


class RecentEvents:
    """The identities of the last events: at least *most* of them, and fewer than twice as many.

    Args:
        most: how many are recognized at least.

    >>> recent = RecentEvents(most=2)
    >>> for identity in (b"1", b"2", b"3", b"4"):
    ...     recent.add(identity)
    >>> [identity in recent for identity in (b"2", b"3", b"4")]
    [True, True, True]
    >>> recent.add(b"5")
    >>> b"2" in recent
    False
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()

    def __contains__(self, identity: bytes) -> bool:
        return identity in self._newer or identity in self._older

    def add(self, identity: bytes) -> None:
        """Recognize *identity* from now on."""
        if len(self._newer) >= self._most:
            self._newer, self._older = set(), self._newer
        self._newer.add(identity)
