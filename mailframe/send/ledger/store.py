"""What the ledger knows: campaigns, attempts, and one line for each message; never an address, a name or a text."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd

from mailframe._version import __version__
from mailframe.errors import CampaignBusy, LedgerError
from mailframe.send.ledger.clock import BOOT, since_boot_s
from mailframe.send.ledger.database import Database
from mailframe.send.ledger.encoding import (
    DIGEST_BYTES,
    UID_BYTES,
    now,
    plain_name,
    shown_id,
    stored_id,
    tag_of,
)
from mailframe.send.ledger.file import CampaignLock
from mailframe.send.ledger.other_campaigns import refuse_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    Check = Callable[[], None]

ADDRESS_BYTES: Final = 12


class MessageState(IntEnum):
    """Of a message, as it stands in the file."""

    PLANNED = 0
    """To be sent."""
    SENDING = 1
    """In a request that left, or is about to; ``unknown`` once its sender is gone."""
    ACCEPTED = 2
    """Postmark took it."""
    REJECTED = 3
    """Postmark said no."""
    UNKNOWN = 4
    """It may have been taken; never sent again without a person's word."""


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """One campaign of one server.

    Attributes:
        id: in this file.
        scope: of the server, such as ``pm:123:live``.
        name: what the person called it.
        tag: stands for the name in the metadata of each message; the same in every ledger.
        letter: fingerprint of the letter that was last sent, None before.
    """

    id: int
    scope: str
    name: str
    tag: str
    letter: bytes | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request.

    Attributes:
        id: in this file.
        uid: stands for it in the metadata of each message.
        number: of the batch in its run.
        messages: in it.
        streams: that they went to.
        state: ``sending``, ``answered``, ``unsent`` or ``unknown``.
        started_at: UTC, ISO 8601.
        why: what is known of an ``unknown`` or ``unsent`` one.
        closed_after: the newest request that was noted when this one was closed; None if that is not known.
        boot: start of the machine that ``clock_s`` counts from; see ``clock``.
        clock_s: seconds from there until it began.
    """

    id: int
    uid: str
    number: int
    messages: int
    streams: tuple[str, ...]
    state: str
    started_at: str
    why: str | None
    closed_after: int | None = None
    boot: str | None = None
    clock_s: float | None = None


class Ledger:
    """An open ledger; used by one thread and never after a fork."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.db = Database(path, read_only=read_only)
        self._salt = bytes(self.db.one("SELECT value FROM meta WHERE name = 'salt'")[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def address(self, person: bytes) -> bytes:
        """What stands for a recipient in this file: its digest with our salt, so that it cannot be guessed."""
        return hashlib.blake2b(person, digest_size=ADDRESS_BYTES, key=self._salt).digest()

    # --- campaigns ---------------------------------------------------------------------------------------

    def campaign(self, scope: str, name: str) -> CampaignRecord:
        """The campaign of that name at that server; noted now if it is new."""
        name = plain_name(name)
        found = self.find(scope, name)
        if found is None:
            with self.db.transaction():
                self.db.run(
                    "INSERT INTO campaign (scope, name, tag, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (scope, name, tag_of(name), now()),
                )
            found = self.find(scope, name)
        if found is None:
            raise LedgerError(f"{self.path}: campaign {name!r} was noted and is not there")
        return found

    def find(self, scope: str, name: str) -> CampaignRecord | None:
        """The campaign of that name at that server, if the ledger knows it."""
        row = self.db.first(
            "SELECT id, scope, name, tag, letter FROM campaign WHERE scope = ? AND name = ?",
            (scope, plain_name(name)),
        )
        return CampaignRecord(*row) if row else None

    def campaigns(self) -> list[tuple[CampaignRecord, str]]:
        """Each campaign, and when it was noted, oldest first."""
        rows = self.db.all(
            "SELECT id, scope, name, tag, letter, created_at FROM campaign ORDER BY id"
        )
        return [(CampaignRecord(*row[:5]), row[5]) for row in rows]

    @contextmanager
    def sender_of(self, campaign: CampaignRecord) -> Iterator[None]:
        """Be the only sender of a campaign.

        Raises:
            CampaignBusy: another process or notebook is.
        """
        real = self.path.resolve()  # two names of one ledger are one place
        lock = CampaignLock(real.with_name(f"{real.name}-locks") / f"{campaign.id}.sqlite3")
        if not lock.take():
            raise CampaignBusy(
                f"campaign {campaign.name!r} is being sent by another notebook or process; wait for it"
            )
        try:
            yield
        finally:
            lock.release()

    def remember_letter(self, campaign: CampaignRecord, letter: bytes) -> None:
        """Note the fingerprint of the letter that goes out from now on."""
        with self.db.transaction():
            self.db.run("UPDATE campaign SET letter = ? WHERE id = ?", (letter, campaign.id))

    # --- what is known, what is planned ------------------------------------------------------------------

    def note_key(self, campaign: CampaignRecord, columns: Sequence[str]) -> None:
        """Note the columns that tell the rows of a campaign apart, when they are planned for the first time."""
        with self.db.transaction():
            said = "\n".join(map(str, columns))
            self.db.run(
                "UPDATE campaign SET key = ? WHERE id = ? AND key IS NULL", (said, campaign.id)
            )

    def refuse_other_key(self, campaign: CampaignRecord, columns: Sequence[str]) -> None:
        """Refuse columns that are others than before.

        Raises:
            LedgerError: each row would look new and everybody would be mailed again.
        """
        said, known = "\n".join(map(str, columns)), self._key(campaign)
        if known not in (None, said):
            before, after = (" + ".join(one.split("\n")) or "the address" for one in (known, said))
            raise LedgerError(
                f"campaign {campaign.name!r} tells its rows apart by {before}, and now by {after}; "
                "every row would look new and be mailed again. Keep the key, or give the campaign another name; "
                "nothing was sent"
            )

    def is_keyed_by(self, campaign: CampaignRecord, columns: Sequence[str]) -> bool:
        """Whether these columns tell the rows of a campaign apart, or nothing was noted of that yet."""
        return self._key(campaign) in (None, "\n".join(map(str, columns)))

    def _key(self, campaign: CampaignRecord) -> str | None:
        key: str | None = self.db.one("SELECT key FROM campaign WHERE id = ?", (campaign.id,))[0]
        return key

    def table(self, campaign: CampaignRecord) -> pd.DataFrame:
        """What is known of every message of a campaign.

        Returns:
            One row per message: ``a, b`` and ``c, d`` (uint64; the halves of key and content), ``id``, ``state``,
            ``resent``, ``attempt``, ``code`` (float64, with gaps) and ``message_id`` (object, as stored).
        """
        keys, contents, rest = bytearray(), bytearray(), []
        lines = self.db.each(
            "SELECT key, content, id, state, resent, attempt, code, message_id FROM message "
            "WHERE campaign = ? ORDER BY id",
            (campaign.id,),
        )
        for key, content, *others in lines:
            keys += key
            contents += content[:DIGEST_BYTES].ljust(DIGEST_BYTES, b"\0")
            rest.append(others)
        a, c = (
            np.frombuffer(keys, "<u8").reshape(-1, 2),
            np.frombuffer(contents, "<u8").reshape(-1, 2),
        )
        frame = pd.DataFrame(
            rest, columns=["id", "state", "resent", "attempt", "code", "message_id"]
        )
        whole, partial = (
            dict.fromkeys(("id", "state", "resent"), "int64"),
            dict.fromkeys(("attempt", "code"), "float64"),
        )
        frame = frame.astype({**whole, **partial, "message_id": object})
        return frame.assign(a=a[:, 0], b=a[:, 1], c=c[:, 0], d=c[:, 1])

    def counts(self, campaign: CampaignRecord) -> dict[MessageState, int]:
        """How many messages are in each state."""
        rows = self.db.all(
            "SELECT state, count(*) FROM message WHERE campaign = ? GROUP BY state", (campaign.id,)
        )
        return {MessageState(state): count for state, count in rows}

    def states(self, campaign: CampaignRecord) -> list[tuple[bytes, int]]:
        """Key and state of every message of a campaign."""
        return [
            (key, state)
            for key, state in self.db.all(
                "SELECT key, state FROM message WHERE campaign = ?", (campaign.id,)
            )
        ]

    def shown_id(self, stored: object) -> str | None:
        """A MessageID of ``table`` as text."""
        return shown_id(stored if isinstance(stored, bytes | str) else None)

    def copies(self, campaign: CampaignRecord) -> int:
        """How many messages of a campaign Postmark must be expected to hold: accepted, and the copies beyond one."""
        accepted = self.db.one(
            "SELECT count(*) FROM message WHERE campaign = ? AND state = 2", (campaign.id,)
        )[0]
        further = self.db.one(
            "SELECT coalesce(sum(messages), 0) FROM decision WHERE campaign = ? AND what IN ('resend', 'copies')",
            (campaign.id,),
        )[0]
        return int(accepted) + int(further)

    def plan(
        self,
        campaign: CampaignRecord,
        lines: Iterable[tuple[bytes, bytes, bytes | None]],
        check: Check | None = None,
    ) -> None:
        """Note messages that will be sent: key, content and address of each, in the frame's order.

        One transaction; a message that is planned already takes the new content, any other keeps its state.
        *check* is called in it first: what it raises notes nothing, and nobody can plan or send in between.
        """
        with self.db.transaction():
            if check is not None:
                check()
            self.db.many(
                "INSERT INTO message (campaign, key, content, address, state) VALUES (?, ?, ?, ?, 0) "
                "ON CONFLICT (campaign, key) DO UPDATE SET content = excluded.content, address = excluded.address "
                "WHERE state = 0",
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
        """Make messages that are in *state* eligible again by a person's word, which is noted."""
        with self.db.transaction():
            replanned = self.db.many(
                "UPDATE message SET state = 0, content = ?, message_id = NULL, code = NULL, resent = resent + ? "
                "WHERE id = ? AND state = ?",
                (
                    (content, what == "resend", row, int(state))
                    for content, row in zip(contents, ids, strict=True)
                ),
            )
            self.note(campaign, what, replanned, what)

    # --- one request -------------------------------------------------------------------------------------

    def claim(
        self,
        campaign: CampaignRecord,
        ids: Sequence[int],
        *,
        number: int,
        streams: Sequence[str],
        since: int | None = None,
    ) -> Attempt:
        """T1: note that these messages are about to leave. When it returns, that is on the disk.

        *since* is the newest request when the plan was checked for repeats; None allows them.

        Raises:
            AlreadySentElsewhere: another campaign took one of them since then; nothing was noted.
            LedgerError: one of them is not planned any more; nothing was noted.
        """
        uid, started = secrets.token_hex(UID_BYTES), now()
        with self.db.transaction():
            cursor = self.db.run(
                "INSERT INTO attempt (uid, campaign, number, messages, streams, state, started_at, version, boot, "
                "clock_s) VALUES (?, ?, ?, ?, ?, 'sending', ?, ?, ?, ?)",
                (
                    uid,
                    campaign.id,
                    number,
                    len(ids),
                    "\n".join(streams),
                    started,
                    __version__,
                    BOOT,
                    since_boot_s(),
                ),
            )
            attempt = cursor.lastrowid or 0
            taken = self.db.many(
                "UPDATE message SET state = 1, attempt = ? WHERE id = ? AND state = 0",
                ((attempt, row) for row in ids),
            )
            if taken != len(ids):
                raise LedgerError(
                    f"{len(ids) - taken} of {len(ids)} messages were taken by another sender; nothing was sent"
                )
            if since is not None:
                refuse_taken(self.db, ids, campaign=campaign.id, scope=campaign.scope, since=since)
        return Attempt(attempt, uid, number, len(ids), tuple(streams), "sending", started, None)

    def settle(
        self, attempt: Attempt, lines: Iterable[tuple[int, MessageState, str | None, int | None]]
    ) -> None:
        """T2: note what the answer said of each message: id, state, MessageID and ErrorCode."""
        with self.db.transaction():
            self.db.many(
                "UPDATE message SET state = ?, message_id = ?, code = ? WHERE id = ? AND attempt = ?",
                (
                    (int(state), stored_id(said), code, row, attempt.id)
                    for row, state, said, code in lines
                ),
            )
            self.close_attempt(attempt, "answered", None)

    def unsent(self, attempt: Attempt, why: str) -> None:
        """T2: the request provably never arrived whole; its messages are planned again."""
        with self.db.transaction():
            self.db.run(
                "UPDATE message SET state = 0 WHERE attempt = ? AND state = 1", (attempt.id,)
            )
            self.close_attempt(attempt, "unsent", why)

    def unknown(self, attempt: Attempt, why: str) -> None:
        """T2: the request may have arrived; its messages are never sent again by themselves."""
        with self.db.transaction():
            self.db.run(
                "UPDATE message SET state = 4 WHERE attempt = ? AND state = 1", (attempt.id,)
            )
            self.close_attempt(attempt, "unknown", why)

    def recover(self, campaign: CampaignRecord) -> int:
        """What a dead sender left ``sending`` is ``unknown``. Only the sender of the campaign may call it."""
        with self.db.transaction():
            why = "its sender ended before the answer was noted"
            self.db.run(
                "UPDATE attempt SET state = 'unknown', why = ?, ended_at = ?, "
                "closed_after = (SELECT max(id) FROM attempt) WHERE campaign = ? AND state = 'sending'",
                (why, now(), campaign.id),
            )
            return self.db.run(
                "UPDATE message SET state = 4 WHERE campaign = ? AND state = 1", (campaign.id,)
            ).rowcount

    # --- what is in doubt --------------------------------------------------------------------------------

    def doubtful(self, campaign: CampaignRecord) -> list[Attempt]:
        """The requests of which a message is still unknown, oldest first."""
        rows = self.db.all(
            "SELECT id, uid, number, messages, streams, state, started_at, why, closed_after, boot, clock_s "
            "FROM attempt WHERE campaign = ? AND state = 'unknown' ORDER BY id",
            (campaign.id,),
        )
        return [_attempt(*row) for row in rows]

    def unknown_of(self, attempt: Attempt) -> dict[bytes, int]:
        """The messages of a request that are still unknown: key to id."""
        return dict(
            self.db.all(
                "SELECT key, id FROM message WHERE attempt = ? AND state = 4", (attempt.id,)
            )
        )

    def found(self, attempt: Attempt, ids: Mapping[int, str]) -> int:
        """Note that Postmark holds these messages: id to MessageID. Returns how many are still unknown."""
        with self.db.transaction():
            self.db.many(
                "UPDATE message SET state = 2, message_id = ? WHERE id = ? AND attempt = ? AND state = 4",
                ((stored_id(said), row, attempt.id) for row, said in ids.items()),
            )
            left = self.db.one(
                "SELECT count(*) FROM message WHERE attempt = ? AND state = 4", (attempt.id,)
            )[0]
            if not left:
                self.close_attempt(attempt, "answered", "found by search")
        return int(left)

    def close_attempt(self, attempt: Attempt, state: str, why: str | None) -> None:
        """Note what became of a request. Within a transaction."""
        self.db.run(
            "UPDATE attempt SET state = ?, why = ?, ended_at = ?, "
            "closed_after = (SELECT max(id) FROM attempt) WHERE id = ?",
            (state, why, now(), attempt.id),
        )

    def note(self, campaign: CampaignRecord, what: str, messages: int, reason: str) -> None:
        """Note what a person decided. Within a transaction."""
        self.db.run(
            "INSERT INTO decision (campaign, made_at, what, messages, reason) VALUES (?, ?, ?, ?, ?)",
            (campaign.id, now(), what, messages, reason),
        )


def _attempt(row: int, uid: str, number: int, messages: int, streams: str, *rest: Any) -> Attempt:
    return Attempt(row, uid, number, messages, tuple(streams.split("\n")), *rest)
