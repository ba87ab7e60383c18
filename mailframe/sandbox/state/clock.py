"""The clock of the sandbox: real time, and what a caller has added to it."""

from __future__ import annotations

import time
from typing import Final

HOUR_NS: Final = 3_600_000_000_000


class Clock:
    """Real time, moved forward by ``advance``.

    >>> clock = Clock()
    >>> before = clock.now_ns()
    >>> clock.advance(3_600_000_000_000)
    >>> clock.now_ns() - before >= 3_600_000_000_000
    True
    """

    def __init__(self) -> None:
        self.ahead_ns = 0

    def now_ns(self) -> int:
        """Nanoseconds since 1970, UTC."""
        return time.time_ns() + self.ahead_ns

    def advance(self, by_ns: int) -> None:
        """Move forward by *by_ns* nanoseconds."""
        self.ahead_ns += by_ns


def timestamp(now_ns: int) -> str:
    """UTC with seven fractional digits and a Z, as Postmark writes it today.

    >>> timestamp(1_790_000_000_123_456_789)
    '2026-09-21T14:13:20.1234567Z'
    """
    seconds, rest_ns = divmod(now_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest_ns // 100:07d}Z"
