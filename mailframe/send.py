"""The only stage with a clock, threads and the network: batches out, answers in, one status for every row.

What may be repeated is decided by evidence alone (``answers.Verdict``): a request that was refused or that
provably never arrived whole. What may have been taken is never repeated; its rows are ``unknown``.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Literal

from mailframe import batch as batching
from mailframe import errors
from mailframe.answers import CONCERNS_RECIPIENT, Answer, Outcome, Verdict, error_meaning
from mailframe.inspection import Inspection, checked_messages, inspect
from mailframe.interrupts import Interrupts
from mailframe.message import Message
from mailframe.postmark import Postmark
from mailframe.problems import problems_frame
from mailframe.progress import Bar
from mailframe.results import RowResults, Status, results_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from mailframe.binding import BoundLetter
    from mailframe.message import Batch

MAX_WORKERS: Final = 8
_LOOK_S: Final = 0.2
"""How often the main thread looks up from waiting; signals are handled in between at once."""
_SHOWN_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be busy or out of reach before the run ends.

    Attributes:
        busy_tries: of one batch that is answered by 429 or 503.
        reach_tries: of one batch that could not be handed over.
        first_wait_s: seconds before the second try; doubled before each further one.
        longest_wait_s: what a ``Retry-After`` may ask for; a longer one ends the run.
    """

    busy_tries: int = 7
    reach_tries: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0

    def wait_s(self, tries: int, answer: Answer) -> float | None:
        """Seconds to wait after so many tries; None when it is enough."""
        if tries >= (self.busy_tries if answer.verdict is Verdict.BUSY else self.reach_tries):
            return None
        asked = answer.retry_after_s
        if asked is not None:
            return asked if asked <= self.longest_wait_s else None
        return self.first_wait_s * 2.0 ** (tries - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - so that two senders part


PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True)
class Run:
    """What is sent: a campaign's frame and bound letter, and the inspections that it has made."""

    frame: pd.DataFrame
    bound: BoundLetter
    key: tuple[str, ...]
    name: str | None
    inspections: dict[bool, Inspection]


def send(
    run: Run,
    server: Postmark,
    *,
    on_invalid: Literal["raise", "skip"],
    limit: int | None,
    workers: int,
    progress: bool,
    patience: Patience = PATIENCE,
) -> pd.DataFrame:
    """Post every message of a campaign; see ``Campaign.send``."""
    _check_arguments(server, on_invalid=on_invalid, limit=limit, workers=workers)
    rows = RowResults(len(run.frame))
    with Interrupts() as interrupts:
        found = _inspected(run, interrupts, live=server.is_live)
        if found is None:
            _reason_for_the_rest(rows, "interrupted")
            return results_frame(run.frame, rows)
        _hold_back(run, found, rows, on_invalid=on_invalid)
        sender = _Sender(run, found, server, rows, interrupts, patience=patience, workers=workers, limit=limit)
        total = int(found.sendable.sum()) if limit is None else min(limit, int(found.sendable.sum()))
        with Bar(total, name=run.name, shown=progress) as bar:
            sender.run(bar)
    results = results_frame(run.frame, rows)
    if sender.failure is not None:
        kind, said, cause = sender.failure
        raise kind(said, results=results) from cause
    return results


def _check_arguments(server: object, *, on_invalid: object, limit: object, workers: object) -> None:
    if not isinstance(server, Postmark):
        hint = "; give its .server" if hasattr(server, "server") else ""
        raise errors.MailframeError(f"send needs sandbox.server or mf.Postmark(), not a {type(server).__name__}{hint}")
    if on_invalid not in ("raise", "skip"):
        raise errors.MailframeError(f"on_invalid={on_invalid!r} is neither 'raise' nor 'skip'")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 0):
        raise errors.MailframeError(f"limit={limit!r} is no number of messages")
    if not isinstance(workers, int) or isinstance(workers, bool) or not 1 <= workers <= MAX_WORKERS:
        raise errors.MailframeError(f"workers={workers!r} is none of 1 to {MAX_WORKERS}")


class _Stopped(Exception):
    pass


def _inspected(run: Run, interrupts: Interrupts, *, live: bool) -> Inspection | None:
    def watch(_position: int) -> None:
        if interrupts.stop:
            raise _Stopped

    if live not in run.inspections:
        try:
            run.inspections[live] = inspect(run.bound, run.frame, run.key, live=live, watch=watch)
        except _Stopped:
            return None
    return run.inspections[live]


def _hold_back(run: Run, found: Inspection, rows: RowResults, *, on_invalid: str) -> None:
    """Mark the rows with errors; raise unless they may be skipped."""
    reasons = found.reasons()
    for position, reason in reasons.items():
        rows.settle(position, Status.INVALID, reason=reason)
    refused = found.refusals
    if not refused and (on_invalid == "skip" or not reasons):
        return
    _reason_for_the_rest(rows, "nothing was sent")
    blamed = refused or found.errors
    shown = "; ".join(f"row {p.row}, {p.field}: {p.code.value} ({p.detail})" for p in blamed[:_SHOWN_ROWS])
    more = f"; and {len(blamed) - _SHOWN_ROWS} more" if len(blamed) > _SHOWN_ROWS else ""
    hint = "" if refused else '. Mend them (see .problems), or send the others with on_invalid="skip"'
    said = f"nothing was sent: {len(reasons):,} of {len(rows):,} rows cannot be sent: {shown}{more}{hint}"
    raise errors.InvalidRows(said, results=results_frame(run.frame, rows), problems=problems_frame(found.problems))


def _reason_for_the_rest(rows: RowResults, reason: str) -> None:
    for position, status in enumerate(rows.statuses()):
        if status is Status.UNSENT:
            rows.settle(position, Status.UNSENT, reason=reason)


@dataclass(slots=True)
class _Job:
    batch: Batch
    tries: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class _Sender:
    """One run: what waits, what is in flight, and why it ends."""

    _run: Run
    _found: Inspection
    _server: Postmark
    _rows: RowResults
    _interrupts: Interrupts
    patience: Patience
    workers: int
    limit: int | None
    failure: tuple[type[errors.SendError], str, BaseException | None] | None = None
    _ending: str | None = None
    _waiting: deque[_Job] = field(default_factory=deque)
    _in_flight: dict[int, _Job] = field(default_factory=dict)
    _answers: SimpleQueue[tuple[_Job, Answer]] = field(default_factory=SimpleQueue)

    def run(self, bar: Bar) -> None:
        """Send until there is nothing left, or a reason to stop."""
        fresh = batching.batches(islice(self._messages(), self.limit))
        while True:
            try:
                if not self._turn(fresh, bar):
                    break
            except KeyboardInterrupt:  # one that was not counted, in a thread other than the main one
                self._interrupts.note()
        for job in self._in_flight.values():
            self._settle_all(job.batch, Status.UNKNOWN, "interrupted before the answer came")
        _reason_for_the_rest(self._rows, self._ending or ("limit" if self.limit is not None else "not sent"))
        bar.count(self._rows.counts())

    def _turn(self, fresh: Iterator[Batch], bar: Bar) -> bool:
        """One look at what is to do; False when there is nothing more."""
        if self._interrupts.stop and self._ending is None:
            self._ending = "interrupted"
        if self._interrupts.abandon:
            return False
        while self._ending is None and len(self._in_flight) < self.workers:
            job = self._next(fresh)
            if job is None:
                break
            self._launch(job)
        if self._in_flight:
            self._take_answer(bar)
            return True
        if self._ending is None and self._waiting:
            self._interrupts.wait(max(0.0, min(job.not_before for job in self._waiting) - time.monotonic()))
            return True
        return False

    def _messages(self) -> Iterator[Message]:
        for item in checked_messages(self._run.bound, self._found, live=self._server.is_live):
            if isinstance(item, Message):
                yield item
            else:
                self._rows.settle(item.row or 0, Status.INVALID, reason=item.code.value)

    def _next(self, fresh: Iterator[Batch]) -> _Job | None:
        now = time.monotonic()
        if self._waiting:  # nothing overtakes a batch that was told to wait
            return self._waiting.popleft() if self._waiting[0].not_before <= now else None
        try:
            following = next(fresh, None)
        except Exception as error:  # noqa: BLE001 - the results so far must not be lost with it
            self._fail(errors.SendError, f"the next batch could not be made: {type(error).__name__}: {error}", error)
            return None
        return None if following is None else _Job(following)

    def _launch(self, job: _Job) -> None:
        job.tries += 1
        self._in_flight[id(job)] = job
        name = f"mailframe-batch-{job.batch.number}"
        threading.Thread(target=self._post, args=(job,), name=name, daemon=True).start()

    def _post(self, job: _Job) -> None:
        try:
            answer = self._server.send_batch(job.batch)
        except BaseException as error:  # noqa: BLE001 - without an answer nobody knows, whatever it was
            answer = Answer(Verdict.UNKNOWN, reason=type(error).__name__)
        self._answers.put((job, answer))

    def _take_answer(self, bar: Bar) -> None:
        try:
            job, answer = self._answers.get(timeout=_LOOK_S)
        except Empty:
            return
        del self._in_flight[id(job)]
        if answer.interrupted:
            self._interrupts.note()
        self._HANDLERS[answer.verdict](self, job, answer)
        bar.count(self._rows.counts())

    def _answered(self, job: _Job, answer: Answer) -> None:
        for message, outcome in zip(job.batch, answer.outcomes, strict=True):
            self._settle(message, outcome, job.batch.number)
        codes = {outcome.error_code for outcome in answer.outcomes if not outcome.accepted}
        if all(not outcome.accepted for outcome in answer.outcomes) and not codes & CONCERNS_RECIPIENT:
            first = answer.outcomes[0]
            said = f"every message of batch {job.batch.number} was rejected: {first.error_code} {first.message}"
            self._fail(errors.EveryoneRejected, said)

    def _settle(self, message: Message, outcome: Outcome, number: int) -> None:
        status = Status.ACCEPTED if outcome.accepted else Status.REJECTED
        reason = None if outcome.accepted else error_meaning(outcome.error_code or 0)
        self._rows.settle(message.position, status, reason=reason, outcome=outcome, to=message.to, batch=number)

    def _repeat(self, job: _Job, answer: Answer) -> None:
        wait_s = self.patience.wait_s(job.tries, answer)
        if wait_s is None:
            kind = errors.ServerBusy if answer.verdict is Verdict.BUSY else errors.ServerUnreachable
            self._fail(kind, f"batch {job.batch.number} was not taken after {job.tries} tries: {answer.reason}")
            return
        job.not_before = time.monotonic() + wait_s
        self._waiting.append(job)

    def _halve(self, job: _Job, answer: Answer) -> None:
        if len(job.batch) > 1:
            self._waiting.extend(_Job(half) for half in job.batch.halves())
            return
        self._settle(job.batch.messages[0], Outcome(answer.error_code, answer.reason), job.batch.number)

    def _refused(self, job: _Job, answer: Answer) -> None:
        unauthorised = 401
        kind = errors.TokenRefused if answer.http_status == unauthorised else errors.RequestRefused
        self._fail(kind, f"batch {job.batch.number} was refused: {answer.reason}")

    def _unknown(self, job: _Job, answer: Answer) -> None:
        self._settle_all(job.batch, Status.UNKNOWN, answer.reason)
        self._ending = self._ending or f"stopped: batch {job.batch.number} is unknown"

    def _settle_all(self, batch: Batch, status: Status, reason: str) -> None:
        for message in batch:
            self._rows.settle(message.position, status, reason=reason, to=message.to, batch=batch.number)

    def _fail(self, kind: type[errors.SendError], said: str, cause: BaseException | None = None) -> None:
        if self.failure is None:
            self.failure = (kind, said, cause)
            self._ending = f"stopped: {said}"

    _HANDLERS = {  # noqa: RUF012 - never changed
        Verdict.ANSWERED: _answered,
        Verdict.BUSY: _repeat,
        Verdict.UNSENT: _repeat,
        Verdict.TOO_LARGE: _halve,
        Verdict.REFUSED: _refused,
        Verdict.UNKNOWN: _unknown,
    }
