"""The ledger: campaigns, requests, and one row for each message; no address, name or text."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from mailframe._version import __version__
from mailframe.errors import CampaignBusy, LedgerError
from mailframe.message.campaign_name import plain_name
from mailframe.send.ledger.clock import BOOT, since_boot_s
from mailframe.send.ledger.database import Database
from mailframe.send.ledger.encoding import (
    DIGEST_BYTES,
    UID_BYTES,
    key_text,
    now,
    stored_id,
    tag_of,
)
from mailframe.send.ledger.file import campaign_lock
from mailframe.send.ledger.records import Attempt, CampaignRecord
from mailframe.send.states import MessageState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    Check = Callable[[], None]

ADDRESS_BYTES: Final = 12
_CAMPAIGN: Final = "SELECT id, scope, name, tag, letter FROM campaign WHERE scope = ? AND name = ?"


class Ledger:
    """An open ledger; used by one thread and never after a fork.

    Args:
        path: the path of the file.
        read_only: whether the file is only read; nothing is created or written.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.db = Database(path, read_only=read_only)
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
        """Close the file."""
        self.db.close()

    def address_digest(self, person: bytes) -> bytes:
        """A recipient's digest with the salt of this file, so that no address can be guessed."""
        return hashlib.blake2b(person, digest_size=ADDRESS_BYTES, key=self._salt).digest()

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
                (scope, name, tag_of(name), now()),
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
        """Be the only sender of a campaign.

        Raises:
            CampaignBusy: another process or notebook is sending it.
        """
        path = self.path.resolve()  # a link to the ledger shares its locks
        lock_file = path.with_name(f"{path.name}-locks") / f"{campaign.id}.sqlite3"
        with campaign_lock(lock_file) as is_taken:
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

    def table(self, campaign: CampaignRecord) -> pd.DataFrame:
        """What is recorded of every message of a campaign.

        Returns:
            One row per message: ``a, b`` and ``c, d`` (uint64; the halves of key and content),
            ``id``, ``state``, ``resent``, ``attempt``, ``code`` (float64, with missing values) and
            ``message_id`` (object, as stored).
        """
        keys, contents, rest = bytearray(), bytearray(), []
        for key, content, *others in self.db.each(
            "SELECT key, content, id, state, resent, attempt, code, message_id FROM message "
            "WHERE campaign = ? ORDER BY id",
            (campaign.id,),
        ):
            keys += key
            contents += content[:DIGEST_BYTES].ljust(DIGEST_BYTES, b"\0")
            rest.append(others)
        key_halves = np.frombuffer(keys, "<u8").reshape(-1, 2)
        content_halves = np.frombuffer(contents, "<u8").reshape(-1, 2)
        dtypes = {
            **dict.fromkeys(("id", "state", "resent"), "int64"),
            **dict.fromkeys(("attempt", "code"), "float64"),
            "message_id": "object",
        }
        frame = pd.DataFrame(rest, columns=list(dtypes)).astype(dtypes)
        return frame.assign(
            a=key_halves[:, 0], b=key_halves[:, 1], c=content_halves[:, 0], d=content_halves[:, 1]
        )

    def counts(self, campaign: CampaignRecord) -> dict[MessageState, int]:
        """How many messages are in each state."""
        rows = self.db.all(
            "SELECT state, count(*) FROM message WHERE campaign = ? GROUP BY state", (campaign.id,)
        )
        return {MessageState(state): count for state, count in rows}

    def states(self, campaign: CampaignRecord) -> dict[bytes, MessageState]:
        """The state of every message of a campaign, by its key."""
        rows = self.db.all("SELECT key, state FROM message WHERE campaign = ?", (campaign.id,))
        return {key: MessageState(state) for key, state in rows}

    def expected_copies(self, campaign: CampaignRecord) -> int:
        """How many messages of a campaign Postmark should hold, further copies included."""
        [accepted] = self.db.one(
            "SELECT count(*) FROM message WHERE campaign = ? AND state = 2", (campaign.id,)
        )
        [further] = self.db.one(
            "SELECT coalesce(sum(messages), 0) FROM decision "
            "WHERE campaign = ? AND what IN ('resend', 'copies')",
            (campaign.id,),
        )
        return int(accepted) + int(further)

    def plan(
        self,
        campaign: CampaignRecord,
        lines: Iterable[tuple[bytes, bytes, bytes | None]],
        check: Check | None = None,
    ) -> None:
        """Record messages that will be sent, in one transaction.

        A message that is planned already takes the new content; any other keeps its state.

        Args:
            campaign: the campaign that they belong to.
            lines: the key, content and address digest of each, in the order of the frame.
            check: the function called first in the transaction; if it raises, nothing is recorded.
        """
        with self.db.transaction():
            if check is not None:
                check()
            self.db.many(
                "INSERT INTO message (campaign, key, content, address, state) "
                "VALUES (?, ?, ?, ?, 0) ON CONFLICT (campaign, key) DO UPDATE "
                "SET content = excluded.content, address = excluded.address WHERE state = 0",
                ((campaign.id, key, content, address) for key, content, address in lines),
            )

    def replan(
        self,
        ids: Sequence[int],
        contents: Sequence[bytes],
        state: MessageState,
        *,
        campaign: CampaignRecord,
        what: str,
    ) -> None:
        """Make messages that are in *state* eligible again, and record why."""
        with self.db.transaction():
            replanned = self.db.many(
                "UPDATE message SET state = 0, content = ?, message_id = NULL, code = NULL, "
                "resent = resent + ? WHERE id = ? AND state = ?",
                (
                    (content, what == "resend", row, int(state))
                    for content, row in zip(contents, ids, strict=True)
                ),
            )
            self.record_decision(campaign, what, replanned, what)

    def record_decision(
        self, campaign: CampaignRecord, what: str, messages: int, reason: str
    ) -> None:
        """Record what was decided about messages. Within a transaction."""
        self.db.run(
            "INSERT INTO decision (campaign, made_at, what, messages, reason) "
            "VALUES (?, ?, ?, ?, ?)",
            (campaign.id, now(), what, messages, reason),
        )

    # --- requests ------------------------------------------------------------------------------

    def claim(
        self,
        campaign: CampaignRecord,
        ids: Sequence[int],
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
        uid, started = secrets.token_hex(UID_BYTES), now()
        with self.db.transaction():
            cursor = self.db.run(
                "INSERT INTO attempt (uid, campaign, number, messages, streams, state, started_at, "
                "version, boot, clock_s) VALUES (?, ?, ?, ?, ?, 'sending', ?, ?, ?, ?)",
                (
                    *(uid, campaign.id, number, len(ids), "\n".join(streams)),
                    *(started, __version__, BOOT, since_boot_s()),
                ),
            )
            attempt = cursor.lastrowid or 0
            claimed = self.db.many(
                "UPDATE message SET state = 1, attempt = ? WHERE id = ? AND state = 0",
                ((attempt, row) for row in ids),
            )
            if claimed != len(ids):
                raise LedgerError(
                    f"{len(ids) - claimed} of {len(ids)} messages were claimed by another sender; "
                    "nothing was sent"
                )
            if check is not None:
                check()
        return Attempt(attempt, uid, number, len(ids), tuple(streams), "sending", started, None)

    def record_outcomes(
        self, attempt: Attempt, lines: Iterable[tuple[int, MessageState, str | None, int | None]]
    ) -> None:
        """Record the answer for each message: its id, state, MessageID and ErrorCode."""
        with self.db.transaction():
            self.db.many(
                "UPDATE message SET state = ?, message_id = ?, code = ? "
                "WHERE id = ? AND attempt = ?",
                (
                    (int(state), stored_id(message_id), code, row, attempt.id)
                    for row, state, message_id, code in lines
                ),
            )
            self.close_attempt(attempt, "answered", None)

    def record_unsent(self, attempt: Attempt, why: str) -> None:
        """Record that a request was not received completely; its messages are planned again."""
        with self.db.transaction():
            self.db.run(
                "UPDATE message SET state = 0 WHERE attempt = ? AND state = 1", (attempt.id,)
            )
            self.close_attempt(attempt, "unsent", why)

    def record_unknown(self, attempt: Attempt, why: str) -> None:
        """Record that a request may have been accepted; its messages are not sent again."""
        with self.db.transaction():
            self.db.run(
                "UPDATE message SET state = 4 WHERE attempt = ? AND state = 1", (attempt.id,)
            )
            self.close_attempt(attempt, "unknown", why)

    def close_attempt(self, attempt: Attempt, state: str, why: str | None) -> None:
        """Record how a request ended. Within a transaction."""
        self.db.run(
            "UPDATE attempt SET state = ?, why = ?, ended_at = ?, "
            "closed_after = (SELECT max(id) FROM attempt) WHERE id = ?",
            (state, why, now(), attempt.id),
        )

    # --- unconfirmed requests ------------------------------------------------------------------

    def recover(self, campaign: CampaignRecord) -> int:
        """Make ``unknown`` what a sender that has ended left ``sending``.

        Only the sender that holds the lock of the campaign may call it.

        Returns:
            The number of messages.
        """
        with self.db.transaction():
            why = "its sender ended before the answer was recorded"
            self.db.run(
                "UPDATE attempt SET state = 'unknown', why = ?, ended_at = ?, closed_after = "
                "(SELECT max(id) FROM attempt) WHERE campaign = ? AND state = 'sending'",
                (why, now(), campaign.id),
            )
            return self.db.run(
                "UPDATE message SET state = 4 WHERE campaign = ? AND state = 1", (campaign.id,)
            ).rowcount

    def unconfirmed_attempts(self, campaign: CampaignRecord) -> list[Attempt]:
        """The requests of which a message is still unknown, oldest first."""
        rows = self.db.all(
            "SELECT id, uid, number, messages, streams, state, started_at, why, closed_after, "
            "boot, clock_s FROM attempt WHERE campaign = ? AND state = 'unknown' ORDER BY id",
            (campaign.id,),
        )
        return [_attempt(*row) for row in rows]

    def unknown_messages(self, attempt: Attempt) -> dict[bytes, int]:
        """The messages of a request that are still unknown: key to id."""
        return dict(
            self.db.all(
                "SELECT key, id FROM message WHERE attempt = ? AND state = 4", (attempt.id,)
            )
        )

    def record_found(self, attempt: Attempt, ids: Mapping[int, str]) -> None:
        """Record that Postmark holds these unknown messages: id to MessageID."""
        with self.db.transaction():
            self.db.many(
                "UPDATE message SET state = 2, message_id = ? "
                "WHERE id = ? AND attempt = ? AND state = 4",
                ((stored_id(message_id), row, attempt.id) for row, message_id in ids.items()),
            )
            if not self.unknown_messages(attempt):
                self.close_attempt(attempt, "answered", "found by search")


def _attempt(row: int, uid: str, number: int, messages: int, streams: str, *rest: Any) -> Attempt:
    return Attempt(row, uid, number, messages, tuple(streams.split("\n")), *rest)
