"""The ledger: campaigns, requests and packed messages; no address, name or text."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from mailframe.errors import CampaignBusy, LedgerError
from mailframe.message.campaign_name import plain_name
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.encoding import key_text, tag_of
from mailframe.send.ledger.messages import Messages
from mailframe.send.ledger.opening import open_database
from mailframe.send.ledger.records import CampaignRecord
from mailframe.send.ledger.requests import Requests
from mailframe.send.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mailframe.message.preflight import Mask
    from mailframe.paths import LedgerPlace
    from mailframe.send.ledger.packs import Ids, MessageDigests, RecordedMessages, Rows
    from mailframe.send.ledger.records import Attempt

    Check = Callable[[], None]

_CAMPAIGN: Final = "SELECT id, scope, name, tag, letter FROM campaign WHERE scope = ? AND name = ?"


class Ledger:
    """An open ledger; used by one thread and never after a fork.

    Args:
        place: the path of a file, or the URL of a PostgreSQL database.
        read_only: whether the ledger is only read; nothing is created or written.
        copied: whether to read and write a copy in memory in its place, for a dry run.
    """

    def __init__(
        self, place: LedgerPlace, *, read_only: bool = False, copied: bool = False
    ) -> None:
        self.place = place
        self.db = open_database(place, read_only=read_only, copied=copied)
        self.messages, self.requests = Messages(self.db), Requests(self.db)
        try:
            self._salt = bytes(self.db.one("SELECT value FROM meta WHERE name = 'salt'")[0])
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file or the connection."""
        self.db.close()

    def address_digests(self, people: Rows) -> Rows:
        """The recipients' digests with the salt of this ledger, so that no address can be guessed.

        Args:
            people: the digests of the recipients, 16 bytes each.
        """
        raw, width = people.tobytes(), people.shape[1]
        salted = hashlib.blake2b(digest_size=packs.WIDTHS["addresses"], key=self._salt)
        digests = bytearray()
        for start in range(0, len(raw), width):
            one = salted.copy()
            one.update(raw[start : start + width])
            digests += one.digest()
        return packs.rows_of(digests, "addresses")

    # --- campaigns -----------------------------------------------------------------------------

    def campaign(self, scope: str, name: str) -> CampaignRecord:
        """The campaign of that name at that server; recorded now if it is new."""
        name = plain_name(name)
        campaign = self.find_campaign(scope, name)
        if campaign is not None:
            return campaign
        with self.db.transaction():
            self.db.run(
                "INSERT INTO campaign (scope, name, tag, created_at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                (scope, name, tag_of(name), self.db.now()),
            )
        return CampaignRecord(*self.db.one(_CAMPAIGN, (scope, name)))

    def find_campaign(self, scope: str, name: str) -> CampaignRecord | None:
        """The campaign of that name at that server; None if the ledger has none."""
        row = self.db.first(_CAMPAIGN, (scope, plain_name(name)))
        return CampaignRecord(*row) if row else None

    def campaigns(self) -> list[tuple[CampaignRecord, str]]:
        """Each campaign and the time at which it was recorded, oldest first."""
        rows = self.db.all(
            "SELECT id, scope, name, tag, letter, created_at FROM campaign ORDER BY id"
        )
        return [(CampaignRecord(*row[:5]), row[5]) for row in rows]

    @contextmanager
    def lock_campaign(self, campaign: CampaignRecord) -> Iterator[None]:
        """Be the only sender of a campaign; of a copy, check that there is no sender now.

        Raises:
            CampaignBusy: another process or notebook is sending it.
        """
        with self.db.campaign_lock(campaign) as is_taken:
            if not is_taken:
                raise CampaignBusy(
                    f"campaign {campaign.name!r} is being sent by another notebook or process; "
                    "wait until it has ended"
                )
            yield

    def record_letter(self, campaign: CampaignRecord, letter: bytes) -> None:
        """Record the fingerprint of the letter that is sent from now on."""
        with self.db.transaction():
            self.db.run("UPDATE campaign SET letter = ? WHERE id = ?", (letter, campaign.id))

    def record_key(self, campaign: CampaignRecord, columns: Sequence[str]) -> None:
        """Record the key columns of a campaign, the first time that its messages are planned."""
        with self.db.transaction():
            self.db.run(
                "UPDATE campaign SET key = ? WHERE id = ? AND key IS NULL",
                (key_text(columns), campaign.id),
            )

    def recorded_key(self, campaign: CampaignRecord) -> str | None:
        """The key columns of a campaign, one a line; None while nothing is planned."""
        key: str | None = self.db.one("SELECT key FROM campaign WHERE id = ?", (campaign.id,))[0]
        return key

    def is_keyed_by(self, campaign: CampaignRecord, columns: Sequence[str]) -> bool:
        """Whether these are the key columns of a campaign, or none are recorded yet."""
        return self.recorded_key(campaign) in (None, key_text(columns))

    # --- messages ------------------------------------------------------------------------------

    def recorded_messages(self, campaign: CampaignRecord) -> RecordedMessages:
        """What is recorded of every message of a campaign, in the order in which it was planned."""
        return self.messages.of_campaign(campaign.id)

    def counts(self, campaign: CampaignRecord) -> dict[MessageState, int]:
        """How many messages are in each state."""
        _, stored = self.messages.states_of_campaign(campaign.id)
        counts = np.bincount(packs.plain_states(stored))
        return {MessageState(state): int(n) for state, n in enumerate(counts) if n}

    def expected_copies(self, campaign: CampaignRecord) -> int:
        """How many messages of a campaign Postmark should hold, further copies included."""
        [further] = self.db.one(
            "SELECT coalesce(sum(messages), 0) FROM decision "
            "WHERE campaign = ? AND what IN ('resend', 'copies')",
            (campaign.id,),
        )
        return self.counts(campaign).get(MessageState.ACCEPTED, 0) + int(further)

    def plan(self, campaign: CampaignRecord, digests: MessageDigests) -> Ids:
        """Record messages that will be sent, in one transaction.

        A message that is planned already takes the new content; any other keeps its state.

        Args:
            campaign: the campaign that they belong to.
            digests: one line per message, in the order of the frame; each key occurs once.

        Returns:
            The id of each message.
        """
        if DigestIndex(digests.keys).has_repeats():
            raise LedgerError("two of the messages have the same key; nothing was sent")
        with self.db.transaction():
            recorded = self.recorded_messages(campaign)
            line = DigestIndex(digests.keys).find(recorded.keys)
            recorded, line = recorded.take(line >= 0), line[line >= 0]
            ids = np.zeros(len(digests), dtype="i8")
            ids[line] = recorded.ids
            self.messages.update_planned(recorded, digests.take(line))
            ids[ids == 0] = self.messages.append(
                campaign.id, digests.take(ids == 0), state=MessageState.PLANNED
            )
        return ids

    def replan(
        self,
        ids: Ids,
        contents: Rows,
        state: MessageState,
        *,
        campaign: CampaignRecord,
        what: str,
    ) -> None:
        """Make messages that are in *state* eligible again, and record why."""
        with self.db.transaction():
            stored = self.messages.states(ids)
            is_replanned = packs.plain_states(stored) == state
            flags = stored[is_replanned] & packs.RESENT
            flags |= packs.RESENT if what == "resend" else 0
            ids = ids[is_replanned]
            self.messages.write(
                ids,
                contents=contents[is_replanned],
                message_ids=packs.zeros(1, "message_ids"),
                states=(flags | MessageState.PLANNED)[:, None],
            )
            self.messages.write_exceptional(ids, {})
            self.record_decision(campaign, what, len(ids), what)

    def record_decision(
        self, campaign: CampaignRecord, what: str, messages: int, reason: str
    ) -> None:
        """Record what was decided about messages. Within a transaction."""
        self.db.run(
            "INSERT INTO decision (campaign, made_at, what, messages, reason) "
            "VALUES (?, ?, ?, ?, ?)",
            (campaign.id, self.db.now(), what, messages, reason),
        )

    # --- requests ------------------------------------------------------------------------------

    def claim(
        self,
        campaign: CampaignRecord,
        ids: Sequence[int] | Ids,
        *,
        number: int,
        streams: Sequence[str],
        check: Check | None = None,
    ) -> Attempt:
        """Record that these messages are about to be sent; on return that is on the disk.

        Args:
            campaign: the campaign that they belong to.
            ids: the ids of the messages.
            number: the number of the batch.
            streams: the streams that they go to.
            check: the function called last in the transaction; if it raises, nothing is recorded.

        Raises:
            LedgerError: one of them is not planned any more; nothing was recorded.
        """
        distinct = np.unique(np.asarray(ids, dtype="i8"))
        with self.db.transaction():
            claimed = self.messages.move(
                distinct, state=MessageState.PLANNED, to=MessageState.SENDING
            )
            if claimed != len(ids):
                raise LedgerError(
                    f"{len(ids) - claimed} of {len(ids)} messages were claimed by another sender; "
                    "nothing was sent"
                )
            attempt = self.requests.add(campaign, distinct, number=number, streams=streams)
            if check is not None:
                check()
        return attempt

    def record_outcomes(
        self, attempt: Attempt, lines: Iterable[tuple[int, MessageState, str | None, int | None]]
    ) -> None:
        """Record the answer for each message: its id, state, MessageID and ErrorCode."""
        with self.db.transaction():
            self._record_outcomes(attempt, list(lines))
            self.close_attempt(attempt, "answered", None)

    def _record_outcomes(
        self, attempt: Attempt, lines: list[tuple[int, MessageState, str | None, int | None]]
    ) -> None:
        """Only messages whose request is this one take an outcome."""
        members = set(self.requests.messages(attempt.id).tolist())
        lines = [line for line in lines if line[0] in members]
        ids = np.array([row for row, _, _, _ in lines], dtype="i8")
        states = np.frombuffer(bytes([state for _, state, _, _ in lines]), "u1")
        codes = [code if state == MessageState.REJECTED else None for _, state, _, code in lines]
        message_ids = [message_id for _, _, message_id, _ in lines]
        self.messages.set_outcomes(ids, states, message_ids, codes)

    def record_unsent(self, attempt: Attempt, why: str) -> None:
        """Record that a request was not received completely; its messages are planned again."""
        with self.db.transaction():
            self._move(attempt, MessageState.SENDING, MessageState.PLANNED)
            self.close_attempt(attempt, "unsent", why)

    def record_unknown(self, attempt: Attempt, why: str) -> None:
        """Record that a request may have been accepted; its messages are not sent again."""
        with self.db.transaction():
            self._move(attempt, MessageState.SENDING, MessageState.UNKNOWN)
            self.close_attempt(attempt, "unknown", why)

    def record_and_claim(self, record: Callable[[], None], claim: Callable[[], Attempt]) -> Attempt:
        """Record an answer and claim the next batch in one transaction; on return both are on disk.

        Args:
            record: a call of ``record_outcomes``, ``record_unsent`` or ``record_unknown``.
            claim: a call of ``claim``.

        Raises:
            LedgerError: the claim is refused, and the answer is recorded all the same; or the
                ledger cannot be written.
        """
        try:
            with self.db.transaction():
                record()
                result = _attempt_or_error(claim)
        except LedgerError:  # nothing of the transaction was recorded
            record()
            raise
        if isinstance(result, BaseException):
            raise result
        return result

    def close_attempt(self, attempt: Attempt, state: str, why: str | None) -> None:
        """Record how a request ended. Within a transaction."""
        self.requests.close(attempt, state, why)

    # --- unconfirmed requests ------------------------------------------------------------------

    def recover(self, campaign: CampaignRecord) -> int:
        """Make ``unknown`` what a sender that has ended left ``sending``.

        Only the sender that holds the lock of the campaign may call it.

        Returns:
            The number of messages.
        """
        with self.db.transaction():
            self.requests.close_orphans(campaign)
            ids, stored = self.messages.states_of_campaign(campaign.id)
            ids = ids[packs.plain_states(stored) == MessageState.SENDING]
            return self.messages.move(ids, state=MessageState.SENDING, to=MessageState.UNKNOWN)

    def unconfirmed_attempts(self, campaign: CampaignRecord) -> list[Attempt]:
        """The requests of which a message is still unknown, oldest first."""
        return self.requests.in_state(campaign, "unknown")

    def in_state(self, attempt: int, state: MessageState) -> Ids:
        """The ids of the messages of a request that are in a state, by the id of the request."""
        with self.db.reading():
            ids = self.requests.messages(attempt)
            is_in_it: Mask = packs.plain_states(self.messages.states(ids)) == state
        return ids[is_in_it]

    def unknown_messages(self, attempt: Attempt) -> dict[bytes, int]:
        """The messages of a request that are still unknown: key to id."""
        with self.db.reading():
            unknown = self.messages.of_ids(self.in_state(attempt.id, MessageState.UNKNOWN))
        return {
            key.tobytes(): row for key, row in zip(unknown.keys, unknown.ids.tolist(), strict=True)
        }

    def record_found(self, attempt: Attempt, ids: Mapping[int, str]) -> None:
        """Record that Postmark holds these unknown messages: id to MessageID."""
        with self.db.transaction():
            unknown = self.in_state(attempt.id, MessageState.UNKNOWN)
            shown = unknown[np.isin(unknown, list(ids))]
            self.record_accepted(shown, [ids[row] for row in shown.tolist()])
            if len(shown) == len(unknown):
                self.close_attempt(attempt, "answered", "found by search")

    def record_accepted(self, ids: Ids, message_ids: Sequence[str | None]) -> None:
        """Record that messages were accepted, with their MessageIDs. Within a transaction."""
        self.messages.set_outcomes(ids, MessageState.ACCEPTED, message_ids, [None] * len(ids))

    def _move(self, attempt: Attempt, state: MessageState, to: MessageState) -> int:
        """Give the messages of a request that are in a state another one; their number."""
        return self.messages.move(self.requests.messages(attempt.id), state=state, to=to)


def _attempt_or_error(claim: Callable[[], Attempt]) -> Attempt | BaseException:
    """The result of a claim; an error is raised only when the answer before it is on the disk."""
    try:
        return claim()
    except BaseException as error:  # noqa: BLE001 - raised later
        return error
