"""Upgrade of a ledger that an older mailframe wrote, in one transaction when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.message.campaign_name import plain_name
from mailframe.send.ledger.encoding import now

if TYPE_CHECKING:
    import sqlite3

_ACCEPTED: Final = 2
_WEIGHT: Final = {0: 0, 3: 1, 1: 2, 4: 2, 2: 3}
"""By state: if two campaigns have a key, the message that may have been accepted is kept."""


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables of *version* up to date. Within a transaction.

    Args:
        connection: the connection to the ledger.
        version: the version of its tables, at least 1.
    """
    if version < 2:  # noqa: PLR2004 - the version that brought it
        _merge_spellings(connection)
        _add_order_and_age(connection)


def _add_order_and_age(connection: sqlite3.Connection) -> None:
    """Version 1 had the wall clock alone; which requests were later than an open one is unknown."""
    for column in ("closed_after INTEGER", "boot TEXT", "clock_s REAL"):
        connection.execute(f"ALTER TABLE attempt ADD COLUMN {column}")
    connection.execute(
        "UPDATE attempt SET closed_after = (SELECT max(id) FROM attempt) WHERE state = 'unknown'"
    )


def _merge_spellings(connection: sqlite3.Connection) -> None:
    """Version 1 recorded names as they were typed: spellings of one name become one campaign.

    Each keeps the tag that its messages carry. Of several campaigns, the oldest gives the tag.
    """
    first: dict[tuple[str, str], int] = {}
    for campaign, scope, name in connection.execute(
        "SELECT id, scope, name FROM campaign ORDER BY id"
    ).fetchall():
        kept = first.setdefault((scope, plain_name(name)), campaign)
        if kept != campaign:
            _merge(connection, campaign, into=kept)
    for (_, name), campaign in first.items():
        connection.execute("UPDATE campaign SET name = ? WHERE id = ?", (name, campaign))


def _merge(connection: sqlite3.Connection, campaign: int, *, into: int) -> None:
    """Move all of a campaign into another one."""
    copies = 0
    states = dict(
        connection.execute("SELECT key, state FROM message WHERE campaign = ?", (into,)).fetchall()
    )
    for row, key, state in connection.execute(
        "SELECT id, key, state FROM message WHERE campaign = ?", (campaign,)
    ).fetchall():
        copies += state == states.get(key) == _ACCEPTED
        if key in states and _WEIGHT[state] <= _WEIGHT[states[key]]:
            connection.execute("DELETE FROM message WHERE id = ?", (row,))
        else:
            connection.execute("DELETE FROM message WHERE campaign = ? AND key = ?", (into, key))
            connection.execute("UPDATE message SET campaign = ? WHERE id = ?", (into, row))
    for table in ("attempt", "decision"):
        connection.execute(f"UPDATE {table} SET campaign = ? WHERE campaign = ?", (into, campaign))  # noqa: S608 - two names
    connection.execute(
        "UPDATE campaign SET key = coalesce(key, (SELECT key FROM campaign WHERE id = ?)), "
        "letter = coalesce(letter, (SELECT letter FROM campaign WHERE id = ?)) WHERE id = ?",
        (campaign, campaign, into),
    )
    connection.execute("DELETE FROM campaign WHERE id = ?", (campaign,))
    if copies:
        connection.execute(
            "INSERT INTO decision (campaign, made_at, what, messages, reason) "
            "VALUES (?, ?, 'copies', ?, ?)",
            (into, now(), copies, "accepted under two spellings of the name"),
        )
