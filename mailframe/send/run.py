"""The run of a send: arguments, preflight check, refusals, session, dispatch, results.

A dry run takes the same steps with a copy of the ledger in memory, up to the dispatch.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mailframe import errors
from mailframe.paths import DEFAULT_LEDGER, default_path
from mailframe.postmark import search
from mailframe.results import reasons
from mailframe.results.frame import results_frame, summary_of_rows, with_groups
from mailframe.results.parquet_parts import check_keys, write_parts
from mailframe.results.row_results import RowResults, Status
from mailframe.results.summary_line import About, with_summary_line
from mailframe.send.batch_source import CampaignBatches
from mailframe.send.dispatcher import Dispatcher
from mailframe.send.excluded import read_excluded
from mailframe.send.excluded_rows import refuse_copies
from mailframe.send.frequency_cap import CapGuard, emails_of_rows
from mailframe.send.interrupts import Interrupts
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.opening import has_content
from mailframe.send.ledger.recent import LIVE
from mailframe.send.ledger.session import LedgerSession, SessionWithoutLedger
from mailframe.send.left_out import BEFORE_THE_LEDGER, LeftOut
from mailframe.send.options import check_arguments, with_recount
from mailframe.send.pacing.pace import Pace
from mailframe.send.pacing.stop_rule import StopWatch
from mailframe.send.progress import Bar
from mailframe.send.questions import answer_to
from mailframe.send.refusals import preflight_refusal, refuse_unknown_templates
from mailframe.send.refused_run import RefusedRun, record_scope
from mailframe.send.resend import resend_mask
from mailframe.send.states import NO_RESULTS_YET, set_reason_of_unsent
from mailframe.send.suppressed import suppressed_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from mailframe.message.preflight import Preflight
    from mailframe.postmark.client import Postmark
    from mailframe.send.excluded_rows import ExcludedRows
    from mailframe.send.ledger.session import SendSession
    from mailframe.send.options import SendOptions
    from mailframe.send.sendable import Sendable

T = TypeVar("T")
_NOT_DELIVERED: Final = (
    "Postmark has this server in sandbox mode: it accepts messages, and delivers none of them"
)
_NOBODY_EXCLUDED: Final = "exclude names no row of this frame; is it of another column, or list?"
_NOT_WRITTEN: Final = (
    "The send has ended, and .results of this error has the number of rows of each status. With a "
    "ledger, the same call sends only what is left, and writes the file."
)


def send(composed: Sendable, server: Postmark, options: SendOptions) -> Any:
    """Post every message of a campaign; see ``Campaign.send``."""
    check_arguments(composed, server, options)
    options = with_recount(options, server)
    if options.results is not None:
        check_keys(composed.key_parts(), composed.key)
    with Interrupts() as interrupts:
        run = Run(composed, server, options, interrupts)
        error = run.execute()
        results = run.results()
        error = run.written(error)
    if error is not None:
        error.results = results
    _warn(run.notices, results, error)
    if error is not None:
        raise error from error.__cause__
    return results


class Run:
    """One call of ``send``; however it ends, the status of each row is true.

    Args:
        composed: the campaign.
        server: the server that it is sent through.
        options: the options of the call.
        interrupts: the interrupts by the user.

    Attributes:
        questions: the server, for questions that an interrupt ends.
        rows: the results.
        was_empty: there was no ledger, or an empty one, when the run began.
        preflight: the check without the rows that are left out; None if it did not end.
        left_out: these rows; None if the check did not end.
        session: None if it was not opened, or if there is no ledger.
        scope: the identity of the server; None if it was not asked or did not answer.
    """

    def __init__(
        self, composed: Sendable, server: Postmark, options: SendOptions, interrupts: Interrupts
    ) -> None:
        self.composed, self.server = composed, server
        self.options, self.interrupts = options, interrupts
        self.questions = search.InterruptibleServer(server, lambda: interrupts.stop)
        self.rows = RowResults(composed.rows)
        self.was_empty = options.ledger is None or not has_content(options.ledger)
        self.preflight: Preflight | None = None
        self.session: LedgerSession | None = None
        self.scope: str | None = None
        self._earlier: list[tuple[float, int]] = []
        self.left_out: LeftOut | None = None
        self._is_admitted = False  # nothing refuses the run any more
        self._notices: list[str] = []
        self._bar = Bar(composed.rows, name=composed.name, shown=options.progress)

    def execute(self) -> errors.MailframeError | None:
        """Carry out the steps of a send, with a bar; the error that it ends with."""
        with self._bar:
            error = self._carry_out()
            if self._is_admitted:
                return error
            error = RefusedRun(self).close(error)
            if error is None and not self.options.dry_run:  # interrupted
                self._bar.finish(self.rows)
        return error

    def _carry_out(self) -> errors.MailframeError | None:
        error: errors.MailframeError | None = None
        try:
            error = self._steps()
        except _Stopped:
            pass
        except KeyboardInterrupt:  # not counted, because this is not the main thread
            self.interrupts.note()
        except errors.MailframeError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - any error: the results must not be lost
            error = errors.SendError(
                f"the run failed: {type(raised).__name__}: {raised}", results=NO_RESULTS_YET
            )
            error.__cause__ = raised
        return error

    def _steps(self) -> errors.MailframeError | None:
        """Preflight check, refusal, session, dispatch; the error that ends it."""
        exclude = read_excluded(self.options.exclude, self.composed)
        checked = self._checked()
        left_out = self._without_excluded(checked, exclude)
        preflight = left_out.preflight
        refusal = preflight_refusal(self.composed, checked, preflight, self.rows, self.options)
        if refusal is not None:
            return refusal
        if self.options.ledger is not None:  # a million take seconds, and can be interrupted here
            preflight.digests.get(watch=self.watch)
        with self._open_session(left_out.whole) as session:
            preflight = self._without_unwelcome(left_out, session)
            wanted, every = preflight.sendable, preflight.with_left_out
            eligible = self._ask(lambda: session.begin(every, self.rows, wanted=wanted))
            left_out.settle(self.rows, statuses=BEFORE_THE_LEDGER)  # also earlier rejections
            live = self.server.is_live
            ask = partial(refuse_unknown_templates, self.questions, self.composed, preflight)
            self._ask(lambda: ask(wanted=eligible, live=live))
            batches = CampaignBatches(
                self.composed,
                preflight,
                self.server,
                self.rows,
                eligible=eligible,
                limit=self.options.limit,
                pacing=self.options.pacing,
            )
            if self.options.dry_run:
                self._note_batches(batches)
                return None
            return self._dispatch(batches, session)

    def _checked(self) -> Preflight:
        """The preflight check for this server; an approval also needs the one for any server."""
        is_approved = self.options.approved is not None
        check = partial(
            self.composed.preflight,
            with_digests=self.options.ledger is not None,
            watch=self._watch_check if self._bar.is_shown else self.watch,
        )
        with self.interrupts.raising():
            # again, because a file or a list in a cell may have changed since the approval
            self.preflight = check(live=self.server.is_live, again=is_approved)
            if is_approved:
                check(live=False)
        return self.preflight

    def _without_excluded(self, checked: Preflight, exclude: ExcludedRows | None) -> LeftOut:
        """Leave out what compose and ``exclude`` leave out."""
        left_out = self.left_out = LeftOut(checked, self.composed.groups)
        if exclude is not None:
            rows = exclude.of(left_out.whole, self.composed.names)
            left_out.add(reasons.EXCLUDED, rows)
            live = self.server.is_live
            refuse_copies(self.composed, left_out.preflight, exclude, live=live, watch=self.watch)
            if len(exclude) and not rows.any():
                self._notices.append(_NOBODY_EXCLUDED)
        return self._settled(left_out)

    def _without_unwelcome(self, left_out: LeftOut, session: SendSession) -> Preflight:
        """Leave out who is suppressed, and who has enough emails of late."""
        options = self.options
        if options.check_suppressed and not self.server.is_test_token:
            self._bar.step("asking who is suppressed")
            suppressed = partial(
                suppressed_rows, self.questions, self.composed, live=self.server.is_live
            )
            left_out.add(reasons.SUPPRESSED, self._ask(lambda: suppressed(left_out.candidates)))
        if (cap := options.at_most) is not None and isinstance(session, LedgerSession):
            of_ledger, rows = (session.ledger, session.campaign), left_out.candidates
            newest = session.ledger.requests.newest()
            emails = emails_of_rows(*of_ledger, rows, cap=cap, resend=session.is_resent)
            left_out.add(reasons.FREQUENCY_CAP, emails >= cap.count)
            guard = CapGuard(*of_ledger, rows, cap=cap, emails=emails, since=newest)
            session.guards.append(guard)
        return self._settled(left_out).preflight

    def _settled(self, left_out: LeftOut) -> LeftOut:
        left_out.settle(self.rows, statuses=tuple(Status))
        self.preflight = left_out.preflight
        return left_out

    def watch(self, _position: int) -> None:
        """Stop before the next row if there was an interrupt."""
        if self.interrupts.stop:
            raise _Stopped

    def _watch_check(self, position: int) -> None:
        self.watch(position)
        self._bar.check(position)

    @contextmanager
    def _open_session(self, preflight: Preflight) -> Iterator[SendSession]:
        composed, options = self.composed, self.options
        if options.ledger is None or composed.name is None:
            yield SessionWithoutLedger()
            return
        self._bar.step("reading the ledger")
        is_resent = resend_mask(preflight, composed.key, options.resend)
        with Ledger(options.ledger, copied=options.dry_run) as ledger:
            self.scope = self._ask(lambda: search.scope_of(self.questions))
            record_scope(self.server, self.scope)
            if self.server.is_live and not self.scope.endswith(LIVE):
                self._notices.append(_NOT_DELIVERED)
            campaign = ledger.campaign(self.scope, composed.name)
            with ledger.lock_campaign(campaign):
                self._earlier = ledger.requests.posted(campaign, options.pacing.unit_s)
                self.session = LedgerSession(
                    ledger, campaign, composed, self.questions, options, is_resent=is_resent
                )
                yield self.session

    def _ask(self, question: Callable[[], T]) -> T:
        """The answer to questions to Postmark that change nothing there, so they are repeated."""

        def wait(seconds: float) -> None:
            self._bar.step("waiting for Postmark", is_long=True)
            self.interrupts.wait(seconds)

        policy, is_stopped = self.options.retry_policy, lambda: self.interrupts.stop
        return answer_to(question, policy, is_stopped=is_stopped, wait=wait)

    def _note_batches(self, batches: CampaignBatches) -> None:
        """Set the recipient and the batch of each row that a send would post."""
        set_reason_of_unsent(self.rows, batches.unsent_reason)
        for batch in batches:
            self.watch(batch.number)
            self.rows.settle_many(
                batch.positions,
                Status.UNSENT,
                reason=reasons.DRY_RUN,
                to=[message.to for message in batch],
                batch=batch.number,
            )
        self._is_admitted = True

    def _dispatch(
        self, batches: CampaignBatches, session: SendSession
    ) -> errors.MailframeError | None:
        self._is_admitted = True
        options = self.options
        rule, policy = options.pacing.stop, options.retry_policy
        watch = None if rule is None else StopWatch(rule, self.questions)
        pace = Pace(options.pacing, batches.total, self._earlier, watch)
        dispatcher = Dispatcher(
            batches,
            session,
            self.rows,
            self.interrupts,
            retry_policy=policy.patient() if options.pacing.has_waits else policy,
            workers=options.workers,
            pace=pace,
        )
        self._bar.send(batches.total, pace)
        try:
            dispatcher.run(self._bar)
        finally:
            self._bar.finish(self.rows)
        return dispatcher.failure

    def results(self) -> Any:
        """The caller's frame, in its kind, with the status of each row; or the counts of them."""
        given = self.composed.given
        if self.options.results is not None:
            return given.made(summary_of_rows(self.rows))
        ledger = self.options.ledger
        about = About(
            name=self.composed.name,
            has_ledger=ledger is not None,
            ledger=DEFAULT_LEDGER if ledger == default_path() else str(ledger),
            streams=() if self.preflight is None else self.preflight.streams,
            is_dry_run=self.options.dry_run,
            is_refused=not self._is_admitted,
            key=self.composed.key,
        )
        results = results_frame(self.composed.frame, self.rows, last=True)
        groups = self.composed.groups
        results = with_groups(results, groups.columns(), groups.shares)
        return given.results(with_summary_line(results, about))

    def written(self, error: errors.MailframeError | None) -> errors.MailframeError | None:
        """Write the file for the results; *error*, or why the file could not be written."""
        path, composed = self.options.results, self.composed
        if path is None:
            return error
        try:
            write_parts(path, composed.key_parts(), self.rows, key=composed.key)
        except errors.MailframeError as failed:
            if error is None:
                failed.add_note(_NOT_WRITTEN)
                return failed
            error.add_note(str(failed))
        return error

    @property
    def notices(self) -> list[str]:
        """Warnings for the user, each once."""
        of_session = [] if self.session is None else self.session.notices
        return list(dict.fromkeys([*self._notices, *of_session]))


class _Stopped(Exception):
    """An interrupt ended the preflight check."""


def _warn(notices: list[str], results: pd.DataFrame, error: errors.MailframeError | None) -> None:
    """Warn when the run has ended; a warning that is turned into an error carries the results."""
    raised: BaseException | None = error
    for notice in notices:
        if raised is not None:
            raised.add_note(notice)
            continue
        try:
            warnings.warn(errors.MailframeWarning(notice, results=results), stacklevel=4)
        except errors.MailframeWarning as warning:
            raised = warning
    if raised is not None and raised is not error:
        raise raised
