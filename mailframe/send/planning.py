"""The plan of a send: what it would do, with what Postmark and the ledger say of the recipients."""

from __future__ import annotations

import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from mailframe.errors import AccountError, MailframeError, TokenRefused
from mailframe.message.plan import Plan
from mailframe.paths import ledger_path
from mailframe.postmark import search
from mailframe.results import reasons
from mailframe.send.excluded import read_excluded
from mailframe.send.excluded_rows import refuse_copies
from mailframe.send.frequency_cap import capped_rows, read_frequency_cap
from mailframe.send.ledger import Ledger
from mailframe.send.ledger.recent import LIVE
from mailframe.send.left_out import LeftOut
from mailframe.send.options import check_server
from mailframe.send.pacing.pace import read_pacing
from mailframe.send.refusals import refuse_unknown_templates
from mailframe.send.retry_policy import DEFAULT_RETRY_POLICY
from mailframe.send.states import NO_RESULTS_YET
from mailframe.send.suppressed import suppressed_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.paths import LedgerName
    from mailframe.postmark.client import Postmark
    from mailframe.send.sendable import Sendable

T = TypeVar("T")


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
    scope = None if server is None else _asked(lambda: search.scope_of(server))
    if server is not None and not server.is_test_token:
        questions = search.InterruptibleServer(server, lambda: False)
        ask = partial(suppressed_rows, questions, composed, left_out.candidates, live=is_live)
        left_out.add(reasons.SUPPRESSED, _asked(ask))
    if cap is not None:
        place = ledger_path(ledger)
        if scope is None or place is None or composed.name is None:
            raise MailframeError("plan(at_most=…) needs the server, a ledger and a name")
        with Ledger(place, copied=True) as opened:
            campaign = opened.campaign(scope, composed.name)
            rows = capped_rows(opened, campaign, left_out.candidates, cap=cap)
        left_out.add(reasons.FREQUENCY_CAP, rows)
    if server is not None:
        wanted = left_out.preflight.sendable
        _asked(
            lambda: refuse_unknown_templates(
                server, composed, left_out.preflight, wanted=wanted, live=is_live
            )
        )
    return Plan.of(
        composed.name,
        left_out.preflight,
        has_ledger=ledger is not None,
        skipped=left_out.counts(),
        at_most=pacing.batch_messages,
        duration=pacing.duration,
        delivers=None if scope is None else scope.endswith(LIVE),
    )


def _asked(question: Callable[[], T]) -> T:
    """The answer to a question, which is repeated as in a send.

    Raises:
        TokenRefused: the token is wrong.
        AccountError: there is none.
    """
    policy = DEFAULT_RETRY_POLICY
    try:
        for tries in range(1, policy.reach_tries):
            try:
                return question()
            except search.SearchError as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    raise
            time.sleep(policy.pause_s(tries))
        return question()
    except search.SearchError as error:
        text = str(error).removesuffix("; nothing was sent")
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise TokenRefused(text, results=NO_RESULTS_YET) from error
        raise AccountError(text, status=error.status) from error
