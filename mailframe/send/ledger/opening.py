"""How a ledger is opened, by the kind of its place: an SQLite file, or a PostgreSQL database."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from mailframe.errors import MissingExtra
from mailframe.paths import LedgerUrl
from mailframe.send.ledger import file
from mailframe.send.ledger.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from mailframe.paths import LedgerPlace
    from mailframe.send.ledger.database import Database


def open_database(place: LedgerPlace, *, read_only: bool = False, copied: bool = False) -> Database:
    """The database of a ledger.

    Args:
        place: the place of the ledger.
        read_only: whether it is only read; nothing is created or written.
        copied: whether to read and write a copy in memory in its place.

    Raises:
        LedgerError: it cannot be used.
        MissingExtra: psycopg is not installed.
    """
    if not isinstance(place, LedgerUrl):
        return SqliteDatabase(place, read_only=read_only, copied=copied)
    if find_spec("psycopg") is None:
        raise MissingExtra("a ledger on PostgreSQL", "postgres")
    # psycopg takes 0.1 s to import, and only a ledger on PostgreSQL needs it
    from mailframe.send.ledger.postgres import opening  # noqa: PLC0415

    return opening.open_database(place, read_only=read_only, copied=copied)


def has_content(place: LedgerPlace) -> bool:
    """Whether there may be something in a ledger; a server is not asked."""
    return isinstance(place, LedgerUrl) or file.has_content(place)


def refuse_trace(place: LedgerPlace) -> None:
    """Refuse a ledger that cannot be read without a change of its file or of those beside it."""
    if not isinstance(place, LedgerUrl):
        file.refuse_trace(place)


def is_repaired_by_opening(place: LedgerPlace) -> bool:
    """Whether to open a ledger for writing repairs what a crashed run left; a server does that."""
    return not isinstance(place, LedgerUrl)
