"""The ledger's file: where it is, how it is opened, and when it is refused. It fails closed."""

from __future__ import annotations

import errno
import os
import re
import secrets
import sqlite3
import stat
import struct
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mailframe.errors import LedgerError
from mailframe.send.ledger.migration import upgrade

SCHEMA: Final = 2
"""Version of the tables, in ``PRAGMA user_version``; a file of a newer one is refused."""
BUSY_TIMEOUT_S: Final = 30.0
JOURNAL_MODE: Final = "delete"
SYNCHRONOUS: Final = 3
"""EXTRA: also the folder is synced after the journal is deleted.

With FULL, a simulated power cut brought back batches that had left as planned; with EXTRA none did. WAL is not
used: it needs shared memory, which network homes lack, and its reset could corrupt until SQLite 3.51.3.
"""
_TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY, scope TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL, letter BLOB,
    key TEXT, created_at TEXT NOT NULL, UNIQUE (scope, name)
) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, campaign INTEGER NOT NULL REFERENCES campaign (id),
    number INTEGER NOT NULL, messages INTEGER NOT NULL, streams TEXT NOT NULL, state TEXT NOT NULL, why TEXT,
    started_at TEXT NOT NULL, ended_at TEXT, version TEXT NOT NULL, closed_after INTEGER, boot TEXT, clock_s REAL
) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaign (id), key BLOB NOT NULL,
    content BLOB NOT NULL, address BLOB, state INTEGER NOT NULL, attempt INTEGER, message_id ANY, code INTEGER,
    resent INTEGER NOT NULL DEFAULT 0, UNIQUE (campaign, key)
) STRICT;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL, made_at TEXT NOT NULL, what TEXT NOT NULL,
    messages INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_open ON attempt (campaign) WHERE state IN ('sending', 'unknown');
CREATE INDEX message_address ON message (address) WHERE address IS NOT NULL;
"""
_TABLE_NAMES: Final = frozenset(re.findall(r"CREATE TABLE (\w+)", _TABLES))


def connect_to_read(path: Path) -> sqlite3.Connection:
    """The ledger at *path*, for reading alone: also where nobody may write, or somebody else is reading.

    Raises:
        LedgerError: it cannot be read, is not a ledger, or a run that broke off left it to be repaired.
    """
    connection = _opened(path, query="mode=ro")
    try:
        if 0 < (version := _look(connection, path)) < SCHEMA:
            connection = _upgraded_copy(connection, version)
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise LedgerError(f"{path}: the ledger could not be read ({error})") from None
    except LedgerError:
        connection.close()
        raise
    return connection


def _upgraded_copy(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """What a ledger of an older mailframe would be today, in memory; the file stays as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.backup(copy)
    upgrade(copy, version)
    return copy


def has_content(path: Path) -> bool:
    """Whether anything can be recorded there: an empty file, or none at all, holds no history."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True


def connect(path: Path) -> sqlite3.Connection:
    """The ledger at *path*, made if it is not there, with its settings read back and its locks tried.

    Raises:
        LedgerError: it cannot be made, read, written or locked, is no ledger, or is of a newer version.
    """
    connection = _opened_or_made(path)
    try:
        _refuse_second_name(path)
        version = _look(connection, path)  # before its journal mode is touched
        _settle_settings(connection, path)
        if version < SCHEMA:
            _make_tables(connection, path)
        _try_locks(path)
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise LedgerError(f"{path}: the ledger cannot be used ({error}); {_WAY_OUT}") from None
    except LedgerError:
        connection.close()
        raise
    return connection


_WAY_OUT: Final = "nothing was sent. ledger= or MAILFRAME_LEDGER names another place; ledger=None sends without memory"


def _opened_or_made(path: Path) -> sqlite3.Connection:
    """A connection to *path*, which SQLite alone ever opens.

    POSIX drops all locks that a process has on a file when the process closes any descriptor of it. SQLite knows
    this and waits with its own closes; an ``open()`` of ours would let other processes write into a transaction.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            _refuse_unwritable(path)
            connection = _opened(path)
        else:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix="mailframe-") as pattern:
                # its mode is 0600, and SQLite gives it to the ledger from the start
                connection = _opened(path, query=f"mode=rwc&modeof={quote(pattern.name)}")
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and os.name == "posix":
            path.chmod(0o600)
    except OSError as error:
        raise LedgerError(
            f"{path}: the ledger cannot be written ({error.strerror}); {_WAY_OUT}"
        ) from None
    return connection


def _refuse_unwritable(path: Path) -> None:
    """SQLite would open a folder with a vaguer error, and a file that is not ours to write for reading alone."""
    fault = errno.EISDIR if path.is_dir() else 0 if os.access(path, os.W_OK) else errno.EACCES
    if fault:
        raise OSError(fault, os.strerror(fault))


def _opened(
    path: Path, *, timeout_s: float = BUSY_TIMEOUT_S, query: str = "mode=rw"
) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{query}"
    try:
        return sqlite3.connect(
            uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: the ledger cannot be opened ({error}); {_WAY_OUT}") from None


def _refuse_second_name(path: Path) -> None:
    """SQLite finds the journal of a sender that died by the file's name, and so do we the locks of the campaigns."""
    names = path.stat().st_nlink
    if names > 1:
        raise LedgerError(
            f"{path}: the ledger has {names} names (hard links), and what a crash left under one of them is not seen "
            f"under the other; remove all names but one. {_WAY_OUT}"
        )


def _look(connection: sqlite3.Connection, path: Path) -> int:
    connection.execute("BEGIN")  # one look: between two, another process could make the tables
    try:
        return _refuse_foreign(connection, path)
    finally:
        connection.execute("ROLLBACK")


def _settle_settings(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA journal_mode = {JOURNAL_MODE}")
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    for setting in (
        "fullfsync = ON",
        "trusted_schema = OFF",
        "secure_delete = ON",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {setting}")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if mode != JOURNAL_MODE or level < SYNCHRONOUS:
        raise LedgerError(
            f"{path}: SQLite took journal_mode={mode}, synchronous={level} instead of ours; {_WAY_OUT}"
        )


def _make_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _refuse_foreign(connection, path)  # another process may have made them meanwhile
        if version == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('salt', ?)", (secrets.token_bytes(32),))
        else:
            upgrade(connection, version)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the ledger, 0 for an empty file."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = {
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if version > SCHEMA:
        raise LedgerError(
            f"{path}: the ledger is of a newer mailframe (version {version}, not {SCHEMA}); {_WAY_OUT}"
        )
    if tables and not (version and tables >= _TABLE_NAMES):
        raise LedgerError(f"{path}: this is an SQLite file, but no ledger of mailframe; {_WAY_OUT}")
    return version


def _try_locks(path: Path) -> None:
    """Some network file systems say yes to every lock; a ledger there protects nobody."""
    if not _locks_are_real(path.parent):
        raise _no_locks(path)
    with (
        closing(_opened(path, timeout_s=0.0)) as one,
        closing(_opened(path, timeout_s=0.0)) as other,
    ):
        if _takes_the_lock(one) and _takes_the_lock(other):
            raise _no_locks(path)


def _takes_the_lock(connection: sqlite3.Connection) -> bool:
    """Whether this connection may write now; False when another one, of whatever process, keeps it from that."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


def _no_locks(path: Path) -> LedgerError:
    return LedgerError(
        f"{path}: this file system locks no files; put the ledger on a local disk. {_WAY_OUT}"
    )


def _locks_are_real(folder: Path) -> bool:
    """Whether the operating system keeps a lock of ours, where one process can find out.

    SQLite answers a second connection of the same process itself and asks nobody. On Linux an open file description
    lock conflicts with the process's own lock, so it shows whether that one was kept. On a file without a name:
    closing a second handle of the ledger would drop the locks that others in this process hold.
    """
    if sys.platform != "linux":
        return True
    import fcntl  # noqa: PLC0415 - Windows has none

    wanted = struct.pack(
        "hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0
    )  # struct flock: the whole file
    with tempfile.TemporaryFile(dir=folder) as ours:
        try:
            fcntl.lockf(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with Path(f"/proc/self/fd/{ours.fileno()}").open("rb+") as theirs:
                fcntl.fcntl(theirs, fcntl.F_OFD_SETLK, wanted)
        except (
            OSError
        ) as error:  # EAGAIN: it was kept; any other says nothing, and SQLite will meet it too
            return error.errno != errno.ENOLCK
    return False


class CampaignLock:
    """One sender for each campaign: an exclusive transaction on a tiny file of its own.

    The operating system drops it with the process, so there is no stale lock; and holding it proves that a row
    which is ``sending`` has no living sender.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=0.0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(
                f"{path}: the lock of the campaign cannot be made ({error}); {_WAY_OUT}"
            ) from None
        self._path = path

    def take(self) -> bool:
        """Whether it is ours now; False when another sender has it.

        Raises:
            LedgerError: it can be had by nobody.
        """
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._connection.close()
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise LedgerError(
                f"{self._path}: the campaign cannot be locked ({error}); {_WAY_OUT}"
            ) from None
        return True

    def release(self) -> None:
        """Give it back."""
        self._connection.close()
