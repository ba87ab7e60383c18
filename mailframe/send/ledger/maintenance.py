"""What the ledger tools record: decisions, adopted messages, control messages, erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailframe._version import __version__
from mailframe.message.keys import digest
from mailframe.send.ledger.clock import BOOT, since_boot_s
from mailframe.send.ledger.encoding import now, stored_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.postmark.search import StoredMessage
    from mailframe.send.ledger import Attempt, CampaignRecord, Ledger, MessageState


def record_resolved(
    ledger: Ledger, campaign: CampaignRecord, attempt: Attempt, state: MessageState, *, reason: str
) -> int:
    """Give the unknown messages of a request a state, and record the reason.

    Returns:
        The number of messages.
    """
    with ledger.db.transaction():
        messages = ledger.db.run(
            "UPDATE message SET state = ? WHERE attempt = ? AND state = 4", (int(state), attempt.id)
        ).rowcount
        [accepted] = ledger.db.one(
            "SELECT count(*) FROM message WHERE attempt = ? AND state = 2", (attempt.id,)
        )
        ledger.close_attempt(attempt, "answered" if accepted else "unsent", f"decided: {reason}")
        what = f"{attempt.uid} as {state.name.lower()}"
        ledger.record_decision(campaign, what, messages, reason)
    return messages


class LaterRequest(NamedTuple):
    """A request that was recorded later than another one.

    Attributes:
        uid: the identifier in the metadata of its messages.
        boot: the start of the machine, see ``Attempt``.
        clock_s: the seconds since that start, see ``Attempt``.
    """

    uid: str
    boot: str | None
    clock_s: float | None


def later_requests(
    ledger: Ledger, scope: str, *, after: int, stream: str, count: int
) -> list[LaterRequest]:
    """The later requests of which Postmark accepted something, in the order of the ledger.

    Args:
        ledger: the ledger in which they are recorded.
        scope: the scope of the server.
        after: the id of a request.
        stream: the stream that they went to.
        count: the maximum number of the newest, and of the oldest.
    """
    rows = ledger.db.all(
        "SELECT a.uid, a.boot, a.clock_s FROM attempt a JOIN campaign c ON c.id = a.campaign "
        "WHERE c.scope = ? AND a.id > ? AND a.state = 'answered' "
        "AND instr(char(10) || a.streams || char(10), char(10) || ? || char(10)) "
        "AND (a.number = 0 OR EXISTS "
        "(SELECT 1 FROM message m WHERE m.attempt = a.id AND m.state = 2)) ORDER BY a.id",
        (scope, after, stream),
    )
    later = [LaterRequest(*row) for row in rows]
    return list(dict.fromkeys([*reversed(later[-count:]), *later[:count]]))


def record_control(ledger: Ledger, campaign: CampaignRecord, uid: str, *, stream: str) -> None:
    """Record a control message: an answered request with number 0 and no message."""
    with ledger.db.transaction():
        ledger.db.run(
            "INSERT INTO attempt (uid, campaign, number, messages, streams, state, started_at, "
            "version, boot, clock_s) VALUES (?, ?, 0, 0, ?, 'answered', ?, ?, ?, ?)",
            (uid, campaign.id, stream, now(), __version__, BOOT, since_boot_s()),
        )


def record_adopted(ledger: Ledger, campaign: CampaignRecord, held: Sequence[StoredMessage]) -> int:
    """Record messages that Postmark holds and this ledger does not know as accepted.

    Their content is not known. The address digest makes a key with another spelling visible. If a
    person has several copies, the first of *held* counts, and the number of further copies is
    recorded.

    Returns:
        The number of messages that are now known as accepted.
    """
    first_copies = {message.key: message for message in reversed(held)}
    with ledger.db.transaction():
        adopted = ledger.db.many(
            "INSERT INTO message (campaign, key, content, address, state, message_id) "
            "VALUES (?, ?, x'', ?, 2, ?) "
            "ON CONFLICT (campaign, key) DO UPDATE SET state = 2, "
            # the content that another ledger sent is not known
            "content = CASE state WHEN 4 THEN content ELSE x'' END, "
            "message_id = excluded.message_id WHERE state IN (0, 3, 4)",
            (
                (
                    campaign.id,
                    message.key,
                    ledger.address_digest(digest(message.person)) if message.person else None,
                    stored_id(message.message_id),
                )
                for message in first_copies.values()
            ),
        )
        ledger.db.run(
            "UPDATE attempt SET state = 'answered', why = 'adopted' "
            "WHERE campaign = ? AND state = 'unknown' AND "
            "NOT EXISTS (SELECT 1 FROM message WHERE attempt = attempt.id AND state = 4)",
            (campaign.id,),
        )
        ledger.record_decision(campaign, "adopt", adopted, "read in from Postmark")
        further = len(held) - ledger.expected_copies(campaign)
        if further > 0:
            ledger.record_decision(campaign, "copies", further, "Postmark holds more than one each")
    return adopted


def erase_person(ledger: Ledger, person: bytes) -> int:
    """Delete an address digest and its MessageIDs; the keys stay and prevent duplicate sends.

    Returns:
        The number of messages.
    """
    return _erase(ledger, "address = ?", ledger.address_digest(person))


def erase_campaigns(ledger: Ledger, before: str) -> int:
    """Delete MessageIDs and address digests of campaigns recorded before a time; the keys stay.

    Returns:
        The number of messages.
    """
    where = (
        "state IN (2, 3) AND (address IS NOT NULL OR message_id IS NOT NULL) AND "
        "campaign IN (SELECT id FROM campaign WHERE created_at < ?)"
    )
    return _erase(ledger, where, before)


def _erase(ledger: Ledger, where: str, value: bytes | str) -> int:
    statement = f"UPDATE message SET address = NULL, message_id = NULL WHERE {where}"  # noqa: S608 - two constants
    with ledger.db.transaction():
        return ledger.db.run(statement, (value,)).rowcount
