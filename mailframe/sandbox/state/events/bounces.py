"""The bounces and spam complaints, with what the Bounce API shows of their messages."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.bounce_types import TYPES
from mailframe.sandbox.state.clock import HOUR_NS, timestamp
from mailframe.sandbox.state.paging import page_of
from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.paging import Page, Span


@dataclass(frozen=True, slots=True)
class Bounce:
    """One bounce before it has an ID; the attributes are the columns of its row.

    Attributes:
        server: the ID of its server.
        stream: the ID of its stream.
        position: the position of its message.
        message_id: the MessageID.
        kind: a name of ``bounce_types.TYPES``.
        address: the address that bounced, in lower case.
        sender: the address of From.
        subject: the subject of the message.
        tag: the tag of the message.
        bounced_ns: the time.
        details: what the receiving server wrote.
        inactive: whether it makes the address inactive.
    """

    server: int
    stream: str
    position: int
    message_id: str
    kind: str
    address: str
    sender: str
    subject: str
    tag: str
    bounced_ns: int
    details: str
    inactive: bool


BOUNCE_HOST: Final = "sandbox.example"
_NAMES: Final = tuple(field.name for field in fields(Bounce))


class BounceTable(Table):
    """The bounces of all servers.

    Args:
        keep: the number of bounces that are kept; older ones are removed.
    """

    SCHEMA = """
    create table if not exists bounces (
        id integer primary key autoincrement,
        server integer not null,
        stream text not null,
        position integer not null,
        message_id text not null,
        kind text not null,
        address text not null,
        sender text not null,
        subject text not null,
        tag text not null,
        bounced_ns integer not null,
        details text not null,
        inactive integer not null
    );
    create index if not exists bounces_of_message on bounces (message_id);
    create index if not exists bounces_of_address on bounces (server, stream, address);
    """
    CLEARED = ("bounces",)

    def __init__(self, database: Database, clock: Clock, *, keep: int) -> None:
        super().__init__(database, clock)
        self._keep = keep

    def add(self, bounce: Bounce) -> int:
        """Add a bounce; returns its ID."""
        bounce_id = self._database.insert(
            f"insert into bounces ({', '.join(_NAMES)}) values ({', '.join('?' * len(_NAMES))})",  # noqa: S608 - constants
            *astuple(bounce),
        )
        self.remove_oldest()
        return bounce_id

    def remove_oldest(self) -> None:
        """Remove what the cap does not allow."""
        self._database.run(
            "delete from bounces where id <= (select max(id) from bounces) - ?", self._keep
        )

    def get(self, server: int, bounce_id: int) -> sqlite3.Row | None:
        """The bounce of that ID, if it is of this *server*."""
        return self._database.row(
            "select * from bounces where server = ? and id = ?", server, bounce_id
        )

    def find(
        self, where: str, values: list[Any], *, count: int, offset: int
    ) -> tuple[int, list[sqlite3.Row]]:
        """The number of bounces for which *where* holds, and a page of them, newest first.

        Args:
            where: a condition with a ``?`` for each of *values*.
            values: the values.
            count: the number of bounces on the page.
            offset: the number of bounces before it.
        """
        total = self._database.value(f"select count(*) from bounces where {where}", *values)  # noqa: S608 - written by the API
        rows = self._database.rows(
            f"select * from bounces where {where} order by bounced_ns desc, id desc"  # noqa: S608
            " limit ? offset ?",
            *values,
            count,
            offset,
        )
        return total, rows

    def counts(self, server: int) -> dict[str, int]:
        """How many bounces of each type *server* has; types without one are left out."""
        rows = self._database.rows(
            "select kind, count(*) as n from bounces where server = ? group by kind", server
        )
        return {row["kind"]: row["n"] for row in rows}

    def by_hour(self, server: int, where: str, values: list[Any]) -> list[tuple[int, str, int]]:
        """The hour since 1970, UTC, the type, and how many bounces have both.

        Args:
            server: the ID of the server.
            where: a condition with a ``?`` for each of *values*.
            values: the values.
        """
        rows = self._database.rows(
            f"select bounced_ns / {HOUR_NS} as hour, kind, count(*) from bounces"  # noqa: S608 - written by the API
            f" where server = ? and {where} group by hour, kind",
            server,
            *values,
        )
        return [tuple(row) for row in rows]

    def inactive_addresses(self, server: int) -> int:
        """How many addresses of *server* are inactive because of a bounce."""
        count: int = self._database.value(
            "select count(distinct address) from bounces where server = ? and inactive", server
        )
        return count

    def tags(self, server: int) -> list[str]:
        """The tags of messages that bounced, in order."""
        rows = self._database.rows(
            "select distinct tag from bounces where server = ? and tag != '' order by tag", server
        )
        return [row["tag"] for row in rows]

    def remove_of(self, message_id: str) -> None:
        """Remove those of one message."""
        self._database.run("delete from bounces where message_id = ?", message_id)

    def activate(self, server: int, stream: str, address: str) -> None:
        """Mark the bounces of *address*, ignoring case, as no longer inactive."""
        self._database.run(
            "update bounces set inactive = 0"
            " where server = ? and stream = ? and address = ? and inactive",
            server,
            stream,
            address.lower(),
        )

    def of_message(self, message_id: str) -> dict[str, int]:
        """The ID of the bounce of each address, in lower case, of one message."""
        rows = self._database.rows(
            "select address, id from bounces where message_id = ?", message_id
        )
        return {row["address"]: row["id"] for row in rows}

    def page(
        self,
        span: Span,
        *,
        server: int | None = None,
        stream: str | None = None,
        message_id: str | None = None,
    ) -> Page[dict[str, Any]]:
        """A page of the bounces; None is every server, stream and message."""
        query = (
            "select * from bounces where server = ifnull(?, server)"
            " and stream = ifnull(?, stream) and message_id = ifnull(?, message_id)"
        )
        values = [server, stream, message_id]
        return page_of(self._database, query, values, number="id", span=span).of(as_item)

    def all(self) -> list[sqlite3.Row]:
        """Every bounce, in order."""
        return self._database.rows("select * from bounces order by id")


def as_item(row: sqlite3.Row | Mapping[str, Any]) -> dict[str, Any]:
    """A bounce as the Bounce API and its webhook show it: every documented key but Content."""
    kind = TYPES[row["kind"]]
    return {
        "RecordType": "SpamComplaint" if row["kind"] == "SpamComplaint" else "Bounce",
        "ID": row["id"],
        "Type": row["kind"],
        "TypeCode": kind.code,
        "Name": kind.name,
        "Tag": row["tag"],
        "MessageID": row["message_id"],
        "ServerID": row["server"],
        "MessageStream": row["stream"],
        "Description": kind.description,
        "Details": row["details"],
        "Email": row["address"],
        "From": row["sender"],
        "BouncedAt": timestamp(row["bounced_ns"]),
        "DumpAvailable": True,
        "Inactive": bool(row["inactive"]),
        "CanActivate": kind.can_activate,
        "Subject": row["subject"],
    }


def dump_of(row: sqlite3.Row) -> str:
    """The report of a mail server about a bounce; its wording is made up (A)."""
    lines = [
        f"From: MAILER-DAEMON@{BOUNCE_HOST}",
        f"To: {row['sender']}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {formatdate(row['bounced_ns'] / 1e9).replace('-0000', '+0000')}",
        "Auto-Submitted: auto-replied",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"Reporting-MTA: dns; {BOUNCE_HOST}",
        f"Final-Recipient: rfc822; {row['address']}",
        f"Action: {'delayed' if row['kind'] == 'Transient' else 'failed'}",
        f"Diagnostic-Code: {row['details']}",
        f"X-PM-Message-Id: {row['message_id']}",
        f"Subject: {row['subject']}",
    ]
    return "".join(f"{line}\r\n" for line in lines)
