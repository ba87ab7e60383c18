"""What a person does to a ledger: decide about what is in doubt, read in what Postmark holds, forget, prune."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mailframe._version import __version__
from mailframe.message.keys import digest
from mailframe.send.ledger.clock import BOOT, since_boot_s
from mailframe.send.ledger.encoding import now, stored_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.send.ledger.store import Attempt, CampaignRecord, Ledger, MessageState


def resolve(
    ledger: Ledger, campaign: CampaignRecord, attempt: Attempt, state: MessageState, *, reason: str
) -> int:
    """What a person decided about the unknown messages of a request; noted with the reason."""
    with ledger.db.transaction():
        rows = ledger.db.run(
            "UPDATE message SET state = ? WHERE attempt = ? AND state = 4", (int(state), attempt.id)
        ).rowcount
        taken = ledger.db.one(
            "SELECT count(*) FROM message WHERE attempt = ? AND state = 2", (attempt.id,)
        )[0]
        ledger.close_attempt(attempt, "answered" if taken else "unsent", f"decided: {reason}")
        ledger.note(campaign, f"{attempt.uid} as {state.name.lower()}", rows, reason)
    return rows


class Later(NamedTuple):
    """A request that was noted later than another one: its uid, and when it began as ``clock`` counts."""

    uid: str
    boot: str | None
    clock_s: float | None


def later_requests(
    ledger: Ledger, scope: str, *, after: int, stream: str, count: int
) -> list[Later]:
    """The requests of which Postmark accepted something and that were noted later, in the ledger's own order.

    Args:
        ledger: that noted them.
        scope: of the server.
        after: id of a request.
        stream: that they went to.
        count: of the newest and of the oldest, at most.
    """
    rows = ledger.db.all(
        "SELECT a.uid, a.boot, a.clock_s FROM attempt a JOIN campaign c ON c.id = a.campaign "
        "WHERE c.scope = ? AND a.id > ? AND a.state = 'answered' "
        "AND instr(char(10) || a.streams || char(10), char(10) || ? || char(10)) "
        "AND (a.number = 0 OR EXISTS (SELECT 1 FROM message m WHERE m.attempt = a.id AND m.state = 2)) ORDER BY a.id",
        (scope, after, stream),
    )
    later = [Later(*row) for row in rows]
    return list(dict.fromkeys([*reversed(later[-count:]), *later[:count]]))


def note_control(ledger: Ledger, campaign: CampaignRecord, uid: str, *, stream: str) -> None:
    """Note a control message: an answered request with the number 0 and none of the campaign's messages."""
    with ledger.db.transaction():
        ledger.db.run(
            "INSERT INTO attempt (uid, campaign, number, messages, streams, state, started_at, version, boot, clock_s) "
            "VALUES (?, ?, 0, 0, ?, 'answered', ?, ?, ?, ?)",
            (uid, campaign.id, stream, now(), __version__, BOOT, since_boot_s()),
        )


class Adopted(NamedTuple):
    """A message that Postmark holds: the digest of its key, its MessageID, and its recipient ("" if not shown)."""

    key: bytes
    message_id: str
    person: str


def adopt(ledger: Ledger, campaign: CampaignRecord, lines: Sequence[Adopted]) -> int:
    """Note messages that Postmark holds and this ledger does not know as accepted.

    Their content is not known; what stands for their recipient shows a key that is spelled in another way. Of a
    person with several copies the first of *lines* counts; that there are more is noted.
    """

    def who(one: Adopted) -> bytes | None:
        return ledger.address(digest(one.person)) if one.person else None

    firsts = {one.key: one for one in reversed(lines)}
    with ledger.db.transaction():
        adopted = ledger.db.many(
            "INSERT INTO message (campaign, key, content, address, state, message_id) VALUES (?, ?, x'', ?, 2, ?) "
            "ON CONFLICT (campaign, key) DO UPDATE SET state = 2, message_id = excluded.message_id, "
            "content = CASE state WHEN 4 THEN content ELSE x'' END "  # which content another ledger sent is not known
            "WHERE state IN (0, 3, 4)",
            (
                (campaign.id, one.key, who(one), stored_id(one.message_id))
                for one in firsts.values()
            ),
        )
        ledger.db.run(
            "UPDATE attempt SET state = 'answered', why = 'adopted' WHERE campaign = ? AND state = 'unknown' AND "
            "NOT EXISTS (SELECT 1 FROM message WHERE attempt = attempt.id AND state = 4)",
            (campaign.id,),
        )
        ledger.note(campaign, "adopt", adopted, "read in from Postmark")
        if len(lines) > ledger.copies(campaign):
            ledger.note(
                campaign,
                "copies",
                len(lines) - ledger.copies(campaign),
                "Postmark holds more than one each",
            )
    return adopted


def forget(ledger: Ledger, person: bytes) -> int:
    """Drop what stands for an address; its key stays, so that the person is still not mailed twice."""
    with ledger.db.transaction():
        return ledger.db.run(
            "UPDATE message SET address = NULL, message_id = NULL WHERE address = ?",
            (ledger.address(person),),
        ).rowcount


def prune(ledger: Ledger, before: str) -> int:
    """Drop MessageIDs and addresses of campaigns noted before a moment; their keys are the protection and stay."""
    with ledger.db.transaction():
        return ledger.db.run(
            "UPDATE message SET address = NULL, message_id = NULL WHERE state IN (2, 3) AND "
            "(address IS NOT NULL OR message_id IS NOT NULL) AND "
            "campaign IN (SELECT id FROM campaign WHERE created_at < ?)",
            (before,),
        ).rowcount
