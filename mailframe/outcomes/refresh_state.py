"""What the last refresh had read, kept in ``attrs`` of the results: the next one goes on there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.outcomes.campaign_lists import CampaignLists
from mailframe.outcomes.columns import outcome_columns, outcomes
from mailframe.outcomes.newest import SECOND_NS
from mailframe.results.frame import last_column

if TYPE_CHECKING:
    from mailframe.outcomes.sent import Sent

KEY: Final = "mailframe.refresh"
"""The name in ``attrs``."""
COUNTS: Final = {"opens": "opened_at", "clicks": "clicked_at"}
"""The columns of numbers of events, and those of their first times."""
OVERLAP_NS: Final = 15 * 60 * SECOND_NS
"""So far back a list is read again, because Postmark may list an event late. Postmark documents no
time; 15 minutes are an assumption. A later one is noticed by the number of older events."""
_LAG_NS: Final = 86_400 * SECOND_NS
"""After so long a message that no search shows counts as deleted, and not as late; an assumption,
as Postmark documents no time."""


@dataclass(frozen=True, slots=True)
class ReadUpTo:
    """How far a list was read.

    Attributes:
        newest_ns: the time of its newest event; None without one.
        older: how many events it had from before ``since_ns``, of any message; None if unknown.
        counted: the digests of the counted events since then, in hexadecimal. One text, because
            pandas copies ``attrs`` with every frame, and texts are not copied.
    """

    newest_ns: int | None = None
    older: int | None = None
    counted: str = ""

    @property
    def since_ns(self) -> int | None:
        """The time from which it is read again; None is from its start."""
        return None if self.newest_ns is None else self.newest_ns - OVERLAP_NS


@dataclass(slots=True)
class RefreshState:
    """The state of a refresh.

    Attributes:
        server: the ID of the server.
        lists: the lists of the campaign.
        read: how far each was read, by stream and name.
        asked_ns: when Postmark was asked.
        lacked_ns: when a refresh first lacked messages, which a search may show later; None if it
            showed all of them.
        members: the messages of each stream; see ``Sent.members``.
        totals: the number of messages, and the sums of their counts, in the order of ``COUNTS``.
        untracked: ``opens`` and ``clicks``, if the messages do not track them.
    """

    server: int
    lists: CampaignLists
    read: dict[tuple[str, str], ReadUpTo] = field(default_factory=dict)
    asked_ns: int = 0
    lacked_ns: int | None = None
    members: dict[str, str] = field(default_factory=dict)
    totals: tuple[int, ...] = ()
    untracked: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether a message that was not shown will not be shown any more."""
        return self.lacked_ns is None or self.asked_ns - self.lacked_ns > _LAG_NS

    def stored(self) -> dict[str, Any]:
        """The state as JSON has it."""
        return {
            "server": self.server,
            "streams": dict(self.lists.streams),
            "read": [
                [*name, one.newest_ns, one.older, one.counted] for name, one in self.read.items()
            ],
            "asked": self.asked_ns,
            "lacked": self.lacked_ns,
            "members": dict(self.members),
            "totals": [*self.totals],
            "untracked": [*self.untracked],
        }


def state_of(results: pd.DataFrame, sent: Sent, server: int) -> RefreshState | None:
    """The state of *results* for a server; None if all lists have to be read from their start.

    That is so if a row was never refreshed, or by another refresh than the state is of: one that
    came from another frame. Also if a recipient is not known, who may have unsubscribed.
    """
    labels = outcome_columns(results)
    if labels is None or last_column(results, labels["outcome"])[sent.index.row >= 0].isna().any():
        return None
    try:
        state = _read(results.attrs[KEY])
        if state.server != server or not _are_of(results, sent, state):
            return None
        sent.note_members(state.members)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return None if sent.lacks() else state


def totals(results: pd.DataFrame, sent: Sent) -> tuple[int, ...]:
    """The number of messages, and the sums of their counts."""
    table = _of_messages(results, sent, [*COUNTS])
    return len(table), *(int(table[name].sum()) for name in COUNTS)


def _of_messages(results: pd.DataFrame, sent: Sent, names: list[str]) -> pd.DataFrame:
    """Some columns of outcomes, one row per message."""
    labels = outcome_columns(results) or {}
    return outcomes(results, {name: labels[name] for name in names}).iloc[sent.index.first]


def _are_of(results: pd.DataFrame, sent: Sent, state: RefreshState) -> bool:
    """Whether outcomes can be those of the refresh that a state is of.

    Else events would be counted twice, or not at all.
    """
    if len(sent) == state.totals[0] and totals(results, sent) != state.totals:
        return False
    table = _of_messages(results, sent, [*COUNTS.values()])
    for name, column in COUNTS.items():
        newest = [one.newest_ns or 0 for (_, what), one in state.read.items() if what == name]
        if (table[column] > pd.Timestamp(max(newest, default=0), tz="UTC")).any():
            return False
    return True


def _read(stored: Any) -> RefreshState:
    read = {
        (str(stream), str(name)): ReadUpTo(_integer(newest), _integer(older), str(counted))
        for stream, name, newest, older, counted in stored["read"]
    }
    return RefreshState(
        int(stored["server"]),
        CampaignLists(dict(stored["streams"])),
        read,
        int(stored["asked"]),
        _integer(stored["lacked"]),
        {str(name): str(one) for name, one in stored["members"].items()},
        tuple(map(int, stored["totals"])),
        tuple(map(str, stored["untracked"])),
    )


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)
