"""What the ledger records of each row: joined by key, and told in the results. Nothing is written here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mailframe.postmark.error_codes import error_meaning, tried_again
from mailframe.postmark.responses import Outcome
from mailframe.results.advice import NOT_READ, OTHER_KEY, OTHER_SPELLING
from mailframe.results.frame import Status
from mailframe.send.ledger import MessageState
from mailframe.send.ledger.repeats import is_identical, is_respelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.results.frame import RowResults
    from mailframe.send.ledger import CampaignRecord, Ledger


def joined(found: Preflight, table: pd.DataFrame, *, resend: Mask | None = None) -> pd.DataFrame:
    """What a ledger's table says of each row that could be sent, in the frame's order.

    Args:
        found: what the preflight check found.
        table: ``Ledger.table`` of the campaign.
        resend: one per row of the frame, whether it goes out again by explicit confirmation.

    Returns:
        One row per sendable row: ``position``, ``state`` (-1 for a row that the ledger does not have), ``changed``
        (another message than the recorded one), ``resend``, and the columns of *table*.
    """
    positions = np.flatnonzero(found.sendable)
    keys, contents = found.keys.halves()[positions], found.contents.halves()[positions]
    ours = table.iloc[:0][["a", "b"]].reindex(range(len(positions)))
    ours = ours.assign(a=keys[:, 0], b=keys[:, 1], position=positions, new_d=contents[:, 1])
    known = ours.merge(table, on=["a", "b"], how="left", validate="one_to_one", sort=False)
    known["state"] = known["state"].fillna(-1).astype("int64")
    differs = known["d"] != known["new_d"]
    told = (known["c"] != 0) | (known["d"] != 0)  # what was adopted from Postmark has no digest
    known["changed"] = (known["state"] >= 0) & differs & told
    known["resend"] = False if resend is None else resend[positions]
    once = (known["resent"] > 0) & ~differs & (known["state"] == MessageState.ACCEPTED)
    known["resend"] &= ~once  # the cell that says resend= may be run twice, too
    return known


def tell(
    rows: RowResults, known: pd.DataFrame, ledger: Ledger, campaign: CampaignRecord
) -> list[int]:
    """Settle the rows that were answered earlier, or may have been taken, as the ledger records them.

    Args:
        rows: the results.
        known: from ``joined``.
        ledger: that *known* was read from.
        campaign: that *known* was read from.

    Returns:
        The positions of the rows that are not to be sent. A rejected row that is tried again is settled all the same:
        the run may be refused before it gets there.
    """
    held: list[int] = []

    def settle(
        row: Any, status: Status, reason: str, outcome: Outcome | None, *, again: bool = False
    ) -> None:
        if not again:
            held.append(int(row.position))
        rows.settle(
            int(row.position), status, reason=reason, outcome=outcome, changed=bool(row.changed)
        )

    for row in _lines(known[(known["state"] == MessageState.ACCEPTED) & ~known["resend"]]):
        settle(
            row,
            Status.SKIPPED,
            "already_sent",
            Outcome(None, "accepted earlier", ledger.shown_id(row.message_id)),
        )
    for row in _lines(known[(known["state"] == MessageState.REJECTED) & ~known["resend"]]):
        code = None if math.isnan(row.code) else int(row.code)
        again = tried_again(code, changed=bool(row.changed))
        said = "rejected earlier; " + (
            "send tries it again" if again else "the same message is not tried again"
        )
        settle(row, Status.REJECTED, error_meaning(code), Outcome(code, said), again=again)
    reasons = {attempt.id: attempt.why or "unknown" for attempt in ledger.doubtful(campaign)}
    for row in _lines(known[in_doubt(known)]):
        settle(row, Status.UNKNOWN, reasons.get(int(row.attempt), "unknown"), None)
    return held


def in_doubt(known: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of ``joined`` are unconfirmed; sending without its lock is another sender's."""
    return known["state"].isin([MessageState.UNKNOWN, MessageState.SENDING])


def tell_by_address(
    rows: RowResults, found: Preflight, ledger: Ledger, campaign: CampaignRecord
) -> None:
    """Settle the rows of a campaign that the ledger has under other key columns: by recipient and message.

    The identical message to the same recipient is one that the ledger has. Of another message to that recipient
    nobody can say which row it was.
    """
    mails = _mails(ledger, campaign)
    hidden = bool(
        mails.pop(None, [])
    )  # forgotten, or adopted without a recipient: it may be anybody's
    for position in np.flatnonzero(found.sendable).tolist():
        theirs = mails.get(ledger.address(found.people.at(position)), [])
        same = [mail for mail in theirs if is_identical(mail.content, found.recorded(position))]
        if same:
            _settle_mail(rows, position, same[-1])
        elif theirs or hidden:
            rows.settle(position, Status.UNKNOWN, reason=f"{NOT_READ}: {OTHER_KEY}")


def tell_respelled(
    rows: RowResults, found: Preflight, ledger: Ledger, campaign: CampaignRecord
) -> None:
    """Settle what is still unsent, and whose recipient this campaign has under a key that is not in the frame."""
    here = {found.keys.at(position) for position in range(len(rows))}
    mails = {
        address: [
            mail
            for mail in theirs
            if mail.key not in here and mail.state is not MessageState.PLANNED
        ]
        for address, theirs in _mails(ledger, campaign).items()
    }
    for position in np.flatnonzero(found.sendable).tolist():
        ours = found.recorded(position)
        if rows.status(position) is not Status.UNSENT:
            continue
        for mail in mails.get(ledger.address(found.people.at(position)), []):
            if is_identical(mail.content, ours):
                _settle_mail(rows, position, mail)
            elif is_respelled(mail.content, ours):
                rows.settle(position, Status.UNKNOWN, reason=f"{NOT_READ}: {OTHER_SPELLING}")


@dataclass(frozen=True, slots=True)
class _Mail:
    """A line of the ledger."""

    key: bytes
    content: bytes
    state: MessageState
    message_id: str | None
    code: int | None


def _mails(ledger: Ledger, campaign: CampaignRecord) -> dict[bytes | None, list[_Mail]]:
    """The messages of a campaign by what stands for their recipient."""
    mails: dict[bytes | None, list[_Mail]] = {}
    statement = "SELECT address, key, content, state, message_id, code FROM message WHERE campaign = ? ORDER BY id"
    for address, key, content, state, message_id, code in ledger.db.each(statement, (campaign.id,)):
        mail = _Mail(key, content, MessageState(state), ledger.shown_id(message_id), code)
        mails.setdefault(address, []).append(mail)
    return mails


def _settle_mail(rows: RowResults, position: int, mail: _Mail) -> None:
    state, message_id, code = mail.state, mail.message_id, mail.code
    if state is MessageState.ACCEPTED:
        outcome = Outcome(None, "accepted earlier", message_id)
        rows.settle(position, Status.SKIPPED, reason="already_sent", outcome=outcome)
    elif state is MessageState.REJECTED:
        outcome = Outcome(code, "rejected earlier")
        rows.settle(position, Status.REJECTED, reason=error_meaning(code), outcome=outcome)
    elif state is not MessageState.PLANNED:
        rows.settle(position, Status.UNKNOWN, reason="no clear answer came in an earlier run")


def recorded_rows(ledger: Ledger, campaign: CampaignRecord, found: Preflight) -> set[int]:
    """The positions of the rows that left, may have left, or were answered, whatever the campaign's key."""
    known = joined(found, ledger.table(campaign))
    statement = (
        "SELECT address FROM message WHERE campaign = ? AND state <> 0 AND address IS NOT NULL"
    )
    people = {address for (address,) in ledger.db.each(statement, (campaign.id,))}
    by_key = set(known.loc[known["state"] > MessageState.PLANNED, "position"].tolist())
    return by_key | {
        p
        for p in np.flatnonzero(found.sendable).tolist()
        if ledger.address(found.people.at(p)) in people
    }


def tell_unread(rows: RowResults, why: str, *, only: Callable[[int], bool] | None = None) -> None:
    """Say of every row that is not settled yet that nobody could look whether it was mailed earlier.

    Args:
        rows: the results.
        why: nobody could.
        only: which positions; None for all.
    """
    for position, status in enumerate(rows.statuses()):
        if status is Status.UNSENT and (only is None or only(position)):
            rows.settle(position, Status.UNKNOWN, reason=f"{NOT_READ}: {why}")


def _lines(known: pd.DataFrame) -> Iterator[Any]:
    return iter(known.itertuples(index=False))
