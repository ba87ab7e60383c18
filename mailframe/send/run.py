"""The start and the end of a send: arguments, what is held back, the memory, and the results. See ``sender``."""

from __future__ import annotations

import operator
import warnings
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from mailframe import errors
from mailframe.message import fingerprint as approval
from mailframe.message.fingerprint import letter_fingerprint
from mailframe.message.problem_frame import problems_frame
from mailframe.postmark import search
from mailframe.results import advice
from mailframe.results.frame import RowResults, Status, results_frame
from mailframe.results.summary import with_summary_line
from mailframe.send.dispatcher import Dispatcher, SendOptions, check_server, reason_for_the_rest
from mailframe.send.interrupts import Interrupts
from mailframe.send.ledger import Ledger, recorded
from mailframe.send.ledger.file import has_content
from mailframe.send.ledger.session import LedgerSession, SessionWithoutLedger
from mailframe.send.overrides import Overrides, resend_mask
from mailframe.send.progress import Bar
from mailframe.send.refusal import RefusedRun, reason_of, remember_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight
    from mailframe.postmark.client import Postmark
    from mailframe.send.ledger.session import SendSession

T = TypeVar("T")
MAX_WORKERS: Final = 8
_SHOWN_ROWS: Final = 5


def send(run: Composed, server: Postmark, options: SendOptions) -> pd.DataFrame:
    """Post every message of a campaign; see ``Campaign.send``."""
    _check_arguments(run, server, options)
    with Interrupts() as interrupts:
        call = _Call(run, server, options, interrupts)
        error = call.outcome()
        results = call.results()
    call.tell_notices(results, error)
    if error is not None:
        raise error from error.__cause__
    return results


class _Call:
    """One call of ``send``: whatever ends it, each row has the status that is known to be true."""

    def __init__(
        self, run: Composed, server: Postmark, options: SendOptions, interrupts: Interrupts
    ) -> None:
        self._run, self._server, self._options, self._interrupts = run, server, options, interrupts
        self._rows = RowResults(len(run.frame))
        self._asking = search.InterruptibleServer(server, interrupts)
        self._fresh = options.ledger is None or not has_content(options.ledger)
        self._found: Preflight | None = None
        self._memory: SendSession | None = None
        self._scope: str | None = None
        self._begun = False

    def results(self) -> pd.DataFrame:
        """The frame with what is known of each row."""
        frame = results_frame(self._run.frame, self._rows)
        ledger = self._options.ledger
        return with_summary_line(
            frame,
            name=self._run.name,
            has_ledger=ledger is not None,
            ledger=str(ledger),
            streams=() if self._found is None else self._found.streams,
        )

    def outcome(self) -> errors.MailframeError | None:
        """Do it; the error that the call ends with, with its results, if it ends with one."""
        try:
            failure = self._send()
        except KeyboardInterrupt:  # one that was not counted, in a thread other than the main one
            self._interrupts.note()
            failure = None
        except errors.MailframeError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - whatever it was, what is known must not be lost with it
            failure = errors.SendError(
                f"the run broke off: {type(error).__name__}: {error}", results=self.results()
            )
            failure.__cause__ = error
        if not self._begun:
            failure = self._tell_refused(failure)
        if failure is not None:
            failure.results = self.results()
        return failure

    def _send(self) -> errors.MailframeError | None:
        """Check, look, send. What is raised or returned before ``_begun`` sent nothing."""
        found, shown = self._inspected()
        if found is None or shown is None:
            return None
        refused = _hold_back(self._run, found, self._rows, self._options)
        unapproved = _unapproved(self._run, found, self._options)
        if refused is not None or unapproved is not None:
            return _refusal(
                self._run, found, refused=refused, unapproved=unapproved, results=self.results()
            )
        with self._opened(found) as memory:
            self._memory = memory
            self._asked(memory.begin)
            self._begun = True
            sender = Dispatcher(
                self._run, found, self._server, self._rows, self._interrupts, memory, self._options
            )
            with Bar(sender.total, name=self._run.name, shown=self._options.progress) as bar:
                sender.run(bar)
        return None if sender.failure is None else self._failure(*sender.failure)

    def _failure(
        self,
        kind: type[errors.SendError | errors.LedgerError],
        said: str,
        cause: BaseException | None,
    ) -> errors.MailframeError:
        error = (
            kind(said, results=self.results()) if issubclass(kind, errors.SendError) else kind(said)
        )
        error.__cause__ = cause
        return error

    # --- before the first request ------------------------------------------------------------------------

    def _inspected(self) -> tuple[Preflight | None, Preflight | None]:
        """The preflight check for this server, and the one that is the same for every server; None: interrupted."""
        again = self._options.approved is not None  # files or cells may have changed since
        with self._interrupts.raising():
            live = self._server.is_live
            found = _inspected(self._run, self._interrupts, live=live, again=again)
            shown = (
                found
                if self._options.approved is None
                else _inspected(self._run, self._interrupts, live=False)
            )
        self._found = found
        return found, shown

    @contextmanager
    def _opened(self, found: Preflight) -> Iterator[SendSession]:
        """The campaign's memory while it is being sent."""
        run, options = self._run, self._options
        if options.ledger is None or run.name is None:
            yield SessionWithoutLedger(found)
            return
        wishes = Overrides(
            options.allow_changed,
            options.allow_repeat,
            resend_mask(found, run.frame, run.key, options.resend),
        )
        with Ledger(options.ledger) as ledger:
            self._scope = scope = self._asked(lambda: search.scope_of(self._asking))
            remember_scope(self._server, scope)
            campaign = ledger.campaign(scope, run.name)
            with ledger.sender_of(campaign):
                yield LedgerSession(
                    ledger,
                    campaign,
                    self._asking,
                    found,
                    self._rows,
                    frame=run.frame,
                    key=run.key,
                    letter=letter_fingerprint(run.bound),
                    wishes=wishes,
                )

    def _asked(self, question: Callable[[], T]) -> T:
        """The answer to a question that changes nothing, so it may be asked again."""
        wait_s = self._options.patience.first_wait_s
        for _ in range(self._options.patience.reach_tries - 1):
            try:
                return question()
            except search.SearchError as error:
                if error.status == HTTPStatus.UNAUTHORIZED or self._interrupts.stop:
                    raise
            self._interrupts.wait(wait_s)
            wait_s *= 2
        return question()

    # --- a run that sent nothing -------------------------------------------------------------------------

    def _tell_refused(self, failure: errors.MailframeError | None) -> errors.MailframeError | None:
        """Tell of each row the most that is known; the failure as the caller will see it."""
        interrupted = self._interrupts.stop and (
            failure is None or isinstance(failure, search.SearchError)
        )
        refused = RefusedRun(
            name=self._run.name,
            key=self._run.key,
            server=self._server,
            asking=self._asking,
            ledger=self._options.ledger,
            scope=self._scope,
            fresh=self._fresh,
            found=self._found,
            rows=self._rows,
        )
        try:
            refused.tell()
        except Exception:  # noqa: BLE001 - the refusal and the results come first, whatever the ledger holds
            recorded.tell_unread(self._rows, advice.UNREADABLE)
        if isinstance(failure, errors.LedgerBehind) and isinstance(self._memory, LedgerSession):
            refused.tell_held(
                self._memory.tag,
                streams=self._memory.streams,
                patience_s=self._options.patience.search_s,
            )
        reason_for_the_rest(
            self._rows, "interrupted" if failure is None or interrupted else reason_of(failure)
        )
        if interrupted or failure is None:
            return None
        return (
            _as_send_error(failure, self.results())
            if isinstance(failure, search.SearchError)
            else failure
        )

    # --- what a person should know -----------------------------------------------------------------------

    def tell_notices(self, results: pd.DataFrame, error: errors.MailframeError | None) -> None:
        """Warn when the run has ended: a warning that is turned into an error carries the results, too."""
        carrier: BaseException | None = error
        for said in [] if self._memory is None else dict.fromkeys(self._memory.notices):
            if carrier is not None:
                carrier.add_note(said)
                continue
            try:
                warnings.warn(errors.MailframeWarning(said, results=results), stacklevel=4)
            except errors.MailframeWarning as raised:
                carrier = raised
        if carrier is not None and carrier is not error:
            raise carrier


def _unapproved(run: Composed, found: Preflight, options: SendOptions) -> str | None:
    """What to say when this is not what was approved, going by what is about to be sent (*found*)."""
    if options.approved is None:
        return None
    now = run.fingerprint(sending=found)
    approved = approval.read_fingerprint(options.approved)
    return None if approved == now else approval.refusal(approved, now)


def _refusal(
    run: Composed,
    found: Preflight,
    *,
    refused: str | None,
    unapproved: str | None,
    results: pd.DataFrame,
) -> errors.SendError:
    if unapproved is not None:
        return errors.NotApproved(unapproved, results=results)
    return errors.InvalidRows(
        refused or "", results=results, problems=problems_frame(found.problems, run.names)
    )


def _as_send_error(error: search.SearchError, results: pd.DataFrame) -> errors.MailframeError:
    """What a question that was not answered means for a run: the token, a busy server, none at all."""
    kinds: dict[int | None, type[errors.SendError]] = {
        None: errors.ServerUnreachable,
        HTTPStatus.UNAUTHORIZED: errors.TokenRefused,
        HTTPStatus.TOO_MANY_REQUESTS: errors.ServerBusy,
        HTTPStatus.SERVICE_UNAVAILABLE: errors.ServerBusy,
    }
    kind = kinds.get(error.status)
    return error if kind is None else kind(str(error), results=results)


def _check_arguments(run: Composed, server: object, options: SendOptions) -> None:
    on_invalid: object = options.on_invalid
    limit: object = options.limit
    workers: object = options.workers
    check_server(server, verb="send")
    if on_invalid not in ("raise", "skip"):
        raise errors.MailframeError(f"on_invalid={on_invalid!r} is neither 'raise' nor 'skip'")
    if limit is not None and (not _is_count(limit, 0, None)):
        raise errors.MailframeError(f"limit={limit!r} is no number of messages")
    if not _is_count(workers, 1, MAX_WORKERS):
        raise errors.MailframeError(f"workers={workers!r} is none of 1 to {MAX_WORKERS}")
    if options.approved is not None:
        approval.read_fingerprint(options.approved)
    if options.ledger is not None and not run.key and "to[1]" in run.bound.sources:
        raise errors.MailframeError(
            "a mail with several recipients in To needs compose(…, key=…): no single address tells its row from another"
        )
    if options.ledger is not None and run.name is None:
        raise errors.MailframeError(
            "a campaign needs a name to be sent: it is what the ledger remembers it by. Write compose(…, name=…); "
            "ledger=None sends without a name and without memory"
        )


def _is_count(value: object, least: int, most: int | None) -> bool:
    """Whether a value is a whole number within bounds; numpy's count, truth values do not."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        return False
    number = operator.index(value)
    return least <= number and (most is None or number <= most)


class _Stopped(Exception):
    pass


def _inspected(
    run: Composed, interrupts: Interrupts, *, live: bool, again: bool = False
) -> Preflight | None:
    def watch(_position: int) -> None:
        if interrupts.stop:
            raise _Stopped

    try:
        return run.preflight(live=live, again=again, watch=watch)
    except _Stopped:
        return None


def _hold_back(
    run: Composed, found: Preflight, rows: RowResults, options: SendOptions
) -> str | None:
    """Mark the rows with errors; what to say when nothing may be sent because of them."""
    reasons = found.reasons()
    for position, reason in reasons.items():
        rows.settle(position, Status.INVALID, reason=reason)
    refused = found.refusals
    if not refused and (options.on_invalid == "skip" or not reasons):
        return None
    blamed = refused or found.errors
    names = ["the letter" if p.row is None else run.names.of(p.row) for p in blamed[:_SHOWN_ROWS]]
    shown = "; ".join(
        f"{name}, {p.field}: {p.code.value} ({p.detail})"
        for name, p in zip(names, blamed, strict=False)
    )
    more = f"; and {len(blamed) - _SHOWN_ROWS} more" if len(blamed) > _SHOWN_ROWS else ""
    hint = (
        "" if refused else '. Mend them (see .problems), or send the others with on_invalid="skip"'
    )
    return f"nothing was sent: {len(reasons):,} of {len(rows):,} rows cannot be sent: {shown}{more}{hint}"
