"""The SQLite database of the sandbox: one connection, one lock."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from mailframe.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

VERSION: Final = 3
"""Of the tables; a file of another version is refused."""
_MARK: Final = 0x6D667362
"""The application ID of a file of the sandbox: "mfsb"."""
_COPYING: Final = threading.Lock()
_LISTING: Final = threading.Lock()
_DATABASES: Final[weakref.WeakSet[Database]] = weakref.WeakSet()
_AT_FORK: Final = threading.local()
_CACHE_KIB: Final = 8 * 1024
_LOG_BYTES: Final = 32 * 1024**2
"""Of the log beside a file, after a large transaction; SQLite moves it to the file at that size."""
_TEMPORARY_KIB: Final = 64 * 1024
"""A temporary database stays in memory up to this size: to write to the disk takes longer."""


class Database:
    """One connection that all threads share; it is its own reentrant lock, which all methods take.

    Without a file it is a temporary database of SQLite: it stays in memory while it is small, then
    moves to a file without a name, which is gone with the process.

    Args:
        schema: the statements that create the tables, if they do not exist.
        path: the file; None is a temporary database.

    Attributes:
        undone: is called after the changes of a transaction were undone, or the file was opened
            again, to read again what is also in memory.

    Raises:
        SandboxError: the file belongs to another program or version, is in use, or cannot be
            opened.

    >>> database = Database(["create table if not exists t (x integer)"])
    >>> database.run("insert into t values (?)", 1)
    >>> [row["x"] for row in database.rows("select x from t")]
    [1]
    """

    def __init__(self, schema: Iterable[str], *, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._users, self._is_closed = 0, False
        self.path = path
        self._schema = tuple(schema)
        self._depth = 0
        self.undone: Callable[[], None] = _nothing
        self._open: sqlite3.Connection | None = None
        self._turns: list[threading.Lock] = []
        self.is_forked = False
        with _LISTING:  # a fork waits until it is open, and then leaves it
            _ = self.connection
            _DATABASES.add(self)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Wait until no other thread uses the database."""
        self._lock.acquire()
        self._users += 1

    def release(self) -> None:
        """Let other threads use it; after ``close``, the last one in this thread frees the file."""
        self._users -= 1
        if self._is_closed and not self._users and self._open is not None:
            self._ended()
            self._open = None
        self._lock.release()

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection; one that was closed is opened again.

        Raises:
            SandboxError: this process was forked from the one that opened it.
        """
        if self.is_forked:
            name = "this sandbox" if self.path is None else f"the sandbox with the file {self.path}"
            raise SandboxError(
                f"{name} belongs to the process from which this one was forked; send requests to "
                "its URL, or start another sandbox here"
            )
        with self._lock:
            if self._open is None:
                if self.path is None:
                    self._open = _temporary(self._schema)
                else:
                    self._open = _file(self.path)
                    _create(self._open, self._schema)
                self._ended = weakref.finalize(self, self._open.close)
                self.undone()  # another sandbox may have changed the file
            return self._open

    def open(self) -> None:
        """Keep the file open until ``close``.

        Raises:
            SandboxError: it is in use, or cannot be opened.
        """
        with self:
            _ = self.connection
            self._is_closed = False

    def close(self) -> None:
        """Free the file for other sandboxes; what reads it later opens it for that time."""
        with self:
            self._is_closed = self.path is not None

    def turn(self) -> threading.Lock:
        """A new lock for work of many transactions; in a forked process it is free."""
        self._turns.append(threading.Lock())
        return self._turns[-1]

    def leave(self) -> None:
        """Never touch the file again, if it has one: called in a forked process.

        To close the connection there would remove the log with the last changes of the parent.
        A temporary database that has moved to a file shares it with the parent, too.
        """
        import ctypes  # noqa: PLC0415 - only a forked process needs it

        for turn in self._turns:
            if turn.locked():  # by a thread that is not in this process
                turn.release()
        if self._open is not None:
            self.is_forked = True
            self._ended.detach()
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._open))  # no end of it closes it
            self._open = None

    @property
    def changes(self) -> int:
        """How many rows were inserted, changed or removed since it was opened."""
        with self:
            return self.connection.total_changes

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside together, or none; one inside another belongs to the outer one."""
        with self:
            if self._depth == 0:
                self.connection.execute("begin")
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self.connection.execute("commit")
            except BaseException:
                if self._depth == 1:
                    self._undo()
                raise
            finally:
                self._depth -= 1

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """All changes inside together, or none, also if the transaction around it goes on."""
        with self.transaction():
            self.connection.execute("savepoint whole")
            try:
                yield
                self.connection.execute("release whole")
            except BaseException:
                if self.connection.in_transaction:  # a full disk may have ended it
                    self.connection.execute("rollback to whole")
                    self.connection.execute("release whole")
                self.undone()
                raise

    def _undo(self) -> None:
        if self.connection.in_transaction:  # a full disk may have ended it
            self.connection.execute("rollback")
        self.undone()

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self:
            return self.connection.execute(sql, values).fetchall()

    def each(self, sql: str, *values: Any) -> Iterator[sqlite3.Row]:
        """The rows of a query one after the other; nothing else runs until the last one."""
        with self:
            yield from self.connection.execute(sql, values)

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query."""
        with self:
            row: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
            return row

    def value(self, sql: str, *values: Any) -> Any:
        """The first value of the first row of a query; None without one."""
        row = self.row(sql, *values)
        return None if row is None else row[0]

    def run(self, sql: str, *values: Any) -> None:
        """Run one statement."""
        with self:
            self.connection.execute(sql, values)

    def insert(self, sql: str, *values: Any) -> int:
        """Insert one row; returns its row ID."""
        with self:
            return self.connection.execute(sql, values).lastrowid or 0

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of *rows*."""
        with self:
            self.connection.executemany(sql, rows)


def _hold_all() -> None:
    """Wait for what other threads do: a lock that one of them holds stays locked in the child."""
    _LISTING.acquire()
    _AT_FORK.databases = sorted(_DATABASES, key=id)
    for database in _AT_FORK.databases:
        database.acquire()
    _COPYING.acquire()


def _release_all() -> None:
    _COPYING.release()
    while _AT_FORK.databases:
        _AT_FORK.databases.pop().release()
    _LISTING.release()


def _leave_all() -> None:
    try:
        for database in list(_DATABASES):
            database.leave()
    finally:
        _release_all()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_hold_all, after_in_parent=_release_all, after_in_child=_leave_all)


def _nothing() -> None:
    """Until something is also in memory, nothing is read again."""


def _create(connection: sqlite3.Connection, schema: tuple[str, ...]) -> None:
    for statements in schema:
        connection.executescript(statements)


@functools.cache
def _blank(schema: tuple[str, ...]) -> sqlite3.Connection:
    """A database in memory with empty tables: a copy takes a tenth of the time of its making."""
    connection = _connection(":memory:")
    _create(connection, schema)
    atexit.register(connection.close)
    return connection


def _temporary(schema: tuple[str, ...]) -> sqlite3.Connection:
    connection = _connection("")
    connection.execute(f"pragma cache_size = -{_TEMPORARY_KIB}")
    with _COPYING:
        _blank(schema).backup(connection)
    connection.execute("pragma journal_mode = memory")
    connection.execute("pragma synchronous = off")
    return connection


def _file(path: Path) -> sqlite3.Connection:
    connection = None
    try:
        # It holds addresses and mails: only its owner may read it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = _connection(str(path.absolute()))  # ":memory:" is a file, too
        _check_origin(connection, path)
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute("pragma secure_delete = on")  # what is removed is also overwritten
        connection.execute(f"pragma journal_size_limit = {_LOG_BYTES}")
        connection.executescript(
            f"begin immediate; pragma application_id = {_MARK};"
            f" pragma user_version = {VERSION}; commit"
        )
    except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a NUL in the name
        if connection is not None:
            connection.close()
        raise SandboxError(_why(path, error)) from error
    return connection


@contextlib.contextmanager
def opening(path: Path | None) -> Iterator[None]:
    """Name the file if what is read from it at the start is damaged.

    Raises:
        SandboxError: the database is damaged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise SandboxError(_why(path or "", error)) from error


def _check_origin(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database of another program before anything in it is changed."""
    mark = connection.execute("pragma application_id").fetchone()[0]
    version = connection.execute("pragma user_version").fetchone()[0]
    has_tables = connection.execute("select 1 from sqlite_master").fetchone()
    is_new = not has_tables and (mark, version) == (0, 0)
    if not is_new and (mark, version) != (_MARK, VERSION):
        connection.close()
        kind = "another version of the sandbox" if mark == _MARK else "another program"
        raise SandboxError(f"the database {path} belongs to {kind}; name a new file")


def _connection(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=1, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("pragma page_size = 32768")
        connection.execute(f"pragma cache_size = -{_CACHE_KIB}")
        connection.execute("pragma foreign_keys = on")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _why(path: Path | str, error: Exception) -> str:
    if "locked" in str(error):
        return f"the database {path} is in use by another sandbox"
    if "not a database" in str(error):
        return f"the file {path} is not a database; name a file that does not exist"
    return f"the database {path} cannot be opened: {error}"
