"""The ledger's file as a handful of verbs; every error of SQLite becomes a LedgerError that names the file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from mailframe.errors import LedgerError
from mailframe.send.ledger.file import connect, connect_to_read

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path


class Database:
    """One connection, used by one thread and never after a fork.

    Args:
        path: of the file.
        read_only: nothing is made or written there.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._connection = connect_to_read(path) if read_only else connect(path)
        self._pid = os.getpid()

    def close(self) -> None:
        """Close the file; in a forked child it is left alone, for its close would roll the parent back."""
        if os.getpid() == self._pid:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; when it ends well, what was written is on the disk.

        Raises:
            LedgerError: the file cannot be written, or this is another process than the one that opened it.
        """
        connection = self._ours()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if os.getpid() == self._pid and connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: the ledger could not be written ({error})") from None

    def run(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._ours().execute(statement, values)
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def each(self, statement: str, values: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        """The lines of an answer, one by one; a damaged page is met only when its line is read."""
        cursor = self.run(statement, values)
        try:
            yield from cursor
        except sqlite3.Error as error:
            raise self._unreadable(error) from None

    def all(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every line of an answer."""
        return list(self.each(statement, values))

    def first(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first line of an answer, if there is one."""
        with closing(self.each(statement, values)) as lines:
            return next(lines, None)

    def _unreadable(self, error: sqlite3.Error) -> LedgerError:
        return LedgerError(f"{self.path}: the ledger could not be read ({error})")

    def one(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The only line of an answer.

        Raises:
            LedgerError: there is none.
        """
        row = self.first(statement, values)
        if row is None:
            raise LedgerError(f"{self.path}: the ledger lacks a line that it must have")
        return row

    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each line of values; returns how many rows it touched. Within a transaction."""
        return self._ours().executemany(statement, values).rowcount

    def _ours(self) -> sqlite3.Connection:
        """The connection, to the process that opened it.

        Raises:
            LedgerError: this is another process.
        """
        if os.getpid() != self._pid:
            raise LedgerError("a ledger cannot be used after fork(); open it anew in the child")
        return self._connection
