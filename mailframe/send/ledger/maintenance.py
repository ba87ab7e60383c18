"""What the ledger tools record: decisions, adopted messages, control messages, erasure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mailframe.message.digests import digest
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.packs import MessageDigests
from mailframe.send.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.postmark.search import StoredMessage
    from mailframe.send.ledger import Attempt, CampaignRecord, Ledger
    from mailframe.send.ledger.packs import Rows


def record_resolved(
    ledger: Ledger, campaign: CampaignRecord, attempt: Attempt, state: MessageState, *, reason: str
) -> int:
    """Give the unknown messages of a request a state, and record the reason.

    Returns:
        The number of messages.
    """
    with ledger.db.transaction():
        unknown = ledger.in_state(attempt.id, MessageState.UNKNOWN)
        ledger.messages.move(unknown, state=MessageState.UNKNOWN, to=state)
        has_accepted = len(ledger.in_state(attempt.id, MessageState.ACCEPTED)) > 0
        ledger.close_attempt(
            attempt, "answered" if has_accepted else "unsent", f"decided: {reason}"
        )
        what = f"{attempt.uid} as {state.name.lower()}"
        ledger.record_decision(campaign, what, len(unknown), reason)
    return len(unknown)


class LaterRequest(NamedTuple):
    """A request that was recorded later than another one.

    Attributes:
        uid: the identifier in the metadata of its messages.
        boot: the start of the machine, see ``Attempt``.
        clock_s: the seconds since that start, see ``Attempt``.
        started_at: when it began by the clock of the ledger, UTC, ISO 8601.
    """

    uid: str
    boot: str | None
    clock_s: float | None
    started_at: str


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
    later = ledger.db.all(
        "SELECT a.streams, a.id, a.number, a.uid, a.boot, a.clock_s, a.started_at "
        "FROM attempt a "
        "JOIN campaign c ON c.id = a.campaign "
        "WHERE c.scope = ? AND a.id > ? AND a.state = 'answered' ORDER BY a.id",
        (scope, after),
    )
    rows = [row for streams, *row in later if stream in streams.split("\n")]
    newest = _with_accepted(ledger, reversed(rows), count=count)
    return list(dict.fromkeys([*newest, *_with_accepted(ledger, rows, count=count)]))


def _with_accepted(
    ledger: Ledger, rows: Iterable[Sequence[Any]], *, count: int
) -> Iterator[LaterRequest]:
    """The first of these requests of which something was accepted; a control message always was."""
    accepted = (
        LaterRequest(*rest)
        for attempt, number, *rest in rows
        if number == 0 or len(ledger.in_state(attempt, MessageState.ACCEPTED))
    )
    return islice(accepted, count)


def record_control(ledger: Ledger, campaign: CampaignRecord, uid: str, *, stream: str) -> str:
    """Record a control message: an answered request with number 0 and no message.

    Returns:
        The time by the clock of the ledger.
    """
    with ledger.db.transaction():
        ledger.requests.add_control(campaign, uid, stream=stream)
        return ledger.db.now()


def record_adopted(ledger: Ledger, campaign: CampaignRecord, held: Sequence[StoredMessage]) -> int:
    """Record messages that Postmark holds and this ledger does not know as accepted.

    Their content is not known. The address digest makes a key with another spelling visible. If a
    person has several copies, the first of *held* counts, and the number of further copies is
    recorded.

    Returns:
        The number of messages that are now known as accepted.
    """
    first_copies = {message.key: message for message in reversed(held)}
    ours = [one for key, one in first_copies.items() if len(key) == packs.WIDTHS["keys"]]
    with ledger.db.transaction():
        adopted = _adopt(ledger, campaign, ours)
        for attempt in ledger.unconfirmed_attempts(campaign):
            if not len(ledger.in_state(attempt.id, MessageState.UNKNOWN)):
                ledger.close_attempt(attempt, "answered", "adopted")
        ledger.record_decision(campaign, "adopt", adopted, "read in from Postmark")
        further = len(held) - ledger.expected_copies(campaign)
        if further > 0:
            ledger.record_decision(campaign, "copies", further, "Postmark holds more than one each")
    return adopted


def _adopt(ledger: Ledger, campaign: CampaignRecord, held: Sequence[StoredMessage]) -> int:
    """Record messages as accepted, each key once; the number of those that were not."""
    recorded = ledger.recorded_messages(campaign)
    keys = packs.rows_of(b"".join(message.key for message in held), "keys")
    place = DigestIndex(recorded.keys).find(keys)
    is_new = place < 0
    ids, states = recorded.ids[place[~is_new]], recorded.states[place[~is_new]]
    not_accepted = np.isin(states, [MessageState.PLANNED, MessageState.REJECTED])
    # the content that another ledger sent is not known
    ledger.messages.clear_contents(ids[not_accepted])
    not_accepted |= states == MessageState.UNKNOWN
    digests = MessageDigests(
        keys[is_new],
        packs.zeros(int(is_new.sum()), "contents"),
        _addresses(ledger, [one for one, new in zip(held, is_new, strict=True) if new]),
    )
    state = MessageState.ACCEPTED | packs.NO_SPELLING
    is_adopted = is_new.copy()
    is_adopted[~is_new] = not_accepted
    adopted = np.zeros(len(held), dtype="i8")
    adopted[~is_new] = ids
    adopted[is_new] = ledger.messages.append(campaign.id, digests, state=state)
    message_ids = [one.message_id for one, new in zip(held, is_adopted, strict=True) if new]
    ledger.record_accepted(adopted[is_adopted], message_ids)
    return int(is_adopted.sum())


def _addresses(ledger: Ledger, held: Sequence[StoredMessage]) -> Rows:
    """The address digests of messages; zeros if Postmark does not show one recipient."""
    people = b"".join(digest(message.person) for message in held)
    addresses = ledger.address_digests(packs.rows_of(people, "keys")).copy()
    addresses[[not message.person for message in held]] = 0
    return addresses


def erase_person(ledger: Ledger, person: bytes) -> int:
    """Delete an address digest and its MessageIDs; the keys stay and prevent duplicate sends.

    Returns:
        The number of messages.
    """
    [wanted] = ledger.address_digests(packs.rows_of(person, "keys"))
    with ledger.db.transaction():
        ids = [
            part.ids[(part.addresses == wanted).all(axis=1)]
            for campaign, _ in ledger.campaigns()
            for part in ledger.messages.packs_of(campaign.id)
        ]
        return ledger.messages.erase(np.concatenate([np.zeros(0, "i8"), *ids]))


def erase_campaigns(ledger: Ledger, before: str) -> int:
    """Delete MessageIDs and address digests of campaigns recorded before a time; the keys stay.

    Returns:
        The number of messages.
    """
    with ledger.db.transaction():
        campaigns = [campaign for campaign, created_at in ledger.campaigns() if created_at < before]
        return sum(_erase_campaign(ledger, campaign) for campaign in campaigns)


def _erase_campaign(ledger: Ledger, campaign: CampaignRecord) -> int:
    recorded = ledger.recorded_messages(campaign)
    is_final = np.isin(recorded.states, [MessageState.ACCEPTED, MessageState.REJECTED])
    has_id = packs.has_any(recorded.message_ids)
    has_id |= np.isin(
        recorded.ids, [row for row, one in recorded.exceptional.items() if one.message_id]
    )
    has_any = has_id | packs.has_any(recorded.addresses)
    erased = ledger.messages.erase(recorded.ids[is_final & has_any])
    if is_final.all():
        ledger.messages.drop_blank_columns(campaign.id)
    return erased
