"""Upgrade of a ledger that an older mailframe wrote, in one transaction when it is opened.

Version 1 recorded names as they were typed and the wall clock alone. Version 2 had one row per
message. Version 3 has packs, see ``packs.py``.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe.message.campaign_name import plain_name
from mailframe.send.ledger import packs
from mailframe.send.ledger.encoding import now

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

PACK_TABLES: Final = """
CREATE TABLE pack (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaign (id),
    addresses BLOB NOT NULL, contents BLOB NOT NULL, keys BLOB NOT NULL
) STRICT;
CREATE TABLE outcome (
    pack INTEGER PRIMARY KEY REFERENCES pack (id), states BLOB NOT NULL, message_ids BLOB NOT NULL
) STRICT;
CREATE TABLE exceptional (message INTEGER PRIMARY KEY, code INTEGER, message_id TEXT) STRICT;
CREATE INDEX pack_campaign ON pack (campaign);
"""
"""The tables of messages since version 3; the blobs are in packed form, see ``packs.py``."""
_CONTENT_BYTES: Final = packs.WIDTHS["contents"]
_ADDRESS_BYTES: Final = packs.WIDTHS["addresses"]
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
    if version < 3:  # noqa: PLR2004 - the version that brought it
        _pack_messages(connection)


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


def _pack_messages(connection: sqlite3.Connection) -> None:
    """Version 2 had a table with one row per message."""
    connection.execute("ALTER TABLE attempt ADD COLUMN runs BLOB NOT NULL DEFAULT x''")
    for statement in PACK_TABLES.split(";"):
        connection.execute(statement)
    for (campaign,) in connection.execute("SELECT id FROM campaign ORDER BY id").fetchall():
        _pack_campaign(connection, campaign)
    connection.execute("DROP TABLE message")


def _pack_campaign(connection: sqlite3.Connection, campaign: int) -> None:
    rows = connection.execute(
        "SELECT key, content, address, state, resent, message_id, code, attempt FROM message "
        "WHERE campaign = ? ORDER BY id",
        (campaign,),
    )
    requests: dict[int, list[int]] = {}
    while part := rows.fetchmany(packs.PACK_MESSAGES):
        ids = _pack(connection, campaign, part)
        for row, (*_, attempt) in zip(ids, part, strict=True):
            if attempt is not None:
                requests.setdefault(attempt, []).append(row)
    connection.executemany(
        "UPDATE attempt SET runs = ? WHERE id = ?",
        ((packs.write_runs(np.array(ids)), attempt) for attempt, ids in requests.items()),
    )


def _pack(connection: sqlite3.Connection, campaign: int, rows: list[Any]) -> list[int]:
    """Write rows of the old table as one pack; the ids of the messages."""
    keys, contents, addresses, states, resent, stored_ids, codes, _ = zip(*rows, strict=True)
    pack = connection.execute(
        "INSERT INTO pack (campaign, keys, contents, addresses) VALUES (?, ?, ?, ?)",
        (
            campaign,
            _column("keys", keys),
            _column("contents", (content.ljust(_CONTENT_BYTES, b"\0") for content in contents)),
            _column("addresses", (address or bytes(_ADDRESS_BYTES) for address in addresses)),
        ),
    ).lastrowid
    flags = (
        (packs.RESENT if again else 0)
        | (0 if len(content) == _CONTENT_BYTES else packs.NO_SPELLING)
        for again, content in zip(resent, contents, strict=True)
    )
    stored = [state | flag for state, flag in zip(states, flags, strict=True)]
    states_blob = packs.write_column(np.array(stored, dtype="u1"))
    packs.read_states(states_blob)
    column, others = packs.pack_ids([_id_text(stored) for stored in stored_ids])
    connection.execute(
        "INSERT INTO outcome (pack, states, message_ids) VALUES (?, ?, ?)",
        (pack, states_blob, packs.write_column(column)),
    )
    ids: list[int] = packs.ids_of_pack(pack or 0, len(rows)).tolist()
    connection.executemany(
        "INSERT INTO exceptional (message, code, message_id) VALUES (?, ?, ?)",
        (
            (row, code if state != _ACCEPTED else None, others.get(place))
            for place, (row, code, state) in enumerate(zip(ids, codes, states, strict=True))
            if place in others or (code is not None and state != _ACCEPTED)
        ),
    )
    return ids


def _column(name: str, values: Iterable[bytes]) -> bytes:
    """A column of a pack, of values that each have its width."""
    values = list(values)
    if any(len(value) != packs.WIDTHS[name] for value in values):
        raise packs.DamagedError(f"a value of {name} does not have {packs.WIDTHS[name]} bytes")
    return packs.write_column(packs.rows_of(b"".join(values), name))


def _id_text(stored: object) -> str | None:
    if isinstance(stored, bytes):
        return str(uuid.UUID(bytes=stored))
    return stored if isinstance(stored, str) else None
