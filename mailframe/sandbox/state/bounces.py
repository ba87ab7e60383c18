"""The bounces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

    from mailframe.sandbox.state.database import Database

SCHEMA: Final = """
create table if not exists bounces (
    id integer primary key autoincrement,
    server integer not null,
    stream text not null,
    message_id text not null,
    kind text not null,
    address text not null,
    bounced_ns integer not null
);
create index if not exists bounces_of_message on bounces (message_id);
"""


class BounceTable:
    """The bounces of all servers.

    Args:
        database: the database, with SCHEMA.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, server: int, stream: str, *, message_id: str, kind: str, address: str, bounced_ns: int
    ) -> int:
        """Add a bounce; returns its ID."""
        return self._database.insert(
            "insert into bounces (server, stream, message_id, kind, address, bounced_ns)"
            " values (?, ?, ?, ?, ?, ?)",
            server,
            stream,
            message_id,
            kind,
            address,
            bounced_ns,
        )

    def of_message(self, message_id: str) -> dict[str, int]:
        """The ID of the bounce of each address, in lower case, of one message."""
        rows = self._database.rows(
            "select address, id from bounces where message_id = ?", message_id
        )
        return {row["address"]: row["id"] for row in rows}

    def all(self) -> list[sqlite3.Row]:
        """Every bounce, in order."""
        return self._database.rows("select * from bounces order by id")
