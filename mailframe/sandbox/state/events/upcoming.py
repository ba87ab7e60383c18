"""Events that will happen when the clock of the sandbox reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.state.events.events import Event, EventKind
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.events.events import EventTable

NEVER_NS: Final = 2**63 - 1
_MANY: Final = 1000


class UpcomingTable(Table):
    """The events to come, of all servers.

    Args:
        events: the table that they will be recorded in.

    Attributes:
        next_ns: when the next one is due.
        turn: held by the thread that lets them happen; who waits for it must not hold the lock of
            the state.
    """

    SCHEMA = """
    create table if not exists upcoming_events (
        number integer primary key,
        at_ns integer not null,
        position integer not null,
        kind text not null,
        recipient text not null,
        event blob not null
    );
    create index if not exists upcoming_by_time on upcoming_events (at_ns, number);
    create index if not exists upcoming_of_message on upcoming_events (position);
    """
    CLEARED = ("upcoming_events",)

    def __init__(self, database: Database, clock: Clock, *, events: EventTable) -> None:
        self.turn = database.turn()
        super().__init__(database, clock)
        self._events = events

    def restart(self) -> None:
        """Look up again when the next event is due; call it after any change."""
        next_ns = self._database.value("select min(at_ns) from upcoming_events")
        self.next_ns: int = NEVER_NS if next_ns is None else next_ns

    def add_many(self, events: Iterable[Event]) -> None:
        """Let *events* happen at their times; equal times in this order."""
        self._database.run_many(
            "insert into upcoming_events (at_ns, position, kind, recipient, event)"
            " values (?, ?, ?, ?, ?)",
            (
                (
                    event.at_ns,
                    event.position,
                    str(event.kind),
                    event.recipient,
                    orjson.dumps(self._events.as_row(event)),
                )
                for event in events
            ),
        )
        self.restart()

    def take_due(self, now_ns: int) -> list[tuple[Any, ...]]:
        """Remove the next events that are due, some hundreds, as ``EventTable.as_row``."""
        if self.next_ns > now_ns:
            return []
        rows = self._database.rows(
            "select number, event from upcoming_events where at_ns <= ?"
            " order by at_ns, number limit ?",
            now_ns,
            _MANY,
        )
        self._database.run_many(
            "delete from upcoming_events where number = ?", [(row["number"],) for row in rows]
        )
        self.restart()
        return [tuple(orjson.loads(row["event"])) for row in rows]

    def count(self) -> int:
        """How many are to come."""
        count: int = self._database.value("select count(*) from upcoming_events")
        return count

    def bounces_between(self, first: int, last: int) -> list[tuple[int, str]]:
        """Position and recipient of the bounces to come of messages at *first* to *last*."""
        if self.next_ns == NEVER_NS:
            return []
        rows = self._database.rows(
            "select position, recipient from upcoming_events"
            " where position between ? and ? and kind = ?",
            first,
            last,
            str(EventKind.BOUNCE),
        )
        return [(row["position"], row["recipient"]) for row in rows]

    def remove_before(self, position: int) -> None:
        """Remove those of messages at lower positions."""
        if self.next_ns != NEVER_NS:
            self._database.run("delete from upcoming_events where position < ?", position)
            self.restart()

    def remove_of(self, position: int) -> None:
        """Remove those of the message at *position*."""
        self._database.run("delete from upcoming_events where position = ?", position)
        self.restart()
