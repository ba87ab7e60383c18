"""The rows that a send leaves out on purpose, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.results import reasons
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.message.groups import Groups
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.results.row_results import RowResults

_FIRST_TO_LAST: Final = (
    reasons.NO_CONSENT,
    reasons.EXCLUDED,
    reasons.SUPPRESSED,
    reasons.FREQUENCY_CAP,
)
"""A row with several reasons has the first. The holdout is last: it takes rows of those that would
get the message, so that both can be compared."""


BEFORE_THE_LEDGER: Final = (Status.UNSENT, Status.REJECTED)
"""The statuses of a row that can still be left out when its history is there."""


class LeftOut:
    """The rows that are left out so far.

    Args:
        checked: the preflight check of the campaign, as it gives it.
        groups: the groups of its rows.

    Attributes:
        whole: the check of all rows.
        preflight: the check of the rows that are left.
    """

    def __init__(self, checked: Preflight, groups: Groups) -> None:
        self.whole = checked if checked.whole is None else checked.whole
        self.preflight = checked
        self._groups = groups
        self._rows: dict[str, Mask] = {}
        self._candidates: Preflight | None = None
        if groups.no_consent is not None:
            self._rows[reasons.NO_CONSENT] = groups.no_consent

    @property
    def candidates(self) -> Preflight:
        """The check of the rows that are left, and of the holdout."""
        if self._candidates is None:  # with rows that repeat others it takes long
            rows = np.zeros(len(self.whole.sendable), dtype=bool)
            for one in self._rows.values():
                rows |= one
            self._candidates = self.whole.without(rows) if rows.any() else self.whole
        return self._candidates

    def add(self, reason: str, rows: Mask) -> None:
        """Leave out rows.

        Args:
            reason: a word of ``results/reasons.py``.
            rows: one per row, whether it is left out.
        """
        self._rows[reason] = rows
        if rows.any():
            self._candidates = None
            self.preflight = self._groups.without_holdout(self.candidates)

    def by_reason(self) -> Iterator[tuple[str, Mask]]:
        """The rows of each reason; every row that is left out has one."""
        left = np.array(self.preflight.left_out & np.ones(len(self.whole.sendable), dtype=bool))
        for reason in _FIRST_TO_LAST:
            if reason in self._rows:
                yield reason, self._rows[reason] & left
                left &= ~self._rows[reason]
        if self._groups.holdout is not None:
            yield reasons.HOLDOUT, left

    def settle(self, rows: RowResults, *, statuses: tuple[Status, ...]) -> None:
        """Set the status of the rows.

        Args:
            rows: the results.
            statuses: the statuses of rows that are set; the others keep theirs.
        """
        for reason, mask in self.by_reason():
            positions = np.flatnonzero(mask)
            if set(statuses) != set(Status):
                of_rows = (rows.status(position) in statuses for position in positions.tolist())
                positions = positions[np.fromiter(of_rows, dtype=bool, count=len(positions))]
            rows.settle_many(positions, Status.SKIPPED, reason=reason)
