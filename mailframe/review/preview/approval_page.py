"""The page that a colleague approves: the plan, the edge cases, and the fingerprint."""

from __future__ import annotations

import datetime as dt
import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from mailframe.counting import counted, sized
from mailframe.errors import MailframeError
from mailframe.letter.template_model import CONSTANT
from mailframe.message.content_digests import content_digest
from mailframe.message.pipeline import prepare
from mailframe.message.plan import Plan
from mailframe.pages.card import html_part
from mailframe.pages.environment import render
from mailframe.pages.isolation import PHONE_PX
from mailframe.pages.mail_height import mail_height
from mailframe.pages.standalone import standalone
from mailframe.pages.text import one_line
from mailframe.review.chosen_rows import choose_rows, new_tour
from mailframe.review.preview.row_view import RowView
from mailframe.review.tour.stops import MAX_REASONS, first_reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight
    from mailframe.pages.environment import Html
    from mailframe.pages.mail import Mail, Rendering
    from mailframe.review.chosen_rows import ChosenRows
    from mailframe.review.preview.subject import View
    from mailframe.review.tour import Tour

    _Shown: TypeAlias = tuple[Mail, list[str], tuple[Html | None, ...], tuple[int, int]]

MAX_BLOCKED: Final = 200
"""Blocked rows that are listed one by one."""
_WIDTH_PX: Final = 960
"""Of a mail on a desktop: the width of the page."""
_LEAST_PX, _MOST_PX = 160, 1_600
"""The height of a mail; a higher one scrolls."""


class Fingerprinted(Protocol):
    """A campaign with a name and a fingerprint."""

    @property
    def name(self) -> str | None:
        """Its name."""

    def fingerprint(self) -> str:
        """Its fingerprint for ``send(…, approved=…)``."""


def approval_page(composed: Composed, *, mask: bool, rendering: Rendering | None = None) -> str:
    """The page as a whole HTML file, after a new preflight check of every row.

    Raises:
        MailframeError: a message changed while the page was made.
    """
    preflight = composed.preflight(again=True)  # a file may have changed since the last check
    whole = new_tour(composed, progress=True)
    shown = choose_rows(composed, None, whole)
    view = RowView(composed, mask=mask, rendering=rendering)
    page = page_of(
        composed,
        preflight,
        view,
        shown=shown,
        tour=whole,
        letter=list(_fields(composed)),
        skipped=composed.groups.counts(preflight),
    )
    _refuse_changed(composed, preflight, [position for position, _ in shown])
    return page


def page_of(
    campaign: Fingerprinted,
    preflight: Preflight,
    view: View,
    *,
    shown: ChosenRows,
    tour: Tour,
    letter: Sequence[tuple[str, str]],
    skipped: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """The page as a whole HTML file.

    Args:
        campaign: the campaign.
        preflight: the check of all rows.
        view: the view that shows them.
        shown: the rows that are shown, each with its reasons.
        tour: the tour of the campaign.
        letter: the names and values of the fields of the letter.
        skipped: the number of rows that are left out, by reason.
    """
    plan = Plan.of(campaign.name, preflight, skipped=skipped)
    mails = [view.mail(position, reasons=reasons) for position, reasons in shown]
    title = campaign.name or "Campaign without a name"
    body = render(
        "approval",
        title=title,
        checked=f"{_rows(plan.rows)} at {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        numbers=list(_numbers(plan)),
        fingerprint=campaign.fingerprint(),
        has_templates=bool(preflight.templates),
        refusals=", ".join(sorted({_words(problem.code) for problem in preflight.refusals})),
        letter=letter,
        shown=list(map(_shown, mails)),
        selected_from=f"{tour.looked_at:,} of {tour.rows:,} rows"
        if tour.sampled
        else _rows(plan.rows),
        blocked=list(_blocked(view, preflight)),
        more_blocked=max(plan.blocked_rows - MAX_BLOCKED, 0),
        untaken=[
            (branch.plain, f"{branch.template}, line {branch.line:,}", branch.text)
            for branch in tour.untaken
        ],
    )
    return standalone(title, body)


def _refuse_changed(composed: Composed, preflight: Preflight, positions: Iterable[int]) -> None:
    """The fingerprint must identify the messages that are shown."""
    for position in positions:
        message = next(prepare(composed.bound_of(position), position, position + 1)).message
        if message is not None and content_digest(message.body) != preflight.contents.at(position):
            raise MailframeError(
                f"the message of {composed.names.of(position)} changed while the page was made; "
                "save it again"
            )


def _rows(number: int) -> str:
    return "the one row" if number == 1 else f"all {number:,} rows"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _shown(mail: Mail) -> _Shown:
    """A message with its first reasons, its frames, light and dark, and their heights."""
    reasons = first_reasons(mail.reasons, most=MAX_REASONS)
    light = html_part(mail)
    if mail.html is None or light is None:
        return mail, reasons, (), (0, 0)
    wide, narrow = (mail_height(mail.html, width_px=width) for width in (_WIDTH_PX, PHONE_PX))
    frames = light, html_part(mail, scheme="dark")
    return mail, reasons, frames, (_bounded(wide), _bounded(narrow))


def _bounded(height_px: int) -> int:
    return min(max(height_px, _LEAST_PX), _MOST_PX)


def _blocked(view: View, preflight: Preflight) -> Iterator[tuple[str, str, str]]:
    """The name and recipient of each blocked row, and what is wrong."""
    for position in itertools.islice(preflight.reasons(), MAX_BLOCKED):
        mail = view.mail(position, with_cells=False, is_rendered=False)
        errors = (problem for problem in mail.problems if problem.is_error)
        why = "; ".join(f"{_words(error.code)}: {error.detail}" for error in errors)
        yield mail.label, dict(mail.headers).get("To") or "no address", why


def _numbers(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    """The name, value, remark and kind of each number."""
    yield "Rows", f"{plan.rows:,}", "", ""
    yield "Messages", f"{plan.messages:,}", f"in {counted(plan.batches, 'batch', 'batches')}", ""
    yield "Size", sized(plan.bytes), "", ""
    if plan.skipped:
        yield "Skipped", f"{sum(plan.skipped.values()):,}", _counts(plan.skipped), ""
    blocked = plan.blocked_rows
    yield "Blocked", f"{blocked:,}", _counts(plan.blocked), "bad" if blocked else ""
    warnings = sum(plan.warnings.values())
    yield "Warnings", f"{warnings:,}", _counts(plan.warnings), "warn" if warnings else ""


def _counts(codes: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_words(code)}" for code, count in codes.items())


def _fields(composed: Composed) -> Iterator[tuple[str, str]]:
    for bound, name in zip(composed.bounds, composed.groups.variants or ("",), strict=True):
        if name:
            yield "variant", one_line(name)
        for field, value in bound.letter.parts():
            if field not in ("html_body", "text_body"):
                yield field, one_line(_text(value))
    yield "key", ", ".join(map(str, composed.key)) or "the address"


def _text(value: object) -> str:
    if isinstance(value, str | CONSTANT):
        return str(value)
    return f"varies by row ({type(value).__name__})"
