"""A ledger in a PostgreSQL database."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import Pipeline
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format, TransactionStatus

from mailframe.errors import LedgerError
from mailframe.send.ledger.database import Database
from mailframe.send.ledger.postgres import locks, sql
from mailframe.send.ledger.postgres.connection import DURABLE, named_errors, raise_alone

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from mailframe.paths import LedgerUrl
    from mailframe.send.ledger.postgres.connection import Connection
    from mailframe.send.ledger.records import CampaignRecord

_CLOCK: Final = (
    "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
)
_BEGIN: Final = (
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({ledger}); "
    "SELECT current_setting('" + locks.TOKEN + "', true), ({held}), " + _CLOCK
)
"""Begins a writing transaction, in one round trip: it waits for others, and is this session's."""
_COMMIT: Final = ("SELECT current_setting('synchronous_commit')", "COMMIT")
_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PART: Final = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))
_READING: Final = "the ledger could not be read"
_WRITING: Final = "the ledger could not be written"
_LOST: Final = (
    "{url}: the connection to the ledger was lost ({cause}); nothing more is sent. Run send again "
    "when the database answers: messages that were posted without a record are unknown, and "
    "Postmark is asked for them"
)


class _BytesLoader(Loader):
    """The bytes of a column; without it, psycopg's Python implementation gives a memoryview."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        """A copy of the bytes."""
        return bytes(data)


class PostgresDatabase(Database):
    """A ledger by a connection to PostgreSQL.

    Args:
        url: the URL of the ledger.
        connection: the connection, which is closed with the ledger.
        token: the token of its session; None if the ledger is only read.
    """

    def __init__(self, url: LedgerUrl, connection: Connection, *, token: str | None) -> None:
        super().__init__(url)
        self._url, self._connection, self._token = url, connection, token
        self._depth, self._is_reading, self._now = 0, False, ""
        self._held: set[int] = set()
        self._waiting: list[tuple[str, list[Any]]] = []  # sent with the next query
        connection.adapters.register_loader("bytea", _BytesLoader)

    def close(self) -> None:
        """See ``Database``."""
        if os.getpid() == self._pid:
            self._connection.close()

    # --- transactions --------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Database``."""
        self._refuse_fork()
        if self._depth:
            with self._part():
                yield
            return
        self._begin()
        self._depth += 1
        try:
            yield
            self._commit()
        except BaseException:
            self._undo()
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def _part(self) -> Iterator[None]:
        """A part of a transaction; after an error of the database, all of it is undone."""
        begins, ends, undo = _PART
        self._wait(begins)
        self._depth += 1
        try:
            yield
            self._wait(ends)
        except BaseException:
            for statement in undo if self._is_intact() else ():
                self._wait(statement)
            raise
        finally:
            self._depth -= 1

    def _is_intact(self) -> bool:
        """Whether the transaction can go on after an error."""
        return self._connection.info.transaction_status is TransactionStatus.INTRANS

    def _begin(self) -> None:
        if self._token is None:
            raise LedgerError(f"{self._url}: the ledger is open for reading only")
        if self._connection.info.transaction_status is not TransactionStatus.IDLE:
            self._undo()  # an interrupt has ended the last one
        held = locks.count_held(self._held, own=True)
        ledger = locks.ledger_key(self._url.schema)
        try:
            with self._errors(_WRITING):
                cursor = self._connection.execute(_BEGIN.format(ledger=ledger, held=held))
                while cursor.nextset():
                    pass
                token, count, self._now = cursor.fetchone() or (None, 0, "")
            self._refuse_other_session(token, count)
        except BaseException:
            self._undo()
            raise

    def _refuse_other_session(self, token: str | None, held: int) -> None:
        """Refuse to write in another session than that of the locks."""
        if token != self._token or held != len(self._held):
            raise locks.lost_session(self._url)

    def _commit(self) -> None:
        """Commit, and check that the commit waited for the disk.

        If a statement has failed, the query before COMMIT fails as well: COMMIT alone would undo
        the transaction without an error.
        """
        with self._errors(_WRITING):
            query, _ = self._send(*((statement, []) for statement in _COMMIT))
            level = query.fetchone()
        if level is None or level[0] not in DURABLE:
            raise LedgerError(
                f"{self._url}: the database has set synchronous_commit to {level and level[0]}, so "
                "a crash can lose what was recorded; nothing more was sent"
            )

    def _undo(self) -> None:
        """Undo the transaction; if that fails, the end of the session does it."""
        if os.getpid() != self._pid:
            return
        self._waiting.clear()
        try:
            if self._connection.info.transaction_status is not TransactionStatus.IDLE:
                self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See ``Database``."""
        if self._depth or self._is_reading:
            yield
            return
        self._wait(_READ)
        self._is_reading = True
        try:
            yield
        finally:
            self._is_reading = False
            self._undo()

    def now(self) -> str:
        """The server's clock, in a transaction when it began: one clock for all machines."""
        return self._now if self._depth else str(self.one(f"SELECT {_CLOCK}")[0])

    # --- locks ---------------------------------------------------------------------------------

    @contextmanager
    def campaign_lock(self, campaign: CampaignRecord) -> Iterator[bool]:
        """See ``Database``. The lock is this session's: it ends with the connection."""
        key = locks.campaign_key(self._url.schema, campaign)
        is_taken = key not in self._held and self.one("SELECT pg_try_advisory_lock(?)", (key,))[0]
        if not is_taken:
            yield False
            return
        self._held.add(key)
        try:
            yield True
        finally:
            self._held.discard(key)
            if os.getpid() == self._pid and not self._connection.closed:
                with suppress(LedgerError):
                    self.run("SELECT pg_advisory_unlock(?)", (key,))

    def is_campaign_locked(self, campaign: CampaignRecord) -> bool:
        """Whether a sender has the lock of a campaign now."""
        key = locks.campaign_key(self._url.schema, campaign)
        return self.one(locks.count_held([key], own=False)) != (0,)

    # --- statements ----------------------------------------------------------------------------

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """See ``Database``. Within a transaction it is sent with the next query, or with COMMIT."""
        if self._depth:
            self._wait(statement, values)
        else:
            self._execute(statement, values)

    def each(self, statement: str, values: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        """See ``Database``. A result is small: at most one row for each request of a campaign."""
        yield from self._execute(statement, values).fetchall()

    def rows(self, query: str, *, part: int) -> Generator[tuple[Any, ...]]:
        """The rows of a large result, some at a time. Within ``reading``."""
        self.one("SELECT 1")  # what waits is sent
        with self._errors(_READING), self._connection.cursor("rows", binary=True) as cursor:
            cursor.itersize = part
            yield from cursor.execute(query)

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> int:
        """See ``Database``."""
        self._refuse_fork()
        lines = [sql.storable(line) for line in values]
        if not lines:
            return 0
        with self._errors(_WRITING), self._pipeline(), self._connection.cursor() as cursor:
            self._send()
            cursor.executemany(sql.with_places(statement), lines)
        return cursor.rowcount

    def _execute(
        self, statement: str, values: Sequence[Any] = ()
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        self._refuse_fork()
        with self._errors(_WRITING if self._waiting else _READING):
            return self._send((sql.with_places(statement), sql.storable(values)))[-1]

    def _wait(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Let a statement wait for the next one, with which it is sent."""
        self._refuse_fork()
        self._waiting.append((sql.with_places(statement), sql.storable(values)))

    def _send(self, *statements: tuple[str, list[Any]]) -> list[psycopg.Cursor[tuple[Any, ...]]]:
        """Run the statements that wait and then these, in one round trip; the results of these."""
        waiting, self._waiting = self._waiting, []
        every = (*waiting, *statements)
        with self._pipeline() if len(every) > 1 else nullcontext():
            cursors = [self._connection.execute(*one, binary=True) for one in every]
        return cursors[len(waiting) :]

    def _pipeline(self) -> AbstractContextManager[object]:
        """Within the block, statements do not wait for the answers to those before them."""
        return self._connection.pipeline() if Pipeline.is_supported() else nullcontext()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """As ``named_errors``; a connection that is lost has an error that says what to do."""
        try:
            with named_errors(self._url, what):
                yield
        except LedgerError as error:
            if not self._connection.closed:
                raise
            cause = str(error).rpartition(" (")[2].removesuffix(")")
            raise_alone(LedgerError(_LOST.format(url=self._url, cause=cause)))
