"""What a ledger asks of its database: the same statements for SQLite and for PostgreSQL.

A statement has ``?`` for each value. An error of the database becomes a ``LedgerError`` that names
the ledger.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING, Any

from mailframe.errors import LedgerError
from mailframe.send.ledger import encoding

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from mailframe.paths import LedgerPlace
    from mailframe.send.ledger.records import CampaignRecord


class Database(ABC):
    """One connection, used by one thread and never after a fork.

    Args:
        place: the place of the ledger.
    """

    def __init__(self, place: LedgerPlace) -> None:
        self.place = place
        self._pid = os.getpid()

    @abstractmethod
    def close(self) -> None:
        """Close the connection; not in a forked child, where it would end that of the parent."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; after the block, what was written is on the disk.

        Within another transaction it is a part of it: an error undoes that part alone, and it is on
        the disk after the whole. All writing transactions of a ledger run one after the other.

        Raises:
            LedgerError: the ledger cannot be written, or this is a forked child.
        """

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """Within the block, all queries read the same state of the ledger."""

    @abstractmethod
    def campaign_lock(self, campaign: CampaignRecord) -> AbstractContextManager[bool]:
        """Lock a campaign for one sender; the lock ends with its process.

        Its holder knows that a ``sending`` message has no running sender. Of a copy, whether there
        is no sender now.

        Yields:
            Whether the lock was taken; False if another sender has it.

        Raises:
            LedgerError: the campaign cannot be locked.
        """

    @abstractmethod
    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Run one statement that returns no rows.

        Within a transaction its error may come with a later statement, or at the end.
        """

    @abstractmethod
    def many(self, statement: str, values: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each row of values. Within a transaction.

        Returns:
            How many rows of the table were changed.
        """

    @abstractmethod
    def each(self, statement: str, values: Sequence[Any] = ()) -> Generator[tuple[Any, ...]]:
        """The rows of a query, one by one; a damaged page is met when its row is read."""

    def all(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        return list(self.each(statement, values))

    def first(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query; None if there is none."""
        with closing(self.each(statement, values)) as rows:
            return next(rows, None)

    def one(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The first row of a query that must have one.

        Raises:
            LedgerError: there is none.
        """
        row = self.first(statement, values)
        if row is None:
            raise LedgerError(f"{self.place}: a row is missing in the ledger")
        return row

    def insert(self, statement: str, values: Sequence[Any]) -> int:
        """Insert one row, and return its id."""
        [[row]] = self.all(f"{statement} RETURNING id", values)
        return int(row)

    def now(self) -> str:
        """The current time by the clock of the ledger: UTC, ISO 8601 with microseconds."""
        return encoding.now()

    def _refuse_fork(self) -> None:
        if os.getpid() != self._pid:
            raise LedgerError("a ledger cannot be used after fork(); open it again in the child")
