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
from mailframe.outcomes.campaign_lists import campaign_lists, details_of, is_stored_since
from mailframe.outcomes.columns import outcome_columns, outcomes, with_outcomes, with_tally
from mailframe.outcomes.event_lists import LISTS, listed, unsubscribed
from mailframe.outcomes.events import EventKind, events_frame
from mailframe.outcomes.from_events import refresh_from_events
from mailframe.outcomes.newest import SECOND_NS
from mailframe.outcomes.refresh_state import KEY, RefreshState, state_of, totals
from mailframe.outcomes.sent import Sent
from mailframe.outcomes.tally import Tally
from mailframe.postmark.account.questions import object_of
from mailframe.postmark.client import Postmark
from mailframe.postmark.timestamps import NO_STAMP, nanoseconds

if TYPE_CHECKING:
    from mailframe.notebook import RowsBar
    from mailframe.outcomes.event_lists import Reading
    from mailframe.outcomes.refresh_state import ReadUpTo
    from mailframe.outcomes.tally import Array

COUNTS: Final = {"opens": EventKind.OPENED, "clicks": EventKind.CLICKED}
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
            f"Postmark did not list all {' and '.join(sorted(run.cut))}, of which it lists 10,000 "
            "at once; the counts of rows with others are missing. A webhook has all of them"
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
        cut: the names of lists of which Postmark listed only a part.
    """

    def __init__(self, server: Postmark, sent: Sent) -> None:
        self.server, self.sent = server, sent
        self.cut: set[str] = set()
        self._state: RefreshState | None = None
        self._start(goes_on=False)

    def _start(self, *, goes_on: bool) -> None:
        """Begin to read: what is new, or all."""
        self._goes_on = goes_on
        self._tally = Tally(len(self.sent))
        self._is_uncertain = np.zeros(len(self.sent), dtype=bool)

    # --- reading -----------------------------------------------------------------------------

    def read(self, results: pd.DataFrame, details: int, bar: RowsBar) -> None:
        """Read all lists; what was read is kept if a question fails or is interrupted."""
        server = object_of(self.server, "/server").get("ID")
        if type(server) is not int:
            raise AccountError("GET /server: the answer has no ID")
        before = state_of(results, self.sent, server)
        is_read = False
        if before is not None and self._has_all_since(before):
            self._start(goes_on=True)
            self._state = before
            is_read = self._read_lists(before, bar)
        if not is_read:
            self._start(goes_on=False)
            lists = campaign_lists(self.server, self.sent, cut=self.cut, note=bar.note)
            lacked_ns = self._lacked_ns(before)
            self._state = RefreshState(
                server,
                lists,
                asked_ns=_now_ns(),
                lacked_ns=lacked_ns,
                members=self.sent.members(),
            )
            self._read_lists(self._state, bar)
        if details:
            self._read_details(results, details, bar)

    def _has_all_since(self, state: RefreshState) -> bool:
        """Whether what is new is all that can be new, so that a refresh can go on."""
        has_gap = _now_ns() - state.asked_ns > _SHORTEST_RETENTION_NS
        return state.is_final and (
            not has_gap or is_stored_since(self.server, state.lists, state.asked_ns)
        )

    def _lacked_ns(self, before: RefreshState | None) -> int | None:
        """Since when messages are lacking, or when the newest of them was accepted; or None."""
        lacking = self.sent.submitted_ns[~self.sent.is_listed]
        if not len(lacking):
            return None
        since = [int(lacking.max()) if lacking.min() > NO_STAMP else _now_ns()]
        if before is not None and before.lacked_ns is not None:
            since.append(before.lacked_ns)
        return min(since)

    def _read_lists(self, state: RefreshState, bar: RowsBar) -> bool:
        """Read each list of the campaign; False if a count has become known for all rows."""
        rows, steps = len(self.sent), len(state.lists.streams) * (len(LISTS) + 1)
        names = [(stream, what) for stream in state.lists.streams for what in (*LISTS, _LEFT)]
        for step, (stream, what) in enumerate(names):
            if what == _LEFT:
                bar.note(f"{what} of {stream}")
                unsubscribed(self.server, stream, self.sent, self._tally)
            elif not self._read_list(state, stream, what, bar):
                return False
            bar.update(rows * (step + 1) // steps - rows * step // steps)
        state.asked_ns = max([_now_ns(), *(one.newest_ns or 0 for one in state.read.values())])
        return True

    def _read_list(self, state: RefreshState, stream: str, what: str, bar: RowsBar) -> bool:
        """Read a list from the place where the last refresh ended, or from its start.

        Also from its start if events have come late, which are older than that.
        """
        before = state.read.get((stream, what))
        reading = self._listed(state, stream, what, before, bar)
        if reading.has_late:
            before = None
            reading = self._listed(state, stream, what, None, bar)
        if self._goes_on and what in state.untracked and len(reading.events):
            return False
        is_new = None if before is None else reading.events.without(before.counted)
        reading.events.add_to(self._tally, is_new)
        if reading.cut_ns is not None and what in COUNTS:
            self.cut.add(f"{what} of {stream}")
            self._is_uncertain |= self.sent.submitted_ns < reading.cut_ns
        state.read[stream, what] = reading.up_to
        return True

    def _listed(
        self,
        state: RefreshState,
        stream: str,
        what: str,
        before: ReadUpTo | None,
        bar: RowsBar,
    ) -> Reading:
        tag = state.lists.streams[stream]
        return listed(self.server, what, stream, self.sent, tag=tag, before=before, note=bar.note)

    def _read_details(self, results: pd.DataFrame, most: int, bar: RowsBar) -> None:
        """Ask for messages one by one when they were delivered, in the order of the rows."""
        labels = outcome_columns(results)
        is_open = self.sent.index.row >= 0
        if labels is not None:
            is_open &= outcomes(results, labels)["delivered_at"].isna().to_numpy()
        places = pd.unique(self.sent.index.row[is_open])
        places = places[~np.isin(places, [*self._tally.bounces])][:most]
        for number, place in enumerate(places.tolist()):
            bar.note(f"details: {number:,} of {len(places):,}")
            shown = details_of(self.server, self.sent.message_id(place)) or {}
            times = nanoseconds(
                [
                    one["ReceivedAt"]
                    for one in shown.get("MessageEvents") or []
                    if isinstance(one, dict)
                    and one.get("Type") == "Delivered"
                    and isinstance(one.get("ReceivedAt"), str)
                ]
            )
            times = times[times != NO_STAMP]
            self._tally.add(EventKind.DELIVERED, np.full(len(times), place), times)

    # --- columns -----------------------------------------------------------------------------

    def joined(self, results: pd.DataFrame) -> pd.DataFrame:
        """The results with what was read, and with the state for the next refresh."""
        complete: dict[str, Any] = {}
        if not self._goes_on:
            self._is_uncertain |= ~self.sent.is_listed
            complete = {name: self._complete(name) for name in COUNTS}
        joined = with_tally(
            results,
            self.sent.index,
            self._tally,
            complete=complete,
            uncertain=self.sent.of_rows(self._is_uncertain),
            goes_on=self._goes_on,
        )
        self.sent.fill(joined)
        state = self._state
        if state is not None:
            state.totals = totals(joined, self.sent)
            is_whole = all(
                (one, name) in state.read for one in state.lists.streams for name in LISTS
            )
            kept = {KEY: state.stored()} if is_whole else {}
            joined.attrs = {name: one for name, one in joined.attrs.items() if name != KEY} | kept
        return joined

    def _complete(self, name: str) -> Array | bool:
        """Which rows have no other opens, or clicks, than those that were read."""
        state = self._state
        if state is None or any((one, name) not in state.read for one in state.lists.streams):
            return False
        is_tracked = self.sent.is_tracked[name]
        if self._tally.has(COUNTS[name]):
            is_tracked = is_tracked | True
        elif not is_tracked.any():
            state.untracked = (*state.untracked, name)
        return self.sent.of_rows(~self._is_uncertain & is_tracked)
