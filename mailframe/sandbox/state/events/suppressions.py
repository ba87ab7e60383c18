"""The suppressed addresses of each stream."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.paging import page_of
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.state.paging import Page, Span


REASONS: Final = ("HardBounce", "SpamComplaint", "ManualSuppression")
ORIGINS: Final = ("Recipient", "Customer", "Admin")
MAX_NS: Final = 2**63 - 1


class SuppressionTable(Table):
    """The suppressed addresses, in lower case, of each stream of each server.

    A send asks for them once for each recipient, so they are also in memory.
    """

    SCHEMA = """
    create table if not exists suppressions (
        number integer primary key,
        server integer not null,
        stream text not null,
        address text not null,
        reason text not null,
        origin text not null,
        created_ns integer not null,
        unique (server, stream, address)
    );
    """

    def restart(self) -> None:
        """Read the addresses of the database."""
        self._addresses: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
        for server, stream, address in self._database.rows(
            "select server, stream, address from suppressions"
        ):
            self._addresses[server, stream].add(address)

    def add(
        self,
        server: int,
        stream: str,
        address: str,
        *,
        reason: str,
        origin: str,
        at_ns: int | None = None,
    ) -> bool:
        """Suppress *address*, ignoring case; False if it was, and stays as it is.

        Args:
            server: the ID of the server.
            stream: the ID of the stream.
            address: the address.
            reason: one of REASONS.
            origin: one of ORIGINS.
            at_ns: the time; None is now.
        """
        address = address.lower()
        if address in self._addresses[server, stream]:
            return False
        self._database.run(
            "insert into suppressions (server, stream, address, reason, origin, created_ns)"
            " values (?, ?, ?, ?, ?, ?)",
            server,
            stream,
            address,
            reason,
            origin,
            self._clock.now_ns() if at_ns is None else at_ns,
        )
        self._addresses[server, stream].add(address)
        return True

    def get(self, server: int, stream: str, address: str) -> sqlite3.Row | None:
        """The suppression of *address*, ignoring case."""
        return self._database.row(
            "select * from suppressions where server = ? and stream = ? and address = ?",
            server,
            stream,
            address.lower(),
        )

    def remove(self, server: int, stream: str, address: str) -> None:
        """Reactivate *address*, ignoring case."""
        self._database.run(
            "delete from suppressions where server = ? and stream = ? and address = ?",
            server,
            stream,
            address.lower(),
        )
        self._addresses[server, stream].discard(address.lower())

    def addresses(self, server: int, stream: str) -> AbstractSet[str]:
        """The suppressed addresses of *stream*, in lower case."""
        return self._addresses[server, stream]

    def listed(
        self,
        server: int,
        stream: str,
        *,
        address: str = "",
        reason: str = "",
        origin: str = "",
        since_ns: int = 0,
        until_ns: int = MAX_NS,
    ) -> list[dict[str, Any]]:
        """The suppressions of *stream* with Postmark's names, in their order.

        Args:
            server: the ID of the server.
            stream: the ID of the stream.
            address: the address, ignoring case; empty is every one.
            reason: the reason; empty is every one.
            origin: the origin; empty is every one.
            since_ns: the first time, in nanoseconds since 1970.
            until_ns: the last one.
        """
        rows = self._database.rows(
            "select * from suppressions where server = ? and stream = ?"
            " and ? in ('', address) and ? in ('', reason) and ? in ('', origin)"
            " and created_ns between ? and ? order by number",
            server,
            stream,
            address.lower(),
            reason,
            origin,
            since_ns,
            until_ns,
        )
        return [as_item(row) for row in rows]

    def page(
        self, span: Span, *, server: int | None = None, stream: str | None = None
    ) -> Page[dict[str, Any]]:
        """A page of the suppressions of one or all servers and streams, with both."""
        query = (
            "select * from suppressions"
            " where server = ifnull(?, server) and stream = ifnull(?, stream)"
        )
        page = page_of(self._database, query, [server, stream], number="number", span=span)
        return page.of(
            lambda row: as_item(row) | {"MessageStream": row["stream"], "ServerID": row["server"]}
        )

    def remove_all(self, server: int) -> None:
        """Remove every suppression of *server*."""
        self._database.run("delete from suppressions where server = ?", server)
        self.restart()


def as_item(row: sqlite3.Row) -> dict[str, Any]:
    """One suppression with Postmark's names."""
    return {
        "EmailAddress": row["address"],
        "SuppressionReason": row["reason"],
        "Origin": row["origin"],
        "CreatedAt": timestamp(row["created_ns"]),
    }
