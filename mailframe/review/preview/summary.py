"""A campaign as the last line of a cell: what it is, its first message with masked values, and what to do next."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from mailframe.html.card import card
from mailframe.html.style import NO_FORMULAS
from mailframe.html.table import line, table
from mailframe.html.text import escaped, one_line
from mailframe.review.preview.look import RowView

if TYPE_CHECKING:
    from mailframe.message.composed import Composed

_NEXT = ("preview()", "problems()", "plan()", "tour()", "send(sandbox.server)")


def summary(run: Composed, said: str) -> str:
    """The campaign as HTML; nothing of a row is in it but the shape of its values.

    Args:
        run: the campaign.
        said: its repr.
    """
    parts = run.bound.letter.parts()
    lines = [
        (field, one_line(value))
        for field, value in parts
        if isinstance(value, str) and _is_told(field)
    ]
    lines += [("key", ", ".join(map(str, run.key)) or "the address")]
    shown = table([line((escaped(name), escaped(value))) for name, value in lines])
    following = " · ".join(f"<code>.{html.escape(verb)}</code>" for verb in _NEXT)
    first = _first(run)
    return f'<div class="{NO_FORMULAS}"><b>{escaped(said)}</b>{shown}{first}<p>next: {following}</p></div>'


def _is_told(field: str) -> bool:
    return field.partition("[")[0] in ("sender", "to", "cc", "bcc", "subject", "message_stream")


def _first(run: Composed) -> str:
    if not len(run.frame):
        return ""
    try:
        shown = card(RowView(run, mask=True).mail(0))
    except Exception as error:  # noqa: BLE001 - a cell's last line never ends in a traceback
        return f"<p>{escaped(one_line(str(error)))}</p>"
    return f"<details><summary>The first message, its values masked</summary>{shown}</details>"
