"""The state of a message: from Postmark's answer to the ledger, and from the ledger to the results.

=========================  ==========  ==============================
answer                     state       status of the row
=========================  ==========  ==============================
an outcome with an id      ACCEPTED    accepted; skipped in later runs
an outcome without one     REJECTED    rejected
413 to one message alone   REJECTED    rejected
unknown                    UNKNOWN     unknown
any other                  PLANNED     unsent
=========================  ==========  ==============================

A message is SENDING from the moment before its request until the answer is recorded.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import pandas as pd

from mailframe.postmark.error_codes import rejection_reason
from mailframe.postmark.responses import Answer, Outcome, Verdict
from mailframe.results.reasons import ALREADY_SENT
from mailframe.results.row_results import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from mailframe.results.row_results import RowResults

NO_RESULTS_YET: Final = pd.DataFrame()
"""``.results`` of an error of a run that has not ended; replaced when it has."""


class MessageState(IntEnum):
    """The state of a message, as the ledger stores it."""

    PLANNED = 0
    """To be sent."""
    SENDING = 1
    """In a request that was sent or is about to be sent; ``UNKNOWN`` if its sender has ended."""
    ACCEPTED = 2
    """Postmark accepted it."""
    REJECTED = 3
    """Postmark rejected it."""
    UNKNOWN = 4
    """Postmark may have accepted it; it is not sent again without an explicit confirmation."""


_STATUSES: Final[Mapping[MessageState, Status]] = {
    MessageState.PLANNED: Status.UNSENT,
    MessageState.SENDING: Status.UNKNOWN,
    MessageState.ACCEPTED: Status.ACCEPTED,
    MessageState.REJECTED: Status.REJECTED,
    MessageState.UNKNOWN: Status.UNKNOWN,
}
_ACCEPTED: Final = (_STATUSES[MessageState.ACCEPTED], None)


def with_outcomes(answer: Answer, *, messages: int) -> Answer:
    """Read an HTTP 413 to a request of a single message as the rejection of that message.

    Args:
        answer: the answer to one request.
        messages: the number of messages in the request.

    >>> with_outcomes(Answer(Verdict.TOO_LARGE, reason="HTTP 413"), messages=1).verdict
    <Verdict.ANSWERED: 'answered'>
    >>> with_outcomes(Answer(Verdict.TOO_LARGE, reason="HTTP 413"), messages=2).verdict
    <Verdict.TOO_LARGE: 'too_large'>
    """
    if answer.verdict is not Verdict.TOO_LARGE or messages > 1:
        return answer
    outcome = Outcome(None, answer.reason)  # an HTTP status is not an ErrorCode
    return replace(answer, verdict=Verdict.ANSWERED, outcomes=(outcome,))


def state_of(outcome: Outcome) -> MessageState:
    """The state of a message after Postmark's answer.

    >>> state_of(Outcome(406, "inactive")).name
    'REJECTED'
    """
    return MessageState.REJECTED if outcome.message_id is None else MessageState.ACCEPTED


def state_without_outcome(answer: Answer) -> MessageState:
    """The state of each message of a request whose answer has no outcomes.

    >>> state_without_outcome(Answer(Verdict.BUSY)).name
    'PLANNED'
    """
    return MessageState.UNKNOWN if answer.verdict is Verdict.UNKNOWN else MessageState.PLANNED


def set_status(
    rows: RowResults,
    position: int,
    state: MessageState,
    *,
    reason: str | None = None,
    outcome: Outcome | None = None,
    to: str | None = None,
    batch: int | None = None,
    changed: bool = False,
    earlier: bool = False,
) -> None:
    """Set the status of a row to what the state of its message means.

    Args:
        rows: the results.
        position: the position of the row, from 0.
        state: the state of its message.
        reason: the reason, one line; rejected rows and rows of an earlier run have their own.
        outcome: Postmark's answer for this message.
        to: the recipient as it was posted.
        batch: the number of the request; None outside batches.
        changed: whether the message is not the one that was accepted earlier.
        earlier: whether the state was reached in an earlier run.
    """
    status = _STATUSES[state]
    if state is MessageState.REJECTED:
        reason = rejection_reason(None if outcome is None else outcome.error_code)
    elif state is MessageState.ACCEPTED and earlier:
        status, reason = Status.SKIPPED, ALREADY_SENT
    rows.settle(
        position, status, reason=reason, outcome=outcome, to=to, batch=batch, changed=changed
    )


def set_outcomes(
    rows: RowResults,
    positions: Sequence[int],
    outcomes: Sequence[Outcome],
    *,
    to: Sequence[str | None],
    batch: int | None = None,
) -> None:
    """Set the status of several rows to what Postmark's answers mean, as ``set_status`` does.

    Args:
        rows: the results.
        positions: the positions of the rows, each once.
        outcomes: Postmark's answer for each message, one per position.
        to: the recipient of each message as it was posted, one per position.
        batch: the number of their request; None outside batches.
    """
    kinds = [_status_and_reason(outcome) for outcome in outcomes]
    distinct = dict.fromkeys(kinds)
    for kind in distinct:
        status, reason = kind
        chosen = [place for place, one in enumerate(kinds) if one == kind]
        is_all = len(distinct) == 1
        rows.settle_many(
            positions if is_all else [positions[place] for place in chosen],
            status,
            reason=reason,
            outcomes=outcomes if is_all else [outcomes[place] for place in chosen],
            to=to if is_all else [to[place] for place in chosen],
            batch=batch,
        )


def _status_and_reason(outcome: Outcome) -> tuple[Status, str | None]:
    if outcome.message_id is not None:
        return _ACCEPTED
    return _STATUSES[state_of(outcome)], rejection_reason(outcome.error_code)


def set_accepted_earlier(
    rows: RowResults,
    positions: np.ndarray[tuple[int], np.dtype[np.int64]],
    uuids: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
    *,
    changed: bool,
) -> None:
    """Set the status of rows that were accepted in an earlier run, as ``set_status`` does.

    Args:
        rows: the results.
        positions: the positions of the rows, each once.
        uuids: the MessageID of each message, 16 bytes each; zeros if it was deleted.
        changed: whether none of the messages is the one that was accepted.
    """
    rows.settle_uuids(
        positions,
        Status.SKIPPED,
        reason=ALREADY_SENT,
        message="accepted earlier",
        uuids=uuids,
        changed=changed,
    )


def set_reason_of_unsent(rows: RowResults, reason: str) -> None:
    """Give every row that is still unsent its reason."""
    rows.settle_many(rows.positions(Status.UNSENT), Status.UNSENT, reason=reason)
