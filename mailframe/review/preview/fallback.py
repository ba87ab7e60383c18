"""What a preview leaves where it cannot live: one message as a card, and the list of those that matter."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from mailframe.html.card import card
from mailframe.html.style import NO_FORMULAS
from mailframe.html.table import line, table
from mailframe.html.text import escaped, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.review.preview.look import RowView

SHOWN_STOPS = 25


def static_html(look: RowView, stops: Sequence[tuple[int, str]], *, title: str) -> str:
    """The first message as a card, and above it a table of all that were chosen.

    Args:
        look: shows the rows.
        stops: position and reason of each chosen row.
        title: what stands above.
    """
    if not stops:
        why = "No row was asked for." if look.rows else "The frame has no rows."
        return f'<div class="{NO_FORMULAS}"><b>{escaped(title)}</b><br>{why}</div>'
    first = card(look.mail(stops[0][0], reason=stops[0][1]))
    return f'<div class="{NO_FORMULAS}"><p><b>{escaped(title)}</b></p>{_table(look, stops)}{first}</div>'


def plain_text(look: RowView, stops: Sequence[tuple[int, str]], *, title: str) -> str:
    """The same for a terminal: one line for each chosen row."""
    lines = [title]
    for position, reason in stops[:SHOWN_STOPS]:
        mail = look.mail(position, with_cells=False)
        to = dict(mail.headers).get("To", "")
        lines.append(
            one_line(
                f"  {mail.label}: {mail.subject or '(no subject)'} → {to or '(nobody)'}  [{reason}]"
            )
        )
    return "\n".join(lines)


def _table(look: RowView, stops: Sequence[tuple[int, str]]) -> str:
    if len(stops) < 2:  # noqa: PLR2004 - the card says it all
        return ""
    rows = []
    for position, reason in stops[:SHOWN_STOPS]:
        mail = look.mail(position, with_cells=False)
        to = dict(mail.headers).get("To", "")
        cells = (
            mail.label.removeprefix("row "),
            mail.subject,
            to,
            "held back" if mail.is_held_back else "",
            reason,
        )
        rows.append(line([escaped(one_line(cell)) for cell in cells]))
    more = len(stops) - SHOWN_STOPS
    said = f"<p>{html.escape(f'and {more:,} more')}</p>" if more > 0 else ""
    return table(rows, head=("row", "Subject", "To", "", "why it is shown")) + said
