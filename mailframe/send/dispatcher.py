"""The dispatcher: posts batches, reads their answers and gives every row its status.

It is the only place with threads and waiting. Where no thread can be started, as in Pyodide, each
request is posted in the calling thread, and an interrupt is handled after its answer. A request is
repeated only if its answer or the transport trace proves that nothing was processed (``Verdict``).
A request that may have been accepted is not repeated; its rows are ``unknown``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from mailframe import errors
from mailframe.message.batch import Batch
from mailframe.postmark.responses import Answer, Outcome, Verdict, without_repeats
from mailframe.results import reasons
from mailframe.results.row_results import Status
from mailframe.send.pacing.pace import Pace, Pacing
from mailframe.send.requests_in_flight import Arrivals, Job, Request
from mailframe.send.search_for_batch import search_for
from mailframe.send.states import (
    NO_RESULTS_YET,
    set_outcomes,
    set_reason_of_unsent,
    with_outcomes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mailframe.results.row_results import RowResults
    from mailframe.send.batch_source import BatchSource
    from mailframe.send.interrupts import Interrupts
    from mailframe.send.ledger.session import SendSession
    from mailframe.send.progress import Bar
    from mailframe.send.retry_policy import RetryPolicy

_POLL_S: Final = 0.2
"""Seconds between two checks for interrupts while an answer is awaited."""
_WAIT_STEP_S: Final = 1.0
"""Seconds after which a wait looks at the clocks again: the machine may have been suspended."""


class Dispatcher:
    """Posts batches and gives each row its status.

    Args:
        source: the batches to post, and how.
        session: the session that records each request.
        rows: the results.
        interrupts: the interrupts by the user.
        retry_policy: the policy for a server that is busy, unreachable or silent.
        workers: the number of batches in flight at once.
        pace: when each batch may go; None for at once.

    Attributes:
        failure: the error that ended the run, without its results; None if none did.
    """

    def __init__(
        self,
        source: BatchSource,
        session: SendSession,
        rows: RowResults,
        interrupts: Interrupts,
        *,
        retry_policy: RetryPolicy,
        workers: int = 1,
        pace: Pace | None = None,
    ) -> None:
        self._source, self._session = source, session
        self._rows, self._interrupts = rows, interrupts
        self._retry_policy, self._workers = retry_policy, workers
        self._pace = pace or Pace(Pacing(), messages=0)
        self._ending: str | None = None
        self._before = rows.counts()
        self._waiting: deque[Job] = deque()
        self._made: Batch | None = None
        self._in_flight: dict[Request, None] = {}
        self._arrivals = Arrivals()
        self.failure: errors.MailframeError | None = None

    def run(self, bar: Bar) -> None:
        """Post until nothing is left or something ends the run; every row has a status then."""
        batches = iter(self._source)
        try:
            while True:
                try:
                    if not self._step(batches, bar):
                        break
                except KeyboardInterrupt:  # not counted, because this is not the main thread
                    self._interrupts.note()
        finally:
            self._close()
            bar.count(self._counts())

    def _step(self, batches: Iterator[Batch], bar: Bar) -> bool:
        """Launch what may be launched and take one answer; False if nothing is left to do."""
        if self._interrupts.stop and self._ending is None:
            self._ending = reasons.INTERRUPTED
        if self._interrupts.abandon:
            return False
        if self._ending is None and (failure := self._pace.failure()) is not None:
            self._fail(failure)
        self._finish_interrupted()
        while self._ending is None and len(self._in_flight) < self._workers:
            job = self._next_job(batches)
            if job is None or not self._launch(job):
                break
        if self._in_flight:
            self._make_next(batches)
            self._take_answer(bar)
            return True
        if self._ending is None and (self._waiting or self._made is not None):
            bar.count(self._counts())
            self._interrupts.wait(min(self._wait_s(), _WAIT_STEP_S))
            return True
        return False

    def _wait_s(self) -> float:
        """Seconds until the next batch may go; 0 for now, or if there is none."""
        if not self._waiting:
            return 0.0 if self._made is None else self._pace.wait_s(len(self._made))
        job = self._waiting[0]  # no batch overtakes one that waits
        return max(0.0, job.not_before - time.monotonic(), self._pace.wait_s(len(job.batch)))

    def _finish_interrupted(self) -> None:
        """Settle what an interrupt left: an answer that was being handled, a thread not started."""
        for request in list(self._in_flight):
            if request.is_handled or (self._interrupts.stop and request.give_up()):
                self._take_late_answer(request, self._checked(request))

    def _close(self) -> None:
        """However the run ends: each batch in flight has the answer that came, or is unknown."""
        if self.failure is None:  # else a batch that was posted may still be recorded as sending
            self._withdraw_claims()
        for request in list(self._in_flight):
            self._take_late_answer(request, self._checked(request))
        set_reason_of_unsent(self._rows, self._ending or self._source.unsent_reason)

    def _withdraw_claims(self) -> None:
        """Record as unsent what was claimed when an interrupt was raised, and is not in flight."""
        try:
            self._session.withdraw_claims([request.claimed for request in self._in_flight])
        except errors.LedgerError as error:
            self._fail_for_ledger(error)

    def _counts(self) -> dict[Status, int]:
        """The rows that this run has given a status; others had theirs before it began."""
        return {
            status: count - self._before.get(status, 0)
            for status, count in self._rows.counts().items()
        }

    # --- requests ------------------------------------------------------------------------------

    def _next_job(self, batches: Iterator[Batch]) -> Job | None:
        if not self._waiting:
            self._make_next(batches)
        if self._wait_s():
            return None
        if self._waiting:
            return self._waiting.popleft()
        batch, self._made = self._made, None
        return None if batch is None else Job(batch)

    def _make_next(self, batches: Iterator[Batch]) -> None:
        """Make the batch that is posted next, also while answers are awaited."""
        if self._made is not None or self._ending is not None:
            return
        try:
            self._made = next(batches, None)
        except Exception as error:  # noqa: BLE001 - the results so far must not be lost
            why = f"{type(error).__name__}: {error}"
            text = f"{self._source.next_label} could not be made: {why}"
            self._fail(errors.SendError(text, results=NO_RESULTS_YET), cause=error)

    def _launch(self, job: Job, *, after: Request | None = None) -> bool:
        """Record the batch, then post it; False if no other is to be launched now.

        Args:
            job: the batch.
            after: a request whose answer is recorded together with the batch.
        """
        answered = None if after is None else (after.claimed, after.final_answer())
        try:
            claimed = self._session.claim(job.batch, after=answered)
        except errors.LedgerError as error:
            _set_recorded(after)  # also if the batch was refused, see SendSession.claim
            self._fail_for_ledger(error)
            return False
        _set_recorded(after)
        job.tries += 1
        request = Request(job, claimed)
        self._in_flight[request] = None
        self._pace.start(request, len(job.batch))
        name = f"mailframe-batch-{job.batch.number}"
        thread = threading.Thread(target=self._post, args=(request,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be started
            self._post(request)
            return False  # its answer comes first
        if self._workers == 1:  # with several, answers that have come would wait for it
            request.give_head_start()
        return True

    def _post(self, request: Request) -> None:
        if not request.take():
            return
        try:
            answer = request.post(self._source)
        except BaseException as error:  # noqa: BLE001 - any exception leaves the request unconfirmed
            answer = Answer(Verdict.UNKNOWN, reason=type(error).__name__)
        request.answer = answer
        request.is_written.set()
        self._arrivals.note()

    # --- answers -------------------------------------------------------------------------------

    def _take_answer(self, bar: Bar) -> None:
        if not any(one.answer is not None for one in self._in_flight):
            self._arrivals.wait(min(_POLL_S, self._wait_s() or _POLL_S))
        request = next((one for one in self._in_flight if one.answer is not None), None)
        if request is None:
            return
        answer = self._checked(request)
        self._pace.end(request, answer)
        if answer.interrupted:
            self._interrupts.note()
        following = self._following(request.job.batch, answer)
        if following is None:
            self._record(request, answer)
        else:
            self._launch(following, after=request)
        self._HANDLERS[answer.verdict](self, request, answer)
        self._in_flight.pop(request, None)
        bar.count(self._counts())

    def _following(self, batch: Batch, answer: Answer) -> Job | None:
        """The batch that may be posted before the statuses of an answered one are set."""
        may_go_on = self._ending is None and not self._interrupts.stop and not self._waiting
        if self._made is None or not may_go_on or answer.verdict is not Verdict.ANSWERED:
            return None
        if self._wait_s() or self._pace.failure() is not None:
            return None
        if self._source.final_rejection(batch, answer.outcomes) is not None:
            return None
        following, self._made = self._made, None
        return Job(following)

    def _take_late_answer(self, request: Request, answer: Answer) -> None:
        """Set the statuses first and record after that; nothing is searched or posted any more."""
        if answer.outcomes:
            self._set_all_outcomes(request.job.batch, answer.outcomes)
        elif answer.verdict is Verdict.UNKNOWN:
            self._set_unknown(request.job.batch, answer.reason)
        self._record(request, answer)
        self._in_flight.pop(request, None)

    def _checked(self, request: Request) -> Answer:
        """The answer to a request, whose MessageIDs must be new; it is checked once."""
        answer = request.final_answer()
        if not request.is_handled:
            request.is_handled = True
            answer = without_repeats(answer, self._session.taken)
            request.answer = answer = with_outcomes(answer, messages=len(request.job.batch))
        return answer

    def _record(self, request: Request, answer: Answer) -> None:
        """Record an answer; if that fails, the results have it, and the next run asks Postmark."""
        if request.is_recorded:
            return
        try:
            self._session.record_answer(request.claimed, answer)
            request.is_recorded = True
        except errors.LedgerError as error:
            self._fail_for_ledger(error)

    def _answered(self, request: Request, answer: Answer) -> None:
        batch = request.job.batch
        self._set_all_outcomes(batch, answer.outcomes)
        text = self._source.final_rejection(batch, answer.outcomes)
        if text is not None:
            first = answer.outcomes[0]
            self._fail(
                errors.EveryoneRejected(
                    f"{text}: {first.error_code} {first.message}", results=NO_RESULTS_YET
                )
            )

    def _retry(self, request: Request, answer: Answer) -> None:
        job = request.job
        wait_s = self._retry_policy.wait_s(job.tries, answer)
        if wait_s is not None:
            job.not_before = time.monotonic() + wait_s
            self._waiting.append(job)
            return
        is_busy = answer.verdict is Verdict.BUSY
        kind = errors.ServerBusy if is_busy else errors.ServerUnreachable
        tries = f"{job.tries} tries" if job.tries > 1 else "1 try"
        label = self._source.label(job.batch)
        text = f"{label} was not accepted after {tries}: {answer.reason}"
        self._fail(kind(text, results=NO_RESULTS_YET))

    def _halve(self, request: Request, _answer: Answer) -> None:
        self._waiting.extend(Job(half) for half in request.job.batch.halves())

    def _refused(self, request: Request, answer: Answer) -> None:
        is_token = answer.http_status == HTTPStatus.UNAUTHORIZED
        kind = errors.TokenRefused if is_token else errors.RequestRefused
        label = self._source.label(request.job.batch)
        self._fail(kind(f"{label} was refused: {answer.reason}", results=NO_RESULTS_YET))

    def _unknown(self, request: Request, answer: Answer) -> None:
        batch = request.job.batch
        self._set_unknown(batch, answer.reason)
        if not self._is_found_by_search(request):
            stopped = reasons.stopped(f"{self._source.label(batch)} is unknown")
            self._ending = self._ending or stopped

    def _is_found_by_search(self, request: Request) -> bool:
        """Search Postmark for an unknown batch for a bounded time; whether all of it was found."""
        missing = len(request.job.batch)
        searches = search_for(request.claimed, self._session, self._retry_policy, self._interrupts)
        try:
            for message_ids in searches:
                missing -= len(message_ids)
                self._pace.found(list(message_ids.values()))
                self._set_outcomes(
                    request.job.batch,
                    {
                        position: Outcome(None, "found by search after no answer", message_id)
                        for position, message_id in message_ids.items()
                    },
                )
        except errors.LedgerError as error:
            self._fail_for_ledger(error)
        return not missing

    # --- statuses and errors -------------------------------------------------------------------

    def _set_outcomes(self, batch: Batch, outcomes: Mapping[int, Outcome]) -> None:
        """Set the rows of the messages that have an outcome, by position."""
        answered = [message for message in batch if message.position in outcomes]
        self._set_all_outcomes(
            Batch(batch.number, tuple(answered)),
            [outcomes[message.position] for message in answered],
        )

    def _set_all_outcomes(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Set the rows of all messages; one outcome per message."""
        set_outcomes(
            self._rows,
            batch.positions,
            outcomes,
            to=[message.to for message in batch],
            batch=batch.number or None,
        )

    def _set_unknown(self, batch: Batch, reason: str) -> None:
        self._rows.settle_many(
            batch.positions,
            Status.UNKNOWN,
            reason=reason,
            to=[message.to for message in batch],
            batch=batch.number or None,
        )

    def _fail_for_ledger(self, error: errors.LedgerError) -> None:
        if isinstance(error, errors.AlreadySentElsewhere | errors.CapReached | errors.LedgerBehind):
            self._fail(error)
        else:
            self._fail(errors.LedgerStopped(str(error), results=NO_RESULTS_YET))

    def _fail(self, error: errors.MailframeError, *, cause: BaseException | None = None) -> None:
        """End the run with an error; the first one counts."""
        if self.failure is None:
            error.__cause__ = cause
            self.failure = error
            self._ending = reasons.stopped(error)

    _HANDLERS = {  # noqa: RUF012 - never changed
        Verdict.ANSWERED: _answered,
        Verdict.BUSY: _retry,
        Verdict.UNSENT: _retry,
        Verdict.TOO_LARGE: _halve,
        Verdict.REFUSED: _refused,
        Verdict.UNKNOWN: _unknown,
    }


def _set_recorded(request: Request | None) -> None:
    if request is not None:
        request.is_recorded = True
