"""Identical messages to the same recipient: under another key or name, or twice in one frame.

The states 1, 2 and 4 in these queries are SENDING, ACCEPTED and UNKNOWN: a message that was sent or
may have been sent.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.errors import AlreadySentElsewhere
from mailframe.message.keys import HALF_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight
    from mailframe.message.row_names import RowNames
    from mailframe.send.ledger import CampaignRecord, Ledger
    from mailframe.send.ledger.database import Database

_MAIL: Final = HALF_BYTES
"""Length of the first part of a recorded content: a digest of what the recipient sees."""
_SPELLING: Final = 2 * HALF_BYTES
"""Start of the last part of a recorded content: a digest of the key without its spelling.

An older mailframe recorded a digest of the whole message alone, whose second half is the part in
between. Nothing is recorded of the content of an adopted message.
"""
_MAX_VALUES: Final = 500
"""Values in one statement."""
_SEND_AGAIN: Final = "send(allow_repeat=True) sends it again; nothing was sent"


def refuse_repeats(
    ledger: Ledger,
    campaign: CampaignRecord,
    composed: Composed,
    preflight: Preflight,
    positions: Sequence[int],
) -> None:
    """Refuse to send messages that these recipients have, or may have, already.

    Called within the transaction that plans. Metadata do not count: the recipient does not see
    them.

    Args:
        ledger: the ledger in which the messages would be planned.
        campaign: the record of the campaign.
        composed: the campaign that would be sent.
        preflight: the preflight check of its frame.
        positions: the rows that would be sent without an explicit confirmation.

    Raises:
        AlreadySentElsewhere: with the number of rows by where the message was found.
    """
    names = composed.names
    _refuse_repeats_in_frame(preflight, positions, names)
    by_address: dict[bytes, list[int]] = {}
    for position in positions if _has_messages(ledger.db, campaign.scope) else ():
        address = ledger.address_digest(preflight.people.at(position))
        by_address.setdefault(address, []).append(position)
    keys = set(map(preflight.keys.at, range(len(composed.frame)))) if by_address else set()
    repeated: dict[int, str] = {}
    respelled: set[int] = set()
    not_comparable: set[int] = set()
    for address, recorded, number, name, row_key in _sent(ledger.db, campaign.scope, by_address):
        is_same_campaign = number == campaign.id
        for position in by_address[address]:
            content = preflight.recorded(position)
            if is_same_campaign and row_key == preflight.keys.at(position):
                continue
            if is_identical(recorded, content):
                where = "under another key of this campaign" if is_same_campaign else f"as {name!r}"
                repeated.setdefault(position, where)
            elif is_same_campaign and row_key not in keys and is_respelled(recorded, content):
                (respelled if _has_spelling(recorded) else not_comparable).add(position)
    if repeated:
        counts = Counter(repeated.values()).items()
        raise AlreadySentElsewhere(
            "these people have, or may have, the identical message: "
            f"{', '.join(f'{count:,} {where}' for where, count in counts)}; "
            f"the first is {names.of(min(repeated))}. {_SEND_AGAIN}"
        )
    if respelled:
        raise AlreadySentElsewhere(
            f"{len(respelled):,} people were mailed in this campaign with another spelling of "
            "their key (its leading zeros, case, spaces or time of midnight); "
            f"the first is {names.of(min(respelled))}. Read the key as before, as in "
            f"pd.read_csv(…, dtype={{{composed.key[0]!r}: str}}), or: {_SEND_AGAIN}"
        )
    if not_comparable:
        raise AlreadySentElsewhere(
            f"{len(not_comparable):,} people were mailed in this campaign under a key that is not "
            f"in this frame; the first is {names.of(min(not_comparable))}. The ledger does not "
            "record the spelling of that key, because the message was adopted or recorded by an "
            "older mailframe. Use the key columns and the spelling of before. For further messages "
            f"to the same people: {_SEND_AGAIN}"
        )


def refuse_sent_meanwhile(
    db: Database, ids: Sequence[int], *, campaign: CampaignRecord, since: int
) -> None:
    """Refuse messages that another campaign sent, or may have sent, since the plan was checked.

    Called within the transaction that claims.

    Args:
        db: the ledger.
        ids: the ids of the messages that are about to be sent.
        campaign: the campaign that they belong to.
        since: the id of the newest request when the plan was checked.

    Raises:
        AlreadySentElsewhere: with their number and the name of the other campaign.
    """
    other_requests = (
        "SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign "
        "WHERE a.id > ? AND a.campaign <> ? AND c.scope = ? LIMIT 1"
    )
    if db.first(other_requests, (since, campaign.id, campaign.scope)) is None:
        return
    for start in range(0, len(ids), _MAX_VALUES):
        part = ids[start : start + _MAX_VALUES]
        row = db.first(
            "SELECT c.name, count(*) FROM message ours "  # noqa: S608 - constants of ours
            "JOIN message m ON m.address = ours.address "
            f"AND substr(m.content, 1, {_MAIL}) = substr(ours.content, 1, {_MAIL}) "
            "JOIN campaign c ON c.id = m.campaign "
            f"WHERE ours.id IN ({', '.join('?' * len(part))}) AND m.campaign <> ours.campaign "
            "AND m.attempt > ? AND m.state IN (1, 2, 4) AND c.scope = ? GROUP BY c.name",
            (*part, since, campaign.scope),
        )
        if row:
            raise AlreadySentElsewhere(
                "these people got, or may have got, the identical message a moment ago: "
                f"{row[1]:,} as {row[0]!r}. send(allow_repeat=True) sends it again; "
                "nothing more was sent"
            )


def newest_attempt(db: Database) -> int:
    """The id of the request that was recorded last; 0 before the first."""
    return int(db.one("SELECT coalesce(max(id), 0) FROM attempt")[0])


def is_identical(recorded: bytes, content: bytes) -> bool:
    """Whether two contents for one recipient are of the identical message."""
    whole = slice(_MAIL, _SPELLING)
    return recorded[:_MAIL] == content[:_MAIL] or recorded[whole] == content[whole]


def is_respelled(recorded: bytes, content: bytes) -> bool:
    """Whether the keys of two contents differ in spelling alone, or cannot be compared."""
    return not _has_spelling(recorded) or recorded[_SPELLING:] == content[_SPELLING:]


def _has_spelling(recorded: bytes) -> bool:
    return len(recorded) > _SPELLING


def _has_messages(db: Database, scope: str) -> bool:
    """Whether any message was sent, or may have been sent, through this server."""
    row = db.first(
        "SELECT 1 FROM attempt a JOIN campaign c ON c.id = a.campaign "
        "WHERE c.scope = ? AND a.state <> 'unsent'",
        (scope,),
    ) or db.first(
        "SELECT 1 FROM decision d JOIN campaign c ON c.id = d.campaign "
        "WHERE c.scope = ? AND d.what = 'adopt'",
        (scope,),
    )
    return row is not None


def _sent(
    db: Database, scope: str, addresses: Iterable[bytes]
) -> Iterator[tuple[bytes, bytes, int, str, bytes]]:
    """The messages that were sent, or may have been sent, to these recipients at one server.

    Yields:
        Address digest, content, campaign's id and name, and key of each.
    """
    for address in addresses:
        yield from db.all(
            "SELECT m.address, m.content, c.id, c.name, m.key FROM message m "
            "JOIN campaign c ON c.id = m.campaign "
            "WHERE m.address = ? AND m.state IN (1, 2, 4) AND c.scope = ?",
            (address, scope),
        )


def _refuse_repeats_in_frame(
    preflight: Preflight, positions: Sequence[int], names: RowNames
) -> None:
    rows = list(positions)
    if not rows:
        return
    people = preflight.people.halves()[rows]
    messages = pd.DataFrame({"a": people[:, 0], "b": people[:, 1], "mail": preflight.mails[rows]})
    repeated = messages.duplicated().to_numpy()
    if repeated.any():
        raise AlreadySentElsewhere(
            f"{int(repeated.sum()):,} rows hold the identical message to the same recipient as an "
            "earlier row of this frame, under another key; "
            f"the first is {names.of(rows[int(repeated.argmax())])}. "
            f"Drop them, as in df.drop_duplicates(…), or: {_SEND_AGAIN}"
        )
