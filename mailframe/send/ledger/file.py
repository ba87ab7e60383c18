"""The file of a ledger: how it is opened and locked; without that nothing is sent."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import struct
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailframe.errors import LedgerError
from mailframe.send.ledger.schema import (
    SCHEMA,
    WAY_OUT,
    checked_version,
    create_or_upgrade,
    upgraded_copy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_TIMEOUT_S: Final = 30.0
JOURNAL_MODE: Final = "delete"
SYNCHRONOUS: Final = 3
"""EXTRA: the folder is also synced after the journal is deleted.

With FULL, a simulated power cut made batches planned again that had been sent; with EXTRA it did
not. WAL is not used: it needs shared memory, which network file systems lack, and until SQLite
3.51.3 its reset could corrupt the file.
"""


def connect_to_read(path: Path) -> sqlite3.Connection:
    """The ledger at *path*, read-only; also where writing is not permitted.

    Raises:
        LedgerError: it cannot be read, is not a ledger, or needs a repair after a crash.
    """
    connection = _opened(path, query="mode=ro")
    with _closed_on_error(connection, f"{path}: the ledger could not be read"):
        if 0 < (version := checked_version(connection, path)) < SCHEMA:
            return upgraded_copy(connection, version)
    return connection


def connect_to_copy(path: Path) -> sqlite3.Connection:
    """A copy of the ledger at *path* in memory, which can be written; the file is only read.

    A ledger that does not exist is empty. What keeps ``connect`` from opening a file is refused,
    except that the locks of its file system are not tested.

    Raises:
        LedgerError: it cannot be read, could not be written, needs a repair after a crash, is not a
            ledger, or is of a newer version.
    """
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with _closed_on_error(copy, f"{path}: the ledger cannot be used", f"; {WAY_OUT}"):
        if path.exists():
            _refuse_unwritable(path)
            _refuse_second_name(path)
            with closing(_opened(path, query="mode=ro")) as connection:
                _begin_to_copy(connection, path)
                connection.backup(copy)
        else:
            _refuse_folder(path)
        if checked_version(copy, path) < SCHEMA:
            create_or_upgrade(copy, path)
        copy.execute("PRAGMA foreign_keys = ON")
    return copy


def refuse_trace(path: Path) -> None:
    """Refuse a ledger that cannot be read without a change of the file or of those beside it.

    Raises:
        LedgerError: as ``connect_to_copy``.
    """
    connection = _opened(path, query="mode=ro")
    with _closed_on_error(connection, f"{path}: the ledger could not be read"):
        _begin_to_copy(connection, path)
    connection.close()


def _begin_to_copy(connection: sqlite3.Connection, path: Path) -> None:
    """Begin to read: outside of a transaction, a copy waits without an end for a locked file.

    In journal mode WAL even a reader writes files beside the ledger. In the locking mode EXCLUSIVE
    it needs a lock instead that a file opened to read does not get, so nothing is written.
    """
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_IOERR_LOCK:
            raise LedgerError(
                f"{path}: the ledger cannot be read by a dry run, because another program has set "
                "its journal mode to WAL, in which a reader writes too; a send sets it back; "
                "nothing was sent"
            ) from None
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
            raise LedgerError(
                f"{path}: the ledger cannot be read by a dry run, because a crash has interrupted "
                "a write; a send repairs it, and so does mf.audit; nothing was sent"
            ) from None
        raise


def _refuse_folder(path: Path) -> None:
    """Refuse a path at which no file can be created; its missing folders would be created."""
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_symlink() and not path.resolve().parent.is_dir():  # that one is not created
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        fault = errno.EACCES if folder.is_dir() else errno.ENOTDIR
        raise OSError(fault, os.strerror(fault))


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
    with _closed_on_error(connection, f"{path}: the ledger cannot be used", f"; {WAY_OUT}"):
        _refuse_second_name(path)
        version = checked_version(connection, path)  # before its journal mode is changed
        _apply_settings(connection, path)
        if version < SCHEMA:
            create_or_upgrade(connection, path)
        _test_locks(path)
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection, text: str, advice: str = "") -> Iterator[None]:
    """Close the connection on any error; an error of the file becomes a LedgerError."""
    try:
        yield
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error | OSError | ValueError):  # DamagedError is a ValueError
            raise LedgerError(f"{text} ({error}){advice}") from None
        raise


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
            f"{path}: the ledger cannot be written ({error.strerror}); {WAY_OUT}"
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
        raise LedgerError(f"{path}: the ledger cannot be opened ({error}); {WAY_OUT}") from None


def _refuse_second_name(path: Path) -> None:
    """The journal of a crashed sender and the campaign locks are found by the file's name."""
    names = path.stat().st_nlink
    if names > 1:
        raise LedgerError(
            f"{path}: the ledger has {names} names (hard links), and the journal of a crash under "
            f"one of them is not found under the other; remove all names but one; {WAY_OUT}"
        )


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
            f"{JOURNAL_MODE}, {SYNCHRONOUS}; {WAY_OUT}"
        )


def _test_locks(path: Path) -> None:
    """Some network file systems grant every lock; a ledger there would not prevent two senders."""
    with (
        closing(_opened(path, timeout_s=0.0)) as one,
        closing(_opened(path, timeout_s=0.0)) as other,
    ):
        if not _locks_work(path.parent) or (_takes_lock(one) and _takes_lock(other)):
            raise LedgerError(
                f"{path}: this file system does not lock files; put the ledger on a local disk; "
                f"{WAY_OUT}"
            )


def _takes_lock(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> bool:
    """Whether this connection has the lock now; False while another connection has it."""
    try:
        connection.execute(f"BEGIN {kind}")
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


def is_campaign_locked(path: Path) -> bool:
    """Whether a sender has the lock of a campaign; nothing is created or locked.

    Args:
        path: the path of the lock file of ``campaign_lock``.

    Raises:
        LedgerError: its folder is a file, so that a send could not create it.
    """
    if path.parent.exists() and not path.parent.is_dir():
        raise LedgerError(
            f"{path}: the lock of the campaign cannot be created ({os.strerror(errno.EEXIST)}); "
            f"{WAY_OUT}"
        )
    if not path.exists():
        return False
    with closing(_opened(path, timeout_s=0.0, query="mode=ro")) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


@contextmanager
def campaign_lock(path: Path) -> Iterator[bool]:
    """Lock a campaign for one sender: an exclusive transaction on a small file of its own.

    The operating system drops it with the process, so there is no stale lock. Its holder
    knows that a ``sending`` message has no running sender.

    Args:
        path: the path of the lock file; created if needed.

    Yields:
        Whether the lock was taken; False if another sender has it.

    Raises:
        LedgerError: the file cannot be created or locked.
    """
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=0.0, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(
            f"{path}: the lock of the campaign cannot be created ({error}); {WAY_OUT}"
        ) from None
    with closing(connection):
        try:
            is_taken = _takes_lock(connection, "EXCLUSIVE")
        except sqlite3.Error as error:
            raise LedgerError(
                f"{path}: the campaign cannot be locked ({error}); {WAY_OUT}"
            ) from None
        yield is_taken
