"""What is posted to webhooks: each delivery with its attempts, and when the next one is due."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.paging import page_of
from mailframe.sandbox.state.table import Table
from mailframe.sandbox.state.webhooks.delivery import INBOUND, Delivery, Outcome, Status, verdict_on

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.paging import Page, Span
    from mailframe.sandbox.state.webhooks.delivery import NewDelivery

KEEP: Final = 10_000
"""How many deliveries that have ended are kept; the oldest go."""
MAX_WAITING: Final = 50_000
"""How many deliveries wait at most; further events wait in their own table."""
_BACK_OFF_S: Final = (60, 300, 600, 600, 600, 900)
RETRIES_S: Final = (60, 300, 900, *_BACK_OFF_S)
"""Seconds before each retry of an event (D: Postmark's skills; its page shows the last six)."""
INBOUND_RETRIES_S: Final = (*_BACK_OFF_S, 1800, 3600, 7200, 21_600)
"""Seconds before each retry of an inbound message (D)."""
TIMEOUT_S: Final = 10.0
"""Seconds until an attempt is given up (A); Postmark documents 120 for inbound messages only."""
_SECOND: Final = 1_000_000_000


class WebhookQueue(Table):
    """The deliveries of all webhooks.

    Attributes:
        retries_s: the seconds before each retry; None takes Postmark's.
        timeout_s: the seconds until an attempt without a complete answer is given up.
    """

    SCHEMA = """
    create table if not exists webhook_deliveries (
        id integer primary key autoincrement,
        webhook integer not null,
        server integer not null,
        kind text not null,
        message_id text not null,
        url text not null,
        trace_id text not null,
        body blob not null,
        status text not null,
        attempts integer not null,
        http_status integer,
        error text,
        created_ns integer not null,
        next_ns integer
    );
    create index if not exists webhook_deliveries_due
        on webhook_deliveries (status, webhook, next_ns, id);
    create table if not exists webhook_attempts (
        delivery integer not null,
        number integer not null,
        at_ns integer not null,
        url text not null,
        http_status integer,
        error text,
        answer text not null,
        duration_ms integer not null,
        primary key (delivery, number)
    );
    create table if not exists webhook_cursor (
        id integer primary key check (id = 1),
        event integer not null,
        position integer not null
    );
    """
    CLEARED = ("webhook_deliveries", "webhook_attempts")

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self.retries_s: Sequence[float] | None = None
        self.timeout_s: float = TIMEOUT_S

    # --- the next event and message ----------------------------------------------------------

    @property
    def cursor(self) -> tuple[int, int]:
        """The number of the last event and the position of the last message that were read."""
        row = self._database.row("select event, position from webhook_cursor")
        return (0, 0) if row is None else (row["event"], row["position"])

    def move(self, event: int, position: int) -> None:
        """Read on after *event* and *position*."""
        self._database.run(
            "insert into webhook_cursor values (1, ?, ?)"
            " on conflict (id) do update set event = excluded.event, position = excluded.position",
            event,
            position,
        )

    def start_again(self, ends: tuple[int, int]) -> None:
        """Go on after a restart: attempts that were cut off are retried.

        Args:
            ends: the number of the last event and the position of the last message; after ``clear``
                and a restart, positions begin anew.
        """
        event, position = self.cursor
        if position > ends[1]:
            self.move(event, ends[1])
        self.recover("the sandbox was ended during this attempt")

    # --- waiting and ended deliveries --------------------------------------------------------

    def add(self, delivery: NewDelivery) -> int:
        """Queue a delivery; returns its ID."""
        return self._database.insert(
            "insert into webhook_deliveries (webhook, server, kind, message_id, url, trace_id,"
            " body, status, attempts, created_ns, next_ns)"
            " values (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?, ?)",
            delivery.webhook,
            delivery.server,
            delivery.kind,
            delivery.message_id,
            delivery.url,
            str(uuid.uuid4()),
            delivery.body,
            self._clock.now_ns(),
            delivery.due_ns,
        )

    def waiting(self) -> int:
        """How many deliveries wait or are being sent."""
        count: int = self._database.value(
            "select count(*) from webhook_deliveries where status in ('waiting', 'sending')"
        )
        return count

    def due(self) -> tuple[list[int], int | None]:
        """The webhooks that have a due delivery, and the time at which the next one is due."""
        rows = self._database.rows(
            "select webhook, min(next_ns) as next_ns from webhook_deliveries"
            " where status = 'waiting' group by webhook"
        )
        now_ns = self._clock.now_ns()
        later = [row["next_ns"] for row in rows if row["next_ns"] > now_ns]
        return [row["webhook"] for row in rows if row["next_ns"] <= now_ns], min(
            later, default=None
        )

    def is_idle(self) -> bool:
        """Whether no delivery is due or being sent; retries may wait for their time."""
        busy = self._database.value(
            "select 1 from webhook_deliveries where status = 'sending'"
            " or (status = 'waiting' and next_ns <= ?) limit 1",
            self._clock.now_ns(),
        )
        return busy is None

    def take(self, webhook: int) -> Delivery | None:
        """The due delivery of *webhook* that waits longest; it is now being sent."""
        with self._database.transaction():
            row = self._database.row(
                "select * from webhook_deliveries where status = 'waiting' and webhook = ?"
                " and next_ns <= ? order by next_ns, id limit 1",
                webhook,
                self._clock.now_ns(),
            )
            if row is None:
                return None
            attempt = row["attempts"] + 1
            self._database.run(
                "update webhook_deliveries set status = 'sending', attempts = ? where id = ?",
                attempt,
                row["id"],
            )
            retries = len(self._retries_s(row["kind"]))
            return Delivery(
                row["id"],
                webhook,
                row["kind"],
                row["trace_id"],
                row["body"],
                attempt,
                max(0, retries - attempt + 1),
            )

    def record(self, delivery: int, outcome: Outcome) -> None:
        """Record how the attempt of a delivery ended, and when the next one is due."""
        with self._database.transaction():
            row = self._database.row(
                "select * from webhook_deliveries where id = ? and status = 'sending'", delivery
            )
            if row is None:  # cleared, or its webhook was removed, while it was being sent
                return
            self._add_attempt(row, outcome)
            status, next_ns = self._next(row, outcome)
            self._database.run(
                "update webhook_deliveries set status = ?, next_ns = ?, http_status = ?, error = ?,"
                " url = ? where id = ?",
                str(status),
                next_ns,
                outcome.http_status,
                outcome.error,
                outcome.url,
                delivery,
            )
            if next_ns is None:
                self._remove_oldest()

    def _add_attempt(self, row: sqlite3.Row, outcome: Outcome) -> None:
        self._database.run(
            "insert into webhook_attempts values (?, ?, ?, ?, ?, ?, ?, ?)",
            row["id"],
            row["attempts"],
            self._clock.now_ns(),
            outcome.url,
            outcome.http_status,
            outcome.error,
            outcome.answer,
            outcome.duration_ms,
        )

    def _next(self, row: sqlite3.Row, outcome: Outcome) -> tuple[Status, int | None]:
        """The status after an attempt, and the time of the next one."""
        verdict = verdict_on(row["kind"], outcome.http_status)
        if verdict is not Status.WAITING:
            return verdict, None
        retries_s = self._retries_s(row["kind"])
        if row["attempts"] > len(retries_s):
            return Status.FAILED, None
        wait_ns = round(retries_s[row["attempts"] - 1] * _SECOND)
        return Status.WAITING, self._clock.now_ns() + wait_ns

    def _retries_s(self, kind: str) -> Sequence[float]:
        if self.retries_s is not None:
            return self.retries_s
        return INBOUND_RETRIES_S if kind == INBOUND else RETRIES_S

    def _remove_oldest(self) -> None:
        self._database.run(
            "delete from webhook_deliveries where id <= (select max(id) from webhook_deliveries)"
            " - ? and status not in ('waiting', 'sending')",
            KEEP,
        )
        self._database.run(
            "delete from webhook_attempts where delivery < (select min(id) from webhook_deliveries)"
        )

    def remove_of(self, webhook: int) -> None:
        """End what waits for a webhook that was removed, or is being sent to it."""
        self._database.run(
            "update webhook_deliveries set status = 'removed', next_ns = null"
            " where webhook = ? and status in ('waiting', 'sending')",
            webhook,
        )

    def remove_of_message(self, message_id: str) -> None:
        """Remove what was or will be posted about a message."""
        self._database.run(
            "delete from webhook_attempts where delivery in"
            " (select id from webhook_deliveries where message_id = ?)",
            message_id,
        )
        self._database.run("delete from webhook_deliveries where message_id = ?", message_id)

    def recover(self, why: str) -> None:
        """End the attempts that were under way when the sandbox was closed; they are retried.

        Args:
            why: the error of these attempts.
        """
        for row in self._database.rows(
            "select id, url from webhook_deliveries where status = 'sending'"
        ):
            self.record(row["id"], Outcome(row["url"], None, why))

    # --- what a developer asks ---------------------------------------------------------------

    def all(self) -> list[dict[str, Any]]:
        """Every delivery, in the order of queuing, without its attempts."""
        rows = self._database.rows("select * from webhook_deliveries order by id")
        return [_as_item(row) for row in rows]

    def page(self, span: Span, *, server: int | None = None) -> Page[dict[str, Any]]:
        """A page of the deliveries of *server*, or of all servers."""
        query = "select * from webhook_deliveries where server = ifnull(?, server)"
        page = page_of(self._database, query, [server], number="id", span=span)
        return page.of(_as_item)

    def get(self, delivery: int) -> dict[str, Any] | None:
        """The delivery of that ID, without its attempts."""
        row = self._database.row("select * from webhook_deliveries where id = ?", delivery)
        return None if row is None else _as_item(row)

    def count(self) -> int:
        """How many deliveries are kept."""
        count: int = self._database.value("select count(*) from webhook_deliveries")
        return count

    def attempts_of(self, delivery: int) -> list[dict[str, Any]]:
        """The attempts of a delivery, in their order."""
        rows = self._database.rows(
            "select * from webhook_attempts where delivery = ? order by number", delivery
        )
        return [
            {
                "Number": row["number"],
                "At": timestamp(row["at_ns"]),
                "Url": row["url"],
                "HttpStatus": row["http_status"],
                "Error": row["error"],
                "Answer": row["answer"],
                "DurationMs": row["duration_ms"],
            }
            for row in rows
        ]

    def body_of(self, delivery: int) -> bytes:
        """The JSON of a delivery; empty if it is not kept."""
        body = self._database.value("select body from webhook_deliveries where id = ?", delivery)
        return body or b""


def _as_item(row: sqlite3.Row) -> dict[str, Any]:
    next_ns = row["next_ns"]
    return {
        "ID": row["id"],
        "ServerID": row["server"],
        "WebhookID": row["webhook"],
        "RecordType": row["kind"],
        "MessageID": row["message_id"] or None,
        "Url": row["url"],
        "TraceID": row["trace_id"],
        "Status": row["status"],
        "Attempts": row["attempts"],
        "HttpStatus": row["http_status"],
        "Error": row["error"],
        "CreatedAt": timestamp(row["created_ns"]),
        "NextAt": None if next_ns is None else timestamp(next_ns),
    }
