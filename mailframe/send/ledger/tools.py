"""Ledger tools: reconcile, resolve, adopt, audit, history."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from mailframe.errors import LedgerError
from mailframe.limits import STREAMS
from mailframe.message.message import CAMPAIGN_KEY
from mailframe.pandas_versions import as_dtype
from mailframe.paths import DEFAULT_LEDGER, LedgerUrl, needed_ledger_path
from mailframe.postmark import search
from mailframe.postmark.client import Postmark
from mailframe.results import advice
from mailframe.send.ledger import Attempt, CampaignRecord, Ledger, MessageState, maintenance
from mailframe.send.ledger.control_messages import read_control
from mailframe.send.ledger.reconciliation import (
    messages_of,
    reconcile_attempt,
    record_shown,
)
from mailframe.send.ledger.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.paths import LedgerName, LedgerPlace


_MAX_TIMEOUT_S: Final = 3_600


def reconcile(
    name: str,
    server: Postmark | None = None,
    *,
    events: pd.DataFrame | None = None,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> pd.DataFrame:
    """Search Postmark for every unconfirmed request of a campaign, and record what it holds.

    Nothing is sent. A message that the search does not show stays ``unknown``: that alone does not
    prove that it was not accepted.

    Args:
        name: the name of the campaign.
        server: the server that it was sent through; None is ``mf.Postmark()``.
        events: what ``mf.read_events`` returned, or some of its rows. An event proves that Postmark
            accepted its message, whose metadata name row and request. They are read before the
            search, which is left out for a request of which nothing is unknown any more.
        ledger: the path or the URL of the ledger in which it is recorded.

    Returns:
        One row per unconfirmed request: ``batch``, ``started_at`` (UTC), ``messages``, ``found``,
        ``unknown``, ``why``.

    Raises:
        LedgerError: the ledger has no such campaign, or Postmark does not answer.
        MailframeError: *events* is another frame.
    """
    ledger = needed_ledger_path(ledger)
    of_events = {} if events is None else messages_of(events)
    with _open_campaign(name, server, ledger) as campaign:
        unconfirmed = campaign.unconfirmed()
        proven = campaign.record_events(of_events)  # of all requests, before a search may fail
        lines = [
            (
                attempt.number,
                attempt.started_at,
                attempt.messages,
                proven[attempt.uid] + campaign.reconcile(attempt),
                campaign.count_unknown(attempt),
                attempt.why,
            )
            for attempt in unconfirmed
        ]
    counts = {"messages": "Int64", "found": "Int64", "unknown": "Int64"}
    table = _table(lines, {"batch": "Int64", "started_at": "str", **counts, "why": "str"})
    return table.assign(started_at=pd.to_datetime(table["started_at"], utc=True))


def resolve(
    name: str,
    server: Postmark | None = None,
    *,
    as_: Literal["unsent", "accepted"],
    reason: str,
    control: str | None = None,
    timeout: float = 60.0,
    events: pd.DataFrame | None = None,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> int:
    """Decide about the messages that are still unknown, by explicit confirmation.

    Postmark is asked first; what it shows is ``accepted`` in any case. ``as_="unsent"`` makes the
    rest eligible again. It needs proof that Postmark's search is up to date: a message of the same
    stream that was accepted after the batch and is shown. ``control="you@your-domain.example"``
    provides it in the same call: one control message on each stream, from this address to itself
        and to nobody else. If Postmark accepted a message without showing it, that person gets two.

    Args:
        name: the name of the campaign.
        server: the server that it was sent through; None is ``mf.Postmark()``.
        as_: the state: ``unsent`` sends them again with the next ``send``, ``accepted`` does not.
        reason: the reason of the decision, one line; it is recorded.
        control: an address of your own that this server may send from, such as the sender of the
            letter; None posts nothing, and a later message of another campaign must be shown.
        timeout: the seconds to wait until Postmark's search shows a control message.
        events: as in ``reconcile``: what they prove is ``accepted`` in any case.
        ledger: the path or the URL of the ledger in which the campaign is recorded.

    Returns:
        The number of messages that were decided about.

    Raises:
        LedgerError: as ``unsent``, if a request is younger than 30 minutes, or if no later message
            of the same stream is shown (the index may lag, or the account may be paused). The text
            has the call to make.
    """
    ledger = needed_ledger_path(ledger)
    if as_ not in ("unsent", "accepted") or not _is_text(reason):
        raise LedgerError(
            "resolve needs as_='unsent' or as_='accepted', and the reason of the decision"
        )
    if not _is_timeout(timeout):
        raise LedgerError(
            f"timeout={timeout!r} is not a number of seconds from 0 to {_MAX_TIMEOUT_S}"
        )
    mailbox = None if control is None else read_control(control)
    of_events = {} if events is None else messages_of(events)
    call = advice.resolve_call(name, reason=reason, control=control, ledger=ledger)
    with _open_campaign(name, server, ledger) as campaign:
        campaign.record_events(of_events)
        unconfirmed = campaign.reconcile_all()
        if as_ == "unsent" and unconfirmed and not campaign.record.is_test:
            release = Release(
                campaign.server, campaign.ledger, campaign.record, mailbox, timeout, call
            )
            release.prove(unconfirmed)
            unconfirmed = campaign.reconcile_all()  # the search is known to be up to date now
        state = MessageState.PLANNED if as_ == "unsent" else MessageState.ACCEPTED
        return sum(
            maintenance.record_resolved(
                campaign.ledger, campaign.record, attempt, state, reason=reason
            )
            for attempt in unconfirmed
        )


def adopt(
    name: str,
    server: Postmark | None = None,
    *,
    streams: Sequence[str] = STREAMS,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> int:
    """Read in from Postmark what a ledger does not know: after it was lost, or on another machine.

    Args:
        name: the name of the campaign.
        server: the server that it was sent through; None is ``mf.Postmark()``.
        streams: the streams that it was sent on.
        ledger: the path or the URL of the ledger in which it is recorded from now on.

    Returns:
        How many messages became known as accepted. Postmark keeps them for 45 days.
    """
    ledger = needed_ledger_path(ledger)
    with _open_campaign(name, server, ledger, create=True) as campaign:
        held = list(campaign.held(streams))
        return maintenance.record_adopted(campaign.ledger, campaign.record, held)


def audit(
    name: str,
    server: Postmark | None = None,
    *,
    streams: Sequence[str] = STREAMS,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> pd.DataFrame:
    """Compare both sides: the state of each message in the ledger, and its copies at Postmark.

    Args:
        name: the name of the campaign.
        server: the server that it was sent through; None is ``mf.Postmark()``.
        streams: the streams that it was sent on.
        ledger: the path or the URL of the ledger in which it is recorded.

    Returns:
        One row per message that either side has: ``key`` (digest of the row's key, hexadecimal),
        ``status``, ``copies`` (Int64) and ``finding``: ``agreed``, ``twice``, ``not_shown``
        (accepted, and Postmark does not show it), ``not_known`` (Postmark holds it, and the ledger
        does not say so).
    """
    ledger = needed_ledger_path(ledger)
    with _open_campaign(name, server, ledger, reading=True) as campaign:
        copies = Counter(message.key for message in campaign.held(streams))
        recorded = campaign.ledger.recorded_messages(campaign.record)
    states = {
        key.tobytes(): MessageState(state)
        for key, state in zip(recorded.keys, recorded.states.tolist(), strict=True)
    }
    lines = [
        (
            key.hex(),
            states[key].name.lower() if key in states else None,
            copies[key],
            _finding(states.get(key), copies[key]),
        )
        for key in sorted(states.keys() | copies.keys())
    ]
    return _table(lines, {"key": "str", "status": "str", "copies": "Int64", "finding": "str"})


def history(*, ledger: LedgerName = DEFAULT_LEDGER) -> pd.DataFrame:
    """Every campaign of a ledger.

    Args:
        ledger: the path or the URL of the ledger.

    Returns:
        One row per campaign and server, oldest first: ``campaign``, ``server``, ``began_at`` (UTC),
            and how many messages are ``planned``, ``sending``, ``accepted``, ``rejected`` and
            ``unknown``.
    """
    ledger = needed_ledger_path(ledger)
    with Ledger(ledger, read_only=_is_shared(ledger)) as opened:
        campaigns = [(one, began_at, opened.counts(one)) for one, began_at in opened.campaigns()]
    lines = [
        (one.name, one.scope, began_at, *(counts.get(state, 0) for state in MessageState))
        for one, began_at, counts in campaigns
    ]
    states = {state.name.lower(): "Int64" for state in MessageState}
    table = _table(lines, {"campaign": "str", "server": "str", "began_at": "str", **states})
    return table.assign(began_at=pd.to_datetime(table["began_at"], utc=True))


def _table(lines: Sequence[tuple[object, ...]], dtypes: Mapping[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(lines, columns=list(dtypes))
    return table.assign(**{name: as_dtype(table[name], dtype) for name, dtype in dtypes.items()})


@dataclass(frozen=True, slots=True)
class _OpenCampaign:
    """A campaign of an open ledger, locked for this call.

    Attributes:
        ledger: the open ledger.
        record: the record of the campaign.
        server: the server that it was sent through.
    """

    ledger: Ledger
    record: CampaignRecord
    server: Postmark

    def unconfirmed(self) -> list[Attempt]:
        """The unconfirmed requests, oldest first."""
        return self.ledger.unconfirmed_attempts(self.record)

    def count_unknown(self, attempt: Attempt) -> int:
        """How many messages of a request are unknown."""
        return len(self.ledger.unknown_messages(attempt))

    def record_events(self, of_events: Mapping[str, list[search.StoredMessage]]) -> Counter[str]:
        """Record as accepted what events prove; their number by request."""
        proven: Counter[str] = Counter()
        for attempt in () if self.record.is_test else self.unconfirmed():
            messages = of_events.get(attempt.uid, ())
            proven[attempt.uid] = len(record_shown(self.ledger, attempt, messages))
        return proven

    def reconcile(self, attempt: Attempt) -> int:
        """How many messages of a request Postmark shows; they are recorded as accepted."""
        if self.record.is_test or not self.count_unknown(attempt):
            return 0
        return len(reconcile_attempt(self.server, self.ledger, attempt))

    def reconcile_all(self) -> list[Attempt]:
        """The requests that are still unconfirmed after Postmark was asked for each."""
        for attempt in self.unconfirmed():
            self.reconcile(attempt)
        return self.unconfirmed()

    def held(self, streams: Sequence[str]) -> Iterator[search.StoredMessage]:
        """The messages of the campaign that Postmark holds."""
        for stream in streams:
            query = search.MessageSearch(self.server, CAMPAIGN_KEY, self.record.tag, stream)
            yield from query.every()


def _is_shared(place: LedgerPlace) -> bool:
    """Whether a role may have the right to read alone; a file is opened to repair it."""
    return isinstance(place, LedgerUrl)


@contextmanager
def _open_campaign(
    name: str,
    server: Postmark | None,
    place: LedgerPlace,
    *,
    create: bool = False,
    reading: bool = False,
) -> Iterator[_OpenCampaign]:
    if not isinstance(name, str):
        raise LedgerError(
            f"name={name!r} is not the name of a campaign; mf.history() lists the names"
        )
    server = server or Postmark()
    read_only = reading and _is_shared(place)
    with Ledger(place, read_only=read_only) as ledger:
        scope = search.scope_of(server)
        record = ledger.campaign(scope, name) if create else ledger.find_campaign(scope, name)
        if record is None:
            raise LedgerError(
                f"{ledger.place}: no campaign {name!r} of this server; mf.history() lists the names"
            )
        if read_only:
            yield _OpenCampaign(ledger, record, server)
            return
        with ledger.lock_campaign(record):
            ledger.recover(record)
            yield _OpenCampaign(ledger, record, server)


def _is_text(reason: object) -> bool:
    return isinstance(reason, str) and bool(reason.strip())


def _is_timeout(seconds: object) -> bool:
    """Whether so many seconds can be waited; NaN compares as false."""
    return (
        isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 0 <= seconds <= _MAX_TIMEOUT_S
    )


def _finding(state: MessageState | None, copies: int) -> str:
    if copies > 1:
        return "twice"
    if copies == (1 if state is MessageState.ACCEPTED else 0):
        return "agreed"
    return "not_shown" if state is MessageState.ACCEPTED else "not_known"
