"""One run of a campaign and its ledger: who may be sent, what is noted before a request and after it.

The order is the promise: planned → noted as sending, on the disk → request → noted as answered. What is found
sending without a living sender is unknown, is asked for at Postmark, and is never sent again by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from mailframe import errors
from mailframe.message.letter_fingerprint import is_another_letter
from mailframe.message.models import ATTEMPT_KEY, CAMPAIGN_KEY, Batch
from mailframe.postmark import search
from mailframe.postmark.message_ids import TakenIds, one_spelling
from mailframe.results import advice
from mailframe.results.frame import Status
from mailframe.send.ledger import Ledger, MessageState
from mailframe.send.ledger.held_ids import held_ids
from mailframe.send.ledger.other_campaigns import newest_attempt
from mailframe.send.ledger.recorded import in_doubt, joined, tell
from mailframe.send.ledger.repeats import refuse_repeats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.postmark.responses import Answer, Outcome
    from mailframe.postmark.search import Queryable
    from mailframe.results.frame import RowResults
    from mailframe.send.ledger import Attempt, CampaignRecord
    from mailframe.send.overrides import Overrides


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch as it is posted, and the note of it."""

    batch: Batch
    attempt: Attempt | None = None


class SendSession(Protocol):
    """What a sender asks before and tells after each request."""

    eligible: Mask
    notices: list[str]
    """What a person should know although nothing was blocked; told when the run has ended."""
    taken: TakenIds
    """The MessageIDs that a further answer may not repeat."""

    def begin(self) -> None:
        """Settle what needs no sending, and note what will be sent."""

    def claim(self, batch: Batch) -> Claim:
        """Note that a batch is about to leave; when it returns, that is on the disk."""

    def note(self, claim: Claim, answer: Answer) -> None:
        """Note what a request came to."""

    def give_up(self, claim: Claim, why: str) -> None:
        """Note that nobody waits for the answer any more."""

    def settle(self, claim: Claim) -> dict[int, str] | None:
        """Ask Postmark for an unknown batch: MessageIDs by position; None when there is nobody to ask."""


class SessionWithoutLedger:
    """``ledger=None``: nothing is looked up and nothing is noted."""

    def __init__(self, found: Preflight) -> None:
        self.eligible = found.sendable
        self.notices: list[str] = []
        self.taken = TakenIds()

    def begin(self) -> None:
        """Nothing to settle."""

    def claim(self, batch: Batch) -> Claim:
        """The batch as it is."""
        return Claim(batch)

    def note(self, claim: Claim, answer: Answer) -> None:
        """Nothing to note."""

    def give_up(self, claim: Claim, why: str) -> None:
        """Nothing to note."""

    def settle(self, claim: Claim) -> dict[int, str] | None:
        """Nobody to ask: the messages carry no mark of ours."""
        del claim
        return None


class LedgerSession:
    """A campaign in a ledger, for one run of its only sender."""

    def __init__(
        self,
        ledger: Ledger,
        campaign: CampaignRecord,
        server: Queryable,
        found: Preflight,
        rows: RowResults,
        *,
        frame: pd.DataFrame,
        key: Sequence[str],
        letter: bytes,
        wishes: Overrides,
    ) -> None:
        self._ledger, self._campaign, self._server = ledger, campaign, server
        self._found, self._rows, self._letter, self._wishes = found, rows, letter, wishes
        self._frame, self._key = frame, key
        self.tag = campaign.tag
        self.streams = sorted(
            {*found.streams, *search.STREAMS}
        )  # another stream is not another campaign
        self._ids = np.zeros(len(found.sizes), dtype="int64")
        self._since: int | None = None
        self.eligible: Mask = found.sendable.copy()
        self.notices: list[str] = []
        self.taken = TakenIds()

    # --- before the first request ------------------------------------------------------------------------

    def begin(self) -> None:
        """Settle what needs no sending, note what will be sent, refuse what nobody asked for.

        Raises:
            LedgerError: see ``errors``; nothing was sent.
        """
        self._ledger.refuse_other_key(self._campaign, self._key)
        self._ledger.recover(self._campaign)
        self._ask()
        table = self._ledger.table(self._campaign)
        self.taken.hold(table["message_id"])
        known = joined(self._found, table, resend=self._wishes.resend)
        self.eligible[tell(self._rows, known, self._ledger, self._campaign)] = False
        self._refuse_doubtful(known)
        self._refuse_changed_letter(table, known)
        self._plan(known)
        self._name_the_absent(table)

    def _ask(self) -> None:
        """Ask Postmark for what is in doubt, and whether it holds more than we know."""
        if self._campaign.scope == "test":
            return
        self._ask_for_the_doubtful()
        held = sum(
            search.total(self._server, CAMPAIGN_KEY, self._campaign.tag, stream=stream)
            for stream in self.streams
        )
        if held > self._ledger.copies(self._campaign):
            self._ask_for_the_doubtful()  # the index may have moved on between the two questions
        self._refuse_lost_ledger(held)

    def _ask_for_the_doubtful(self) -> None:
        for attempt in self._ledger.doubtful(self._campaign):
            ask(self._server, self._ledger, attempt)

    def _refuse_lost_ledger(self, held: int) -> None:
        """Refuse when Postmark holds more of this campaign than we know: another machine, a lost or old ledger."""
        known = self._ledger.copies(self._campaign)
        if held > known:
            name, path = self._campaign.name, self._ledger.path
            raise errors.LedgerBehind(
                f"Postmark already holds {held:,} messages of campaign {name!r}, and this ledger knows of {known:,} "
                "(another machine? a deleted ledger? a restored snapshot?). "
                f"{advice.adopt(name, ledger=path, streams=self._found.streams)} reads them in; nothing was sent"
            )

    def _refuse_doubtful(self, known: pd.DataFrame) -> None:
        doubtful = int((known["resend"] & in_doubt(known)).sum())
        if doubtful:
            name, path = self._campaign.name, self._ledger.path
            raise errors.LedgerError(
                f"{doubtful:,} of the rows to resend are unknown: they may have been accepted. "
                f"{advice.reconcile(name, ledger=path)} asks Postmark what it holds. Half an hour after they left, "
                f"{advice.resolve(name, ledger=path)} decides; nothing was sent"
            )

    def _refuse_changed_letter(self, table: pd.DataFrame, known: pd.DataFrame) -> None:
        """A campaign is never half old, half new unnoticed."""
        before, rest = (
            int((table["state"] == MessageState.ACCEPTED).sum()),
            int(self.eligible.sum()),
        )
        another = is_another_letter(self._campaign.letter, self._letter)
        others = rest - int((known["resend"] & self.eligible[known["position"].to_numpy()]).sum())
        if another and before and others and not self._wishes.allow_changed:
            raise errors.LetterChanged(
                f"{before:,} people have campaign {self._campaign.name!r} with an earlier letter. "
                f"send(allow_changed=True) sends the new one to the other {others:,} and to nobody twice; "
                "nothing was sent"
            )
        changed = int(
            ((known["state"] == MessageState.ACCEPTED) & known["changed"] & ~known["resend"]).sum()
        )
        if changed:  # by another letter, or by another cell
            self.notices.append(
                f"{changed:,} people have an earlier version of this mail (column changed); "
                "nobody gets both unless resend= says so"
            )

    def _plan(self, known: pd.DataFrame) -> None:
        positions = np.flatnonzero(self.eligible).tolist()
        confirmed = set(known.loc[known["resend"], "position"].tolist())

        def check() -> None:
            if self._wishes.allow_repeat:
                return
            self._since = newest_attempt(self._ledger.db)
            fresh = [position for position in positions if position not in confirmed]
            refuse_repeats(
                self._ledger, self._campaign, self._found, fresh, frame=self._frame, key=self._key
            )

        lines = (
            (self._found.keys.at(p), self._found.recorded(p), self._address(p)) for p in positions
        )
        self._ledger.plan(self._campaign, lines, check)
        self._ledger.note_key(self._campaign, self._key)
        self._plan_again(known)
        self._ledger.remember_letter(self._campaign, self._letter)
        planned = joined(self._found, self._ledger.table(self._campaign))
        planned = planned[self.eligible[planned["position"].to_numpy()]]
        self._ids[planned["position"].to_numpy()] = planned["id"].to_numpy()

    def _plan_again(self, known: pd.DataFrame) -> None:
        """Make eligible again what was answered before: by explicit confirmation, or see ``error_codes``."""
        again = known[
            (known["state"] > MessageState.PLANNED) & self.eligible[known["position"].to_numpy()]
        ]
        resent = again[again["resend"] & (again["state"] == MessageState.ACCEPTED)]
        other = again.drop(resent.index)
        fresh = other["changed"] | other["resend"]
        parts = (
            ("resend", MessageState.ACCEPTED, resent),
            ("new content", MessageState.REJECTED, other[fresh]),
            ("tried again", MessageState.REJECTED, other[~fresh]),
        )
        for what, state, part in parts:
            if part.empty:
                continue
            contents = [self._found.recorded(position) for position in part["position"]]
            ids = part["id"].astype("int64").tolist()
            self._ledger.replan(ids, contents, state, campaign=self._campaign, what=what)
        for position in other["position"]:
            self._rows.settle(
                int(position), Status.UNSENT
            )  # planned again: what this run will say counts

    def _address(self, position: int) -> bytes:
        return self._ledger.address(self._found.people.at(position))

    def _name_the_absent(self, table: pd.DataFrame) -> None:
        planned = table[table["state"] == MessageState.PLANNED]["id"]
        absent = len(planned) - int(np.isin(planned.to_numpy(), self._ids).sum())
        if absent:
            self.notices.append(
                f"{absent:,} messages of {self._campaign.name!r} were planned earlier and are not in this frame"
            )

    # --- one request -------------------------------------------------------------------------------------

    def claim(self, batch: Batch) -> Claim:
        """T1: note that the batch is about to leave, and mark its messages so that they can be found again."""
        ids = [int(self._ids[position]) for position in batch.positions]
        streams = self._found.streams
        attempt = self._ledger.claim(
            self._campaign, ids, number=batch.number, streams=streams, since=self._since
        )
        marked = (
            message.marked(
                campaign=self._campaign.tag,
                attempt=attempt.uid,
                key=self._found.keys.at(message.position).hex(),
            )
            for message in batch
        )
        return Claim(Batch(batch.number, tuple(marked)), attempt)

    def note(self, claim: Claim, answer: Answer) -> None:
        """T2: what the request came to."""
        attempt = _noted(claim)
        if answer.outcomes:
            self._ledger.settle(attempt, self._lines(claim.batch, answer.outcomes))
        elif answer.verdict == "unknown":
            self._ledger.unknown(attempt, _without_words(answer.reason))
        else:
            self._ledger.unsent(attempt, _without_words(answer.reason))

    def _lines(
        self, batch: Batch, outcomes: Sequence[Outcome]
    ) -> Iterator[tuple[int, MessageState, str | None, int | None]]:
        for message, outcome in zip(batch, outcomes, strict=True):
            state = MessageState.ACCEPTED if outcome.accepted else MessageState.REJECTED
            yield int(self._ids[message.position]), state, outcome.message_id, outcome.error_code

    def give_up(self, claim: Claim, why: str) -> None:
        """T2: nobody waits for the answer any more."""
        self._ledger.unknown(_noted(claim), why)

    def settle(self, claim: Claim) -> dict[int, str] | None:
        """Ask Postmark for an unknown batch: MessageIDs by position, of those that it shows now."""
        if self._campaign.scope == "test":
            return None
        found = ask(self._server, self._ledger, _noted(claim))
        self.taken.take(found.values())
        return {
            m.position: found[key]
            for m in claim.batch
            if (key := self._found.keys.at(m.position)) in found
        }


def ask(server: Queryable, ledger: Ledger, attempt: Attempt) -> dict[bytes, str]:
    """Ask Postmark for the messages of an unknown request and note those that it shows; MessageIDs by key.

    Raises:
        SearchError: Postmark did not say.
    """
    waiting = ledger.unknown_of(attempt)
    streams = (
        search.search(server, ATTEMPT_KEY, attempt.uid, stream=name) for name in attempt.streams
    )
    shown = search.proved(chain.from_iterable(streams))
    found = {
        item.key: item.message_id
        for item in shown
        if item.key in waiting and item.attempt == attempt.uid
    }
    held = held_ids(ledger, attempt, found.values())
    found = {
        key: message_id for key, message_id in found.items() if one_spelling(message_id) not in held
    }
    ledger.found(attempt, {waiting[key]: message_id for key, message_id in found.items()})
    return found


def _without_words(reason: str) -> str:
    """A reason without Postmark's own words, which may quote an address; the ledger holds none."""
    return _WORDS.sub(r"\1", reason)


_WORDS: Final = re.compile(r"(ErrorCode -?\d+): .*", re.DOTALL)


def _noted(claim: Claim) -> Attempt:
    if claim.attempt is None:
        raise errors.LedgerError("a batch is to be noted that was never claimed")
    return claim.attempt
