"""The ledger's file: how it is opened, its tables and its locks; without them nothing is sent."""

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
"""EXTRA: the folder is also synced after the journal is deleted.

With FULL, a simulated power cut made batches planned again that had been sent; with EXTRA it did
not. WAL is not used: it needs shared memory, which network file systems lack, and until SQLite
3.51.3 its reset could corrupt the file.
"""
_TABLES: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY, scope TEXT NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL, letter BLOB,
    key TEXT, created_at TEXT NOT NULL, UNIQUE (scope, name)
) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE,
    campaign INTEGER NOT NULL REFERENCES campaign (id), number INTEGER NOT NULL,
    messages INTEGER NOT NULL, streams TEXT NOT NULL, state TEXT NOT NULL, why TEXT,
    started_at TEXT NOT NULL, ended_at TEXT, version TEXT NOT NULL, closed_after INTEGER, boot TEXT,
    clock_s REAL
) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaign (id), key BLOB NOT NULL,
    content BLOB NOT NULL, address BLOB, state INTEGER NOT NULL, attempt INTEGER, message_id ANY,
    code INTEGER, resent INTEGER NOT NULL DEFAULT 0, UNIQUE (campaign, key)
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
    """The ledger at *path*, read-only; also where writing is not permitted.

    Raises:
        LedgerError: it cannot be read, is not a ledger, or needs a repair after a crash.
    """
    connection = _opened(path, query="mode=ro")
    try:
        if 0 < (version := _checked_version(connection, path)) < SCHEMA:
            connection = _upgraded_copy(connection, version)
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise LedgerError(f"{path}: the ledger could not be read ({error})") from None
    except LedgerError:
        connection.close()
        raise
    return connection


def _upgraded_copy(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """A ledger of an older mailframe, upgraded in memory; the file stays as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.backup(copy)
    upgrade(copy, version)
    return copy


def has_content(path: Path) -> bool:
    """Whether the file exists and is not empty; a file that cannot be looked up counts as one."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
    except OSError:
        return True


def connect(path: Path) -> sqlite3.Connection:
    """The ledger at *path*, created if needed, with its settings read back and its locks tested.

    Raises:
        LedgerError: it cannot be created, read, written or locked, is not a ledger, or is of a
            newer version.
    """
    connection = _opened_or_created(path)
    try:
        _refuse_second_name(path)
        version = _checked_version(connection, path)  # before its journal mode is changed
        _apply_settings(connection, path)
        if version < SCHEMA:
            _create_tables(connection, path)
        _test_locks(path)
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise LedgerError(f"{path}: the ledger cannot be used ({error}); {_WAY_OUT}") from None
    except LedgerError:
        connection.close()
        raise
    return connection


_WAY_OUT: Final = (
    "nothing was sent. Use another path with ledger= or MAILFRAME_LEDGER; "
    "ledger=None sends without a ledger"
)


def _opened_or_created(path: Path) -> sqlite3.Connection:
    """A connection to *path*, created if needed.

    Only SQLite opens the file. POSIX drops all locks of a process on a file when the process closes
    any descriptor of it. SQLite delays its own closes; an ``open()`` of ours would let other
    processes write during a transaction.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            _refuse_unwritable(path)
            connection = _opened(path)
        else:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix="mailframe-") as pattern:
                # SQLite creates the ledger with the mode of this file, which is 0600
                connection = _opened(path, query=f"mode=rwc&modeof={quote(pattern.name)}")
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and os.name == "posix":
            path.chmod(0o600)
    except OSError as error:
        raise LedgerError(
            f"{path}: the ledger cannot be written ({error.strerror}); {_WAY_OUT}"
        ) from None
    return connection


def _refuse_unwritable(path: Path) -> None:
    """SQLite would open a folder with a vague error, and a file without permission read-only."""
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
    """The journal of a crashed sender and the campaign locks are found by the file's name."""
    names = path.stat().st_nlink
    if names > 1:
        raise LedgerError(
            f"{path}: the ledger has {names} names (hard links), and the journal of a crash under "
            f"one of them is not found under the other; remove all names but one. {_WAY_OUT}"
        )


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    connection.execute("BEGIN")  # between two queries another process could create the tables
    try:
        return _refuse_foreign(connection, path)
    finally:
        connection.execute("ROLLBACK")


def _apply_settings(connection: sqlite3.Connection, path: Path) -> None:
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
            f"{path}: SQLite uses journal_mode={mode}, synchronous={level} instead of "
            f"{JOURNAL_MODE}, {SYNCHRONOUS}; {_WAY_OUT}"
        )


def _create_tables(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _refuse_foreign(connection, path)  # another process may have created them
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
            f"{path}: the ledger is of a newer mailframe (version {version}, not {SCHEMA}); "
            f"{_WAY_OUT}"
        )
    if tables and not (version and tables >= _TABLE_NAMES):
        raise LedgerError(f"{path}: an SQLite file, but not a ledger of mailframe; {_WAY_OUT}")
    return version


def _test_locks(path: Path) -> None:
    """Some network file systems grant every lock; a ledger there would not prevent two senders."""
    with (
        closing(_opened(path, timeout_s=0.0)) as one,
        closing(_opened(path, timeout_s=0.0)) as other,
    ):
        if not _locks_work(path.parent) or (_takes_lock(one) and _takes_lock(other)):
            raise LedgerError(
                f"{path}: this file system does not lock files; put the ledger on a local disk. "
                f"{_WAY_OUT}"
            )


def _takes_lock(connection: sqlite3.Connection) -> bool:
    """Whether this connection may write now; False while another connection does."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True


def _locks_work(folder: Path) -> bool:
    """Whether the operating system keeps a lock, as far as one process can find out.

    SQLite itself answers a second connection of the same process, without asking the system. On
    Linux an open file description lock conflicts with the process's own lock, so it shows whether
    that lock was kept. It is tried on a file without a name: closing a second handle of the ledger
    would drop the locks of other connections in this process.
    """
    if sys.platform != "linux":
        return True
    import fcntl  # noqa: PLC0415 - Windows has none

    whole_file = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)  # struct flock
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with Path(f"/proc/self/fd/{file.fileno()}").open("rb+") as second:
                fcntl.fcntl(second, fcntl.F_OFD_SETLK, whole_file)
        except OSError as error:
            # EAGAIN: the lock was kept; any other error proves nothing, and SQLite will meet it too
            return error.errno != errno.ENOLCK
    return False


class CampaignLock:
    """Lock of a campaign for one sender: an exclusive transaction on a small file of its own.

    The operating system drops it with the process, so there is no stale lock. Its holder
    knows that a ``sending`` message has no running sender.

    Args:
        path: of the lock file; created if needed.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=0.0, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise LedgerError(
                f"{path}: the lock of the campaign cannot be created ({error}); {_WAY_OUT}"
            ) from None
        self._path = path

    def take(self) -> bool:
        """Whether the lock was taken; False if another sender has it.

        Raises:
            LedgerError: the file cannot be locked.
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
        """Release the lock."""
        self._connection.close()
