"""A copy of a ledger in memory, for a dry run: the server is only read."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

from mailframe.send.ledger.schema import create_or_upgrade
from mailframe.send.ledger.sqlite import ConnectedDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.paths import LedgerUrl
    from mailframe.send.ledger.postgres.database import PostgresDatabase
    from mailframe.send.ledger.records import CampaignRecord

_TABLES: Final = ("meta", "campaign", "attempt", "decision", "pack", "outcome", "exceptional")
_ROWS: Final = 64
"""Rows that are fetched at a time; a pack has up to 200 kB."""


class PostgresCopy(ConnectedDatabase):
    """A copy in an SQLite database in memory, in which all statements are the same.

    Args:
        url: the URL of the ledger.
        source: the ledger, which stays open for questions about its locks; None if it has no
            tables yet.
    """

    def __init__(self, url: LedgerUrl, source: PostgresDatabase | None) -> None:
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        try:
            create_or_upgrade(copy, url)
            if source is not None:
                _fill(copy, source)
        except BaseException:
            copy.close()
            raise
        super().__init__(url, copy)
        self._source = source

    def close(self) -> None:
        """See ``Database``."""
        super().close()
        if self._source is not None:
            self._source.close()

    @contextmanager
    def campaign_lock(self, campaign: CampaignRecord) -> Iterator[bool]:
        """See ``Database``."""
        yield self._source is None or not self._source.is_campaign_locked(campaign)


def _fill(copy: sqlite3.Connection, source: PostgresDatabase) -> None:
    with copy, source.reading():
        copy.execute("BEGIN")
        copy.execute("DELETE FROM meta")
        for table in _TABLES:
            columns = [row[1] for row in copy.execute(f"PRAGMA table_info({table})")]
            names, places = ", ".join(columns), ", ".join("?" * len(columns))
            with closing(source.rows(f"SELECT {names} FROM {table}", part=_ROWS)) as rows:  # noqa: S608 - names of our own tables
                copy.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608
    copy.execute("PRAGMA foreign_keys = ON")
