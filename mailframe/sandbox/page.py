"""The inbox for a person: what arrived, as one static HTML page. Pure; everything posted is escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.sandbox.posted import Posted

MAX_SHOWN = 200
# Nothing on the page may run or load: the posted HTML sits in a frame without any right.
SECURITY_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } .quiet { opacity: .7; }
details { border: 1px solid #8886; border-radius: .5rem; margin: .5rem 0; padding: .5rem 1rem; }
summary { cursor: pointer; overflow-wrap: anywhere; } summary b { margin-right: .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
iframe { width: 100%; height: 24rem; border: 1px solid #8886; border-radius: .25rem; background: #fff; }
"""


def inbox(posted: Sequence[Posted]) -> str:
    """The page: the newest message first, at most 200 of them."""
    shown = list(reversed(posted))[:MAX_SHOWN]
    mails = "".join(_mail(message) for message in shown) or "<p>Nothing has arrived yet.</p>"
    count = f"{len(posted):,} message{'' if len(posted) == 1 else 's'}"
    rest = f", the newest {MAX_SHOWN} shown" if len(posted) > MAX_SHOWN else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>mailframe sandbox</title><style>{STYLE}</style></head><body><h1>mailframe sandbox</h1>"
        f'<p class="quiet">{count}{rest}. Nothing left this machine.</p>{mails}</body></html>'
    )


def _mail(posted: Posted) -> str:
    fields = posted.fields
    facts = {
        **{name: fields[name] for name in ("From", "To", "Cc", "Bcc", "ReplyTo", "Tag")},
        "Stream": posted.stream,
        "MessageID": posted.message_id,
        "SubmittedAt": posted.submitted_at,
        "Metadata": ", ".join(f"{key}={value}" for key, value in posted.metadata.items()),
        "Attachments": ", ".join(posted.attachments),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{html.escape(value)}</dd>" for name, value in facts.items() if value)
    subject = html.escape(fields["Subject"] or "(no subject)")
    to = html.escape(fields["To"] or fields["Cc"] or fields["Bcc"] or "")
    head = f'<summary><b>{subject}</b><span class="quiet">{to}</span></summary>'
    return f"<details>{head}<dl>{rows}</dl>{_bodies(posted)}</details>"


def _bodies(posted: Posted) -> str:
    parts = []
    if posted.delivered.html_body:
        source = html.escape(posted.delivered.html_body)
        parts.append(f'<iframe sandbox="" loading="lazy" title="HTML part" srcdoc="{source}"></iframe>')
    if posted.delivered.text_body:
        parts.append(f"<pre>{html.escape(posted.delivered.text_body)}</pre>")
    return "".join(parts)
