"""The start and the end of a send: arguments, what is held back, the memory, and the results. See ``sender``."""

from __future__ import annotations

import operator
import time
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from mailframe import approval, errors, searching
from mailframe.binding import fingerprint
from mailframe.headline import with_headline
from mailframe.inspection import Inspection, inspect
from mailframe.interrupts import Interrupts
from mailframe.ledger import Ledger
from mailframe.memory import Forgetful, Memory, Remembering
from mailframe.problems import problems_frame
from mailframe.progress import Bar
from mailframe.results import RowResults, Status, results_frame
from mailframe.sender import Options, Patience, Run, Sender, check_server, reason_for_the_rest
from mailframe.wishes import Wishes, resend_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from mailframe.postmark import Postmark

T = TypeVar("T")
MAX_WORKERS: Final = 8
_SHOWN_ROWS: Final = 5


def send(run: Run, server: Postmark, options: Options) -> pd.DataFrame:
    """Post every message of a campaign; see ``Campaign.send``."""
    _check_arguments(run, server, options)
    rows = RowResults(len(run.frame))
    if options.approved is not None:
        run.inspections.clear()  # a file or a list in a cell may have changed since it was last looked at
    with Interrupts() as interrupts:
        found = _inspected(run, interrupts, live=server.is_live)
        shown = found if options.approved is None else _inspected(run, interrupts, live=False)
        if found is None or shown is None:
            reason_for_the_rest(rows, "interrupted")
            return _results(run, rows, options)
        refused = _hold_back(found, rows, options)
        unapproved = _unapproved(run, found, shown, options)
        if refused is not None or unapproved is not None:
            reason_for_the_rest(rows, "nothing was sent")
            _tell_what_is_known(run, found, server, rows, options)
            _refuse(found, _results(run, rows, options), refused=refused, unapproved=unapproved)
        looked = False
        try:
            with _memory(run, found, server, rows, options) as memory:
                looked = True
                _asked(memory.begin, options.patience)
                sender = Sender(run, found, server, rows, interrupts, memory, options)
                with Bar(sender.total, name=run.name, shown=options.progress) as bar:
                    sender.run(bar)
        except errors.LedgerError as error:
            doubtful = isinstance(error, errors.LedgerBehind) or (not looked and _is_known(run.name, options))
            if doubtful and not isinstance(error, errors.CampaignBusy):
                _doubt_the_rest(rows, "Postmark may hold what this ledger does not know")
            reason_for_the_rest(rows, "nothing was sent")
            error.results = _results(run, rows, options)
            stopped = _refusal(error)
            if stopped is None:
                raise
            raise stopped from None
    results = _results(run, rows, options)
    if sender.failure is not None:
        kind, said, cause = sender.failure
        raise kind(said, results=results) from cause
    return results


def _unapproved(run: Run, found: Inspection, shown: Inspection, options: Options) -> str | None:
    """What to say when this is not what was approved, going by what is about to be sent (*found*)."""
    if options.approved is None:
        return None
    now = approval.fingerprint(run.bound, shown, name=run.name, key=run.key, sending=found)
    approved = approval.read_fingerprint(options.approved)
    return None if approved == now else approval.refusal(approved, now)


def _refuse(found: Inspection, results: pd.DataFrame, *, refused: str | None, unapproved: str | None) -> NoReturn:
    if unapproved is not None:
        raise errors.NotApproved(unapproved, results=results)
    raise errors.InvalidRows(refused or "", results=results, problems=problems_frame(found.problems))


def _results(run: Run, rows: RowResults, options: Options) -> pd.DataFrame:
    frame = results_frame(run.frame, rows)
    return with_headline(frame, name=run.name, remembered=options.ledger is not None)


def _refusal(error: errors.LedgerError) -> errors.SendError | None:
    """What a question that was not answered means for a run: the token, a busy server, none at all."""
    if not isinstance(error, searching.SearchError) or error.results is None:
        return None
    kinds: dict[int | None, type[errors.SendError]] = {
        None: errors.ServerUnreachable,
        HTTPStatus.UNAUTHORIZED: errors.TokenRefused,
        HTTPStatus.TOO_MANY_REQUESTS: errors.ServerBusy,
        HTTPStatus.SERVICE_UNAVAILABLE: errors.ServerBusy,
    }
    kind = kinds.get(error.status)
    return None if kind is None else kind(str(error), results=error.results)


def _asked(question: Callable[[], T], patience: Patience) -> T:
    """The answer to a question that changes nothing, so it may be asked again."""
    wait_s = patience.first_wait_s
    for _ in range(patience.reach_tries - 1):
        try:
            return question()
        except searching.SearchError as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise
        time.sleep(wait_s)
        wait_s *= 2
    return question()


@contextmanager
def _memory(run: Run, found: Inspection, server: Postmark, rows: RowResults, options: Options) -> Iterator[Memory]:
    """The campaign's memory while it is being sent."""
    if options.ledger is None or run.name is None:
        yield Forgetful(found)
        return
    wishes = Wishes(options.allow_changed, options.allow_repeat, resend_mask(found, run.frame, run.key, options.resend))
    with Ledger(options.ledger) as ledger:
        scope = _asked(lambda: searching.scope_of(server), options.patience)
        campaign = ledger.campaign(scope, run.name)
        letter = fingerprint(run.bound)
        memory = Remembering(ledger, campaign, server, found, rows, key=run.key, letter=letter, wishes=wishes)
        try:
            with ledger.sender_of(campaign):
                yield memory
        except errors.CampaignBusy:
            memory.look()
            raise


def _check_arguments(run: Run, server: object, options: Options) -> None:
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


def _hold_back(found: Inspection, rows: RowResults, options: Options) -> str | None:
    """Mark the rows with errors; what to say when nothing may be sent because of them."""
    reasons = found.reasons()
    for position, reason in reasons.items():
        rows.settle(position, Status.INVALID, reason=reason)
    refused = found.refusals
    if not refused and (options.on_invalid == "skip" or not reasons):
        return None
    blamed = refused or found.errors
    shown = "; ".join(f"row {p.row}, {p.field}: {p.code.value} ({p.detail})" for p in blamed[:_SHOWN_ROWS])
    more = f"; and {len(blamed) - _SHOWN_ROWS} more" if len(blamed) > _SHOWN_ROWS else ""
    hint = "" if refused else '. Mend them (see .problems), or send the others with on_invalid="skip"'
    return f"nothing was sent: {len(reasons):,} of {len(rows):,} rows cannot be sent: {shown}{more}{hint}"


def _doubt_the_rest(rows: RowResults, why: str) -> None:
    """Say ``unsent`` of a row only where that is known; where the server may know better, ``unknown``."""
    for position, status in enumerate(rows.statuses()):
        if status is Status.UNSENT:
            rows.settle(position, Status.UNKNOWN, reason=why)


def _is_known(name: str | None, options: Options) -> bool:
    """Whether the ledger knows a campaign of that name, at whatever server."""
    if options.ledger is None or not options.ledger.exists():
        return False
    try:
        with Ledger(options.ledger) as ledger:
            return any(campaign.name == name for campaign, _ in ledger.campaigns())
    except errors.LedgerError:
        return True


def _is_known_at(server: Postmark, name: str | None, options: Options) -> bool:
    """Whether the ledger knows a campaign of that name at this server; asked so that a refusal notes nothing."""
    if options.ledger is None or name is None:
        return False
    scope = _asked(lambda: searching.scope_of(server), options.patience)
    with Ledger(options.ledger) as ledger:
        return ledger.find(scope, name) is not None


def _tell_what_is_known(run: Run, found: Inspection, server: Postmark, rows: RowResults, options: Options) -> None:
    """A row that was accepted in an earlier run is not ``unsent`` because this run was refused."""
    if not _is_known(run.name, options):
        return
    try:
        if not _is_known_at(server, run.name, options):
            return
        with _memory(run, found, server, rows, options) as memory:
            memory.look()
    except errors.LedgerError:
        return  # the refusal is what counts; the rows then say no more than that nothing was sent
