"""Every request that arrived, with how it ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.paging import page_of
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.paging import Page, Span


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, as a row of ``sandbox.requests()``.

    Attributes:
        number: the number of the request that sends, from 1 in a new file; None for others.
        method: the method in upper case.
        path: the path without the query.
        messages: the number of messages; 0 if the request was refused before they were counted.
        bytes: the number of bytes of the body that was read.
        http_status: the status of the answer; None if it is not complete, or there is none yet.
        fault: the name of the fault that hit it.
        accepted: the number of accepted messages.
        received_ns: when its head had been read, in nanoseconds since 1970.
        took_ms: the milliseconds until its answer was ready, without the waits of a fault.
        error_code: the ErrorCode of an answer that refuses the request; None for others.
    """

    number: int | None
    method: str
    path: str
    messages: int = 0
    bytes: int = 0
    http_status: int | None = None
    fault: str | None = None
    accepted: int = 0
    received_ns: int = 0
    took_ms: float = 0.0
    error_code: int | None = None


NAMES: Final = tuple(field.name for field in fields(RequestRecord))


_LAST: Final = """
    select max(
        ifnull((select max(number) from requests), 0),
        ifnull((select request from packs order by first desc limit 1), 0)
    )
"""


class RequestTable(Table):
    """The requests, in the order of arrival, and their numbers.

    Those that send are numbered on after a restart, so that a number names one request; the faults
    count from 1 at each start.

    Args:
        keep: the number of requests that are kept; older ones are removed.

    Attributes:
        before: the number of the last request that sent before this start.
    """

    SCHEMA = """
    create table if not exists requests (
        id integer primary key autoincrement,
        number integer,
        method text not null,
        path text not null,
        messages integer not null,
        bytes integer not null,
        http_status integer,
        fault text,
        accepted integer not null,
        received_ns integer not null,
        took_ms real not null,
        error_code integer
    );
    """
    CLEARED = ("requests",)

    def __init__(self, database: Database, clock: Clock, *, keep: int) -> None:
        super().__init__(database, clock)
        self._keep = keep

    def restart(self) -> None:
        """Count from 1 again, or go on if the file has requests."""
        self._counts: Counter[str | None] = Counter()
        self.before: int = self._database.value(_LAST)

    def read_again(self) -> None:
        """Count on: a request that could not be stored was counted, too."""

    def next_number(self, endpoint: str | None) -> int:
        """The number of the next request to *endpoint*, from 1; None is those that send."""
        self._counts[endpoint] += 1
        return self._counts[endpoint]

    def add(self, record: RequestRecord) -> int:
        """Add the record of a request that has arrived; returns its ID."""
        places = ", ".join("?" * len(NAMES))
        request = self._database.insert(
            f"insert into requests ({', '.join(NAMES)}) values ({places})",  # noqa: S608 - constants
            *astuple(record),
        )
        self.remove_oldest()
        return request

    def remove_oldest(self) -> None:
        """Remove what the cap does not allow."""
        self._database.run(
            "delete from requests where id <= (select max(id) from requests) - ?", self._keep
        )

    def update(self, request: int, record: RequestRecord) -> None:
        """Replace the record of a request, unless it was removed since it arrived."""
        changes = ", ".join(f"{name} = ?" for name in NAMES)
        self._database.run(
            f"update requests set {changes} where id = ?",  # noqa: S608 - constants
            *astuple(record),
            request,
        )

    def count(self) -> int:
        """How many requests are kept."""
        count: int = self._database.value("select count(*) from requests")
        return count

    def page(
        self, span: Span, *, only_errors: bool = False, number: int | None = None
    ) -> Page[tuple[int, RequestRecord]]:
        """The ID and the record of each request on a page.

        Args:
            span: which page.
            only_errors: whether to leave out those without an error and a fault.
            number: the number of the requests; None is all.
        """
        conditions = ["true"]
        if only_errors:
            conditions.append("(ifnull(http_status, 999) >= 400 or fault is not null)")
        if number is not None:
            conditions.append("number = ?")
        page = page_of(
            self._database,
            f"select id, {', '.join(NAMES)} from requests"  # noqa: S608 - constants
            f" where {' and '.join(conditions)}",
            [] if number is None else [number],
            number="id",
            span=span,
        )
        return page.of(lambda row: (row[0], RequestRecord(*row[1:])))

    def get(self, request: int) -> RequestRecord | None:
        """The record of that ID."""
        row = self._database.row(
            f"select {', '.join(NAMES)} from requests where id = ?",  # noqa: S608 - constants
            request,
        )
        return None if row is None else RequestRecord(*row)

    def all(self) -> list[RequestRecord]:
        """Every request, in the order of arrival."""
        rows = self._database.rows(
            f"select {', '.join(NAMES)} from requests order by id"  # noqa: S608 - constants
        )
        return [RequestRecord(*row) for row in rows]
