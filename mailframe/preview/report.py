"""The page that a colleague approves: the plan, the messages that matter, and the fingerprint of all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.approval import fingerprint
from mailframe.inspection import Plan
from mailframe.page.document import approval
from mailframe.page.text import one_line
from mailframe.preview.look import Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.sender import Run
    from mailframe.tour import Tour


def report(run: Run, tour: Tour, *, mask: bool) -> str:
    """The page as a whole HTML file."""
    found = run.inspected()
    look = Look(run, mask=mask)
    plan = Plan.of(run.name, found)
    # A letter without branches has no tour, and nobody approves what they have not seen
    stops = [(stop.position, stop.reason) for stop in tour] or [(0, "the first row")][: plan.rows]
    return approval(
        title=run.name or "A campaign without a name",
        lead=f"What a send would do, checked over all {plan.rows:,} rows. Nothing was sent.",
        fingerprint=fingerprint(run.bound, found, name=run.name, key=run.key),
        plan=list(_facts(plan)),
        letter=list(_fields(run)),
        mails=[look.mail(position, reason=reason) for position, reason in stops],
        untaken=[(branch.template, f"{branch.line}", branch.text) for branch in tour.untaken],
    )


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "Rows", f"{plan.rows:,}"
    yield "Messages", f"{plan.messages:,} in {plan.batches:,} batch{'' if plan.batches == 1 else 'es'}"
    yield "Size", f"{plan.bytes / 1_000_000:,.1f} MB"
    held = ", ".join(f"{count:,} {code}" for code, count in plan.held_back.items())
    yield "Held back", f"{plan.held_back_rows:,}" + (f" ({held})" if held else "")
    yield "Warnings", ", ".join(f"{count:,} {code}" for code, count in plan.warnings.items()) or "none"


def _fields(run: Run) -> Iterator[tuple[str, str]]:
    for field, value in run.bound.letter.parts():
        if field not in ("html_body", "text_body"):
            yield field, one_line(value) if isinstance(value, str) else one_line(_kind(value))
    yield "key", ", ".join(map(str, run.key)) or "the address"


def _kind(value: object) -> str:
    return str(value) if isinstance(value, bool | int | float) else f"varies by row ({type(value).__name__})"
