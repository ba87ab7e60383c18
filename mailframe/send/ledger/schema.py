"""The tables of a ledger: their columns, their version, and the check that a file has them."""

from __future__ import annotations

import re
import secrets
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from mailframe.errors import LedgerError
from mailframe.send.ledger.migration import PACK_TABLES, upgrade

if TYPE_CHECKING:
    from mailframe.paths import LedgerPlace

WAY_OUT: Final = (
    "nothing was sent. Use another path with ledger= or MAILFRAME_LEDGER; "
    "ledger=None sends without a ledger"
)
"""End of the error about a file that cannot be used as a ledger."""
SCHEMA: Final = 3
"""Version of the tables, in ``PRAGMA user_version``; a file of a newer one is refused."""
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
    clock_s REAL, runs BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL, made_at TEXT NOT NULL, what TEXT NOT NULL,
    messages INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_open ON attempt (campaign) WHERE state IN ('sending', 'unknown');
"""
"""The blobs are in packed form, see ``packs.py``; ``PACK_TABLES`` are the tables of messages."""
_TABLE_NAMES: Final = frozenset(re.findall(r"CREATE TABLE (\w+)", _TABLES))
"""The tables that a ledger of any version has, beside those of its messages."""
_PACK_TABLE_NAMES: Final = frozenset(re.findall(r"CREATE TABLE (\w+)", PACK_TABLES))


def checked_version(connection: sqlite3.Connection, path: LedgerPlace) -> int:
    """The version of the tables of a file, 0 for an empty one.

    Raises:
        LedgerError: it is of a newer mailframe, or not a ledger.
    """
    with connection:
        connection.execute("BEGIN")  # between two queries another process could create the tables
        return _version(connection, path)


def create_or_upgrade(connection: sqlite3.Connection, path: LedgerPlace) -> None:
    """Bring the tables of a file to SCHEMA, in one transaction; an empty file gets all of them."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        version = _version(connection, path)  # another process may have created them
        if version == 0:
            for statement in (_TABLES + PACK_TABLES).split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO meta VALUES ('salt', ?)", (secrets.token_bytes(32),))
        else:
            upgrade(connection, version)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def upgraded_copy(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """A ledger of an older mailframe, upgraded in memory; the file stays as it is."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        with closing(connection):
            connection.backup(copy)
        upgrade(copy, version)
    except BaseException:
        copy.close()
        raise
    return copy


def _version(connection: sqlite3.Connection, path: LedgerPlace) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if version > SCHEMA:
        raise LedgerError(
            f"{path}: the ledger is of a newer mailframe (version {version}, not {SCHEMA}); "
            f"{WAY_OUT}"
        )
    message_tables = _PACK_TABLE_NAMES if version == SCHEMA else {"message"}
    if tables and not (version and tables >= _TABLE_NAMES | message_tables):
        raise LedgerError(f"{path}: an SQLite file, but not a ledger of mailframe; {WAY_OUT}")
    return version
