"""The recorded messages of a campaign: matched with the rows by key, and set in the results.

Nothing is written to the ledger here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mailframe.postmark.error_codes import tried_again
from mailframe.postmark.responses import Outcome
from mailframe.results import reasons
from mailframe.results.row_results import Status
from mailframe.send.ledger.encoding import shown_id
from mailframe.send.ledger.repeats import is_identical, is_respelled
from mailframe.send.states import MessageState, set_status

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.results.row_results import RowResults
    from mailframe.send.ledger import CampaignRecord, Ledger


def match_recorded(
    preflight: Preflight, table: pd.DataFrame, *, resend: Mask | None = None
) -> pd.DataFrame:
    """Match the sendable rows of a frame with the recorded messages of their campaign, by key.

    Args:
        preflight: the preflight check of the frame.
        table: ``Ledger.table`` of the campaign.
        resend: one value per row of the frame: whether it is sent again by explicit confirmation.

    Returns:
        One row per sendable row, in the order of the frame: ``position``, ``state`` (-1 for a row
        that is not recorded), ``changed`` (whether the message differs from the recorded one),
        ``resend``, and the columns of *table*.
    """
    positions = np.flatnonzero(preflight.sendable)
    keys = preflight.keys.halves()[positions]
    contents = preflight.contents.halves()[positions]
    rows = table.iloc[:0][["a", "b"]].reindex(range(len(positions)))
    rows = rows.assign(a=keys[:, 0], b=keys[:, 1], position=positions, new_d=contents[:, 1])
    recorded = rows.merge(table, on=["a", "b"], how="left", validate="one_to_one", sort=False)
    recorded["state"] = recorded["state"].fillna(-1).astype("int64")
    differs = recorded["d"] != recorded["new_d"]
    has_content = (recorded["c"] != 0) | (recorded["d"] != 0)  # an adopted message has none
    recorded["changed"] = (recorded["state"] >= 0) & differs & has_content
    recorded["resend"] = False if resend is None else resend[positions]
    resent = (recorded["resent"] > 0) & ~differs & (recorded["state"] == MessageState.ACCEPTED)
    recorded["resend"] &= ~resent  # running the cell with resend= twice sends once
    return recorded


def is_unconfirmed(recorded: pd.DataFrame) -> pd.Series[bool]:
    """The unconfirmed rows of ``match_recorded``; SENDING if another sender ignores the lock."""
    return recorded["state"].isin([MessageState.UNKNOWN, MessageState.SENDING])


def set_recorded_statuses(
    rows: RowResults, recorded: pd.DataFrame, ledger: Ledger, campaign: CampaignRecord
) -> list[int]:
    """Set the status of the rows that were answered earlier, or may have been accepted.

    Args:
        rows: the results.
        recorded: the result of ``match_recorded``.
        ledger: the ledger that *recorded* was read from.
        campaign: the campaign that *recorded* was read from.

    Returns:
        The positions of the rows that are not to be sent. A rejected row that is tried again has
        its status set as well, because the run may be refused before it is sent.
    """
    causes = {one.id: one.why or reasons.UNKNOWN for one in ledger.unconfirmed_attempts(campaign)}
    is_answered = recorded["state"].isin([MessageState.ACCEPTED, MessageState.REJECTED])
    has_status = (is_answered & ~recorded["resend"]) | is_unconfirmed(recorded)
    done: list[int] = []
    row: Any
    for row in recorded[has_status].itertuples(index=False):
        state, changed = MessageState(row.state), bool(row.changed)
        code = None if math.isnan(row.code) else int(row.code)
        again = state is MessageState.REJECTED and tried_again(code, changed=changed)
        note = "send tries it again" if again else "the same message is not tried again"
        set_status(
            rows,
            int(row.position),
            state,
            reason=causes.get(row.attempt, reasons.UNKNOWN),
            outcome=_earlier_outcome(state, shown_id(row.message_id), code, note=f"; {note}"),
            changed=changed,
            earlier=True,
        )
        if not again:
            done.append(int(row.position))
    return done


def set_statuses_by_recipient(
    rows: RowResults, preflight: Preflight, ledger: Ledger, campaign: CampaignRecord
) -> None:
    """Set the status of the rows of a campaign that is recorded with other key columns.

    The identical message to the same recipient is the recorded one. Another message to that
    recipient cannot be assigned to a row, so the row is unknown.
    """
    messages = _messages_by_address(ledger, campaign)
    without_address = messages.pop(None, [])  # forgotten or adopted: it may be to anybody
    for position in np.flatnonzero(preflight.sendable).tolist():
        content = preflight.recorded(position)
        candidates = messages.get(ledger.address_digest(preflight.people.at(position)), [])
        identical = [message for message in candidates if is_identical(message.content, content)]
        if identical:
            _set_earlier_status(rows, position, identical[-1])
        elif candidates or without_address:
            _set_unread(rows, position, reasons.OTHER_KEY)


def set_respelled_statuses(
    rows: RowResults, preflight: Preflight, ledger: Ledger, campaign: CampaignRecord
) -> None:
    """Set the status of the unsent rows whose recipient is recorded with a key not in the frame."""
    keys = {preflight.keys.at(position) for position in range(len(rows))}
    messages = _messages_by_address(ledger, campaign)
    for position in np.flatnonzero(preflight.sendable).tolist():
        content = preflight.recorded(position)
        if rows.status(position) is not Status.UNSENT:
            continue
        for message in messages.get(ledger.address_digest(preflight.people.at(position)), []):
            if message.key in keys or message.state is MessageState.PLANNED:
                continue
            if is_identical(message.content, content):
                _set_earlier_status(rows, position, message)
            elif is_respelled(message.content, content):
                _set_unread(rows, position, reasons.OTHER_SPELLING)


def set_history_unread(
    rows: RowResults, why: str, *, only: Callable[[int], bool] | None = None
) -> None:
    """Make the rows that are still unsent unknown: whether they were sent earlier was not read.

    Args:
        rows: the results.
        why: the reason why the history could not be read.
        only: the condition that selects positions; None for all.
    """
    for position, status in enumerate(rows.statuses()):
        if status is Status.UNSENT and (only is None or only(position)):
            _set_unread(rows, position, why)


def positions_with_history(
    ledger: Ledger, campaign: CampaignRecord, preflight: Preflight
) -> set[int]:
    """The positions of the rows that were sent or may have been, by key or by recipient."""
    recorded = match_recorded(preflight, ledger.table(campaign))
    statement = (
        "SELECT address FROM message WHERE campaign = ? AND state <> 0 AND address IS NOT NULL"
    )
    addresses = {address for (address,) in ledger.db.each(statement, (campaign.id,))}
    by_key = recorded.loc[recorded["state"] > MessageState.PLANNED, "position"].tolist()
    by_recipient = (
        position
        for position in np.flatnonzero(preflight.sendable).tolist()
        if ledger.address_digest(preflight.people.at(position)) in addresses
    )
    return {*by_key, *by_recipient}


@dataclass(frozen=True, slots=True)
class _Message:
    """A message as it is recorded."""

    key: bytes
    content: bytes
    state: MessageState
    message_id: str | None
    code: int | None


def _messages_by_address(
    ledger: Ledger, campaign: CampaignRecord
) -> dict[bytes | None, list[_Message]]:
    """The messages of a campaign by the address digest of their recipient."""
    messages: dict[bytes | None, list[_Message]] = {}
    for address, key, content, state, message_id, code in ledger.db.each(
        "SELECT address, key, content, state, message_id, code FROM message "
        "WHERE campaign = ? ORDER BY id",
        (campaign.id,),
    ):
        message = _Message(key, content, MessageState(state), shown_id(message_id), code)
        messages.setdefault(address, []).append(message)
    return messages


def _set_earlier_status(rows: RowResults, position: int, message: _Message) -> None:
    if message.state is not MessageState.PLANNED:
        set_status(
            rows,
            position,
            message.state,
            reason=reasons.UNKNOWN_EARLIER,
            outcome=_earlier_outcome(message.state, message.message_id, message.code),
            earlier=True,
        )


def _earlier_outcome(
    state: MessageState, message_id: str | None, code: int | None, *, note: str = ""
) -> Outcome | None:
    """Postmark's answer of an earlier run, as far as it is recorded."""
    if state is MessageState.ACCEPTED:
        return Outcome(None, "accepted earlier", message_id)
    return Outcome(code, f"rejected earlier{note}") if state is MessageState.REJECTED else None


def _set_unread(rows: RowResults, position: int, why: str) -> None:
    rows.settle(position, Status.UNKNOWN, reason=reasons.not_read(why))
