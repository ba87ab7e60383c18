"""Lists of any length: pages, and beyond Postmark's limit windows of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

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
_SECOND: Final = timedelta(seconds=1)


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
        return list(islice(self._once(), limit))

    def _once(self) -> Iterator[dict[str, Any]]:
        # A new item moves the others to later places, and two windows share a second.
        before: set[Any] = set()
        for item in self._all():
            key = item.get(self.key)
            if key is None or key not in before:
                before.add(key)
                yield item

    def _all(self) -> Iterator[dict[str, Any]]:
        total, items = self._page(0, {})
        if total > MAX_REACH:
            yield from self._between(
                _given(self.query, "fromdate", FIRST_DAY), _given(self.query, "todate", LAST_DAY)
            )
            return
        yield from items
        yield from self._rest(total, {})

    def _between(self, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        window = {"fromdate": start.isoformat(), "todate": end.isoformat()}
        total, items = self._page(0, window)
        if total > MAX_REACH and end - start > _SECOND:
            middle = (start + (end - start) / 2).replace(microsecond=0)
            yield from self._between(middle, end)
            yield from self._between(start, middle)
            return
        yield from items
        yield from self._rest(total, window)

    def _rest(self, total: int, window: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The items of all pages but the first."""
        for offset in range(MAX_COUNT, min(total, MAX_REACH), MAX_COUNT):
            yield from self._page(offset, window)[1]
        if total > MAX_REACH:
            raise AccountError(
                f"GET {self.path}: {total:,} items have the time {window['todate']}; Postmark "
                f"lists at most {MAX_REACH:,}. Add a filter, such as a tag"
            )

    def _page(self, offset: int, window: Mapping[str, str]) -> tuple[int, list[dict[str, Any]]]:
        """The number of all items, and those of one page."""
        query = {"count": str(MAX_COUNT), "offset": str(offset), **self.query, **window}
        value = object_of(self.server, self.path, query)
        what, total = f"GET {self.path}", value.get("TotalCount")
        if type(total) is not int:
            raise AccountError(f"{what}: the answer has no TotalCount")
        return total, items_of(value, self.name, what=what)


def _given(query: Mapping[str, str], name: str, otherwise: datetime) -> datetime:
    """A date of the query as a time; the end of a day is its last second."""
    if name not in query:
        return otherwise
    time = datetime.fromisoformat(query[name])
    is_day = "T" not in query[name]
    return time + timedelta(days=1) - _SECOND if is_day and name == "todate" else time
