"""Which messages a person has opened in the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.sandbox.state.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable


class ReadMarks(Table):
    """The positions of the messages that were opened; all others are unread."""

    SCHEMA = """
    create table if not exists read_marks (
        position integer primary key
    );
    """
    CLEARED = ("read_marks",)

    def mark(self, position: int, *, is_read: bool) -> None:
        """Mark the message at *position* as read or unread; nothing changes if it is already."""
        if self.has(position) == is_read:
            return
        if is_read:
            self._database.run("insert into read_marks values (?)", position)
        else:
            self._database.run("delete from read_marks where position = ?", position)

    def mark_all(self, positions: Iterable[int]) -> None:
        """Mark the messages at *positions* as read, and all others as unread."""
        with self._database.transaction():
            self._database.run("delete from read_marks")
            self._database.run_many(
                "insert into read_marks values (?)", ((position,) for position in positions)
            )

    def has(self, position: int) -> bool:
        """Whether the message at *position* is read."""
        return bool(self._database.value("select 1 from read_marks where position = ?", position))

    def among(self, low: int, high: int) -> set[int]:
        """The positions from *low* to *high* that are read."""
        rows = self._database.rows(
            "select position from read_marks where position between ? and ?", low, high
        )
        return {row["position"] for row in rows}

    def count(self, low: int) -> int:
        """How many messages from the position *low* on are read."""
        count: int = self._database.value(
            "select count(*) from read_marks where position >= ?", low
        )
        return count
