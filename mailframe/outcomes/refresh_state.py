"""What the last refresh had read, kept in ``attrs`` of the results: the next one goes on there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mailframe.outcomes.campaign_lists import CampaignLists
from mailframe.outcomes.columns import outcome_columns
from mailframe.outcomes.newest import SECOND_NS
from mailframe.results.frame import last_column

if TYPE_CHECKING:
    import pandas as pd

    from mailframe.outcomes.sent import Sent

KEY: Final = "mailframe.refresh"
"""The name in ``attrs``."""
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
        untracked: ``opens`` and ``clicks``, if the messages do not track them.
    """

    server: int
    lists: CampaignLists
    read: dict[tuple[str, str], ReadUpTo] = field(default_factory=dict)
    asked_ns: int = 0
    lacked_ns: int | None = None
    members: dict[str, str] = field(default_factory=dict)
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
            "untracked": [*self.untracked],
        }


def state_of(results: pd.DataFrame, sent: Sent, server: int) -> RefreshState | None:
    """The state of *results* for a server; None if all lists have to be read from their start.

    That is so if a row was never refreshed, such as one that came from another frame.
    """
    labels = outcome_columns(results)
    if labels is None or last_column(results, labels["outcome"])[sent.index.row >= 0].isna().any():
        return None
    try:
        state = _read(results.attrs[KEY])
        if state.server != server:
            return None
        sent.note_members(state.members)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return state


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
        tuple(map(str, stored["untracked"])),
    )


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)
