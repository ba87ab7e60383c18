"""Lists of any length: pages, and beyond Postmark's limit windows of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mailframe.errors import AccountError
from mailframe.postmark.account.questions import items_of, object_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailframe.postmark.client import Postmark

MAX_COUNT: Final = 500
"""Maximum ``count`` of a page (postmarkapp.com/developer/api/messages-api, bounce-api)."""
MAX_REACH: Final = 10_000
"""Maximum of ``count`` + ``offset`` (same pages)."""
FIRST_DAY: Final = datetime(2010, 1, 1)  # noqa: DTZ001 - US Eastern; Postmark began in that year
LAST_DAY: Final = datetime(2100, 1, 1)  # noqa: DTZ001 - the clock of a sandbox can be years ahead
_NO_TIME: Final = {"fromdate": "2000-01-01T00:00:00", "todate": "2000-01-01T00:00:01"}
"""A window before the first message."""
_SECOND: Final = timedelta(seconds=1)
Page: TypeAlias = "tuple[int, list[dict[str, Any]]]"
"""The number of all items, and some of them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that Postmark answers in pages, newest first.

    Attributes:
        server: the server to ask.
        path: the path.
        name: the name of the list in the answer.
        key: the field that identifies an item.
        query: the filters.
    """

    server: Postmark
    path: str
    name: str
    key: str
    query: Mapping[str, str]

    def items(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The items, newest first, each once; at most *limit*, if it is given.

        Raises:
            AccountError: a question failed, or more than 10,000 items have one second.
        """
        return list(islice(self._once(limit), limit))

    def _once(self, limit: int | None) -> Iterator[dict[str, Any]]:
        # A new item moves the others to later places, and two windows share a second.
        before: set[Any] = set()
        for item in self._all(limit):
            key = item.get(self.key)
            if not isinstance(key, str | int) or key not in before:
                before.add(key if isinstance(key, str | int) else None)
                yield item

    def _all(self, limit: int | None) -> Iterator[dict[str, Any]]:
        first = self._page(0, {})
        if first[0] < MAX_REACH or (limit is not None and limit <= MAX_REACH // 2):
            yield from self._pages(first, {})
            return
        if self._page(0, _NO_TIME)[0]:  # else the windows would be divided without end
            raise AccountError(
                f"GET {self.path}: the server has {first[0]:,} items and does not list them by "
                "time. Add a filter, such as a tag"
            )
        yield from self._between(
            _given(self.query, "fromdate", FIRST_DAY), _given(self.query, "todate", LAST_DAY)
        )

    def _between(self, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        window = {"fromdate": start.isoformat(), "todate": end.isoformat()}
        first = self._page(0, window)
        # 10,000 may be all that a search counts
        if first[0] >= MAX_REACH and end - start > _SECOND:
            middle = (start + (end - start) / 2).replace(microsecond=0)
            yield from self._between(middle, end)
            yield from self._between(start, middle)
            return
        yield from self._pages(first, window)

    def _pages(self, first: Page, window: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The items of all pages; their number may change while they are asked for."""
        (total, items), offset = first, 0
        while True:
            if len(items) < min(MAX_COUNT, total - offset):
                raise AccountError(
                    f"GET {self.path}: the answer has {len(items):,} items from place {offset:,} "
                    f"on, and a TotalCount of {total:,}"
                )
            yield from items
            offset += MAX_COUNT
            if offset >= total:
                return
            if offset >= MAX_REACH:
                raise AccountError(
                    f"GET {self.path}: {total:,} items have one second, or have come meanwhile; "
                    f"Postmark lists at most {MAX_REACH:,}. Ask again, or add a filter, such as a "
                    "tag"
                )
            before = total
            total, items = self._page(offset, window)
            while total < before:  # items have left the list, so later ones are at earlier places
                offset, before = max(0, offset - (before - total)), total
                total, items = self._page(offset, window)

    def _page(self, offset: int, window: Mapping[str, str]) -> Page:
        """The number of all items, and those of one page."""
        query = {"count": str(MAX_COUNT), "offset": str(offset), **self.query, **window}
        value = object_of(self.server, self.path, query)
        what, total = f"GET {self.path}", value.get("TotalCount")
        if type(total) is not int or total < 0:
            raise AccountError(f"{what}: the answer has no TotalCount")
        return total, items_of(value, self.name, what=what)


def _given(query: Mapping[str, str], name: str, otherwise: datetime) -> datetime:
    """A date of the query as a time; the end of a day is its last second."""
    if name not in query:
        return otherwise
    time = datetime.fromisoformat(query[name])
    is_day = "T" not in query[name]
    return time + timedelta(days=1) - _SECOND if is_day and name == "todate" else time
