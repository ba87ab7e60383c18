"""``results.mail.refresh(events)``: the outcomes of a table of events, on the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mailframe.errors import MailframeError
from mailframe.outcomes.columns import with_outcomes
from mailframe.outcomes.events import EVENT_DTYPES
from mailframe.outcomes.refresh_state import KEY

if TYPE_CHECKING:
    from collections.abc import Hashable


def refresh_from_events(
    results: pd.DataFrame, events: pd.DataFrame, *, details: int = 0
) -> pd.DataFrame:
    """The results with the outcomes of *events*, joined by MessageID.

    What the last refresh from a server had read is not kept: it cannot know which of the counted
    events these were, so the next one reads all lists from their start.

    Args:
        results: a results frame.
        events: what ``mf.read_events`` returned, or some of its rows.
        details: is 0, because events have no more.

    Raises:
        MailframeError: *events* is another frame, or *details* is not 0.
        ResultsError: *results* is not a results frame.
    """
    if details:
        raise MailframeError("details= asks a server; events have all that they say")
    missing = [name for name in EVENT_DTYPES if name not in events.columns]
    if missing:
        raise MailframeError(
            f"refresh takes a server or the events of mf.read_events; this frame has no column "
            f"{missing[0]!r}"
        )
    if not isinstance(events["at"].dtype, pd.DatetimeTZDtype):
        raise MailframeError(
            f"the column 'at' of the events has the dtype {events['at'].dtype}, not times in UTC; "
            "give what mf.read_events returned"
        )
    joined = with_outcomes(results, events[list(EVENT_DTYPES)])
    others: dict[Hashable | None, object] = {
        name: value for name, value in joined.attrs.items() if name != KEY
    }
    joined.attrs = others
    return joined
