"""What the last refresh had read, kept in ``attrs`` of the results: the next one goes on there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mailframe.outcomes.campaign_lists import CampaignLists
from mailframe.outcomes.columns import outcome_columns
from mailframe.outcomes.events import IDENTITY, each_once
from mailframe.outcomes.newest import SECOND_NS
from mailframe.results.frame import last_column

if TYPE_CHECKING:
    import pandas as pd

    from mailframe.outcomes.sent import Sent

KEY: Final = "mailframe.refresh"
"""The name in ``attrs``."""
OVERLAP_NS: Final = 15 * 60 * SECOND_NS
"""So far back a list is read again, because Postmark may list an event late. Postmark documents no
time; 15 minutes are an assumption."""
_DIGITS: Final = 16


@dataclass(slots=True)
class ReadUpTo:
    """How far a list was read.

    Attributes:
        newest_ns: the time of its newest event; None without one.
        counted: the digests of the counted events of the last ``OVERLAP_NS``. One text, because
            pandas copies ``attrs`` with every frame, and texts are not copied.
    """

    newest_ns: int | None = None
    counted: str = ""

    @property
    def since_ns(self) -> int | None:
        """The time from which it is read again; None is from its start."""
        return None if self.newest_ns is None else self.newest_ns - OVERLAP_NS

    def new(self, events: pd.DataFrame) -> pd.DataFrame:
        """The events that were not counted yet."""
        counted = {self.counted[at : at + _DIGITS] for at in range(0, len(self.counted), _DIGITS)}
        once = each_once(events)
        return once[[digest not in counted for digest in _digests(once)]]

    def after(self, events: pd.DataFrame, newest_ns: int | None) -> ReadUpTo:
        """The same after *events* were counted, too."""
        newest = max((one for one in (self.newest_ns, newest_ns) if one is not None), default=None)
        if newest is None:
            return ReadUpTo()
        since = events["at"].dt.as_unit("ns").to_numpy("datetime64[ns]").view("i8")
        recent = each_once(events[since >= newest - OVERLAP_NS])
        return ReadUpTo(newest, "".join(_digests(recent)))


@dataclass(slots=True)
class RefreshState:
    """The state of a refresh.

    Attributes:
        server: the ID of the server.
        lists: the lists of the campaign.
        read: how far each was read, by stream and name.
        asked_ns: when Postmark was asked.
        untracked: ``opens`` and ``clicks``, if the messages do not track them.
    """

    server: int
    lists: CampaignLists
    read: dict[tuple[str, str], ReadUpTo] = field(default_factory=dict)
    asked_ns: int = 0
    untracked: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """The state as JSON has it."""
        return {
            "server": self.server,
            "mark": self.lists.mark,
            "streams": dict(self.lists.streams),
            "read": [[*name, one.newest_ns, one.counted] for name, one in self.read.items()],
            "asked": self.asked_ns,
            "untracked": [*self.untracked],
        }


def state_of(results: pd.DataFrame, sent: Sent, server: int) -> RefreshState | None:
    """The state of *results* for a server; None if all lists have to be read from their start.

    That is so if a row was never refreshed, such as one that came from another frame.
    """
    labels = outcome_columns(results)
    if labels is None or last_column(results, labels["outcome"])[sent.index.row >= 0].isna().any():
        return None
    stored = results.attrs.get(KEY)
    try:
        state = _read(stored)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return state if state.server == server else None


def _read(stored: Any) -> RefreshState:
    lists = CampaignLists(dict(stored["streams"]), stored["mark"], are_all=True)
    read = {
        (str(stream), str(name)): ReadUpTo(None if newest is None else int(newest), str(counted))
        for stream, name, newest, counted in stored["read"]
    }
    untracked = tuple(map(str, stored["untracked"]))
    return RefreshState(int(stored["server"]), lists, read, int(stored["asked"]), untracked)


def _digests(events: pd.DataFrame) -> list[str]:
    """The identity of each event as 16 hexadecimal digits."""
    columns = [map(str, events[name].tolist()) for name in IDENTITY]
    return [
        hashlib.blake2b("\0".join(cells).lower().encode(), digest_size=_DIGITS // 2).hexdigest()
        for cells in zip(*columns, strict=True)
    ]
