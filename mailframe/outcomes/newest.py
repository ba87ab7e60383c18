"""A long list of Postmark, read from the newest item back to a time, a page at a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import AccountError
from mailframe.postmark.account.listing import MAX_COUNT, MAX_REACH
from mailframe.postmark.account.questions import items_of, object_of
from mailframe.postmark.account.times import EASTERN
from mailframe.postmark.timestamps import NO_STAMP, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.postmark.client import Postmark
    from mailframe.postmark.timestamps import Nanoseconds

SECOND_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3_600 * SECOND_NS
_LATEST: Final = (1 << 63) - 1


@dataclass(slots=True)
class NewestFirst:
    """A list of which Postmark answers the newest items first.

    Beyond the 10,000 items that Postmark lists at once, ``todate`` is set to the time of the oldest
    item so far, so that each further 10,000 items cost one request more. Postmark documents
    ``todate`` for messages and bounces, but not for opens and clicks. Where a server ignores it,
    the list is cut there.

    Attributes:
        server: the server to ask.
        path: the path.
        name: the name of the list in the answer.
        time: the field with the time of an item.
        query: the filters.
        cut_ns: after ``pages``: the time before which items may be missing; None if none is.
    """

    server: Postmark
    path: str
    name: str
    time: str
    query: Mapping[str, str]
    cut_ns: int | None = None

    def pages(
        self, since_ns: int | None = None
    ) -> Iterator[tuple[int, list[dict[str, Any]], Nanoseconds]]:
        """The number of all items, those of a page, and their times, page by page.

        An item can come twice. The last page may have items that are older than wanted.

        Args:
            since_ns: the time back to which items are wanted, in nanoseconds since 1970; None is
                all.

        Raises:
            AccountError: a question failed.
        """
        end: str | None = None
        while True:
            oldest = _LATEST
            for offset in range(0, MAX_REACH, MAX_COUNT):
                total, items = self._page(offset, end)
                times = nanoseconds([item.get(self.time) for item in items])
                stamped = times[times != NO_STAMP]
                newest = int(stamped.max(initial=NO_STAMP))
                if end is not None and offset == 0 and newest > _nanoseconds(end) + _HOUR_NS:
                    return  # todate is ignored: this is the first page again
                yield total, items, times
                is_before = since_ns is not None and len(stamped) > 0 and newest < since_ns
                if offset + MAX_COUNT >= total or is_before:
                    self.cut_ns = None
                    return
                oldest = int(stamped.min(initial=oldest))
                self.cut_ns = min(oldest + SECOND_NS, _LATEST)
                if not items:
                    return
            if oldest == _LATEST or _eastern(oldest) == end:
                return  # no item has a time, or more than 10,000 have one second
            end = _eastern(oldest)

    def _page(self, offset: int, end: str | None) -> tuple[int, list[dict[str, Any]]]:
        query = {"count": str(MAX_COUNT), "offset": str(offset), **self.query}
        value = object_of(self.server, self.path, query | ({"todate": end} if end else {}))
        what, total = f"GET {self.path}", value.get("TotalCount")
        if type(total) is not int:
            raise AccountError(f"{what}: the answer has no TotalCount")
        return total, items_of(value, self.name, what=what)


def _eastern(since_1970_ns: int) -> str:
    """The second of a time as Postmark reads it."""
    time = dt.datetime.fromtimestamp(since_1970_ns // SECOND_NS, dt.UTC)
    return time.astimezone(EASTERN).replace(tzinfo=None).isoformat()


def _nanoseconds(eastern: str) -> int:
    """The later one of the two times that a time of the clock can be."""
    time = dt.datetime.fromisoformat(eastern).replace(tzinfo=EASTERN, fold=1)
    return int(time.timestamp()) * SECOND_NS
