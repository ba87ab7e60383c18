"""A campaign as the last line of a cell: who gets it, its first message masked, the next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.counting import counted
from mailframe.pages.card import card
from mailframe.pages.summary import Summary
from mailframe.pages.text import one_line
from mailframe.review.preview.row_view import RowView

if TYPE_CHECKING:
    from mailframe.message.binding import BoundLetter
    from mailframe.message.composed import Composed
    from mailframe.message.preflight import Preflight
    from mailframe.pages.environment import Html

_FIELDS: Final = ("sender", "to", "cc", "bcc", "subject", "template", "message_stream")
_MOST_CHECKED: Final = 200
"""Rows that are checked for the summary; more are not, because that takes time."""


def campaign_summary(composed: Composed) -> str:
    """The campaign as HTML. Of the rows it contains only the shape of values.

    Args:
        composed: the campaign.
    """
    letter = composed.bound.letter
    first, error = _first_message(composed)
    checked = _checked(composed)
    name = f" · letter {letter.folder.name}" if letter.folder and not composed.variants else ""
    return Summary(
        composed.name or "Campaign without a name",
        about=f"{counted(len(composed.frame), 'row')}{name}",
        counts=() if checked is None else _counts(checked),
        lines=[*_fields(composed), ("key", ", ".join(map(str, composed.key)) or "the address")],
        folded=None if first is None else ("First message, with masked values", first),
        note=error,
        steps=_steps(composed, checked),
    ).html()


def _fields(composed: Composed) -> list[tuple[str, str]]:
    """The fields that say what it is and who gets it: templates as they are written."""
    return [
        *_shared_fields(composed),
        *[
            (f"{part} of {name}", text)
            for name, bound in zip(composed.groups.variants, composed.bounds, strict=False)
            for part, text in _texts(bound)
            if (part, text) not in _shared_fields(composed)
        ],
    ]


def _shared_fields(composed: Composed) -> list[tuple[str, str]]:
    """The fields that all letters have alike."""
    first, *others = map(_texts, composed.bounds)
    return [pair for pair in first if all(pair in other for other in others)]


def _texts(bound: BoundLetter) -> list[tuple[str, str]]:
    return [
        (part, one_line(str(value)) if isinstance(value, str | int) else "another one for each row")
        for part, value in bound.letter.parts()
        if part.partition("[")[0] in _FIELDS
    ]


def _checked(composed: Composed) -> Preflight | None:
    """The check of all rows if there is one, or if it is a matter of a moment."""
    is_quick = len(composed.frame) <= _MOST_CHECKED and all(
        not bound.letter.filters
        and not bound.may_have_images
        and all(isinstance(value, str) for _, value in bound.letter.parts())
        and all(encoded is not None for _, encoded in bound.attachments)
        for bound in composed.bounds
    )
    if composed.kept_preflight is not None or not is_quick:
        return composed.kept_preflight
    try:
        return composed.preflight()
    except Exception:  # noqa: BLE001 - a cell's last line never ends in a traceback
        return None


def _counts(checked: Preflight) -> list[tuple[str, str, str]]:
    messages = int(checked.sendable.sum())
    skipped = int(np.sum(checked.left_out))
    blocked = len(checked.sizes) - messages - skipped
    return [
        (f"{messages:,}", "message" if messages == 1 else "messages", ""),
        (f"{blocked:,}", "blocked", "error" if blocked else ""),
        *([(f"{skipped:,}", "skipped", "")] if skipped else []),
    ]


def _steps(composed: Composed, checked: Preflight | None) -> list[tuple[str, str]]:
    """What to call next; to look at the problems first if there are any."""
    if not len(composed.frame):
        return []
    look = [(".preview()", "shows the messages"), (".problems()", "lists what is wrong")]
    if checked is not None and not (checked.sendable | checked.left_out).all():
        look.reverse()
    return [*look, (".plan()", "counts what would be sent"), (".send(sandbox.server)", "tries it")]


def _first_message(composed: Composed) -> tuple[Html | None, str]:
    """A card, or the reason why there is none."""
    if not len(composed.frame):
        return None, "The frame has no rows. Check the filter before .mail.compose(…)."
    try:
        return card(RowView(composed, mask=True).mail(0)), ""
    except Exception as error:  # noqa: BLE001 - a cell's last line never ends in a traceback
        return None, one_line(str(error))
