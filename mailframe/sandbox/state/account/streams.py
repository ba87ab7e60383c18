"""The message streams of each server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database

NAMES: Final = {
    StreamType.TRANSACTIONAL: "Default Transactional Stream",
    StreamType.BROADCAST: "Default Broadcast Stream",
    StreamType.INBOUND: "Default Inbound Stream",
}
TYPES: Final = {
    "Transactional": StreamType.TRANSACTIONAL,
    "Broadcasts": StreamType.BROADCAST,
    "Inbound": StreamType.INBOUND,
}
"""The types by Postmark's name."""
NEW_NS: Final = 3 * 1_000_000_000
"""How long a stream that a client created cannot be archived (A; S that it cannot at first: the
suites of postmark.js and postmark-php of 2026)."""
PURGE_NS: Final = 45 * 86_400 * 1_000_000_000
"""How long an archived stream can be restored (D: 45 days)."""


class StreamTable(Table):
    """The message streams of each server."""

    SCHEMA = """
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

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._created: dict[tuple[int, str], int] = {}  # by clients of this process

    def restart(self) -> None:
        """Read the streams of the database when they are needed; call it after any change."""
        self._kinds: dict[int, Mapping[str, StreamType]] = {}

    def add(
        self,
        server: int,
        stream: str,
        kind: StreamType,
        *,
        name: str,
        description: str | None,
        unsubscribe: str | None = None,
    ) -> None:
        """Create a stream; by default, Postmark handles the unsubscriptions of a broadcast."""
        if unsubscribe is None:
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

    def begin(self, server: int, stream: str) -> None:
        """Note that a client created the stream now."""
        self._created[server, stream] = self._clock.now_ns()

    def is_new(self, server: int, stream: str) -> bool:
        """Whether a client created the stream moments ago."""
        created_ns = self._created.get((server, stream))
        return created_ns is not None and self._clock.now_ns() < created_ns + NEW_NS

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

    def sending(self, server: int, *, with_archived: bool = False) -> list[str]:
        """The IDs of the streams of *server* that send."""
        rows = self._database.rows(
            "select id from streams where server = ? and kind != ?"
            " and (? or archived_ns is null) order by rowid",
            server,
            str(StreamType.INBOUND),
            with_archived,
        )
        return [row["id"] for row in rows]

    def get(self, server: int, stream: str) -> sqlite3.Row | None:
        """The stream of that ID, also if it is archived."""
        return self._database.row(
            "select * from streams where server = ? and id = ?", server, stream
        )

    def listed(
        self, server: int, *, kind: StreamType | None = None, with_archived: bool = False
    ) -> list[dict[str, Any]]:
        """The streams of *server* with Postmark's names, the oldest first.

        Args:
            server: the ID of the server.
            kind: the type of the streams; None is every type.
            with_archived: whether archived ones are listed too.
        """
        rows = self._database.rows("select * from streams where server = ? order by rowid", server)
        return [
            as_item(row)
            for row in rows
            if (kind is None or row["kind"] == kind)
            and (with_archived or row["archived_ns"] is None)
        ]

    def edit(
        self, server: int, stream: str, *, name: str, description: str | None, unsubscribe: str
    ) -> None:
        """Change a stream, and note the time."""
        self._database.run(
            "update streams set name = ?, description = ?, unsubscribe = ?, updated_ns = ?"
            " where server = ? and id = ?",
            name,
            description,
            unsubscribe,
            self._clock.now_ns(),
            server,
            stream,
        )

    def archive(self, server: int, stream: str) -> None:
        """Archive a stream; one that is archived keeps its time."""
        self._set_archived(server, stream, self._clock.now_ns())

    def unarchive(self, server: int, stream: str) -> None:
        """Restore an archived stream."""
        self._set_archived(server, stream, None)

    def _set_archived(self, server: int, stream: str, archived_ns: int | None) -> None:
        self._database.run(
            "update streams set archived_ns = ? where server = ? and id = ?"
            " and (archived_ns is null) = (? is not null)",
            archived_ns,
            server,
            stream,
            archived_ns,
        )
        self.restart()

    def remove_all(self, server: int) -> None:
        """Remove every stream of *server*."""
        self._database.run("delete from streams where server = ?", server)
        self.restart()


def as_item(row: sqlite3.Row) -> dict[str, Any]:
    """One stream with Postmark's names."""
    archived_ns = row["archived_ns"]
    return {
        "ID": row["id"],
        "ServerID": row["server"],
        "Name": row["name"],
        "Description": row["description"],
        "MessageStreamType": next(name for name, kind in TYPES.items() if kind == row["kind"]),
        "CreatedAt": timestamp(row["created_ns"]),
        "UpdatedAt": _stamp(row["updated_ns"]),
        "ArchivedAt": _stamp(archived_ns),
        "ExpectedPurgeDate": _stamp(None if archived_ns is None else archived_ns + PURGE_NS),
        "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": row["unsubscribe"]},
    }


def _stamp(moment_ns: int | None) -> str | None:
    return None if moment_ns is None else timestamp(moment_ns)
