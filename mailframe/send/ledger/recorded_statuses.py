"""The recorded messages of a campaign: matched with the rows by key, and set in the results.

Nothing is written to the ledger here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mailframe.postmark.error_codes import tried_again
from mailframe.postmark.responses import Outcome
from mailframe.results import reasons
from mailframe.results.row_results import Status
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.frame_digests import (
    SPELLING,
    WHOLE,
    FrameDigests,
    content_digests,
    key_digests,
    with_addresses,
)
from mailframe.send.states import MessageState, set_accepted_earlier, set_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.message.preflight import Mask, Preflight
    from mailframe.results.row_results import RowResults
    from mailframe.send.ledger import CampaignRecord, Ledger
    from mailframe.send.ledger.packs import Ids, RecordedMessages


def match_recorded(
    preflight: Preflight, recorded: RecordedMessages, *, resend: Mask | None = None
) -> pd.DataFrame:
    """Match the sendable rows of a frame with the recorded messages of their campaign, by key.

    Args:
        preflight: the preflight check of the frame.
        recorded: ``Ledger.recorded_messages`` of the campaign.
        resend: one value per row of the frame: whether it is sent again by explicit confirmation.

    Returns:
        One row per sendable row, in the order of the frame: ``position``; ``line``, the place in
        *recorded*, and ``state`` (both -1 for a row that is not recorded); ``changed``, whether the
        message differs from the recorded one; ``resend``.
    """
    positions = np.flatnonzero(preflight.sendable)
    line = DigestIndex(recorded.keys).find(key_digests(preflight)[positions])
    is_recorded = line >= 0
    of_row = recorded.take(line[is_recorded])
    contents = content_digests(preflight, positions[is_recorded])
    differs = (of_row.contents[:, WHOLE] != contents[:, WHOLE]).any(axis=1)
    state = np.full(len(line), -1, dtype="int8")
    state[is_recorded] = of_row.states
    changed, confirmed = np.zeros((2, len(line)), dtype=bool)
    changed[is_recorded] = differs & of_row.has_content  # an adopted message has none
    if resend is not None:
        confirmed[:] = resend[positions]
    # running the cell with resend= twice sends once
    confirmed[is_recorded] &= ~(
        of_row.is_resent & ~differs & (of_row.states == MessageState.ACCEPTED)
    )
    columns = {"position": positions, "line": line, "state": state}
    return pd.DataFrame({**columns, "changed": changed, "resend": confirmed})


def is_sent_now(matches: pd.DataFrame, recorded: RecordedMessages) -> Mask:
    """Whether a send posts each row of ``match_recorded``.

    It is not recorded, planned, sent again, or was rejected in a way that is tried again.

    Args:
        matches: the result of ``match_recorded``.
        recorded: the messages that the rows were matched with.
    """
    state, confirmed = matches["state"].to_numpy(), matches["resend"].to_numpy()
    sent: Mask = (state <= MessageState.PLANNED) | (confirmed & ~is_unconfirmed(matches).to_numpy())
    line, changed = matches["line"].to_numpy(), matches["changed"].to_numpy()
    for row in np.flatnonzero((state == MessageState.REJECTED) & ~confirmed).tolist():
        sent[row] = tried_again(recorded.code(int(line[row])), changed=bool(changed[row]))
    return sent


def rows_sent_now(
    preflight: Preflight, recorded: RecordedMessages, *, resend: Mask | None = None
) -> Mask:
    """One per row of a frame, whether a send posts it; see ``match_recorded``."""
    if not len(recorded):  # nothing is compared, so the digests of the messages are not needed
        return preflight.sendable
    matches = match_recorded(preflight, recorded, resend=resend)
    rows = np.zeros(len(preflight.sendable), dtype=bool)
    rows[matches["position"].to_numpy()[is_sent_now(matches, recorded)]] = True
    return rows


def is_unconfirmed(matches: pd.DataFrame) -> pd.Series[bool]:
    """The unconfirmed rows of ``match_recorded``; SENDING if another sender ignores the lock."""
    return matches["state"].isin([MessageState.UNKNOWN, MessageState.SENDING])


def set_recorded_statuses(
    rows: RowResults,
    matches: pd.DataFrame,
    recorded: RecordedMessages,
    ledger: Ledger,
    campaign: CampaignRecord,
) -> Ids:
    """Set the status of the rows that were answered earlier, or may have been accepted.

    Args:
        rows: the results.
        matches: the result of ``match_recorded``.
        recorded: the messages that the rows were matched with.
        ledger: the ledger that *recorded* was read from.
        campaign: the campaign that *recorded* was read from.

    Returns:
        The positions of the rows that are not to be sent. A rejected row that is tried again has
        its status set as well, because the run may be refused before it is sent.
    """
    accepted = matches[(matches["state"] == MessageState.ACCEPTED) & ~matches["resend"]]
    _set_accepted(rows, accepted, recorded)
    unconfirmed = matches[is_unconfirmed(matches)]
    _set_unconfirmed(rows, unconfirmed, recorded, ledger, campaign)
    sent = is_sent_now(matches, recorded)
    is_rejected = (matches["state"] == MessageState.REJECTED) & ~matches["resend"]
    _set_rejected(rows, matches.assign(again=sent)[is_rejected], recorded)
    done: Ids = matches["position"].to_numpy()[~sent]
    return done


def _set_accepted(rows: RowResults, accepted: pd.DataFrame, recorded: RecordedMessages) -> None:
    """Their MessageIDs stay 16 bytes each; an exceptional one is set as text after that."""
    for changed, part in accepted.groupby("changed", sort=False):
        positions, lines = part["position"].to_numpy(), part["line"].to_numpy()
        uuids = recorded.message_ids[lines]
        set_accepted_earlier(rows, positions, uuids, changed=bool(changed))
        exceptional = np.isin(recorded.ids[lines], list(recorded.exceptional))
        message_ids = recorded.message_id_texts(lines[exceptional])
        for position, message_id in zip(positions[exceptional].tolist(), message_ids, strict=True):
            outcome = _earlier_outcome(MessageState.ACCEPTED, message_id, None)
            set_status(
                *(rows, position, MessageState.ACCEPTED),
                outcome=outcome,
                changed=bool(changed),
                earlier=True,
            )


def _set_unconfirmed(
    rows: RowResults,
    unconfirmed: pd.DataFrame,
    recorded: RecordedMessages,
    ledger: Ledger,
    campaign: CampaignRecord,
) -> None:
    causes: dict[int, str] = {}
    for attempt in ledger.unconfirmed_attempts(campaign) if len(unconfirmed) else ():
        ids = ledger.requests.messages(attempt.id).tolist()
        causes |= dict.fromkeys(ids, attempt.why or reasons.UNKNOWN)
    columns = (unconfirmed[name].tolist() for name in ("position", "line", "state", "changed"))
    for position, line, state, changed in zip(*columns, strict=True):
        reason = causes.get(int(recorded.ids[line]), reasons.UNKNOWN)
        set_status(
            rows, position, MessageState(state), reason=reason, changed=changed, earlier=True
        )


def _set_rejected(rows: RowResults, rejected: pd.DataFrame, recorded: RecordedMessages) -> None:
    columns = (rejected[name].tolist() for name in ("position", "line", "changed", "again"))
    for position, line, changed, again in zip(*columns, strict=True):
        note = "send tries it again" if again else "the same message is not tried again"
        code, state = recorded.code(line), MessageState.REJECTED
        outcome = _earlier_outcome(state, None, code, note=f"; {note}")
        set_status(rows, position, state, outcome=outcome, changed=changed, earlier=True)


def set_statuses_by_recipient(
    rows: RowResults, preflight: Preflight, ledger: Ledger, campaign: CampaignRecord
) -> None:
    """Set the status of the rows of a campaign that is recorded with other key columns.

    The identical message to the same recipient is the recorded one. Another message to that
    recipient cannot be assigned to a row, so the row is unknown.
    """
    frame = FrameDigests.of(ledger, preflight, np.flatnonzero(preflight.sendable))
    recorded = ledger.recorded_messages(campaign)
    has_address = packs.has_any(recorded.addresses)
    is_recipient = _are_recipients(frame, recorded)
    is_recipient |= not has_address.all()  # a forgotten or adopted message may be to anybody
    identical = _last_identical(frame, recorded)
    for position in frame.positions[is_recipient].tolist():
        if position in identical:
            _set_earlier_status(rows, position, recorded, identical[position])
        else:
            _set_unread(rows, position, reasons.OTHER_KEY)


def set_respelled_statuses(
    rows: RowResults, preflight: Preflight, ledger: Ledger, campaign: CampaignRecord
) -> None:
    """Set the status of the unsent rows whose recipient is recorded with a key not in the frame."""
    recorded = ledger.recorded_messages(campaign)
    other_key = DigestIndex(key_digests(preflight)).find(recorded.keys) < 0
    recorded = recorded.take(other_key & (recorded.states != MessageState.PLANNED))
    if not len(recorded):
        return
    unsent = [status is Status.UNSENT for status in rows.statuses()]
    frame = FrameDigests.of(ledger, preflight, np.flatnonzero(preflight.sendable & unsent))
    identical = _last_identical(frame, recorded)
    comparable = with_addresses(recorded.take(recorded.has_spelling), SPELLING)
    is_respelled = DigestIndex(comparable).find(with_addresses(frame.digests, SPELLING)) >= 0
    is_respelled |= _are_recipients(frame, recorded.take(~recorded.has_spelling))
    for position in frame.positions[is_respelled].tolist():
        _set_unread(rows, position, reasons.OTHER_SPELLING)
    for position, line in identical.items():
        _set_earlier_status(rows, position, recorded, line)


def _are_recipients(frame: FrameDigests, recorded: RecordedMessages) -> Mask:
    """Whether the recipient of each row is the recipient of a recorded message."""
    return DigestIndex(recorded.addresses).find(frame.digests.addresses) >= 0


def _last_identical(frame: FrameDigests, recorded: RecordedMessages) -> dict[int, int]:
    """The line of the last recorded message that is identical to that of a row, by position."""
    last: dict[int, int] = {}
    for row, line in frame.identical(recorded):
        for position, one in zip(frame.positions[row].tolist(), line.tolist(), strict=True):
            last[position] = max(one, last.get(position, one))
    return last


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
    recorded = ledger.recorded_messages(campaign)
    matches = match_recorded(preflight, recorded)
    by_key = matches.loc[matches["state"] > MessageState.PLANNED, "position"].tolist()
    frame = FrameDigests.of(ledger, preflight, np.flatnonzero(preflight.sendable))
    sent = recorded.take(recorded.states != MessageState.PLANNED)
    return {*by_key, *frame.positions[_are_recipients(frame, sent)].tolist()}


def _set_earlier_status(
    rows: RowResults, position: int, recorded: RecordedMessages, line: int
) -> None:
    state = MessageState(recorded.states[line])
    if state is not MessageState.PLANNED:
        [message_id] = recorded.message_id_texts(np.array([line]))
        set_status(
            rows,
            position,
            state,
            reason=reasons.UNKNOWN_EARLIER,
            outcome=_earlier_outcome(state, message_id, recorded.code(line)),
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
