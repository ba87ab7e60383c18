"""What happened to messages after they were accepted: bounces, opens, clicks and the rest.

A delivery is not stored: each message is delivered when it is sent, unless it bounces, so
deliveries are derived from the packs (``Deliveries.after``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.state.clock import HOUR_NS
from mailframe.sandbox.state.paging import page_of
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from mailframe.sandbox.state.paging import Page, Span


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
        is_first: of an open whether it is the first of its recipient, of a click whether it is the
            first of its recipient on that link.
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
    is_first: bool = True
    number: int = 0

    def changed(self, kind: EventKind, details: dict[str, Any]) -> Event:
        """An event of another *kind* about the same recipient, message and time."""
        return replace(self, kind=kind, details=details, reader={}, is_first=True, number=0)


class EventTable(Table):
    """The events of all servers."""

    SCHEMA = """
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
        is_first integer not null,
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
    CLEARED = ("events",)

    def restart(self) -> None:
        """Read the readers of the database when they are needed."""
        self._readers: dict[str, int] = {}

    def add(self, event: Event) -> Event:
        """Record an event; returns it with its number."""
        number = self._database.insert(_INSERT, *self.as_row(event))
        return replace(event, number=number)

    def add_many(self, events: Iterable[Event]) -> None:
        """Record events in their order."""
        self.add_rows(map(self.as_row, events))

    def add_rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Record events that ``as_row`` has made."""
        self._database.run_many(_INSERT, rows)

    def after(self, number: int, *, limit: int = 1000) -> list[Event]:
        """The events with a higher *number*, in the order of recording; at most *limit*."""
        return self._read("number > ? order by number limit ?", number, limit)

    def all(self) -> list[Event]:
        """Every event, in the order of recording."""
        return self._read("true order by number")

    def page(
        self,
        span: Span,
        *,
        server: int | None = None,
        stream: str | None = None,
        kind: str | None = None,
        message_id: str | None = None,
    ) -> Page[Event]:
        """A page of the recorded events; None is every server, stream, kind and message."""
        query = (
            f"select events.*, about from {_JOINED} where server = ifnull(?, server)"  # noqa: S608
            " and stream = ifnull(?, stream) and kind = ifnull(?, kind)"
            " and message_id = ifnull(?, message_id)"
        )
        values = [server, stream, kind, message_id]
        return page_of(self._database, query, values, number="number", span=span).of(_event)

    def last_number(self) -> int:
        """The number of the last event; 0 without one."""
        return self._database.value("select max(number) from events") or 0

    def of_message(self, position: int) -> list[Event]:
        """The events of the message at *position*, in the order of time."""
        return self._read("position = ? order by at_ns, number", position)

    def find(
        self, where: str, values: list[Any], *, count: int, offset: int
    ) -> tuple[int, list[Event]]:
        """The number of events for which *where* holds, and a page of them, newest first.

        Args:
            where: a condition with a ``?`` for each of *values*; ``about`` is the JSON of a reader.
            values: the values.
            count: the number of events on the page.
            offset: the number of events before it.
        """
        total = self._database.value(f"select count(*) from {_JOINED} where {where}", *values)  # noqa: S608 - written by the API
        order = "order by at_ns desc, number desc limit ? offset ?"
        return total, self._read(f"{where} {order}", *values, count, offset)

    def by_hour(
        self, server: int, kind: EventKind, what: str, where: str, values: list[Any]
    ) -> list[tuple[int, str, int]]:
        """The hour since 1970, UTC, the value of *what*, and how many events have both.

        Args:
            server: the ID of the server.
            kind: the kind of event.
            what: an SQL expression of a reader (``about``) or of an event; events for which it is
                null are left out.
            where: a condition with a ``?`` for each of *values*.
            values: the values.
        """
        # the JSON of a reader is read once for each hour, not once for each event
        group = "reader" if "about" in what else what
        rows = self._database.rows(
            f"select hour, {what if group == 'reader' else 'grouped'} as what, sum(n) from"  # noqa: S608 - written by the API
            f" (select at_ns / {HOUR_NS} as hour, {group} as grouped, count(*) as n from events"
            f" where server = ? and kind = ? and {where} group by hour, grouped)"
            " left join readers on readers.id = grouped where what is not null group by hour, what",
            server,
            str(kind),
            *values,
        )
        return [tuple(row) for row in rows]

    def bounces_between(self, first: int, last: int) -> list[tuple[int, str]]:
        """Position and recipient of the bounces of messages at *first* to *last*."""
        rows = self._database.rows(
            "select position, recipient from events where position between ? and ? and kind = ?",
            first,
            last,
            str(EventKind.BOUNCE),
        )
        return [(row["position"], row["recipient"]) for row in rows]

    def clear(self) -> None:
        """Remove all of them."""
        self._database.run("delete from events")

    def remove_before(self, position: int) -> None:
        """Remove those of messages at lower positions."""
        self._database.run("delete from events where position between 1 and ?", position - 1)

    def remove_of(self, position: int) -> None:
        """Remove those of the message at *position*."""
        self._database.run("delete from events where position = ?", position)

    def as_row(self, event: Event) -> tuple[Any, ...]:
        """The columns of *event*, as JSON can hold them."""
        return (
            str(event.kind),
            event.server,
            event.stream,
            event.position,
            event.message_id,
            event.recipient,
            event.at_ns,
            event.tag,
            event.is_first,
            self._reader(event.reader) if event.reader else None,
            orjson.dumps(event.details).decode(),
        )

    def _reader(self, about: dict[str, Any]) -> int:
        """The number under which this reader is stored once."""
        text = orjson.dumps(about).decode()
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
    "insert into events (kind, server, stream, position, message_id, recipient, at_ns, tag,"
    " is_first, reader, details) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
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
        orjson.loads(row["about"]) if row["about"] else {},
        orjson.loads(row["details"]),
        bool(row["is_first"]),
        row["number"],
    )


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of ``EventTable.as_row``, without its reader."""
    kind, server, stream, position, message_id, recipient, at_ns, tag, is_first, _, details = row
    return Event(
        EventKind(kind),
        server,
        stream,
        recipient,
        at_ns,
        position,
        message_id,
        tag,
        details=orjson.loads(details),
        is_first=is_first,
    )
