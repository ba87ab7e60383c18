"""A campaign as it was composed: the frame, the letter bound to it, and what was found out about its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailframe.message.preflight import Preflight, run_preflight
from mailframe.message.row_names import RowNames

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mailframe.message.binding import BoundLetter


@dataclass(frozen=True, slots=True)
class Composed:
    """What is sent: a campaign's frame and bound letter, and the inspections that it has made."""

    frame: pd.DataFrame
    bound: BoundLetter
    key: tuple[str, ...]
    name: str | None
    inspections: dict[bool, Preflight]

    @property
    def names(self) -> RowNames:
        """What the rows are called."""
        return RowNames(self.frame, self.key)

    def inspected(self, watch: Callable[[int], None] | None = None) -> Preflight:
        """What a look at every row finds, whatever the server; made once and kept with the campaign.

        Args:
            watch: called with the position of each row that is looked at.
        """
        if False not in self.inspections:
            self.inspections[False] = run_preflight(self.bound, self.frame, self.key, watch=watch)
        return self.inspections[False]
