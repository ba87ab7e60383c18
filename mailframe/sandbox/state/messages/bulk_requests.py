"""The bulk requests of each server, with how many of their messages were accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3


class BulkRequestTable(Table):
    """The bulk requests of all servers."""

    SCHEMA = """
    create table if not exists bulk_requests (
        number integer primary key autoincrement,
        server integer not null,
        id text not null unique,
        submitted_ns integer not null,
        subject text,
        total integer not null,
        released integer not null
    );
    create index if not exists bulk_requests_of_server on bulk_requests (server, number);
    """
    CLEARED = ("bulk_requests",)

    def add(
        self,
        server: int,
        identifier: str,
        *,
        submitted_ns: int,
        subject: str | None,
        total: int,
        released: int,
    ) -> None:
        """Add a request whose messages were accepted."""
        self._database.run(
            "insert into bulk_requests (server, id, submitted_ns, subject, total, released)"
            " values (?, ?, ?, ?, ?, ?)",
            server,
            identifier,
            submitted_ns,
            subject,
            total,
            released,
        )

    def remove_subject(self, server: int, submitted_ns: int) -> str:
        """Keep no subject of the request of that time, whose ID is returned; empty without one."""
        sql = "select id from bulk_requests where server = ? and submitted_ns = ?"
        identifier: str | None = self._database.value(sql, server, submitted_ns)
        self._database.run("update bulk_requests set subject = null where id = ?", identifier)
        return identifier or ""

    def get(self, server: int, identifier: str) -> sqlite3.Row | None:
        """The request of that ID, ignoring case."""
        return self._database.row(
            "select * from bulk_requests where server = ? and id = ?", server, identifier.lower()
        )

    def page(self, server: int, *, count: int, before: int | None) -> list[sqlite3.Row]:
        """The *count* newest requests, or those before the number *before*."""
        return self._database.rows(
            "select * from bulk_requests where server = ? and number < ifnull(?, number + 1)"
            " order by number desc limit ?",
            server,
            before,
            count,
        )


def as_item(row: sqlite3.Row) -> dict[str, Any]:
    """One request as its status: the sandbox has sent it at once, so it is completed (A)."""
    return status(
        row["id"],
        submitted_ns=row["submitted_ns"],
        subject=row["subject"],
        total=row["total"],
        released=row["released"],
    )


def status(
    identifier: str,
    *,
    submitted_ns: int,
    subject: str | None,
    total: int,
    released: int | None,
) -> dict[str, Any]:
    """The status of a request, with the keys in Postmark's order (D).

    Args:
        identifier: its ID.
        submitted_ns: when it was submitted.
        subject: the source of its subject; left out if it has none (D).
        total: how many messages it has.
        released: how many of them were accepted; None is an answer to the request itself.
    """
    is_done = released is not None
    item = {
        "Id": identifier,
        "SubmittedAt": timestamp(submitted_ns),
        "Status": "Completed" if is_done else "Accepted",
        "TotalMessages": total,
        "PercentageCompleted": 100.0 if is_done else 0.0,
        "ReleasedCount": released or 0,
        "FailedCount": 0 if released is None else total - released,
    }
    return item if subject is None else item | {"Subject": subject}
