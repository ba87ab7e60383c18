"""The only stage with a clock, threads and the network: batches out, answers in, one status for every row.

What may be repeated is decided by evidence alone (``answers.Verdict``): a request that was refused or that
provably never arrived whole. What may have been taken is never repeated; its rows are ``unknown``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Literal

from mailframe import errors
from mailframe.message import batch as batching
from mailframe.message.models import Message
from mailframe.message.preflight import Preflight, checked_messages
from mailframe.postmark import search
from mailframe.postmark.client import Postmark
from mailframe.postmark.error_codes import CONCERNS_MESSAGE, error_meaning
from mailframe.postmark.responses import Answer, Outcome, Verdict, without_repeats
from mailframe.results.frame import RowResults, Status
from mailframe.send.retry_policy import DEFAULT_RETRY_POLICY, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mailframe.message.composed import Composed
    from mailframe.message.models import Batch
    from mailframe.send.interrupts import Interrupts
    from mailframe.send.ledger.session import Claim, SendSession
    from mailframe.send.progress import Bar

_LOOK_S: Final = 0.2
"""How often the main thread looks up from waiting; signals are handled in between at once."""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What a person said to ``Campaign.send``.

    Attributes:
        on_invalid: what to do when a row has an error.
        limit: the first so many messages only.
        workers: batches under way at once.
        progress: draw a bar.
        ledger: where the campaign is remembered; None for nowhere.
        allow_changed, allow_repeat: see ``wishes.Wishes``.
        resend: keys of rows that go out again.
        approved: the fingerprint that a person approved; None sends without an approval.
        patience: with servers that are busy, out of reach or silent.
    """

    on_invalid: Literal["raise", "skip"] = "raise"
    limit: int | None = None
    workers: int = 1
    progress: bool = True
    ledger: Path | None = None
    allow_changed: bool = False
    allow_repeat: bool = False
    resend: Sequence[object] | None = None
    approved: str | None = None
    patience: RetryPolicy = DEFAULT_RETRY_POLICY


def check_server(server: object, *, verb: str) -> None:
    """Refuse what is no server.

    Args:
        server: what a person gave.
        verb: of the campaign, that it was given to.

    Raises:
        MailframeError: with what to give instead.
    """
    if not isinstance(server, Postmark):
        hint = "; give its .server" if hasattr(server, "server") else ""
        raise errors.MailframeError(
            f"{verb} needs sandbox.server or mf.Postmark(), not a {type(server).__name__}{hint}"
        )


def reason_for_the_rest(rows: RowResults, reason: str) -> None:
    """Say of every row that is still unsent why it is."""
    for position, status in enumerate(rows.statuses()):
        if status is Status.UNSENT:
            rows.settle(position, Status.UNSENT, reason=reason)


@dataclass(slots=True)
class _Job:
    batch: Batch
    tries: int = 0
    not_before: float = 0.0
    claim: Claim | None = None
    answer: Answer | None = None


def _claim(job: _Job) -> Claim:
    if job.claim is None:
        raise errors.MailframeError("a batch came back that was never noted")
    return job.claim


@dataclass(slots=True)
class Dispatcher:
    """One run: what waits, what is in flight, and why it ends."""

    _run: Composed
    _found: Preflight
    _server: Postmark
    _rows: RowResults
    _interrupts: Interrupts
    _memory: SendSession
    _options: SendOptions
    failure: (
        tuple[type[errors.SendError | errors.LedgerError], str, BaseException | None] | None
    ) = None
    _ending: str | None = None
    _before: dict[Status, int] = field(default_factory=dict)
    _waiting: deque[_Job] = field(default_factory=deque)
    _in_flight: dict[int, _Job] = field(default_factory=dict)
    _answers: SimpleQueue[tuple[_Job, Answer]] = field(default_factory=SimpleQueue)

    @property
    def total(self) -> int:
        """How many messages this run is about."""
        eligible, limit = int(self._memory.eligible.sum()), self._options.limit
        return eligible if limit is None else min(limit, eligible)

    def run(self, bar: Bar) -> None:
        """Send until there is nothing left, or a reason to stop."""
        self._before = self._rows.counts()
        messages = islice(self._messages(), self._options.limit)
        fresh = batching.batches(messages)
        try:
            while True:
                try:
                    if not self._turn(fresh, bar):
                        break
                except (
                    KeyboardInterrupt
                ):  # one that was not counted, in a thread other than the main one
                    self._interrupts.note()
        finally:
            self._leave()
            bar.count(self._counts())

    def _leave(self) -> None:
        """Whatever ends the run: each batch that left has the answer that came, or is unknown."""
        while not self._answers.empty():  # what came while nobody waited any more
            late, answer = self._answers.get()
            late.answer = without_repeats(answer, self._memory.taken)
        for job in list(self._in_flight.values()):
            if job.answer is None:
                self._give_up(job, "interrupted before the answer came")
            else:
                self._take_late(job, job.answer)
        reason_for_the_rest(
            self._rows, self._ending or ("limit" if self._options.limit is not None else "not sent")
        )

    def _counts(self) -> dict[Status, int]:
        """What this run has settled; the ledger and our checks settled others before it began."""
        return {
            status: count - self._before.get(status, 0)
            for status, count in self._rows.counts().items()
        }

    def _turn(self, fresh: Iterator[Batch], bar: Bar) -> bool:
        """One look at what is to do; False when there is nothing more."""
        if self._interrupts.stop and self._ending is None:
            self._ending = "interrupted"
        if self._interrupts.abandon:
            return False
        while self._ending is None and len(self._in_flight) < self._options.workers:
            job = self._next(fresh)
            if job is None or not self._launch(job):
                break
        if self._in_flight:
            self._take_answer(bar)
            return True
        if self._ending is None and self._waiting:
            self._interrupts.wait(
                max(0.0, min(job.not_before for job in self._waiting) - time.monotonic())
            )
            return True
        return False

    def _messages(self) -> Iterator[Message]:
        wanted = self._memory.eligible
        for item in checked_messages(
            self._run.bound, self._found, live=self._server.is_live, wanted=wanted
        ):
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
            self._fail(
                errors.SendError,
                f"the next batch could not be made: {type(error).__name__}: {error}",
                error,
            )
            return None
        return None if following is None else _Job(following)

    def _launch(self, job: _Job) -> bool:
        """Note the batch, then let it go; False when it could not be noted, so that it stays."""
        try:
            job.claim = self._memory.claim(job.batch)
        except errors.LedgerError as error:
            self._stop(error)
            return False
        job.tries += 1
        job.answer = None
        name = f"mailframe-batch-{job.batch.number}"
        thread = threading.Thread(
            target=self._post, args=(job, job.claim.batch), name=name, daemon=True
        )
        self._in_flight[id(job)] = job
        try:
            thread.start()
        except RuntimeError as error:  # the system is out of threads
            del self._in_flight[id(job)]
            said = f"batch {job.batch.number} did not leave: no thread could be started ({error})"
            self._note(job, Answer(Verdict.UNSENT, reason=said))
            self._fail(errors.SendError, said, error)
            return False
        return True

    def _post(self, job: _Job, batch: Batch) -> None:
        try:
            answer = self._server.send_batch(batch)
        except BaseException as error:  # noqa: BLE001 - without an answer nobody knows, whatever it was
            answer = Answer(Verdict.UNKNOWN, reason=type(error).__name__)
        self._answers.put((job, answer))

    def _take_answer(self, bar: Bar) -> None:
        try:
            job, answer = self._answers.get(timeout=_LOOK_S)
        except Empty:
            return
        job.answer = answer  # first, so that no signal loses it
        job.answer = answer = without_repeats(answer, self._memory.taken)
        if answer.interrupted:
            self._interrupts.note()
        self._take(job, answer)
        bar.count(self._counts())

    def _take(self, job: _Job, answer: Answer) -> None:
        """Note an answer and settle its rows; only then is the batch no longer in flight."""
        self._note(job, answer)
        self._HANDLERS[answer.verdict](self, job, answer)
        self._in_flight.pop(id(job), None)

    def _take_late(self, job: _Job, answer: Answer) -> None:
        """As ``_take``, but nothing is asked or sent any more, and the rows come first: the run is over."""
        if answer.outcomes:
            self._answered(job, answer)
        elif answer.verdict is Verdict.UNKNOWN:
            self._settle_all(job.batch, Status.UNKNOWN, answer.reason)
        self._note(job, answer)
        self._in_flight.pop(id(job), None)

    def _note(self, job: _Job, answer: Answer) -> None:
        """Note the answer; if that fails the row results still tell it, and the next run asks Postmark."""
        if answer.verdict is Verdict.TOO_LARGE and len(job.batch) == 1:
            answer = replace(
                answer, outcomes=(Outcome(None, answer.reason),)
            )  # a status is not an ErrorCode
        try:
            self._memory.note(_claim(job), answer)
        except errors.LedgerError as error:
            self._stop(error)

    def _stop(self, error: errors.LedgerError) -> None:
        repeated = isinstance(error, errors.AlreadySentElsewhere)
        self._fail(errors.AlreadySentElsewhere if repeated else errors.LedgerStopped, str(error))

    def _give_up(self, job: _Job, why: str) -> None:
        self._settle_all(job.batch, Status.UNKNOWN, why)
        self._in_flight.pop(id(job), None)
        try:
            self._memory.give_up(_claim(job), why)
        except errors.LedgerError as error:  # it stays "sending" there, and the next run finds it
            self._stop(error)

    def _answered(self, job: _Job, answer: Answer) -> None:
        for message, outcome in zip(job.batch, answer.outcomes, strict=True):
            self._settle(message, outcome, job.batch.number)
        codes = {outcome.error_code for outcome in answer.outcomes if not outcome.accepted}
        if (
            all(not outcome.accepted for outcome in answer.outcomes)
            and not codes & CONCERNS_MESSAGE
        ):
            first = answer.outcomes[0]
            said = f"every message of batch {job.batch.number} was rejected: {first.error_code} {first.message}"
            self._fail(errors.EveryoneRejected, said)

    def _settle(self, message: Message, outcome: Outcome, number: int) -> None:
        status = Status.ACCEPTED if outcome.accepted else Status.REJECTED
        reason = None if outcome.accepted else error_meaning(outcome.error_code)
        self._rows.settle(
            message.position, status, reason=reason, outcome=outcome, to=message.to, batch=number
        )

    def _repeat(self, job: _Job, answer: Answer) -> None:
        wait_s = self._options.patience.wait_s(job.tries, answer)
        if wait_s is None:
            kind = errors.ServerBusy if answer.verdict is Verdict.BUSY else errors.ServerUnreachable
            self._fail(
                kind,
                f"batch {job.batch.number} was not taken after {job.tries} tries: {answer.reason}",
            )
            return
        job.not_before = time.monotonic() + wait_s
        self._waiting.append(job)

    def _halve(self, job: _Job, answer: Answer) -> None:
        if len(job.batch) > 1:
            self._waiting.extend(_Job(half) for half in job.batch.halves())
            return
        self._settle(job.batch.messages[0], Outcome(None, answer.reason), job.batch.number)

    def _refused(self, job: _Job, answer: Answer) -> None:
        unauthorised = 401
        kind = errors.TokenRefused if answer.http_status == unauthorised else errors.RequestRefused
        self._fail(kind, f"batch {job.batch.number} was refused: {answer.reason}")

    def _unknown(self, job: _Job, answer: Answer) -> None:
        self._settle_all(job.batch, Status.UNKNOWN, answer.reason)
        if not self._found_by_search(job):
            self._ending = self._ending or f"stopped: batch {job.batch.number} is unknown"

    def _found_by_search(self, job: _Job) -> bool:
        """Ask Postmark for an unknown batch for a bounded time; whether all of it was found."""
        until = time.monotonic() + self._options.patience.search_s
        pause_s = self._options.patience.first_wait_s
        missing = len(job.batch)
        while True:
            found = self._asked(job)  # only what no earlier question found
            if found is None:
                return False
            missing -= len(found)
            for message in job.batch:
                if message.position in found:
                    outcome = Outcome(
                        None, "found by search after no answer", found[message.position]
                    )
                    self._settle(message, outcome, job.batch.number)
            if not missing:
                return True
            if self._interrupts.stop or time.monotonic() + pause_s > until:
                return False
            self._interrupts.wait(pause_s)
            pause_s = min(2 * pause_s, 5.0)

    def _asked(self, job: _Job) -> dict[int, str] | None:
        try:
            return self._memory.settle(_claim(job))
        except search.SearchError:
            return {}
        except errors.LedgerError as error:
            self._stop(error)
            return None

    def _settle_all(self, batch: Batch, status: Status, reason: str) -> None:
        for message in batch:
            self._rows.settle(
                message.position, status, reason=reason, to=message.to, batch=batch.number
            )

    def _fail(
        self,
        kind: type[errors.SendError | errors.LedgerError],
        said: str,
        cause: BaseException | None = None,
    ) -> None:
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
