"""What a dispatcher posts: a job for each batch, and a request for each time that it is posted."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailframe.message.batch import Batch
    from mailframe.postmark.responses import Answer
    from mailframe.send.ledger.session import ClaimedBatch


@dataclass(slots=True)
class Job:
    """A batch that is to be posted.

    Attributes:
        batch: its messages.
        tries: the number of times that it was posted.
        not_before: the value of the monotonic clock before which it must not be posted.
    """

    batch: Batch
    tries: int = 0
    not_before: float = 0.0


@dataclass(slots=True, eq=False)
class Request:
    """A batch in flight.

    Attributes:
        job: the job that it belongs to.
        claimed: the batch as it is posted, with its record.
        is_written: set when its last byte was written, or when nothing more will be.
        answer: the answer; None until it is there.
        is_recorded: whether the session has recorded the answer.
    """

    job: Job
    claimed: ClaimedBatch
    is_written: Event = field(default_factory=Event)
    answer: Answer | None = None
    is_recorded: bool = False
