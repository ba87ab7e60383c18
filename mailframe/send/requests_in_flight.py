"""What a dispatcher posts: a job for each batch, and a request for each time that it is posted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Final

from mailframe.postmark.responses import Answer, Verdict

if TYPE_CHECKING:
    from mailframe.message.batch import Batch
    from mailframe.send.batch_source import BatchSource
    from mailframe.send.ledger.session import ClaimedBatch

_NOT_POSTED: Final = Answer(Verdict.UNSENT, reason="interrupted before it was posted")
_ABANDONED: Final = Answer(Verdict.UNKNOWN, reason="interrupted before the answer came")
_TOO_LATE: Final = Answer(
    Verdict.UNSENT, reason="not posted: the machine was suspended after the batch was recorded"
)
_MAX_CLAIM_S: Final = 30.0
"""Seconds at most from the record of a batch to its request.

A database notices after a minute that a suspended machine is gone. Then another machine may decide
that a batch which it did not post yet was not accepted.
"""
_HEAD_START_S: Final = 0.05
"""Seconds at most in which a request is written while the calling thread computes nothing.

Two threads that compute hinder each other: each system call of the one, several for a connection
and one for each 64 KiB, could wait for the other for 5 ms (``sys.getswitchinterval``).
"""


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
        answer: the answer, which its thread sets; None until it is there.
        is_handled: whether the dispatcher has begun to handle the answer.
        is_recorded: whether the session has recorded the answer.
        turn: held from the first call of ``take`` on.
    """

    job: Job
    claimed: ClaimedBatch
    is_written: Event = field(default_factory=Event)
    answer: Answer | None = None
    is_handled: bool = False
    is_recorded: bool = False
    turn: Lock = field(default_factory=Lock)

    def give_head_start(self) -> None:
        """Wait until the request is written, for a short time at most."""
        self.is_written.wait(_HEAD_START_S)

    def take(self) -> bool:
        """Take the request, to post it or to give it up; True only for the first call.

        An interrupt can come before the thread of the request has started, so a request that is in
        flight may not have been posted. Only the first of two threads gets True.
        """
        return self.turn.acquire(blocking=False)

    def post(self, source: BatchSource) -> Answer:
        """Post the batch, unless too much time has passed since it was recorded."""
        if self.claimed.since.passed_s() > _MAX_CLAIM_S:
            return _TOO_LATE
        return source.post(self.claimed.batch, on_sent=self.is_written.set)

    def give_up(self) -> bool:
        """Prevent a request that was not posted yet from being posted; whether that was so."""
        is_given_up = self.take()
        if is_given_up:
            self.answer = _NOT_POSTED
        return is_given_up

    def final_answer(self) -> Answer:
        """The answer; without one, what is true if none is waited for."""
        if self.answer is None:
            self.give_up()
        return self.answer or _ABANDONED


class Arrivals:
    """Wakes the thread that waits for answers; an interrupt may lose a signal, but no answer.

    It is a lock, which is open if an answer has come since the last wait. ``SimpleQueue.get`` with
    a timeout waits for ever, up to Python 3.12, if a signal is handled as the time ends.
    """

    def __init__(self) -> None:
        self._is_open = Lock()
        self._is_open.acquire()

    def note(self) -> None:
        """Say that an answer has come; from any thread."""
        with suppress(RuntimeError):  # it is open already
            self._is_open.release()

    def wait(self, seconds: float) -> None:
        """Wait until an answer has come, so long at most."""
        self._is_open.acquire(timeout=seconds)
