"""What happened to messages after they were accepted: bounces, opens, clicks and the rest.

A delivery is not stored: each message is delivered when it is sent, unless it bounces, so
deliveries are derived from the packs (``Store.deliveries_after``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from mailframe.sandbox.state.database import Database

SCHEMA: Final = """
create table if not exists events (
    number integer primary key autoincrement,
    kind text not null,
    server integer not null,
    stream text not null,
    position integer not null,
    message_id text not null,
    recipient text not null,
    at_ns integer not null,
    tag text not null,
    reader integer,
    details text not null
);
create index if not exists events_of_message on events (position);
create index if not exists events_of_kind on events (server, kind, stream, at_ns);
create table if not exists readers (
    id integer primary key,
    about text not null unique
);
"""


class EventKind(StrEnum):
    """The kind of an event, as ``RecordType`` of Postmark's webhooks names it."""

    DELIVERY = "Delivery"
    """Derived, never stored."""
    BOUNCE = "Bounce"
    SPAM_COMPLAINT = "SpamComplaint"
    OPEN = "Open"
    CLICK = "Click"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    """A suppression was added or removed."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a message, or to a recipient of a stream.

    Attributes:
        kind: the kind.
        server: the ID of its server.
        stream: the ID of its stream.
        recipient: the address.
        at_ns: the time, in nanoseconds of the sandbox's clock.
        position: the position of its message; 0 without one.
        message_id: the MessageID; empty without a message.
        tag: the tag of the message.
        reader: of an open and a click: UserAgent, Platform, Client, OS and Geo, as Postmark names
            them.
        details: what else Postmark shows, with its names. Delivery: DeliveryMessage,
            DestinationServer, DestinationIP. Bounce and SpamComplaint: BounceID, a number of
            ``store.bounces``. Open: FirstOpen, ReadSeconds. Click: ClickLocation, OriginalLink.
            SubscriptionChange: Origin, SuppressSending, SuppressionReason.
        number: its number, from 1 in the order of recording; 0 before it is recorded.
    """

    kind: EventKind
    server: int
    stream: str
    recipient: str
    at_ns: int
    position: int = 0
    message_id: str = ""
    tag: str = ""
    reader: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    number: int = 0

    def changed(self, kind: EventKind, details: dict[str, Any]) -> Event:
        """An event of another *kind* about the same recipient, message and time."""
        return replace(self, kind=kind, details=details, reader={}, number=0)


class EventTable:
    """The events of all servers.

    Args:
        database: the database, with SCHEMA.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.restart()

    def restart(self) -> None:
        """Read the readers of the database when they are needed."""
        self._readers: dict[str, int] = {}

    def add(self, event: Event) -> Event:
        """Record an event; returns it with its number."""
        number = self._database.insert(_INSERT, *self._row(event))
        return replace(event, number=number)

    def add_many(self, events: Iterable[Event]) -> None:
        """Record events in their order."""
        self._database.run_many(_INSERT, map(self._row, events))

    def after(self, number: int, *, limit: int = 1000) -> list[Event]:
        """The events with a higher *number*, in the order of recording; at most *limit*."""
        return self._read("number > ? order by number limit ?", number, limit)

    def last_number(self) -> int:
        """The number of the last event; 0 without one."""
        return self._database.value("select max(number) from events") or 0

    def of_message(self, position: int) -> list[Event]:
        """The events of the message at *position*, in the order of time."""
        return self._read("position = ? order by at_ns, number", position)

    def bounced_between(self, first: int, last: int) -> dict[int, set[str]]:
        """The recipients, in lower case, that bounced of each message at *first* to *last*."""
        bounced: dict[int, set[str]] = {}
        for position, recipient in self._database.rows(
            "select position, recipient from events where position between ? and ? and kind = ?",
            first,
            last,
            str(EventKind.BOUNCE),
        ):
            bounced.setdefault(position, set()).add(recipient.lower())
        return bounced

    def remove_before(self, position: int) -> None:
        """Remove those of messages at lower positions."""
        self._database.run("delete from events where position between 1 and ?", position - 1)

    def _row(self, event: Event) -> tuple[Any, ...]:
        return (
            str(event.kind),
            event.server,
            event.stream,
            event.position,
            event.message_id,
            event.recipient,
            event.at_ns,
            event.tag,
            self._reader(event.reader) if event.reader else None,
            json.dumps(event.details, ensure_ascii=False),
        )

    def _reader(self, about: dict[str, Any]) -> int:
        """The number under which this reader is stored once."""
        text = json.dumps(about, ensure_ascii=False)
        if text not in self._readers:
            self._database.run(
                "insert into readers (about) values (?) on conflict do nothing", text
            )
            self._readers[text] = self._database.value(
                "select id from readers where about = ?", text
            )
        return self._readers[text]

    def _read(self, where: str, *values: Any) -> list[Event]:
        sql = f"select events.*, about from {_JOINED} where {where}"  # noqa: S608 - constants
        return [_event(row) for row in self._database.rows(sql, *values)]


_JOINED: Final = "events left join readers on readers.id = events.reader"
_INSERT: Final = (
    "insert into events (kind, server, stream, position, message_id, recipient, at_ns, tag, reader,"
    " details) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _event(row: sqlite3.Row) -> Event:
    return Event(
        EventKind(row["kind"]),
        row["server"],
        row["stream"],
        row["recipient"],
        row["at_ns"],
        row["position"],
        row["message_id"],
        row["tag"],
        json.loads(row["about"]) if row["about"] else {},
        json.loads(row["details"]),
        row["number"],
    )
