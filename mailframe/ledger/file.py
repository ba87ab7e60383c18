"""The ledger's file: where it is, how it is opened, and when it is refused. It fails closed."""

from __future__ import annotations

import os
import secrets
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

import platformdirs

from mailframe.errors import LedgerError

DEFAULT_LEDGER: Final = "default"
"""What ``ledger=`` is when nobody says anything."""
VARIABLE: Final = "MAILFRAME_LEDGER"
SCHEMA: Final = 1
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
    created_at TEXT NOT NULL, UNIQUE (scope, name)
) STRICT;
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, campaign INTEGER NOT NULL REFERENCES campaign (id),
    number INTEGER NOT NULL, messages INTEGER NOT NULL, streams TEXT NOT NULL, state TEXT NOT NULL, why TEXT,
    started_at TEXT NOT NULL, ended_at TEXT, version TEXT NOT NULL
) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaign (id), key BLOB NOT NULL,
    content BLOB NOT NULL, address BLOB, state INTEGER NOT NULL, attempt INTEGER, message_id ANY, code INTEGER,
    UNIQUE (campaign, key)
) STRICT;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL, made_at TEXT NOT NULL, what TEXT NOT NULL,
    messages INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_open ON attempt (campaign) WHERE state IN ('sending', 'unknown');
CREATE INDEX message_address ON message (address) WHERE address IS NOT NULL;
"""


def default_path() -> Path:
    """Where the ledger is: ``MAILFRAME_LEDGER``, else one file for each user, whatever the working directory.

    The same campaign run from two folders must meet the same memory.
    """
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else Path(platformdirs.user_data_dir("mailframe")) / "ledger.sqlite3"


def ledger_path(named: str | os.PathLike[str] | None) -> Path | None:
    """The path that ``ledger=`` names; None for no ledger."""
    if named is None:
        return None
    return default_path() if named == DEFAULT_LEDGER else Path(named).expanduser()


def connect(path: Path) -> sqlite3.Connection:
    """The ledger at *path*, made if it is not there, with its settings read back and its locks tried.

    Raises:
        LedgerError: it cannot be made, read, written or locked, is no ledger, or is of a newer version.
    """
    _make(path)
    connection = _opened(path)
    try:
        _settle_settings(connection, path)
        _settle_schema(connection, path)
        _try_locks(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise LedgerError(f"{path}: the ledger cannot be used ({error}); {_WAY_OUT}") from None
    except LedgerError:
        connection.close()
        raise
    return connection


_WAY_OUT: Final = "nothing was sent. ledger= or MAILFRAME_LEDGER names another place; ledger=None sends without memory"


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # its mode before its first byte
        if stat.S_IMODE(path.stat().st_mode) & 0o077 and os.name == "posix":
            path.chmod(0o600)
    except OSError as error:
        raise LedgerError(f"{path}: the ledger cannot be written ({error.strerror}); {_WAY_OUT}") from None


def _opened(path: Path, *, timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"
    try:
        return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: the ledger cannot be opened ({error}); {_WAY_OUT}") from None


def _settle_settings(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA journal_mode = {JOURNAL_MODE}")
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    for setting in ("fullfsync = ON", "trusted_schema = OFF", "secure_delete = ON", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if mode != JOURNAL_MODE or level < SYNCHRONOUS:
        raise LedgerError(f"{path}: SQLite took journal_mode={mode}, synchronous={level} instead of ours; {_WAY_OUT}")


def _settle_schema(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        _refuse_foreign(path, version=version, tables=tables)
        if version == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('salt', ?)", (secrets.token_bytes(32),))
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _refuse_foreign(path: Path, *, version: int, tables: int) -> None:
    if version > SCHEMA:
        raise LedgerError(f"{path}: the ledger is of a newer mailframe (version {version}, not {SCHEMA}); {_WAY_OUT}")
    if version == 0 and tables:
        raise LedgerError(f"{path}: this is an SQLite file, but no ledger of mailframe; {_WAY_OUT}")


def _try_locks(connection: sqlite3.Connection, path: Path) -> None:
    """Some network file systems say yes to every lock; a ledger there protects nobody."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        with closing(_opened(path, timeout_s=0.0)) as other:
            other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return
    finally:
        connection.execute("ROLLBACK")
    raise LedgerError(f"{path}: this file system locks no files; put the ledger on a local disk. {_WAY_OUT}")


class CampaignLock:
    """One sender for each campaign: an exclusive transaction on a tiny file of its own.

    The operating system drops it with the process, so there is no stale lock; and holding it proves that a row
    which is ``sending`` has no living sender.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)

    def take(self) -> bool:
        """Whether it is ours now; False when another sender has it."""
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            self._connection.close()
            return False
        return True

    def release(self) -> None:
        """Give it back."""
        self._connection.close()
