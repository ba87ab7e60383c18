"""The plan of a send: what it would do, with what Postmark and the ledger say of the recipients."""

from __future__ import annotations

from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from mailframe.errors import AccountError, MailframeError, SearchError, TokenRefused
from mailframe.message.campaign_name import plain_name
from mailframe.message.plan import Plan
from mailframe.paths import ledger_path
from mailframe.postmark import search
from mailframe.results import reasons
from mailframe.results.row_results import RowResults, Status
from mailframe.send.excluded import read_excluded
from mailframe.send.excluded_rows import refuse_copies
from mailframe.send.frequency_cap import emails_of_rows, read_frequency_cap
from mailframe.send.ledger import CampaignRecord, Ledger
from mailframe.send.ledger.encoding import tag_of
from mailframe.send.ledger.opening import has_content, refuse_trace
from mailframe.send.ledger.recent import LIVE
from mailframe.send.ledger.recorded_statuses import match_recorded, set_recorded_statuses
from mailframe.send.left_out import BEFORE_THE_LEDGER, LeftOut
from mailframe.send.options import check_server
from mailframe.send.pacing.pace import read_pacing
from mailframe.send.questions import answer_to
from mailframe.send.refusals import refuse_other_key, refuse_unknown_templates
from mailframe.send.retry_policy import DEFAULT_RETRY_POLICY
from mailframe.send.states import NO_RESULTS_YET
from mailframe.send.suppressed import suppressed_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.message.preflight import Mask
    from mailframe.paths import LedgerName, LedgerPlace
    from mailframe.postmark.client import Postmark
    from mailframe.send.frequency_cap import FrequencyCap
    from mailframe.send.sendable import Sendable

T = TypeVar("T")
_KEPT: Final = (Status.REJECTED, Status.UNKNOWN)
"""The statuses that a row keeps from an earlier run if it is not sent."""
_NOT_RECORDED: Final = 0
"""In place of the id of a campaign that the ledger does not have; those begin with 1."""


def plan_of(
    composed: Sendable,
    server: Postmark | None,
    *,
    ledger: LedgerName | None,
    exclude: object,
    at_most: str | None,
    rate: str | None,
) -> Plan:
    """The plan of a campaign; see ``Campaign.plan``.

    Args:
        composed: the campaign.
        server: the server that is asked; None asks nothing.
        ledger: the ledger; None for none.
        exclude: who is left out.
        at_most: how many emails a person may have.
        rate: the rate of the send.

    Raises:
        TokenRefused: the token is wrong.
        AccountError: the server did not answer.
    """
    pacing = read_pacing(rate=rate)
    excluded, cap = read_excluded(exclude, composed), read_frequency_cap(at_most)
    if server is not None:
        check_server(server, verb="plan")
    is_live = server is not None and server.is_live
    left_out = LeftOut(composed.preflight(live=is_live), composed.groups)
    if excluded is not None:
        left_out.add(reasons.EXCLUDED, excluded.of(left_out.whole, composed.names))
        refuse_copies(composed, left_out.preflight, excluded, live=is_live)
    questions = None if server is None else search.InterruptibleServer(server, lambda: False)
    scope = None if questions is None else _asked(partial(search.scope_of, questions))
    if questions is not None and not questions.is_test_token:
        ask = partial(suppressed_rows, questions, composed, left_out.candidates, live=is_live)
        left_out.add(reasons.SUPPRESSED, _asked(ask))
    rows = RowResults(composed.rows)
    eligible = left_out.preflight.sendable
    place = None if scope is None else ledger_path(ledger)
    if scope is not None and place is not None and composed.name is not None:
        eligible = _with_history(composed, left_out, rows, scope=scope, place=place, cap=cap)
    elif cap is not None:
        raise MailframeError("plan(at_most=…) needs the server, a ledger and a name")
    left_out.settle(rows, statuses=BEFORE_THE_LEDGER)
    if questions is not None:
        ask_templates = partial(refuse_unknown_templates, questions, composed, left_out.preflight)
        _asked(partial(ask_templates, wanted=eligible, live=is_live))
    return Plan.of(
        composed.name,
        left_out.preflight,
        eligible=eligible,
        has_ledger=ledger is not None,
        skipped=_reasons(rows),
        earlier={one.value: n for one, n in rows.counts().items() if n and one in _KEPT},
        at_most=pacing.batch_messages,
        duration=pacing.duration,
        delivers=None if scope is None else scope.endswith(LIVE),
    )


def _reasons(rows: RowResults) -> dict[str, int]:
    """The number of skipped rows by reason."""
    counts: Counter[str] = Counter()
    for settlement, count in rows.settlements():
        if settlement.status is Status.SKIPPED:
            counts[str(settlement.reason)] += count
    return dict(counts)


def _with_history(
    composed: Sendable,
    left_out: LeftOut,
    rows: RowResults,
    *,
    scope: str,
    place: LedgerPlace,
    cap: FrequencyCap | None,
) -> Mask:
    """Leave out who has enough emails, and set the statuses of earlier runs, as a send does.

    Returns:
        One per row, whether a send posts it.
    """
    name = plain_name(str(composed.name))
    is_there = has_content(place)
    if is_there:
        refuse_trace(place)
    with Ledger(place, read_only=is_there, copied=not is_there) as ledger:
        campaign = ledger.find_campaign(scope, name)
        if campaign is None:
            campaign = CampaignRecord(_NOT_RECORDED, scope, name, tag_of(name), None)
        else:
            refuse_other_key(ledger, campaign, composed.key)
        if cap is not None:
            emails = emails_of_rows(ledger, campaign, left_out.candidates, cap=cap)
            left_out.add(reasons.FREQUENCY_CAP, emails >= cap.count)
        eligible = left_out.preflight.sendable.copy()
        recorded = ledger.recorded_messages(campaign)
        if len(recorded):
            matches = match_recorded(left_out.preflight.with_left_out, recorded)
            eligible[set_recorded_statuses(rows, matches, recorded, ledger, campaign)] = False
    return eligible


def _asked(question: Callable[[], T]) -> T:
    """The answer to a question, which is repeated as in a send.

    Raises:
        TokenRefused: the token is wrong.
        AccountError: there is none.
    """
    try:
        return answer_to(question, DEFAULT_RETRY_POLICY)
    except SearchError as error:
        text = str(error).removesuffix("; nothing was sent")
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise TokenRefused(text, results=NO_RESULTS_YET) from error
        raise AccountError(text, status=error.status, error_code=error.error_code) from error
