"""The message streams of each server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.account import StreamType

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database

SCHEMA: Final = """
create table if not exists streams (
    server integer not null,
    id text not null,
    name text not null,
    description text,
    kind text not null,
    unsubscribe text not null,
    created_ns integer not null,
    updated_ns integer,
    archived_ns integer,
    primary key (server, id)
);
"""
NAMES: Final = {
    StreamType.TRANSACTIONAL: "Default Transactional Stream",
    StreamType.BROADCAST: "Default Broadcast Stream",
    StreamType.INBOUND: "Default Inbound Stream",
}


class StreamTable:
    """The message streams of each server.

    Args:
        database: the database, with SCHEMA.
        clock: the clock, for the time of creation.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Read the streams of the database when they are needed; call it after any change."""
        self._kinds: dict[int, Mapping[str, StreamType]] = {}

    def add(
        self, server: int, stream: str, kind: StreamType, *, name: str, description: str | None
    ) -> None:
        """Create a stream; Postmark handles the unsubscriptions of a broadcast."""
        unsubscribe = "Postmark" if kind is StreamType.BROADCAST else "None"
        self._database.run(
            "insert into streams values (?, ?, ?, ?, ?, ?, ?, null, null)",
            server,
            stream,
            name,
            description,
            str(kind),
            unsubscribe,
            self._clock.now_ns(),
        )
        self.restart()

    def kinds(self, server: int) -> Mapping[str, StreamType]:
        """The type of each stream of *server* that is not archived, by ID."""
        if server not in self._kinds:
            rows = self._database.rows(
                "select id, kind from streams where server = ? and archived_ns is null"
                " order by rowid",
                server,
            )
            self._kinds[server] = {row["id"]: StreamType(row["kind"]) for row in rows}
        return self._kinds[server]

    def get(self, server: int, stream: str) -> sqlite3.Row | None:
        """The stream of that ID, also if it is archived."""
        return self._database.row(
            "select * from streams where server = ? and id = ?", server, stream
        )
