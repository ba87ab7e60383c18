"""A ledger in an SQLite file, or in a copy of one in memory."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LedgerError
from mailframe.send.ledger.database import Database
from mailframe.send.ledger.file import (
    campaign_lock,
    connect,
    connect_to_copy,
    connect_to_read,
    is_campaign_locked,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from mailframe.paths import LedgerPlace
    from mailframe.send.ledger.records import CampaignRecord

_WHOLE: Final = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_PART: Final = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))
"""Statements that begin, end and undo a transaction, and a part of one."""


class ConnectedDatabase(Database):
    """A ledger by a connection of SQLite.

    Args:
        place: the place of the ledger.
        connection: the connection, which is closed with the ledger.
    """

    def __init__(self, place: LedgerPlace, connection: sqlite3.Connection) -> None:
        super().__init__(place)
        self._connection = connection

    def close(self) -> None:
        """Close the connection; not in a forked child, where it would roll the parent back."""
        if os.getpid() == self._pid:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Database``."""
        connection = self._own_connection()
        begin, commit, undo = _PART if connection.in_transaction else _WHOLE
        try:
            connection.execute(begin)
            try:
                yield
                connection.execute(commit)
            except BaseException:
                # SQLite itself has undone the whole transaction after some errors
                if os.getpid() == self._pid and connection.in_transaction:
                    for statement in undo:
                        connection.execute(statement)
                raise
        except sqlite3.Error as error:
            raise LedgerError(f"{self.place}: the ledger could not be written ({error})") from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See ``Database``."""
        is_within = self._own_connection().in_transaction
        if not is_within:
            self.run("BEGIN")
        try:
            yield
        finally:
            if not is_within and self._own_connection().in_transaction:
                self.run("ROLLBACK")

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """See ``Database``."""
        self._execute(statement, values)

    def each(self, statement: str, values: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        """See ``Database``."""
        cursor = self._execute(statement, values)
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> int:
        """See ``Database``."""
        return self._own_connection().executemany(statement, values).rowcount

    def _execute(self, statement: str, values: Sequence[Any]) -> sqlite3.Cursor:
        try:
            return self._own_connection().execute(statement, values)
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(f"{self.place}: the ledger could not be read ({error})")

    def _own_connection(self) -> sqlite3.Connection:
        """The connection, for the process that opened it."""
        self._refuse_fork()
        return self._connection


class SqliteDatabase(ConnectedDatabase):
    """A ledger in an SQLite file.

    Args:
        path: the path of the file.
        read_only: whether the file is only read; nothing is created or written.
        copied: whether to read and write a copy in memory in place of the file.
    """

    def __init__(self, path: Path, *, read_only: bool = False, copied: bool = False) -> None:
        opened = connect_to_copy if copied else connect_to_read if read_only else connect
        super().__init__(path, opened(path))
        self._path, self._is_copied = path, copied

    @contextmanager
    def campaign_lock(self, campaign: CampaignRecord) -> Iterator[bool]:
        """See ``Database``."""
        path = self._path.resolve()  # a link to the ledger shares its locks
        lock_file = path.with_name(f"{path.name}-locks") / f"{campaign.id}.sqlite3"
        if self._is_copied:
            yield not is_campaign_locked(lock_file)
            return
        with campaign_lock(lock_file) as is_taken:
            yield is_taken
