"""Ledgers as older versions of mailframe wrote them: version 1 and version 2."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from mailframe.send.ledger import Ledger
from mailframe.send.ledger.encoding import tag_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mailframe.send.ledger import CampaignRecord

TABLE = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaign (id), key BLOB NOT NULL,
    content BLOB NOT NULL, address BLOB, state INTEGER NOT NULL, attempt INTEGER, message_id ANY,
    code INTEGER, resent INTEGER NOT NULL DEFAULT 0, UNIQUE (campaign, key)
) STRICT;
CREATE INDEX message_address ON message (address) WHERE address IS NOT NULL;
"""
"""The messages of versions 1 and 2: one row per message."""


def made_old(path: Path, names: Mapping[str, str] | None = None, *, version: int = 1) -> None:
    """Turn a ledger into one of an older version.

    Args:
        path: of the ledger.
        names: names of campaigns, and how version 1 wrote them.
        version: 1 or 2.
    """
    with Ledger(path) as ledger:
        rows = [row for campaign, _ in ledger.campaigns() for row in old_rows(ledger, campaign)]
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for table in ("exceptional", "outcome", "pack"):
            file.execute(f"DROP TABLE {table}")
        file.execute("ALTER TABLE attempt DROP COLUMN runs")
        file.executescript(TABLE)
        file.execute("BEGIN")  # one transaction for each row takes seconds
        file.executemany(
            "INSERT INTO message (campaign, key, content, address, state, attempt, message_id, "
            "code, resent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        file.execute("COMMIT")
        for now, then in (names or {}).items():
            file.execute(
                "UPDATE campaign SET name = ?, tag = ? WHERE name = ?", (then, tag_of(then), now)
            )
        for column in ("closed_after", "boot", "clock_s") if version == 1 else ():
            file.execute(f"ALTER TABLE attempt DROP COLUMN {column}")
        file.execute(f"PRAGMA user_version = {version}")


def old_rows(ledger: Ledger, campaign: CampaignRecord) -> Iterator[tuple[object, ...]]:
    """The rows of the old table for the messages of a campaign."""
    recorded = ledger.recorded_messages(campaign)
    attempts = {
        message: attempt
        for (attempt,) in ledger.db.all(
            "SELECT id FROM attempt WHERE campaign = ? ORDER BY id", (campaign.id,)
        )
        for message in ledger.requests.messages(attempt).tolist()
    }
    for line, message in enumerate(recorded.ids.tolist()):
        content = recorded.contents[line].tobytes() if recorded.has_content[line] else b""
        exceptional = recorded.exceptional.get(message)
        message_id = recorded.message_ids[line]
        text = exceptional.message_id if exceptional else None
        yield (
            campaign.id,
            recorded.keys[line].tobytes(),
            content,
            recorded.addresses[line].tobytes() if recorded.addresses[line].any() else None,
            int(recorded.states[line]),
            attempts.get(message),
            message_id.tobytes() if message_id.any() else text,
            recorded.code(line),
            int(recorded.is_resent[line]),
        )
