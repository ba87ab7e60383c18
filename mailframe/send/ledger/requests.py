"""The requests of a ledger: when each was sent, how it ended, and which messages it covers.

A message can be in several requests, because a request that was not received is sent again. Its
request is the last one that covers it.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mailframe._version import __version__
from mailframe.errors import LedgerError
from mailframe.send.ledger import packs
from mailframe.send.ledger.clock import BOOT, since_boot_s
from mailframe.send.ledger.encoding import UID_BYTES
from mailframe.send.ledger.records import Attempt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.send.ledger import CampaignRecord
    from mailframe.send.ledger.database import Database
    from mailframe.send.ledger.packs import Ids

_NEWEST: Final = "(SELECT max(id) FROM attempt)"


class Requests:
    """The requests of a ledger. A caller that writes is within a transaction.

    Args:
        db: the ledger.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    # --- writing -------------------------------------------------------------------------------

    def add(
        self, campaign: CampaignRecord, ids: Ids, *, number: int, streams: Sequence[str]
    ) -> Attempt:
        """Record a request that is about to be sent."""
        uid, started = secrets.token_hex(UID_BYTES), self._db.now()
        row = self._insert(campaign, uid, started, "sending", ids, number=number, streams=streams)
        return Attempt(row, uid, number, len(ids), tuple(streams), "sending", started, None)

    def add_control(self, campaign: CampaignRecord, uid: str, *, stream: str) -> None:
        """Record a control message: an answered request with number 0 and no message."""
        ids = np.zeros(0, "i8")
        self._insert(campaign, uid, self._db.now(), "answered", ids, number=0, streams=[stream])

    def _insert(
        self,
        campaign: CampaignRecord,
        uid: str,
        started: str,
        state: str,
        ids: Ids,
        *,
        number: int,
        streams: Sequence[str],
    ) -> int:
        return self._db.insert(
            "INSERT INTO attempt (uid, campaign, number, messages, streams, state, started_at, "
            "version, boot, clock_s, runs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(uid, campaign.id, number, len(ids), "\n".join(streams), state, started),
                *(__version__, BOOT, since_boot_s(), packs.write_runs(ids)),
            ),
        )

    def close(self, attempt: Attempt, state: str, why: str | None) -> None:
        """Record how a request ended."""
        self._db.run(
            "UPDATE attempt SET state = ?, why = ?, ended_at = ?, "  # noqa: S608 - a constant
            f"closed_after = {_NEWEST} WHERE id = ?",
            (state, why, self._db.now(), attempt.id),
        )

    def close_orphans(self, campaign: CampaignRecord) -> None:
        """Record as unknown what a sender that has ended left ``sending``."""
        self._db.run(
            "UPDATE attempt SET state = 'unknown', why = ?, ended_at = ?, "  # noqa: S608
            f"closed_after = {_NEWEST} WHERE campaign = ? AND state = 'sending'",
            ("its sender ended before the answer was recorded", self._db.now(), campaign.id),
        )

    # --- reading -------------------------------------------------------------------------------

    def in_state(self, campaign: CampaignRecord, state: str) -> list[Attempt]:
        """The requests of a campaign in a state, such as ``unknown``, oldest first."""
        rows = self._db.all(
            "SELECT id, uid, number, messages, streams, state, started_at, why, closed_after, "
            "boot, clock_s FROM attempt WHERE campaign = ? AND state = ? ORDER BY id",
            (campaign.id, state),
        )
        return [_attempt(*row) for row in rows]

    def campaign_of(self, attempt: Attempt) -> int:
        """The id of the campaign of a request."""
        return int(self._db.one("SELECT campaign FROM attempt WHERE id = ?", (attempt.id,))[0])

    def newest(self) -> int:
        """The id of the request that was recorded last; 0 before the first."""
        return int(self._db.one(f"SELECT coalesce({_NEWEST}, 0)")[0])

    def posted(self, campaign: CampaignRecord, within_s: float) -> list[tuple[float, int]]:
        """What was posted within the last *within_s* seconds, oldest first.

        The time of what was posted before a restart or by another machine is that of the ledger,
        but not later than now. A request that was not received is left out.

        Returns:
            The value of ``since_boot_s`` and the number of messages of each request.
        """
        posted: list[tuple[float, int]] = []
        if within_s:
            with self._db.transaction():  # its time is that of the database
                now, now_s = datetime.fromisoformat(self._db.now()), since_boot_s()
            rows = self._db.each(
                "SELECT messages, started_at, boot, clock_s FROM attempt WHERE campaign = ? "
                "AND state <> 'unsent' AND messages > 0 ORDER BY id DESC",
                (campaign.id,),
            )
            with closing(rows):
                for messages, started_at, boot, clock_s in rows:
                    at_s = now_s - (now - datetime.fromisoformat(started_at)).total_seconds()
                    if boot == BOOT and clock_s is not None:
                        at_s = clock_s
                    if at_s > now_s - within_s:
                        posted.append((min(at_s, now_s), int(messages)))
                    elif boot == BOOT:  # the time of another boot may be of a wrong clock
                        break
        return sorted(posted)

    def messages(self, attempt: int) -> Ids:
        """The messages whose request is this one; those of later requests are left out.

        Raises:
            LedgerError: there is no such request, or a blob is damaged.
        """
        first, *later = self._db.all(
            "SELECT id, runs, messages FROM attempt WHERE id >= ? AND campaign = "
            "(SELECT campaign FROM attempt WHERE id = ?) ORDER BY id",
            (attempt, attempt),
        ) or [(attempt, b"missing", 0)]
        ids = self._read_runs(*first)
        for row in later:
            ids = np.setdiff1d(ids, self._read_runs(*row), assume_unique=True)
        return ids

    def since(
        self, attempt: int, *, other_than: CampaignRecord, scope: str | None
    ) -> list[tuple[int, str, Ids]]:
        """The later requests of other campaigns, oldest first.

        Args:
            attempt: the id of a request.
            other_than: the campaign whose requests are left out.
            scope: the server; None for all live servers.

        Returns:
            The id of each, the name of its campaign, and the messages that it covers.
        """
        condition, value = _of_scope(scope)
        rows = self._db.all(
            "SELECT a.id, a.runs, a.messages, c.name FROM attempt a "  # noqa: S608 - a constant
            "JOIN campaign c ON c.id = a.campaign "
            f"WHERE a.id > ? AND a.campaign <> ? AND {condition} ORDER BY a.id",
            (attempt, other_than.id, value),
        )
        return [(row, name, self._read_runs(row, runs, count)) for row, runs, count, name in rows]

    def started_since(self, first: str, *, scope: str | None) -> Ids:
        """The messages of the requests that were started since a time, and may have been received.

        A message that was in several requests occurs as often.

        Args:
            first: the time, as the ledger records it.
            scope: the server; None for all live servers.
        """
        condition, value = _of_scope(scope)
        rows = self._db.all(
            "SELECT a.id, a.runs, a.messages FROM attempt a "  # noqa: S608 - a constant
            "JOIN campaign c ON c.id = a.campaign "
            f"WHERE a.started_at >= ? AND a.state <> 'unsent' AND {condition} ORDER BY a.id",
            (first, value),
        )
        return np.concatenate([np.zeros(0, "i8"), *(self._read_runs(*row) for row in rows)])

    def _read_runs(self, attempt: int, runs: bytes, messages: int) -> Ids:
        try:
            return packs.read_runs(runs, at_most=messages)
        except packs.DamagedError as fault:
            raise LedgerError(
                f"{self._db.place}: the ledger could not be read "
                f"(request {attempt} is damaged: {fault})"
            ) from None


def _of_scope(scope: str | None) -> tuple[str, str]:
    """The condition for the requests of a server, or of all live servers, and its value."""
    return ("c.scope LIKE ?", "%:live") if scope is None else ("c.scope = ?", scope)


def _attempt(row: int, uid: str, number: int, messages: int, streams: str, *rest: Any) -> Attempt:
    return Attempt(row, uid, number, messages, tuple(streams.split("\n")), *rest)
