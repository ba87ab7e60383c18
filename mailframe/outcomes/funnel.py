"""How many messages reached each stage: a table, also for each value of a column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import ResultsError
from mailframe.outcomes.columns import is_bounced, is_complaint, outcome_columns, outcomes
from mailframe.pandas_versions import text_labels
from mailframe.results.status_counts import grouped

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mailframe.outcomes.tally import Array

_STAGE: Final = "stage"


def funnel(results: pd.DataFrame, by: Hashable | list[Hashable] | None = None) -> pd.DataFrame:
    """Rows and shares by stage; see ``MailAccessor.funnel``."""
    reached = stages(outcomes_of(results))
    group: Array = np.zeros(len(results), dtype=np.int64)
    values: pd.Index[Any] = pd.RangeIndex(1)
    if by is not None:
        group, values = grouped(results, by)
    size = len(values)
    rows = np.array([np.bincount(group[one], minlength=size) for one, _ in reached.values()]).T
    of_all = np.array([np.bincount(group[one], minlength=size) for _, one in reached.values()]).T
    is_missing = (of_all == 0) & (rows[:, :1] > 0)
    shares = np.divide(rows, of_all, out=np.full(rows.shape, np.nan), where=of_all > 0)
    columns = {
        "rows": pd.arrays.IntegerArray(rows.ravel().astype(np.int64), is_missing.ravel()),
        "share": shares.ravel(),
    }
    return pd.DataFrame(columns, index=_index(values, [*reached], has_values=by is not None))


def outcomes_of(results: pd.DataFrame) -> pd.DataFrame:
    """The columns of outcomes of *results* under their standard names.

    Raises:
        ResultsError: there are none.
    """
    labels = outcome_columns(results)
    if labels is None:
        raise ResultsError(
            "these results have no columns of outcomes; run results = results.mail.refresh(server)"
        )
    return outcomes(results, labels)


def stages(table: pd.DataFrame) -> dict[str, tuple[Array, Array]]:
    """Which rows reached each stage, and of which rows that is known; for a table of outcomes."""
    accepted = table["outcome"].notna().to_numpy()
    opened, clicked, delivered, left = (
        table[name].notna().to_numpy()
        for name in ("opened_at", "clicked_at", "delivered_at", "unsubscribed_at")
    )
    # a webhook records each delivery; after some questions for details, opened rows have none
    has_deliveries = delivered.any() and not ((opened | clicked) & ~delivered).any()
    return {
        "accepted": (accepted, accepted),
        "delivered": (delivered & has_deliveries, accepted & has_deliveries),
        "opened": (opened, opened | table["opens"].notna().to_numpy()),
        "clicked": (clicked, clicked | table["clicks"].notna().to_numpy()),
        "bounced": (is_bounced(table["bounce_type"]), accepted),
        "unsubscribed": (left, accepted),
        "complained": (is_complaint(table["bounce_type"]), accepted),
    }


def _index(values: pd.Index[Any], stages: list[str], *, has_values: bool) -> pd.Index[Any]:
    """The stages; below each value, if there are values."""
    names = text_labels(stages * len(values), _STAGE)
    if not has_values:
        return names
    each = values.repeat(len(stages))
    levels = [each.get_level_values(level) for level in range(each.nlevels)]
    return pd.MultiIndex.from_arrays([*levels, names])
