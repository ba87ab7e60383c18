"""The batches of a run: the messages of a campaign, or test emails one by one."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from mailframe.limits import MAX_BATCH_MESSAGES
from mailframe.message import batch as batching
from mailframe.message.message import Message
from mailframe.postmark.error_codes import CONCERNS_MESSAGE
from mailframe.postmark.responses import Answer, Verdict
from mailframe.results import reasons
from mailframe.results.row_results import RowResults, Status
from mailframe.send.pacing.pace import UNPACED, Pacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mailframe.message.batch import Batch
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.postmark.client import Postmark
    from mailframe.postmark.responses import Outcome
    from mailframe.send.sendable import Sendable


class BatchSource(Protocol):
    """The batches that a dispatcher posts, how each is posted, and which rejections end the run.

    ``CampaignBatches`` are those of a send; ``TestEmailBatches`` in ``test_emails.py`` are those of
    ``send_test``.
    """

    unsent_reason: str
    """Reason of the rows that are left when all is done."""

    def __iter__(self) -> Iterator[Batch]:
        """The batches in order; a row that cannot be sent is set to invalid."""

    def post(self, batch: Batch, *, on_sent: Callable[[], None]) -> Answer:
        """Post a batch once; called in a thread of its own.

        Args:
            batch: the batch.
            on_sent: called when the whole request was written, if the transport reports that.
        """

    def label(self, batch: Batch) -> str:
        """What a batch is called in errors, such as ``batch 2``."""

    @property
    def next_label(self) -> str:
        """What the batch that is being made is called in errors."""

    def final_rejection(self, batch: Batch, outcomes: Sequence[Outcome]) -> str | None:
        """The error text if the messages after *batch* would be rejected, too; None to go on."""


class CampaignBatches:
    """The messages of a campaign, in batches.

    Args:
        composed: the campaign.
        preflight: the preflight check of its frame; each message must be the one that was checked.
        server: the server that the batches are posted to.
        rows: the results.
        eligible: one per row, whether it may be sent.
        limit: send only so many messages; None for all.
        pacing: how large batches are, and the window in which they are posted.
    """

    next_label = "the next batch"

    def __init__(
        self,
        composed: Sendable,
        preflight: Preflight,
        server: Postmark,
        rows: RowResults,
        *,
        eligible: Mask,
        limit: int | None,
        pacing: Pacing = UNPACED,
    ) -> None:
        self._composed, self._preflight = composed, preflight
        self._server, self._rows = server, rows
        self._eligible, self._limit, self._pacing = eligible, limit, pacing
        self._refused: set[int] = set()
        self._reports_writing = _takes_on_sent(server)
        self.unsent_reason = reasons.NOT_SENT if limit is None else reasons.LIMIT

    @property
    def total(self) -> int:
        """How many messages are to be sent."""
        eligible = int(self._eligible.sum())
        return eligible if self._limit is None else min(self._limit, eligible)

    def __iter__(self) -> Iterator[Batch]:
        """Batches of at most 500 messages and 50 MB, in row order; of fewer if there is a rate."""
        return batching.batches(
            islice(self._messages(), self.total), at_most=self._pacing.batch_messages
        )

    def _messages(self) -> Iterator[Message]:
        for item in self._composed.messages(
            self._preflight, live=self._server.is_live, wanted=self._eligible
        ):
            if isinstance(item, Message):
                yield item
            else:
                self._rows.settle(item.row or 0, Status.INVALID, reason=item.code.value)

    def post(self, batch: Batch, *, on_sent: Callable[[], None]) -> Answer:
        """Post to ``/email/batch``, or to ``/email/batchWithTemplates``.

        If the window has closed since the batch was due, it is not posted.
        """
        if self._pacing.window is not None and not self._pacing.window.is_open(datetime.now(UTC)):
            return Answer(Verdict.UNSENT, reason="not posted: the window of the day has closed")
        options = {"on_sent": on_sent} if self._reports_writing else {}
        return fitting(self._server.send_batch(batch, **options), messages=len(batch))

    def label(self, batch: Batch) -> str:
        """The number of the batch; both halves of a batch that was too large have its number."""
        return f"batch {batch.number}"

    def final_rejection(self, batch: Batch, outcomes: Sequence[Outcome]) -> str | None:
        """Every message is rejected for a reason that is not about the messages themselves.

        A rate makes small batches, and one row with another sender would end the send: there it
        takes as many messages as in a full batch, one after another.
        """
        if any(outcome.accepted for outcome in outcomes):
            self._refused.clear()
            return None
        codes = {outcome.error_code for outcome in outcomes}
        if codes & {None, *CONCERNS_MESSAGE}:
            return None
        self._refused.update(batch.positions)
        is_paced = self._pacing.rate is not None
        if is_paced and len(self._refused) < min(MAX_BATCH_MESSAGES, self.total):
            return None
        return f"every message of batch {batch.number} was rejected"


# --- subclasses of Postmark ----------------------------------------------------------------------


def _takes_on_sent(server: Postmark) -> bool:
    """Whether ``send_batch`` takes *on_sent*; that of a subclass may take the batch alone."""
    try:
        inspect.signature(server.send_batch).bind(None, on_sent=None)
    except (TypeError, ValueError):
        return False
    return True


def fitting(answer: object, *, messages: int) -> Answer:
    """The answer to a request; an unknown one in the place of what only a subclass returns.

    >>> fitting(None, messages=2).reason
    'the server returned a NoneType and not an Answer'
    """
    if not isinstance(answer, Answer):
        fault = f"a {type(answer).__name__} and not an Answer"
    elif answer.verdict is Verdict.ANSWERED and len(answer.outcomes) != messages:
        fault = f"{len(answer.outcomes)} outcomes for {messages} messages"
    else:
        return answer
    return Answer(Verdict.UNKNOWN, reason=f"the server returned {fault}")
