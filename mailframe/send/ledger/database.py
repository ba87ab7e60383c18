"""The connection to a ledger's file; an error of SQLite becomes a LedgerError that names it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import LedgerError
from mailframe.send.ledger.file import connect, connect_to_copy, connect_to_read

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

_WHOLE: Final = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_PART: Final = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))
"""Statements that begin, end and undo a transaction, and a part of one."""


class Database:
    """One connection, used by one thread and never after a fork.

    Args:
        path: the path of the file.
        read_only: whether the file is only read; nothing is created or written.
        copied: whether to read and write a copy in memory in place of the file.
    """

    def __init__(self, path: Path, *, read_only: bool = False, copied: bool = False) -> None:
        self.path = path
        opened = connect_to_copy if copied else connect_to_read if read_only else connect
        self._connection = opened(path)
        self._pid = os.getpid()

    def close(self) -> None:
        """Close the file; not in a forked child, where it would roll the parent back."""
        if os.getpid() == self._pid:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; after the block, what was written is on the disk.

        Within another transaction it is a part of it: an error undoes that part alone, and it is on
        the disk after the whole.

        Raises:
            LedgerError: the file cannot be written, or this is a forked child.
        """
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
            raise LedgerError(f"{self.path}: the ledger could not be written ({error})") from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Within the block, all queries read the same state of the file."""
        is_within = self._own_connection().in_transaction
        if not is_within:
            self.run("BEGIN")
        try:
            yield
        finally:
            if not is_within and self._own_connection().in_transaction:
                self.run("ROLLBACK")

    def run(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._own_connection().execute(statement, values)
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def each(self, statement: str, values: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        """The rows of a query, one by one; a damaged page is met when its row is read."""
        cursor = self.run(statement, values)
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def all(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return list(self.each(statement, values))

    def first(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query; None if there is none."""
        with closing(self.each(statement, values)) as rows:
            return next(rows, None)

    def one(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The first row of a query that must have one.

        Raises:
            LedgerError: there is none.
        """
        row = self.first(statement, values)
        if row is None:
            raise LedgerError(f"{self.path}: a row is missing in the ledger")
        return row

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each row of values. Within a transaction.

        Returns:
            How many rows of the table were changed.
        """
        return self._own_connection().executemany(statement, values).rowcount

    def _unreadable(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(f"{self.path}: the ledger could not be read ({error})")

    def _own_connection(self) -> sqlite3.Connection:
        """The connection, for the process that opened it.

        Raises:
            LedgerError: this is a forked child.
        """
        if os.getpid() != self._pid:
            raise LedgerError("a ledger cannot be used after fork(); open it again in the child")
        return self._connection
