"""A long list of Postmark, read from the newest item back to a time, a page at a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import AccountError
from mailframe.postmark.account.listing import MAX_COUNT, MAX_REACH
from mailframe.postmark.account.questions import items_of, object_of
from mailframe.postmark.account.times import EASTERN, bounds
from mailframe.postmark.timestamps import NO_STAMP, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.postmark.client import Postmark
    from mailframe.postmark.timestamps import Nanoseconds

SECOND_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3_600 * SECOND_NS
_LATEST: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list.

    Attributes:
        items: the items.
        times: the time of each, in nanoseconds since 1970; NO_STAMP without one.
        total: how many items the list has.
        rest: how many of them are on this page or after it.
    """

    items: list[dict[str, Any]]
    times: Nanoseconds
    total: int
    rest: int

    def older(self, than_ns: int) -> int | None:
        """How many items of the list are older than a time; None if this page has none of them."""
        is_older = self.times < than_ns
        return self.rest - int(np.count_nonzero(~is_older)) if is_older.any() else None


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

    def pages(self, since_ns: int | None = None) -> Iterator[Page]:
        """The items page by page, to the first page that has an older one than wanted.

        An item can come twice. A page with fewer items than its total says ends the list, because
        others may be missing.

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
                page = self._page(offset, end)
                stamped = page.times[page.times != NO_STAMP]
                newest = int(stamped.max(initial=NO_STAMP))
                if end is not None and offset == 0 and newest > _nanoseconds(end) + _HOUR_NS:
                    return  # todate is ignored: this is the first page again
                yield page
                if len(page.items) < min(MAX_COUNT, page.rest):
                    self.cut_ns = min(oldest + SECOND_NS, _LATEST)
                    return
                oldest_here = int(stamped.min(initial=_LATEST))
                if page.rest <= MAX_COUNT or (since_ns is not None and oldest_here < since_ns):
                    self.cut_ns = None
                    return
                oldest = min(oldest, oldest_here)
                self.cut_ns = min(oldest + SECOND_NS, _LATEST)
            if oldest == _LATEST or _end(oldest) == end:
                return  # no item has a time, or more than 10,000 have one second
            end = _end(oldest)

    def _page(self, offset: int, end: str | None) -> Page:
        query = {"count": str(MAX_COUNT), "offset": str(offset), **self.query}
        value = object_of(self.server, self.path, query | ({"todate": end} if end else {}))
        what, total = f"GET {self.path}", value.get("TotalCount")
        if type(total) is not int or total < 0:
            raise AccountError(f"{what}: the answer has no TotalCount")
        items = items_of(value, self.name, what=what)
        times = nanoseconds([item.get(self.time) for item in items])
        return Page(items, times, total, total - offset)


def _end(since_1970_ns: int) -> str:
    """The second of a time as Postmark reads it; of an hour that comes twice, the end."""
    return bounds(None, pd.Timestamp(since_1970_ns, tz="UTC"))["todate"]


def _nanoseconds(eastern: str) -> int:
    """The later one of the two times that a time of the clock can be."""
    time = dt.datetime.fromisoformat(eastern).replace(tzinfo=EASTERN, fold=1)
    return int(time.timestamp()) * SECOND_NS
