"""A whole HTML file that stands alone: no script, nothing remote, light and dark by the reader's screen."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from mailframe.html.card import card
from mailframe.html.style import NO_FORMULAS, STYLE, style
from mailframe.html.table import line, table
from mailframe.html.text import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.html.mail import Mail

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-src data:; form-action 'none'"
_LOOK: Final = style("document")
_MAIL_PX: Final = 760


def document(title: str, body: str) -> str:
    """A file with a body of our own making.

    >>> document("Plan", "<p>Hi</p>").startswith("<!doctype html>")
    True
    """
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{_POLICY}"><meta name="viewport" content="width=device-width"><meta name="referrer" '
        f'content="no-referrer"><title>{html.escape(visible(title))}</title>{_LOOK}{STYLE}</head>'
        f"<body>{body}</body></html>\n"
    )


def facts(lines: Sequence[tuple[str, str]]) -> str:
    """Names and values as a table."""
    return table(
        [line((html.escape(name), escaped(value))) for name, value in lines], kind="mf-facts"
    )


def approval(
    *,
    title: str,
    lead: str,
    fingerprint: str,
    plan: Sequence[tuple[str, str]],
    letter: Sequence[tuple[str, str]],
    mails: Sequence[Mail],
    held_back: Sequence[tuple[str, str]],
    untaken: Sequence[Sequence[str]],
    looked_at: str,
    refusals: str = "",
) -> str:
    """The page for a colleague who approves a campaign before it is sent.

    Args:
        title: the campaign's name.
        lead: one sentence of what this is.
        fingerprint: of letter, frame and settings.
        plan: what a send would do.
        letter: its fields and their templates.
        mails: the messages that matter, each with its reason.
        held_back: rows that are not sent, and why.
        untaken: template, line and branch of each branch that no message takes.
        looked_at: how many rows were looked at for the messages that matter, and for those branches.
        refusals: what keeps the whole campaign from being sent; empty for nothing.
    """
    parts = [
        f"<h1>{escaped(title)}</h1>",
        f'<p class="mf-lead">{escaped(lead)}</p>',
        facts(plan),
        "<h2>To approve</h2>",
        "<p>Answer with this fingerprint. It stands for every message as it is now, and for who gets it:</p>",
        f"<p><code><b>{html.escape(fingerprint)}</b></code></p>",
        f"<p>{_command(fingerprint, held_back, refusals)}</p>",
        f"<h2>The letter</h2>{facts(letter)}",
        f"<h2>{_counted(len(mails))}</h2><p>Chosen among {html.escape(looked_at)}.</p>",
        *(card(mail, height_px=_MAIL_PX) for mail in mails),
    ]
    if held_back:
        rows = [line(tuple(map(escaped, row))) for row in held_back]
        parts.append(f"<h2>Held back</h2>{table(rows, head=('row', 'why'), kind='mf-facts')}")
    if untaken:
        parts.append(
            f"<h2>What nobody gets</h2><p>None of {html.escape(looked_at)} takes these branches:</p>"
        )
        rows = [line(tuple(map(escaped, branch))) for branch in untaken]
        parts.append(table(rows, head=("template", "line", "branch"), kind="mf-facts"))
    return document(title, f'<div class="{NO_FORMULAS}">{"".join(parts)}</div>')


def _command(fingerprint: str, held_back: Sequence[tuple[str, str]], refusals: str) -> str:
    if refusals:
        return f"As it is nothing of it can be sent: {escaped(refusals)}."
    skip = ', on_invalid="skip"' if held_back else ""
    arguments = html.escape(f'approved="{fingerprint}"{skip}', quote=False)
    return f"<code>campaign.send(server, {arguments})</code> sends nothing if anything has changed since."


def _counted(mails: int) -> str:
    return "One message that matters" if mails == 1 else f"{mails:,} messages that matter"
