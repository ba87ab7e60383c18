"""A sender in its own process, which can be killed at a named point, and mutants of the ledger.

The package is not changed: a child replaces classes in its own process only.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mailframe as mf
from mailframe.postmark.client import Postmark
from mailframe.postmark.responses import Verdict
from mailframe.send.ledger import Attempt, Ledger, MessageState
from mailframe.send.retry_policy import RetryPolicy
from tests.campaigns import LETTER, send_with
from tests.systems import KILL, fresh_processes

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    import pandas as pd

POINTS = (
    "after_plan",
    "before_t1",
    "after_t1",
    "before_post",
    "after_post",
    "before_t2",
    "after_t2",
)
"""Where a child can be killed: around the record before a request, the request, and its answer."""
BRIEF = RetryPolicy(first_wait_s=0.03, search_s=0.3)
_HELD_S = 30.0
_CONTEXT = fresh_processes("tests.send.ledger.child")


@dataclass(frozen=True)
class Job:
    """What a child does: one send.

    Attributes:
        frame: of the campaign, with the columns ``email`` and ``n``.
        url: of the sandbox.
        ledger: path or URL of the ledger.
        report: where the results frame goes, pickled, with the name of the error or "".
        point: where something happens, one of POINTS; "" for nowhere.
        nth: time that the point is passed when it does.
        small: only batches of at most so many messages count; ``<report>-begun`` is made for each.
        hold: folder in which the child makes ``held`` and waits for ``go``; None kills it instead.
        mutants: names of MUTANTS.
        timeout_s: of a request.
        retry_policy: of the run.
        name: of the campaign.
        fsize: bytes to which any file of the child may grow, as on a full disk; None for no limit.
        options: more of ``sender.Options``.
    """

    frame: pd.DataFrame
    url: str
    ledger: str
    report: str
    point: str = ""
    nth: int = 1
    small: int = 500
    hold: str | None = None
    mutants: tuple[str, ...] = ()
    timeout_s: float = 1.0
    retry_policy: RetryPolicy = BRIEF
    name: str = "numbers"
    fsize: int | None = None
    options: dict[str, Any] = field(default_factory=dict)


class Watch:
    """Counts how often each point is passed, and does what the job says at one of them."""

    def __init__(self, job: Job) -> None:
        self._job, self._left = job, job.nth

    def passed(self, point: str, messages: int = 0) -> None:
        """Called at each point, with the size of the batch."""
        if messages > self._job.small:
            return
        if point == "after_t1":
            Path(f"{self._job.report}-begun").touch()
        if point != self._job.point:
            return
        self._left -= 1
        if self._left:
            return
        if self._job.hold is None:
            os.kill(os.getpid(), KILL)
        else:
            hold(Path(self._job.hold))


def hold(folder: Path) -> None:
    """Say that we are here and wait until somebody lets us go on."""
    (folder / "held").touch()
    until = time.monotonic() + _HELD_S
    while not (folder / "go").exists() and time.monotonic() < until:
        time.sleep(0.01)


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    until = time.monotonic() + _HELD_S
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} did not come"
        time.sleep(0.01)


def watched(base: type[Ledger], watch: Watch) -> type[Ledger]:  # noqa: C901 - one class, whose methods pass a point each
    """A ledger that passes the points."""

    class Watched(base):
        _later: list[tuple[str, int]] | None = None

        def plan(self, *args: Any) -> Any:
            ids = super().plan(*args)
            watch.passed("after_plan")
            return ids

        def claim(self, campaign: Any, ids: Any, **options: Any) -> Attempt:
            watch.passed("before_t1", len(ids))
            attempt = super().claim(campaign, ids, **options)
            self._passed("after_t1", len(ids))
            return attempt

        def record_outcomes(self, attempt: Attempt, lines: Any) -> None:
            watch.passed("before_t2", attempt.messages)
            super().record_outcomes(attempt, lines)
            self._passed("after_t2", attempt.messages)

        def record_and_claim(self, *calls: Any) -> Attempt:
            """One transaction: what is after the record or the claim is after its COMMIT."""
            self._later = []
            try:
                return super().record_and_claim(*calls)
            finally:
                later, self._later = self._later, None
                for point, messages in later:
                    watch.passed(point, messages)

        def _passed(self, point: str, messages: int) -> None:
            if self._later is None:
                watch.passed(point, messages)
            else:
                self._later.append((point, messages))

        def recover(self, campaign: Any) -> int:
            recovered = super().recover(campaign)
            watch.passed("after_recover")
            return recovered

        def close_attempt(self, attempt: Attempt, *args: Any) -> None:
            if isinstance(self.place, Path):
                self.db.run("PRAGMA cache_spill = ON")
            super().close_attempt(attempt, *args)
            watch.passed("within_t2", attempt.messages)

        def record_unsent(self, attempt: Attempt, *args: Any) -> None:
            watch.passed("before_t2", attempt.messages)
            super().record_unsent(attempt, *args)
            watch.passed("after_t2", attempt.messages)

        def record_unknown(self, attempt: Attempt, *args: Any) -> None:
            watch.passed("before_t2", attempt.messages)
            super().record_unknown(attempt, *args)
            watch.passed("after_t2", attempt.messages)

    return Watched


class RecoverToPlanned(Ledger):
    """A dead sender's messages are simply sent again."""

    def recover(self, campaign):
        """Forget that they were under way."""
        with self.db.transaction():
            self.db.run(
                "UPDATE attempt SET state = 'unsent' WHERE campaign = ? AND state = 'sending'",
                (campaign.id,),
            )
            ids, states = self.messages.states_of_campaign(campaign.id)
            ids = ids[states == MessageState.SENDING]
            return self.messages.move(ids, state=MessageState.SENDING, to=MessageState.PLANNED)


class NoT1(Ledger):
    """What left is noted only when the answer is there."""

    def claim(self, campaign, ids, *, number, streams, check=None):
        """Note nothing yet."""
        self._late = campaign, ids, number, streams
        return Attempt(0, "0" * 24, number, len(ids), tuple(streams), "sending", "", None)

    def record_outcomes(self, attempt, lines):
        """Note both at once."""
        campaign, ids, number, streams = self._late
        super().record_outcomes(super().claim(campaign, ids, number=number, streams=streams), lines)


class AcceptedBeforeTheAnswer(Ledger):
    """What leaves is taken for accepted."""

    def claim(self, *args, **options):
        """Note it as accepted."""
        attempt = super().claim(*args, **options)
        with self.db.transaction():
            ids = self.requests.messages(attempt.id)
            self.messages.move(ids, state=MessageState.SENDING, to=MessageState.ACCEPTED)
        return attempt


class LockOff(Ledger):
    """Two senders of one campaign do not see each other."""

    def lock_campaign(self, campaign):
        """Let everybody in."""
        return nullcontext()


class ClaimUnchecked(Ledger):
    """A batch leaves although another sender has taken its messages."""

    def claim(self, campaign, ids, *, number, streams, check=None):
        """Take what is left and send all."""
        left = ids[self.messages.states(ids) == MessageState.PLANNED]
        return super().claim(campaign, left, number=number, streams=streams)


class TimeoutIsUnsent(Postmark):
    """A request without an answer counts as one that never arrived."""

    def send_batch(self, batch, **options):
        """Call what is unknown unsent."""
        answer = super().send_batch(batch, **options)
        return (
            replace(answer, verdict=Verdict.UNSENT) if answer.verdict is Verdict.UNKNOWN else answer
        )


MUTANTS = {
    "recover to planned": RecoverToPlanned,
    "no T1": NoT1,
    "accepted before the answer": AcceptedBeforeTheAnswer,
    "campaign lock off": LockOff,
    "claim count unchecked": ClaimUnchecked,
    "timeout is unsent": TimeoutIsUnsent,
}


def limit_files(size: int | None) -> None:
    """Let no file of this process become larger; None for no limit."""
    import resource  # noqa: PLC0415 - Windows has none

    largest = resource.RLIM_INFINITY if size is None else size
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


def run(job: Job) -> None:
    """The whole life of a child."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)  # the warnings of a run are its own
    if job.fsize is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails instead, as on a full disk
        limit_files(job.fsize)
    watch = Watch(job)
    chosen = [MUTANTS[name] for name in job.mutants]
    bases = tuple(mutant for mutant in chosen if issubclass(mutant, Ledger)) or (Ledger,)
    sys.modules["mailframe.send.run"].Ledger = watched(
        type("Mutant", bases, {}), watch
    )  # in this process alone

    class Server(*[mutant for mutant in chosen if issubclass(mutant, Postmark)] or [Postmark]):
        def send_batch(self, batch, **options):
            watch.passed("before_post", len(batch))
            answer = super().send_batch(batch, **options)
            watch.passed("after_post", len(batch))
            return answer

    composed = job.frame.mail.compose(LETTER, name=job.name)
    error, message, results = "", "", None
    try:
        server = Server("sandbox-token", base_url=job.url, timeout=job.timeout_s)
        results = send_with(
            composed, server, ledger=job.ledger, retry_policy=job.retry_policy, **job.options
        )
    except mf.errors.MailframeError as caught:
        error, message, results = (
            type(caught).__name__,
            str(caught),
            getattr(caught, "results", None),
        )
    if job.fsize is not None:
        limit_files(None)
    if error:
        Path(f"{job.report}-err").write_text(message)
    part = Path(f"{job.report}.part")
    part.write_bytes(pickle.dumps((error, results)))
    part.rename(job.report)


def start(job: Job) -> BaseProcess:
    """A child at work."""
    for name in (job.report, f"{job.report}-begun"):
        Path(name).unlink(missing_ok=True)
    process = _CONTEXT.Process(target=run, args=(job,), daemon=True)
    process.start()
    return process


def finish(
    process: BaseProcess, job: Job, *, timeout_s: float = 60.0
) -> tuple[str, pd.DataFrame | None]:
    """Wait for a child: the name of its error, and its results; None when it was killed."""
    process.join(timeout_s)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError("a sender did not end")
    return report(job)


def report(job: Job) -> tuple[str, pd.DataFrame | None]:
    """What a child said at its end."""
    path = Path(job.report)
    if not path.exists():
        return "killed", None
    message: tuple[str, pd.DataFrame | None] = pickle.loads(path.read_bytes())  # noqa: S301 - our own child wrote it
    return message
