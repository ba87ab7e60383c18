"""A whole HTML file that stands alone: no script, nothing remote, light and dark by the reader's screen."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from mailframe.page.card import card
from mailframe.page.style import NO_FORMULAS, STYLE, style
from mailframe.page.table import line, table
from mailframe.page.text import escaped, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.page.mail import Mail

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; form-action 'none'; "
_LOOK: Final = style("document")
_REFUSED: Final = "is refused as soon as a message, a recipient or a setting is another."


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
    return table([line((html.escape(name), escaped(value))) for name, value in lines], kind="mf-facts")


def approval(
    *,
    title: str,
    lead: str,
    fingerprint: str,
    plan: Sequence[tuple[str, str]],
    letter: Sequence[tuple[str, str]],
    mails: Sequence[Mail],
    untaken: Sequence[Sequence[str]],
) -> str:
    """The page for a colleague who approves a campaign before it is sent.

    Args:
        title: the campaign's name.
        lead: one sentence of what this is.
        fingerprint: of letter, frame and settings.
        plan: what a send would do.
        letter: its fields and their templates.
        mails: the messages that matter, each with its reason.
        untaken: template, line and branch of each branch that no message takes.
    """
    parts = [
        f"<h1>{escaped(title)}</h1>",
        f'<p class="mf-lead">{escaped(lead)}</p>',
        facts(plan),
        "<h2>To approve</h2>",
        "<p>Answer with this fingerprint. It stands for every message as it is now, and for who gets it:</p>",
        f"<p><code><b>{html.escape(fingerprint)}</b></code></p>",
        f'<p>Sending with <code>campaign.send(server, approved="{html.escape(fingerprint)}")</code> {_REFUSED}</p>',
        f"<h2>The letter</h2>{facts(letter)}",
        f"<h2>{len(mails):,} messages that matter</h2>",
        *(card(mail) for mail in mails),
    ]
    if untaken:
        parts.append("<h2>What nobody gets</h2><p>No row takes these branches, so nobody has seen them:</p>")
        rows = [line(tuple(map(escaped, branch))) for branch in untaken]
        parts.append(table(rows, head=("template", "line", "branch"), kind="mf-facts"))
    return document(title, f'<div class="{NO_FORMULAS}">{"".join(parts)}</div>')
