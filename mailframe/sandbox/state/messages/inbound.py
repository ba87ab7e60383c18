"""The inbound messages of each server, and the rules that block senders."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.paging import page_of
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.paging import Page, Span

_STATUSES: Final = {"delivered": "Processed", "waiting": "Scheduled", "sending": "Queued"}
"""The status of a message by that of its delivery to the inbound hook; any other is Failed (A)."""
_JOINED: Final = "inbound_messages m left join webhook_deliveries d on d.id = m.delivery"


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One inbound message.

    Attributes:
        id: its ID.
        server: the ID of its server.
        received_ns: the time at which it came in.
        blocked: why it was blocked; empty if it was not.
        delivery: the ID of its delivery to the inbound hook; None without one.
        status: Processed, Queued, Scheduled, Blocked or Failed, as Postmark names it.
        item: the JSON that its hook gets.
    """

    id: int
    server: int
    received_ns: int
    blocked: str
    delivery: int | None
    status: str
    item: dict[str, Any]


class InboundTable(Table):
    """The inbound messages and rules of all servers.

    Args:
        keep: the number of messages that are kept; older ones are removed.
    """

    SCHEMA = """
    create table if not exists inbound_messages (
        id integer primary key autoincrement,
        server integer not null,
        message_id text not null unique,
        received_ns integer not null,
        blocked text not null,
        delivery integer,
        item text not null
    );
    create table if not exists inbound_rules (
        id integer primary key autoincrement,
        server integer not null,
        rule text not null,
        unique (server, rule)
    );
    """
    CLEARED = ("inbound_messages",)

    def __init__(self, database: Database, clock: Clock, *, keep: int) -> None:
        super().__init__(database, clock)
        self._keep = keep

    def add(self, server: int, item: Mapping[str, Any], *, blocked: str) -> None:
        """Keep a message."""
        self._database.run(
            "insert into inbound_messages (server, message_id, received_ns, blocked, item)"
            " values (?, ?, ?, ?, ?)",
            server,
            item["MessageID"],
            self._clock.now_ns(),
            blocked,
            json.dumps(item),
        )
        self.remove_oldest()

    def remove_oldest(self) -> None:
        """Remove what the cap does not allow."""
        self._database.run(
            "delete from inbound_messages where id <= (select max(id) from inbound_messages) - ?",
            self._keep,
        )

    def deliver(self, message_id: str, delivery: int | None) -> None:
        """Note the delivery of a message to the inbound hook; it is no longer blocked."""
        self._database.run(
            "update inbound_messages set delivery = ?, blocked = '' where message_id = ?",
            delivery,
            message_id,
        )

    def get(self, server: int, message_id: str) -> InboundMessage | None:
        """The message of that ID, ignoring case, if it is of this *server*."""
        messages = self._messages("m.server = ? and m.message_id = ?", server, message_id.lower())
        return messages[0] if messages else None

    def all(self, server: int) -> list[InboundMessage]:
        """The messages of *server*, the newest first."""
        return self._messages("m.server = ?", server)

    def page(self, span: Span, *, server: int | None = None) -> Page[InboundMessage]:
        """A page of the messages of *server*, or of all servers."""
        query = f"select m.*, d.status from {_JOINED} where m.server = ifnull(?, m.server)"  # noqa: S608
        return page_of(self._database, query, [server], number="m.id", span=span).of(_message)

    def of_any_server(self, message_id: str) -> InboundMessage | None:
        """The message of that ID, ignoring case."""
        messages = self._messages("m.message_id = ?", message_id.lower())
        return messages[0] if messages else None

    def remove(self, message_id: str) -> None:
        """Remove a message."""
        self._database.run("delete from inbound_messages where message_id = ?", message_id)

    def _messages(self, where: str, *values: Any) -> list[InboundMessage]:
        sql = f"select m.*, d.status from {_JOINED} where {where} order by m.id desc"  # noqa: S608 - constants
        rows = self._database.rows(sql, *values)
        return [_message(row) for row in rows]

    # --- rules -------------------------------------------------------------------------------

    def rules(self, server: int) -> list[dict[str, Any]]:
        """The rules of *server*, the oldest first."""
        rows = self._database.rows(
            "select id, rule from inbound_rules where server = ? order by id", server
        )
        return [{"ID": row["id"], "Rule": row["rule"]} for row in rows]

    def add_rule(self, server: int, rule: str) -> int:
        """Block an address or a domain; returns the ID of the rule."""
        return self._database.insert(
            "insert into inbound_rules (server, rule) values (?, ?)", server, rule
        )

    def remove_rule(self, rule: int) -> None:
        """Remove a rule."""
        self._database.run("delete from inbound_rules where id = ?", rule)

    def remove_all(self, server: int) -> None:
        """Remove the messages and rules of *server*."""
        self._database.run("delete from inbound_messages where server = ?", server)
        self._database.run("delete from inbound_rules where server = ?", server)


def _message(row: sqlite3.Row) -> InboundMessage:
    status = "Blocked" if row["blocked"] else "Processed"
    if row["delivery"] is not None:
        status = _STATUSES.get(row["status"], "Failed")
    return InboundMessage(
        row["id"],
        row["server"],
        row["received_ns"],
        row["blocked"],
        row["delivery"],
        status,
        json.loads(row["item"]),
    )
