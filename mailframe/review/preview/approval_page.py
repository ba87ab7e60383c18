"""The page that a colleague approves: the plan, the edge cases, and the fingerprint."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Final

from mailframe.counting import counted
from mailframe.errors import MailframeError
from mailframe.message.content_digests import content_digest
from mailframe.message.pipeline import prepare
from mailframe.message.plan import Plan
from mailframe.pages.card import card
from mailframe.pages.environment import render
from mailframe.pages.standalone import standalone
from mailframe.pages.text import one_line
from mailframe.review.chosen_rows import choose_rows, new_tour
from mailframe.review.preview.row_view import RowView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight

MAX_BLOCKED: Final = 200
"""Blocked rows that are listed one by one."""
_MAIL_PX: Final = 760


def approval_page(composed: Composed, *, mask: bool) -> str:
    """The page as a whole HTML file, after a new preflight check of every row.

    Raises:
        MailframeError: a message changed while the page was made.
    """
    preflight = composed.preflight(again=True)  # a file may have changed since the last check
    whole = new_tour(composed, progress=True)
    view = RowView(composed, mask=mask)
    plan = Plan.of(composed.name, preflight)
    shown = choose_rows(composed, None, whole)
    mails = [view.mail(position, reason=reason) for position, reason in shown]
    _refuse_changed(composed, preflight, [position for position, _ in shown])
    title = composed.name or "Campaign without a name"
    body = render(
        "approval",
        title=title,
        checked=f"{_rows(plan.rows)} at {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        plan=list(_facts(plan)),
        fingerprint=composed.fingerprint(),
        refusals=", ".join(sorted({_words(problem.code) for problem in preflight.refusals})),
        letter=list(_fields(composed)),
        cards=[card(mail, height_px=_MAIL_PX) for mail in mails],
        selected_from=f"{whole.looked_at:,} of {whole.rows:,} rows"
        if whole.sampled
        else _rows(plan.rows),
        blocked=list(_blocked(view, preflight)),
        untaken=[(branch.template, f"{branch.line}", branch.text) for branch in whole.untaken],
    )
    return standalone(title, body)


def _refuse_changed(composed: Composed, preflight: Preflight, positions: Iterable[int]) -> None:
    """The fingerprint must identify the messages that are shown."""
    for position in positions:
        message = next(prepare(composed.bound, position, position + 1)).message
        if message is not None and content_digest(message.body) != preflight.contents.at(position):
            raise MailframeError(
                f"the message of {composed.names.of(position)} changed while the page was made; "
                "save it again"
            )


def _rows(number: int) -> str:
    return "the one row" if number == 1 else f"all {number:,} rows"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _blocked(view: RowView, preflight: Preflight) -> Iterator[tuple[str, str]]:
    reasons = preflight.reasons()
    for position, reason in itertools.islice(reasons.items(), MAX_BLOCKED):
        yield view.label(position).removeprefix("row "), _words(reason)
    if len(reasons) > MAX_BLOCKED:
        yield f"and {len(reasons) - MAX_BLOCKED:,} more", "campaign.problems() lists them all"


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "Rows", f"{plan.rows:,}"
    yield "Messages", f"{plan.messages:,} in {counted(plan.batches, 'batch', 'batches')}"
    yield "Size", f"{plan.bytes / 1_000_000:,.1f} MB"
    codes = _counts(plan.blocked)
    yield "Blocked", f"{plan.blocked_rows:,} ({codes})" if codes else f"{plan.blocked_rows:,}"
    yield "Warnings", _counts(plan.warnings) or "none"


def _counts(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_words(code)}" for code, count in codes.items())


def _fields(composed: Composed) -> Iterator[tuple[str, str]]:
    for field, value in composed.bound.letter.parts():
        if field not in ("html_body", "text_body"):
            yield field, one_line(_text(value))
    yield "key", ", ".join(map(str, composed.key)) or "the address"


def _text(value: object) -> str:
    if isinstance(value, str | bool | int | float):
        return str(value)
    return f"varies by row ({type(value).__name__})"
