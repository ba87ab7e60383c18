"""How a ledger in PostgreSQL is opened: the server, the session and the tables are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.errors import LedgerError
from mailframe.send.ledger.postgres import locks, schema
from mailframe.send.ledger.postgres.connection import connect, refuse_server
from mailframe.send.ledger.postgres.copying import PostgresCopy
from mailframe.send.ledger.postgres.database import PostgresDatabase

if TYPE_CHECKING:
    from mailframe.paths import LedgerUrl
    from mailframe.send.ledger.database import Database


def open_database(url: LedgerUrl, *, read_only: bool, copied: bool) -> Database:
    """The ledger at *url*; its tables are created or upgraded if needed.

    Args:
        url: the URL of the ledger.
        read_only: whether it is only read; a ledger without tables is empty then.
        copied: whether to read and write a copy in memory; what keeps a send from using the
            ledger is refused all the same.

    Raises:
        LedgerError: the server, the session, the role or the tables cannot be used.
    """
    connection = connect(url)
    try:
        refuse_server(connection, url, read_only=read_only)
        token = None if read_only else locks.mark_session(connection, url)
        layout = schema.read_layout(connection, url)
        schema.refuse_rights(layout, url, read_only=read_only)
        if not (read_only or copied):
            if layout.version != len(schema.STEPS):
                schema.create_or_upgrade(connection, url)
            return PostgresDatabase(url, connection, token=token)
        if layout.version is None:
            connection.close()
            return PostgresCopy(url, None)
        _refuse_older(url, layout.version)
        database = PostgresDatabase(url, connection, token=token)
        return PostgresCopy(url, database) if copied else database
    except BaseException:
        connection.close()
        raise


def _refuse_older(url: LedgerUrl, version: int) -> None:
    """Refuse to read tables that only a writer upgrades."""
    if version < len(schema.STEPS):
        raise LedgerError(
            f"{url}: the ledger is of an older mailframe (version {version}, not "
            f"{len(schema.STEPS)}); a send of its owner upgrades it; nothing was sent"
        )
