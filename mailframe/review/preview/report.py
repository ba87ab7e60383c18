"""The page that a colleague approves: the plan, the messages that matter, and the fingerprint of all of it."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Final

from mailframe.counting import counted
from mailframe.errors import LetterError, MailframeError
from mailframe.html.document import approval
from mailframe.html.text import one_line
from mailframe.message.keys import content_digest
from mailframe.message.pipeline import prepare
from mailframe.message.plan import Plan
from mailframe.review.preview.look import RowView
from mailframe.review.tour import MAX_ROWS, Tour, tour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight


MAX_HELD_BACK: Final = 200
"""Rows that are listed one by one as held back."""


def tour_of(run: Composed, *, progress: bool, max_rows: int = MAX_ROWS) -> Tour:
    """The tour; an empty one of a letter that cannot be marked, for marks nest an expression deeper."""
    try:
        return tour(
            run.bound, run.frame.index, names=run.names, progress=progress, max_rows=max_rows
        )
    except LetterError:
        return Tour((), (), len(run.frame), 0, run.frame.index, names=run.names)


def report(run: Composed, *, mask: bool) -> str:
    """The page as a whole HTML file, made from a fresh look at every row.

    Raises:
        MailframeError: a message changed while the page was made.
    """
    found = run.preflight(again=True)  # a file may have changed since the last look
    whole = tour_of(run, progress=True)
    look = RowView(run, mask=mask)
    plan = Plan.of(run.name, found)
    # A letter without branches has no tour, and nobody approves what they have not seen
    stops = [(stop.position, stop.reason) for stop in whole] or [(0, "the first row")][: plan.rows]
    mails = [look.mail(position, reason=reason) for position, reason in stops]
    _refuse_changed(run, found, [position for position, _ in stops])
    return approval(
        title=run.name or "A campaign without a name",
        lead=f"What a send would do, checked over all {plan.rows:,} rows at {_now()}. Nothing was sent.",
        fingerprint=run.fingerprint(),
        plan=list(_facts(plan)),
        letter=list(_fields(run)),
        mails=mails,
        held_back=list(_held_back(look, found)),
        refusals=", ".join(
            sorted({problem.code.value.replace("_", " ") for problem in found.refusals})
        ),
        untaken=[(branch.template, f"{branch.line}", branch.text) for branch in whole.untaken],
        looked_at=_among(whole),
    )


def _refuse_changed(run: Composed, found: Preflight, positions: list[int]) -> None:
    """What is shown must be what the fingerprint stands for."""
    for position in positions:
        message = next(prepare(run.bound, position, position + 1)).message
        if message is not None and content_digest(message.body) != found.contents.at(position):
            raise MailframeError(
                f"the message of {run.names.of(position)} changed while the page was made; save it again"
            )


def _now() -> str:
    return f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _among(whole: Tour) -> str:
    if whole.sampled:
        return f"{whole.looked_at:,} of {whole.rows:,} rows"
    return "the one row" if whole.rows == 1 else f"all {whole.rows:,} rows"


def _held_back(look: RowView, found: Preflight) -> Iterator[tuple[str, str]]:
    reasons = found.reasons()
    for position, reason in itertools.islice(reasons.items(), MAX_HELD_BACK):
        yield look.label(position), reason.replace("_", " ")
    if len(reasons) > MAX_HELD_BACK:
        yield f"and {len(reasons) - MAX_HELD_BACK:,} more", "campaign.problems() lists all"


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "Rows", f"{plan.rows:,}"
    yield (
        "Messages",
        f"{plan.messages:,} in {counted(plan.batches, 'batch', 'batches')}",
    )
    yield "Size", f"{plan.bytes / 1_000_000:,.1f} MB"
    held = ", ".join(f"{count:,} {code.replace('_', ' ')}" for code, count in plan.blocked.items())
    yield "Held back", f"{plan.blocked_rows:,}" + (f" ({held})" if held else "")
    yield (
        "Warnings",
        ", ".join(f"{count:,} {code.replace('_', ' ')}" for code, count in plan.warnings.items())
        or "none",
    )


def _fields(run: Composed) -> Iterator[tuple[str, str]]:
    for field, value in run.bound.letter.parts():
        if field not in ("html_body", "text_body"):
            yield field, one_line(value) if isinstance(value, str) else one_line(_kind(value))
    yield "key", ", ".join(map(str, run.key)) or "the address"


def _kind(value: object) -> str:
    return (
        str(value)
        if isinstance(value, bool | int | float)
        else f"varies by row ({type(value).__name__})"
    )
