"""Which rows of results a comparison has, and in which group each is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.counting import counted
from mailframe.errors import ResultsError
from mailframe.message.row_names import RowNames, is_missing_label
from mailframe.outcomes.measured import truths
from mailframe.results import reasons
from mailframe.results.frame import (
    GROUP_SHARES,
    VARIANT,
    newest,
    results_columns,
    standard_name,
)
from mailframe.results.row_results import Status
from mailframe.results.status_counts import name_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.outcomes.intervals import Array

HOLDOUT: Final = "holdout"
MAILED: Final = "mailed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The groups of rows that are compared.

    Attributes:
        kind: ``variant`` or ``holdout``.
        names: the names of the groups; the first is the one that the others are compared with.
        positions: the positions of the compared rows.
        group: the place in *names* of each.
        shares: the share of each group as it was assigned; None if it is unknown.
    """

    kind: str
    names: tuple[str, ...]
    positions: Array
    group: Array
    shares: tuple[float, ...] | None


class ComparedRows:
    """The rows that would have got the message, with the group that each was assigned to.

    Those are the rows that were posted, now or earlier, and the holdout. Rejected rows are among
    them, because the holdout has people, too, whom Postmark would reject. Rows that are invalid or
    left out for another reason are so in every group. Rows that are unsent may get the message
    later.

    Args:
        results: a results frame.

    Attributes:
        status: the status of each row.
        changed: which rows got an earlier version of the message.
        accepted: which rows Postmark accepted, now or earlier.
        posted: which rows were posted.
        compared: which rows are compared.
        held: which of these were assigned to the holdout.
        variant: the variant of each row; None without variants.

    Raises:
        ResultsError: it is not a results frame, or has several rows of one message.
    """

    def __init__(self, results: pd.DataFrame) -> None:
        rows = newest(results)
        self._names = RowNames(results)
        self._refuse_repeated(rows["MessageID"])
        self.status, reason = rows["status"], rows["reason"]
        self.changed = rows["changed"].to_numpy(dtype=bool)
        is_skipped = self.has_status(Status.SKIPPED)
        was_accepted = is_skipped & (reason == reasons.ALREADY_SENT).to_numpy(dtype=bool)
        self.accepted = self.has_status(Status.ACCEPTED) | was_accepted
        self.posted = self.accepted | self.has_status(Status.UNKNOWN, Status.REJECTED)
        is_held_back = is_skipped & (reason == reasons.HOLDOUT).to_numpy(dtype=bool)
        self.compared = self.posted | is_held_back
        self.held = is_held_back
        column = _group_column(results, HOLDOUT) if is_held_back.any() else None
        if column is not None:
            self.held = self.compared & (is_held_back | truths(column))
        self.variant = _group_column(results, VARIANT)
        self._shares = _shares(results.attrs)

    def _refuse_repeated(self, message_id: pd.Series[Any]) -> None:
        """Refuse several rows of one message: they are one person, and no sample of several."""
        is_again = (message_id.duplicated() & message_id.notna()).to_numpy(dtype=bool)
        if is_again.any():
            row = self._names.of(int(is_again.argmax()))
            raise ResultsError(
                f"{counted(int(is_again.sum()), 'row')} repeat the MessageID of a row before, "
                f"first {row}: compare needs one row per person. Before a merge with a table "
                "that has several rows per person, sum that table up: orders.groupby('id', "
                "as_index=False)['revenue'].sum(); after concat, take the newest results alone"
            )

    def has_status(self, *statuses: Status) -> Array:
        """Which rows have one of these statuses."""
        return self.status.isin([status.value for status in statuses]).to_numpy(dtype=bool)

    def variants(self, weights: Mapping[str, float] | None, baseline: str | None) -> Comparison:
        """The comparison of the variants; with fewer than two of them it has fewer names.

        Raises:
            ResultsError: a row has no variant, or there is no variant *baseline*.
        """
        positions = np.flatnonzero(self.compared & ~self.held)
        cells = [] if self.variant is None else self.variant.iloc[positions].tolist()
        for place, cell in enumerate(cells):
            if is_missing_label(cell):
                row = self._names.of(int(positions[place]))
                raise ResultsError(f"{row} has no variant, and it was posted")
        names = self._in_order(cells)
        if baseline is not None:
            if baseline not in names:
                there = f"the variants are {names}" if names else "these rows have no variants"
                raise ResultsError(f"baseline={baseline!r}: {there}")
            names.sort(key=lambda name: name != baseline)
        places = {name: place for place, name in enumerate(names)}
        group = np.array([places[cell] for cell in cells], dtype=np.int64)
        shares = _of_names(self._assigned(names) if weights is None else weights, names)
        return Comparison(VARIANT, tuple(names), positions[: len(group)], group, shares)

    def _in_order(self, cells: list[Any]) -> list[Any]:
        """Each name once, in the order of ``by`` and ``funnel``."""
        try:
            names = sorted(set(cells), key=name_order)
        except TypeError as error:  # a list in a column of the caller
            raise ResultsError(
                f"the column of variants has a cell that is no name ({error})"
            ) from None
        if self.variant is not None and isinstance(self.variant.dtype, pd.CategoricalDtype):
            return [name for name in self.variant.cat.categories.tolist() if name in names]
        return names

    def _assigned(self, names: list[Any]) -> Mapping[str, float] | None:
        """The shares that compose assigned; equal ones if they are lost, as after a merge."""
        return dict.fromkeys(names, 1.0) if self._shares is None else self._shares.get("variants")

    def holdout(self, share: float | None) -> Comparison:
        """The comparison of those who got the message with the holdout."""
        positions = np.flatnonzero(self.compared)
        group = (~self.held[positions]).astype(np.int64)
        if share is None and self._shares is not None:
            share = self._shares.get("holdout")
        shares = None if share is None else (share, 1 - share)
        return Comparison(HOLDOUT, (HOLDOUT, MAILED), positions, group, shares)


def _group_column(results: pd.DataFrame, name: str) -> pd.Series[Any] | None:
    """The column with the groups of the newest results, also if it is a column of the caller."""
    labels = list(results.columns)
    newest_label = results_columns(results)["changed"]
    start = max(place for place, label in enumerate(labels) if label == newest_label) + 1
    after = [place for place in range(start, len(labels)) if _is_named(labels[place], name)]
    own = [place for place, label in enumerate(labels[:start]) if label == name]
    places = after[-1:] or own
    return results.iloc[:, places[0]] if len(places) == 1 else None


def _is_named(label: object, name: str) -> bool:
    return standard_name(label, (name,)) == name


def _shares(attrs: Mapping[Any, Any]) -> dict[str, Any] | None:
    """What ``attrs`` say about the assignment; None if they do not."""
    try:
        shares = json.loads(attrs[GROUP_SHARES])
    except (KeyError, TypeError, ValueError):
        return None
    return shares if isinstance(shares, dict) else None


def _of_names(assigned: Mapping[str, float] | None, names: list[Any]) -> tuple[float, ...] | None:
    """The shares of these variants alone."""
    weights = [(assigned or {}).get(name) for name in names]
    numbers = [weight for weight in weights if weight is not None]
    if not numbers or len(numbers) < len(weights):
        return None
    return tuple(weight / sum(numbers) for weight in numbers)
