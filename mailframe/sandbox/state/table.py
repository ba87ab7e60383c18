"""What every table of the state has."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database


class Table:
    """One table of the database, or a few that belong together.

    Args:
        database: the database, which has the tables of all subclasses.
        clock: the clock of the sandbox.

    Attributes:
        SCHEMA: the statements that create the tables if they do not exist.
        CLEARED: the names of those that ``clear`` empties; ``reset`` empties all.
    """

    SCHEMA: ClassVar[str]
    CLEARED: ClassVar[tuple[str, ...]] = ()

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Read again what is kept in memory; called after the tables were emptied."""

    def read_again(self) -> None:
        """Read again what is kept in memory; called after a transaction was undone."""
        self.restart()
