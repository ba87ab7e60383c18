"""The judge: what the sandbox holds against what a ledger says of each row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from mailframe.message.digests import digest
from mailframe.paths import LedgerUrl, ledger_path
from mailframe.send.ledger import Ledger, MessageState

if TYPE_CHECKING:
    import pandas as pd

    import mailframe as mf
    from mailframe.paths import LedgerName


@dataclass
class Judgement:
    """What is wrong, and how many rows are in each state.

    Attributes:
        twice: people with two copies or more.
        accepted_not_there: the ledger says accepted, and the sandbox has no such message.
        denied_but_there: the ledger says planned or rejected, and the sandbox has it.
        missing: rows that the ledger does not know.
        states: rows by state.
        really_accepted: unknown rows that the sandbox has.
    """

    twice: list[str] = field(default_factory=list)
    accepted_not_there: list[str] = field(default_factory=list)
    denied_but_there: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    states: Counter[MessageState] = field(default_factory=Counter)
    really_accepted: int = 0

    @property
    def fault(self) -> str:
        """What is wrong in a line; "" when nothing is."""
        names = ("twice", "accepted_not_there", "denied_but_there", "missing")
        return ", ".join(
            f"{len(getattr(self, name))} {name}" for name in names if getattr(self, name)
        )


def judged(
    frame: pd.DataFrame, ledger: LedgerName, sandbox: mf.Sandbox, *, name: str = "numbers"
) -> Judgement:
    """Compare both sides for every row of a frame whose key is its address.

    Args:
        frame: with the column ``email``; one row per message.
        ledger: its path or URL.
        sandbox: that was sent through.
        name: of the campaign.
    """
    arrived = sandbox.messages()
    copies = Counter(arrived["To"])
    ids = dict(zip(arrived["MessageID"], arrived["To"], strict=True))
    recorded = states(ledger, name)
    judgement = Judgement(twice=[to for to, count in copies.items() if count > 1])
    for email in frame["email"]:
        state, message_id = recorded.get(digest(email), (None, None))
        if state is None:
            judgement.missing.append(email)
            continue
        judgement.states[state] += 1
        if state is MessageState.ACCEPTED and ids.get(message_id) != email:
            judgement.accepted_not_there.append(email)
        if state in (MessageState.PLANNED, MessageState.REJECTED) and copies[email]:
            judgement.denied_but_there.append(email)
        if state in (MessageState.UNKNOWN, MessageState.SENDING) and copies[email]:
            judgement.really_accepted += 1
    return judgement


def states(
    ledger: LedgerName, name: str = "numbers"
) -> dict[bytes, tuple[MessageState, str | None]]:
    """State and MessageID of each message of a campaign, by key."""
    with Ledger(ledger_path(ledger)) as opened:
        recorded = [
            opened.recorded_messages(one) for one, _ in opened.campaigns() if one.name == name
        ]
    return {
        key.tobytes(): (MessageState(state), message_id)
        for part in recorded
        for key, state, message_id in zip(
            part.keys,
            part.states.tolist(),
            part.message_id_texts(np.arange(len(part))),
            strict=True,
        )
    }


def lose(ledger: LedgerName) -> None:
    """Delete a ledger."""
    place = ledger_path(ledger)
    if isinstance(place, LedgerUrl):
        with Ledger(place) as opened:
            opened.db.run(f'DROP SCHEMA "{place.schema}" CASCADE')
    else:
        place.unlink()


def age(ledger: LedgerName, minutes: int = 60) -> None:
    """Let every request have begun so many minutes earlier; their order stays."""
    with Ledger(ledger_path(ledger)) as opened, opened.db.transaction():
        for row, started in opened.db.all("SELECT id, started_at FROM attempt"):
            earlier = (datetime.fromisoformat(started) - timedelta(minutes=minutes)).isoformat(
                timespec="microseconds"
            )
            opened.db.run(
                "UPDATE attempt SET started_at = ?, clock_s = clock_s - ? WHERE id = ?",
                (earlier, minutes * 60, row),
            )
