"""What the same people got, or may have got, in whatever campaign of one server. Reads only.

The states 1, 2 and 4 are those of a message that left or may have left: sending, accepted, unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.errors import AlreadySentElsewhere
from mailframe.message.keys import HALF_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.send.ledger.database import Database

_MANY: Final = 500
"""Values in one statement."""


def has_mailed(db: Database, scope: str) -> bool:
    """Whether any message left, or may have left, for this server."""
    statements = (
        "SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign WHERE c.scope = ? AND a.state <> 'unsent'",
        "SELECT 1 FROM decision d JOIN campaign c ON c.id = d.campaign WHERE c.scope = ? AND d.what = 'adopt'",
    )
    return any(db.first(statement, (scope,)) is not None for statement in statements)


def mailed(
    db: Database, scope: str, addresses: Iterable[bytes]
) -> Iterator[tuple[bytes, bytes, int, str, bytes]]:
    """The messages that left, or may have left, for these recipients at one server.

    Returns:
        Address, content, campaign's id and name, and key of each.
    """
    for address in addresses:
        yield from db.all(
            "SELECT m.address, m.content, c.id, c.name, m.key FROM message m JOIN campaign c ON c.id = m.campaign "
            "WHERE m.address = ? AND m.state IN (1, 2, 4) AND c.scope = ?",
            (address, scope),
        )


def newest_attempt(db: Database) -> int:
    """The number of the request that was noted last, in the ledger's own order; 0 before the first."""
    return int(db.one("SELECT coalesce(max(id), 0) FROM attempt")[0])


def refuse_taken(
    db: Database, ids: Sequence[int], *, campaign: int, scope: str, since: int
) -> None:
    """Refuse what left, or may have left, under another name while this campaign was under way.

    Args:
        db: the ledger, within the transaction that claims.
        ids: of the messages that are about to leave.
        campaign: theirs.
        scope: of the server.
        since: the newest request when the plan was checked; what had left by then was looked at there.

    Raises:
        AlreadySentElsewhere: with their number and the other name.
    """
    later = (
        "SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign "
        "WHERE a.id > ? AND a.campaign <> ? AND c.scope = ? LIMIT 1"
    )
    if db.first(later, (since, campaign, scope)) is None:
        return
    for start in range(0, len(ids), _MANY):
        part = ids[start : start + _MANY]
        row = db.first(
            "SELECT c.name, count(*) FROM message ours JOIN message m ON m.address = ours.address "  # noqa: S608 - constants of ours
            f"AND substr(m.content, 1, {HALF_BYTES}) = substr(ours.content, 1, {HALF_BYTES}) "
            "JOIN campaign c ON c.id = m.campaign "
            f"WHERE ours.id IN ({', '.join('?' * len(part))}) AND m.campaign <> ours.campaign "
            "AND m.attempt > ? AND m.state IN (1, 2, 4) AND c.scope = ? GROUP BY c.name",
            (*part, since, scope),
        )
        if row:
            raise AlreadySentElsewhere(
                f"these people got, or may have got, the identical message a moment ago: {row[1]:,} as {row[0]!r}. "
                "send(allow_repeat=True) sends it again; no more was sent"
            )
