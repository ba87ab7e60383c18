"""``results.mail.refresh(server)``: the outcomes that Postmark's lists have, on the rows.

With a table of events in place of a server, ``from_events.py`` does it.
"""

from __future__ import annotations

import datetime as dt
import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import AccountError, MailframeError, MailframeWarning
from mailframe.notebook import rows_bar
from mailframe.outcomes.campaign_lists import (
    campaign_lists,
    details_of,
    is_stored_since,
    list_messages,
)
from mailframe.outcomes.columns import outcome_columns, outcomes, with_outcomes
from mailframe.outcomes.event_lists import LISTS, listed, unsubscribed
from mailframe.outcomes.events import EventKind, events_frame
from mailframe.outcomes.from_events import refresh_from_events
from mailframe.outcomes.newest import SECOND_NS
from mailframe.outcomes.refresh_state import KEY, ReadUpTo, RefreshState, state_of
from mailframe.outcomes.sent import Sent
from mailframe.postmark.account.questions import object_of
from mailframe.postmark.client import Postmark
from mailframe.postmark.timestamps import NO_STAMP

if TYPE_CHECKING:
    from mailframe.notebook import RowsBar
    from mailframe.outcomes.columns import Array

COUNTS: Final = ("opens", "clicks")
_BOUNCED: Final = EventKind.BOUNCED.value
_LEFT: Final = "unsubscribes"
_SHORTEST_RETENTION_NS: Final = 7 * 86_400 * SECOND_NS
"""Postmark stores events for 45 days, or for 7 to 365 with an add-on
(postmarkapp.com/developer/user-guide/tracking-opens/message-opens-api)."""


def refresh(
    results: pd.DataFrame,
    source: Postmark | pd.DataFrame,
    *,
    details: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """The results with the columns of outcomes as of now; see ``MailAccessor.refresh``."""
    if isinstance(source, pd.DataFrame):
        return refresh_from_events(results, source, details=details)
    refuse_arguments(source, details)
    return refreshed(results, Sent(results), source, details=details, progress=progress)


def refreshed(
    results: pd.DataFrame, sent: Sent, server: Postmark, *, details: int, progress: bool
) -> pd.DataFrame:
    """The same for the messages of *results*; what Postmark says of them is noted in *sent*."""
    if not len(sent):
        return with_outcomes(results, events_frame([]))
    run = _Run(server, sent)
    stopped: BaseException | None = None
    with rows_bar("refreshing", len(sent), shown=progress) as bar:
        try:
            run.read(results, details, bar)
        except (KeyboardInterrupt, AccountError) as error:
            stopped = error
    joined = run.joined(results)
    if isinstance(stopped, AccountError):
        stopped.results = joined
        raise stopped
    if stopped is not None:
        _warn("the refresh was interrupted; what it had not read is as before. Run it again")
    elif run.cut:
        _warn(
            f"Postmark lists only the newest 10,000 {' and '.join(sorted(run.cut))}; the counts of "
            "rows with older ones are missing. A webhook has all of them"
        )
    return joined


def refuse_arguments(server: object, details: object) -> None:
    """Raise an error for arguments of ``refresh`` that cannot be right."""
    if not isinstance(server, Postmark):
        raise MailframeError(
            "refresh takes a server, such as sandbox.server or mf.Postmark(), or the events of "
            f"mf.read_events, not a {type(server).__name__}"
        )
    if type(details) is not int or details < 0:
        raise MailframeError(f"details={details!r} is not a number of messages")
    if server.is_test_token:
        raise AccountError("the test token has no outcomes: Postmark stores nothing of it")


def _now_ns() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp()) * SECOND_NS


def _warn(text: str) -> None:
    warnings.warn(MailframeWarning(text), stacklevel=4)


class _Run:
    """One refresh: what was read so far.

    Attributes:
        whole: events of lists that were read from their start, and of those without counts.
        new: events that were not counted before.
        cut: the names of lists of which Postmark listed only a part.
    """

    def __init__(self, server: Postmark, sent: Sent) -> None:
        self.server, self.sent = server, sent
        self.whole: list[pd.DataFrame] = [events_frame([])]
        self.new: list[pd.DataFrame] = [events_frame([])]
        self.cut: set[str] = set()
        self._state: RefreshState | None = None
        self._is_kept = False
        self._is_uncertain = ~sent.is_stored

    # --- reading -----------------------------------------------------------------------------

    def read(self, results: pd.DataFrame, details: int, bar: RowsBar) -> None:
        """Read all lists; what was read is kept if a question fails or is interrupted."""
        state = self._begin(results)
        rows, steps = len(self.sent), len(state.lists.streams) * (len(LISTS) + 1)
        names = [(stream, what) for stream in state.lists.streams for what in (*LISTS, _LEFT)]
        for step, (stream, what) in enumerate(names):
            if what == _LEFT:
                bar.note(f"{what} of {stream}")
                self.whole.append(unsubscribed(self.server, stream, self.sent).events)
            else:
                self._read_list(state, stream, what, bar)
            bar.update(rows * (step + 1) // steps - rows * step // steps)
        state.asked_ns = max([_now_ns(), *(one.newest_ns or 0 for one in state.read.values())])
        if details:
            self._read_details(results, details, bar)

    def _begin(self, results: pd.DataFrame) -> RefreshState:
        """The state to go on with, or a new one after the lists of the campaign were found."""
        server = object_of(self.server, "/server").get("ID")
        if type(server) is not int:
            raise AccountError("GET /server: the answer has no ID")
        state = state_of(results, self.sent, server)
        if state is None:
            lists = campaign_lists(self.server, self.sent)
            state = RefreshState(server, lists, asked_ns=_now_ns())
            self._list_unknown(state)
            # while the search lags, each refresh finds the streams anew
            has_lists = lists.are_all or lists.mark is None
            self._is_kept = has_lists and bool(self.sent.is_stored.all())
        else:
            has_loss = _now_ns() - state.asked_ns > _SHORTEST_RETENTION_NS and not is_stored_since(
                self.server, state.lists, state.asked_ns
            )
            self._list_unknown(state)
            self.sent.is_stored[:] = not has_loss
            self._is_kept = not has_loss
        self._state = state
        return state

    def _list_unknown(self, state: RefreshState) -> None:
        """List the messages if one has no time or no recipient, as in rows of an earlier run."""
        is_unknown = (self.sent.submitted_ns == NO_STAMP) | ~self.sent.has_recipient
        if is_unknown.any() and state.lists.mark is not None:
            list_messages(self.server, state.lists, self.sent)

    def _read_list(self, state: RefreshState, stream: str, what: str, bar: RowsBar) -> None:
        """Read a list from the place where the last refresh ended; from its start without one."""
        before = state.read.get((stream, what))
        first_ns = self.sent.first_ns
        result = listed(
            *(self.server, what, stream, self.sent),
            tag=state.lists.streams[stream],
            since_ns=(before or ReadUpTo(first_ns)).since_ns,
            note=bar.note,
        )
        is_counted = what in COUNTS
        if result.cut_ns is not None and is_counted:
            self.cut.add(f"{what} of {stream}")
            self._is_uncertain |= self.sent.submitted_ns < result.cut_ns
            self._is_kept &= before is not None
        if before is not None and is_counted:
            self.new.append(before.new(result.events))
        else:
            self.whole.append(result.events)
        state.read[stream, what] = (before or ReadUpTo()).after(result.events, result.newest_ns)

    def _read_details(self, results: pd.DataFrame, most: int, bar: RowsBar) -> None:
        """Ask for messages one by one when they were delivered, in the order of the rows."""
        labels = outcome_columns(results)
        is_open = self.sent.index.row >= 0
        if labels is not None:
            is_open &= outcomes(results, labels)["delivered_at"].isna().to_numpy()
        whole = pd.concat(self.whole)
        bounced = self.sent.index.find(whole.loc[whole["kind"] == _BOUNCED, "MessageID"].tolist())
        places = pd.unique(self.sent.index.row[is_open])
        places = places[~np.isin(places, bounced)][:most]
        events: list[dict[str, Any]] = []
        for number, place in enumerate(places.tolist()):
            bar.note(f"details: {number:,} of {len(places):,}")
            message_id = self.sent.message_id(place)
            shown = details_of(self.server, message_id) or {}
            events += [
                {
                    "MessageID": message_id,
                    "kind": EventKind.DELIVERED.value,
                    "at": one.get("ReceivedAt"),
                    "Recipient": one.get("Recipient"),
                }
                for one in shown.get("MessageEvents") or []
                if isinstance(one, dict) and one.get("Type") == "Delivered"
            ]
        self.whole.append(events_frame(events))

    # --- columns -----------------------------------------------------------------------------

    def joined(self, results: pd.DataFrame) -> pd.DataFrame:
        """The results with what was read, and with the state for the next refresh."""
        whole, new = (pd.concat(one, ignore_index=True) for one in (self.whole, self.new))
        uncertain = self.sent.of_rows(self._is_uncertain | ~self.sent.is_stored)
        complete = {name: self._complete(name, whole, new) for name in COUNTS}
        index = self.sent.index
        joined = with_outcomes(results, whole, complete=complete, uncertain=uncertain, index=index)
        if len(new):
            joined = with_outcomes(joined, new, uncertain=uncertain, are_new=True, index=index)
        if self._state is not None:
            kept = {KEY: self._state.stored()} if self._is_kept else {}
            others = {name: one for name, one in joined.attrs.items() if name != KEY}
            joined.attrs = others | kept
        return joined

    def _complete(self, name: str, whole: pd.DataFrame, new: pd.DataFrame) -> Array | bool:
        """Which rows have no other opens, or clicks, than those that were read."""
        state = self._state
        if state is None or any((one, name) not in state.read for one in state.lists.streams):
            return False
        kind = {"opens": EventKind.OPENED, "clicks": EventKind.CLICKED}[name].value
        tracked = self.sent.is_tracked[name]
        if (whole["kind"] == kind).any() or (new["kind"] == kind).any():
            tracked = tracked | True
        elif name in state.untracked:
            tracked = tracked & False
        untracked = {*state.untracked} - {name} | (set() if tracked.any() else {name})
        state.untracked = tuple(sorted(untracked))
        is_complete = self.sent.is_stored & ~self._is_uncertain & tracked
        return self.sent.of_rows(is_complete)
