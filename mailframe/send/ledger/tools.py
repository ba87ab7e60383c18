"""What a person does after a run: ask about what is in doubt, decide it, read in a lost campaign, look back, forget."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from mailframe.errors import LedgerError
from mailframe.message.addresses import read_mailbox
from mailframe.message.keys import digest
from mailframe.message.models import CAMPAIGN_KEY
from mailframe.paths import DEFAULT_LEDGER, ledger_path
from mailframe.postmark import search
from mailframe.postmark.client import Postmark
from mailframe.results import advice
from mailframe.send.ledger import Attempt, CampaignRecord, Ledger, MessageState, maintenance
from mailframe.send.ledger.control_messages import read_control
from mailframe.send.ledger.release import Release
from mailframe.send.ledger.session import ask

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    LedgerName = str | os.PathLike[str]


_LONGEST_WAIT_S: Final = 3_600


def reconcile(
    name: str, server: Postmark | None = None, *, ledger: LedgerName = DEFAULT_LEDGER
) -> pd.DataFrame:
    """Ask Postmark for every request of a campaign that got no clear answer, and note what it holds.

    Nothing is sent. What Postmark does not show stays ``unknown``: absence in a search proves nothing by itself.

    Args:
        name: of the campaign.
        server: that it was sent through; None is ``mf.Postmark()``.
        ledger: where it is remembered.

    Returns:
        One row per request in doubt: ``batch``, ``started_at`` (UTC), ``messages``, ``found``, ``unknown``, ``why``.

    Raises:
        LedgerError: the ledger does not know the campaign, or Postmark cannot be asked.
    """
    with _opened(name, server, ledger) as here:
        lines = [(a, here.ask(a), len(here.ledger.unknown_of(a))) for a in here.doubtful()]
    return pd.DataFrame(
        {
            "batch": pd.array([a.number for a, _, _ in lines], dtype="Int64"),
            "started_at": pd.to_datetime([a.started_at for a, _, _ in lines], utc=True),
            "messages": pd.array([a.messages for a, _, _ in lines], dtype="Int64"),
            "found": pd.array([found for _, found, _ in lines], dtype="Int64"),
            "unknown": pd.array([left for _, _, left in lines], dtype="Int64"),
            "why": pd.array([a.why for a, _, _ in lines], dtype="str"),
        }
    )


def resolve(
    name: str,
    server: Postmark | None = None,
    *,
    as_: Literal["unsent", "accepted"],
    reason: str,
    control: str | None = None,
    timeout: float = 60.0,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> int:
    """Decide about the messages that are still unknown, by explicit confirmation; it is noted with the reason.

    Postmark is asked first; what it shows is ``accepted`` in any case. ``as_="unsent"`` makes the rest eligible
    again. It needs a proof that Postmark's search is up to date: a message of the same stream that was accepted
    after the batch and is shown. ``control="you@your-domain.example"`` provides it in the same call: one control
    message on each stream, from this address to itself and to nobody else. Should Postmark have accepted a message
    without showing it, that person gets two.

    Args:
        name: of the campaign.
        server: that it was sent through; None is ``mf.Postmark()``.
        as_: ``unsent`` to send them again with the next ``send``, ``accepted`` to leave them.
        reason: one line for whoever reads this later.
        control: an address of your own that this server may send from, such as the sender of the letter; None
            posts nothing, and a later message of another campaign must be shown.
        timeout: seconds to wait until Postmark's search shows a control message.
        ledger: where it is remembered.

    Returns:
        How many messages were decided.

    Raises:
        LedgerError: as ``unsent``, while a request is younger than 30 minutes, or while no later message of the
            same stream is shown (the index may lag, or the account may be paused). The text has the call to make.
    """
    if as_ not in ("unsent", "accepted") or not _is_text(reason):
        raise LedgerError(
            "resolve needs as_='unsent' or as_='accepted', and a reason for whoever reads this later"
        )
    if not _is_wait(timeout):
        raise LedgerError(
            f"timeout={timeout!r} is not a number of seconds from 0 to {_LONGEST_WAIT_S}"
        )
    mailbox = None if control is None else read_control(control)
    call = advice.resolve(name, reason=reason, control=control, ledger=ledger)
    with _opened(name, server, ledger) as here:
        doubtful = here.asked()
        if as_ == "unsent" and doubtful and not here.is_test:
            Release(here.server, here.ledger, here.campaign, mailbox, timeout, call).prove(doubtful)
            doubtful = here.asked()  # what the search shows now that it is known to be up to date
        state = MessageState.PLANNED if as_ == "unsent" else MessageState.ACCEPTED
        return sum(
            maintenance.resolve(here.ledger, here.campaign, attempt, state, reason=reason)
            for attempt in doubtful
        )


def adopt(
    name: str,
    server: Postmark | None = None,
    *,
    streams: Sequence[str] = search.STREAMS,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> int:
    """Read in from Postmark what a ledger does not know: after it was lost, or on another machine.

    Args:
        name: of the campaign.
        server: that it was sent through; None is ``mf.Postmark()``.
        streams: that it was sent on.
        ledger: where it is remembered from now on.

    Returns:
        How many messages became known as accepted. Postmark keeps them for 45 days.
    """
    with _opened(name, server, ledger, new=True) as here:
        lines = [
            maintenance.Adopted(one.key, one.message_id, one.person) for one in _held(here, streams)
        ]
        return maintenance.adopt(here.ledger, here.campaign, lines)


def audit(
    name: str,
    server: Postmark | None = None,
    *,
    streams: Sequence[str] = search.STREAMS,
    ledger: LedgerName = DEFAULT_LEDGER,
) -> pd.DataFrame:
    """Compare both sides: what the ledger says of each message, and how many copies Postmark holds.

    Returns:
        One row per message that either side knows: ``key`` (what stands for the row's key, hexadecimal),
        ``status``, ``copies`` (Int64) and ``finding``: ``agreed``, ``twice``, ``not_shown`` (accepted, and
        Postmark does not show it), ``not_known`` (Postmark holds it, and the ledger does not say so).
    """
    with _opened(name, server, ledger) as here:
        copies = Counter(found.key for found in _held(here, streams))
        known = {key: MessageState(state) for key, state in here.ledger.states(here.campaign)}
    keys = sorted(known.keys() | copies.keys())
    return pd.DataFrame(
        {
            "key": pd.array([key.hex() for key in keys], dtype="str"),
            "status": pd.array(
                [known[key].name.lower() if key in known else None for key in keys], dtype="str"
            ),
            "copies": pd.array([copies[key] for key in keys], dtype="Int64"),
            "finding": pd.array(
                [_finding(known.get(key), copies[key]) for key in keys], dtype="str"
            ),
        }
    )


def history(*, ledger: LedgerName = DEFAULT_LEDGER) -> pd.DataFrame:
    """Every campaign that the ledger remembers.

    Returns:
        One row per campaign and server, oldest first: ``campaign``, ``server``, ``began_at`` (UTC), and how many
        messages are ``planned``, ``sending``, ``accepted``, ``rejected`` and ``unknown``.
    """
    with _ledger(ledger) as opened:
        campaigns = opened.campaigns()
        counts = [opened.counts(campaign) for campaign, _ in campaigns]
    return pd.DataFrame(
        {
            "campaign": pd.array([campaign.name for campaign, _ in campaigns], dtype="str"),
            "server": pd.array([campaign.scope for campaign, _ in campaigns], dtype="str"),
            "began_at": pd.to_datetime([began for _, began in campaigns], utc=True),
            **{
                state.name.lower(): pd.array(
                    [count.get(state, 0) for count in counts], dtype="Int64"
                )
                for state in MessageState
            },
        }
    )


def forget(address: str, *, ledger: LedgerName = DEFAULT_LEDGER) -> int:
    """Drop what stands for an address in the ledger, as after a request for erasure.

    The digest of the row's key stays: it is what keeps this person from being mailed twice. It cannot be turned
    back into an address, but whoever knows the address can recompute it when the address is the key.

    Returns:
        How many messages it was dropped from.
    """
    with _ledger(ledger) as opened:
        return maintenance.forget(opened, digest(_identity(address)))


def prune(older_than: str = "365 days", *, ledger: LedgerName = DEFAULT_LEDGER) -> int:
    """Drop MessageIDs and what stands for addresses of old campaigns; what keeps people from a second copy stays.

    Args:
        older_than: an age as pandas writes it, such as ``90 days``.
        ledger: which one.

    Returns:
        How many messages were made smaller.
    """
    try:
        before = datetime.now(UTC) - _age(older_than)
    except (ValueError, OverflowError):
        raise LedgerError(
            f"older_than={older_than!r} is no age; write one such as '90 days'"
        ) from None
    with _ledger(ledger) as opened:
        return maintenance.prune(opened, before.isoformat(timespec="microseconds"))


def _identity(address: str) -> str:
    try:
        return read_mailbox(str(address)).identity
    except ValueError as fault:
        raise LedgerError(f"that is no address: {fault}") from None


def _age(said: object) -> timedelta:
    """An age with its unit; a bare number would be so many nanoseconds to pandas."""
    try:
        age = (
            pd.Timedelta(said).to_pytimedelta()
            if isinstance(said, str) and not said.strip().isdecimal()
            else None
        )
    except ValueError:
        age = None
    if age is None or age <= timedelta():
        raise LedgerError(
            f"older_than={said!r} is no age; write it with its unit, such as '90 days'"
        )
    return age


@dataclass(frozen=True, slots=True)
class _Here:
    """A campaign of a ledger, with us as its only sender."""

    ledger: Ledger
    campaign: CampaignRecord
    server: Postmark

    @property
    def is_test(self) -> bool:
        """Whether it went to the test token: nobody gets anything, and Postmark keeps nothing to search."""
        return self.campaign.scope == "test"

    def doubtful(self) -> list[Attempt]:
        return self.ledger.doubtful(self.campaign)

    def ask(self, attempt: Attempt) -> int:
        """How many of its messages Postmark shows; they are noted as accepted."""
        return 0 if self.is_test else len(ask(self.server, self.ledger, attempt))

    def asked(self) -> list[Attempt]:
        """The requests that are still in doubt after Postmark was asked for each."""
        for attempt in self.doubtful():
            self.ask(attempt)
        return self.doubtful()


@contextmanager
def _ledger(named: LedgerName) -> Iterator[Ledger]:
    path = ledger_path(named)
    if path is None:
        raise LedgerError("there is no ledger to look into; name one")
    with Ledger(path) as ledger:
        yield ledger


@contextmanager
def _opened(
    name: str, server: Postmark | None, named: LedgerName, *, new: bool = False
) -> Iterator[_Here]:
    if not isinstance(name, str):
        raise LedgerError(
            f"name={name!r} is not the name of a campaign; mf.history() lists the names"
        )
    through = server or Postmark()
    with _ledger(named) as ledger:
        scope = search.scope_of(through)
        campaign = ledger.campaign(scope, name) if new else ledger.find(scope, name)
        if campaign is None:
            raise LedgerError(
                f"{ledger.path}: no campaign {name!r} of this server; mf.history() lists those that it knows"
            )
        with ledger.sender_of(campaign):
            ledger.recover(campaign)
            yield _Here(ledger, campaign, through)


def _is_text(reason: object) -> bool:
    return isinstance(reason, str) and bool(reason.strip())


def _is_wait(seconds: object) -> bool:
    """Whether so many seconds can be waited; NaN compares as false."""
    return (
        isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 0 <= seconds <= _LONGEST_WAIT_S
    )


def _held(here: _Here, streams: Sequence[str]) -> Iterator[search.HeldMessage]:
    for stream in streams:
        yield from search.search_all(here.server, CAMPAIGN_KEY, here.campaign.tag, stream=stream)


def _finding(state: MessageState | None, copies: int) -> str:
    if copies > 1:
        return "twice"
    if copies == (1 if state is MessageState.ACCEPTED else 0):
        return "agreed"
    return "not_shown" if state is MessageState.ACCEPTED else "not_known"
