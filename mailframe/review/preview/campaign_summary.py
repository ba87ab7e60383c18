"""A campaign as the last line of a cell: its fields, its first message masked, the next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.pages.card import card
from mailframe.pages.environment import render
from mailframe.pages.text import one_line
from mailframe.review.preview.row_view import RowView

if TYPE_CHECKING:
    from mailframe.message.composed import Composed
    from mailframe.pages.environment import Html

_FIELDS: Final = ("sender", "to", "cc", "bcc", "subject", "message_stream")
_NEXT: Final = ("preview()", "problems()", "plan()", "tour()", "send(sandbox.server)")


def campaign_summary(composed: Composed, title: str) -> str:
    """The campaign as HTML. Of the rows it contains only the shape of values.

    Args:
        composed: the campaign.
        title: the repr of the campaign.
    """
    fields = [
        (field, one_line(value))
        for field, value in composed.bound.letter.parts()
        if isinstance(value, str) and field.partition("[")[0] in _FIELDS
    ]
    fields.append(("key", ", ".join(map(str, composed.key)) or "the address"))
    first, error = _first_message(composed)
    return render(
        "campaign", title=title, fields=fields, first=first, error=error, next_steps=_NEXT
    )


def _first_message(composed: Composed) -> tuple[Html | None, str]:
    """A card, or the reason why there is none."""
    if not len(composed.frame):
        return None, ""
    try:
        return card(RowView(composed, mask=True).mail(0)), ""
    except Exception as error:  # noqa: BLE001 - a cell's last line never ends in a traceback
        return None, one_line(str(error))
