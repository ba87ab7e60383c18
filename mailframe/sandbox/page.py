"""The inbox for a person, as static HTML pages: a list of what arrived, and a page for each message. Pure.

A message has a page of its own because its HTML stands in frames, which browsers load also where they are folded
away: a list of 200 messages of 50 KB took Chromium 8 seconds and 400 frames, with ``loading="lazy"`` too.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote

from mailframe.html.card import LARGE_HTML, card
from mailframe.html.isolation import PHONE_PX
from mailframe.html.mail import File, Mail, ShownProblem
from mailframe.html.text import escaped, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.sandbox.accepted_message import AcceptedMessage

MAX_SHOWN: Final = 200
FRAME_PX: Final = 640
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing on a page runs, loads or is framed elsewhere. A mail's frames inherit it and can only make it narrower."""
SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)
_STYLE: Final = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif;
  --line: color-mix(in srgb, CanvasText 16%, Canvas); --soft: color-mix(in srgb, CanvasText 6%, Canvas);
  --quiet: color-mix(in srgb, CanvasText 66%, Canvas); }
body { margin: 0 auto; max-width: 1000px; padding: 0 16px 48px; }
a { color: light-dark(#0550ae, #79b8ff); text-decoration: none; } a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid; outline-offset: 2px; border-radius: 4px; }
header, nav { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 18px; padding: 18px 0 12px; }
header + nav { padding-top: 0; }
h1 { font-size: 20px; margin: 0; } h1 a { color: inherit; }
h2 { font-size: 13px; font-weight: normal; color: var(--quiet); margin: 18px 0 6px; }
.quiet, header p { color: var(--quiet); margin: 0; } .end { margin-left: auto; }
nav [aria-current] { color: inherit; font-weight: 600; } nav .group { display: flex; gap: 10px; }
nav .group .group + .group { border-left: 1px solid var(--line); padding-left: 10px; }
ol { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
li + li { border-top: 1px solid var(--line); }
li a { display: grid; grid-template-columns: minmax(0, 20em) minmax(0, 1fr) auto; gap: 0 16px; padding: 8px 14px;
  color: inherit; align-items: baseline; }
li a:hover { background: var(--soft); text-decoration: none; } li a:focus-visible { outline-offset: -2px; }
li span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
li .subject { font-weight: 600; } li .facts, li time { color: var(--quiet); font-size: 13px; }
li .facts { grid-column: 2 / -1; grid-row: 2; } li time { font-variant-numeric: tabular-nums; }
.empty { border: 1px solid var(--line); border-radius: 8px; padding: 18px 22px; }
.empty p, main > p { margin: 0 0 10px; } .empty :last-child { margin-bottom: 0; } main > p.after { margin: 10px 0 0; }
pre.code { background: var(--soft); border-radius: 6px; padding: 12px 14px; margin: 0 0 10px; white-space: pre-wrap;
  overflow-wrap: anywhere; font: 13px/1.55 ui-monospace, monospace; }
@media (max-width: 640px) { li a { grid-template-columns: minmax(0, 1fr) auto; }
  li .subject { grid-column: 1 / -1; grid-row: 2; } li .facts { grid-column: 1 / -1; grid-row: 3; }
  .end { margin-left: 0; } }
"""


@dataclass(frozen=True, slots=True)
class View:
    """How a message is shown; what stands behind the ``?`` of its page.

    Attributes:
        dark: as on a dark screen.
        phone: as wide as a phone.
        whole: the HTML part although it is large.
    """

    dark: bool = False
    phone: bool = False
    whole: bool = False

    @classmethod
    def of(cls, query: str) -> View:
        """Read it from a query; whatever else stands there is nothing.

        >>> View.of("dark&x=1")
        View(dark=True, phone=False, whole=False)
        """
        names = _asked(query)
        return cls("dark" in names, "phone" in names, "whole" in names)

    def address(self, posted: AcceptedMessage) -> str:
        """Where *posted* is shown like this, for an attribute."""
        names = [name for name in ("dark", "phone", "whole") if getattr(self, name)]
        return (
            f"/inbox/{quote(posted.message_id, safe='')}{'?' if names else ''}{'&amp;'.join(names)}"
        )


def inbox(
    posted: Sequence[AcceptedMessage], *, url: str, query: str = "", takes_any_token: bool = True
) -> str:
    """The list: the newest message first, at most 200 of them.

    Args:
        posted: all that arrived, oldest first.
        url: of the sandbox, to say where mail goes.
        query: ``until=300`` begins with the 300th message that arrived, so that a page stays when more arrive.
        takes_any_token: whether the account does.
    """
    if not posted:
        return _page(
            "Inbox",
            f"<main>{_empty(url, takes_any_token=takes_any_token)}</main>",
            "No messages yet",
        )
    until = _until(_asked(query).get("until", ""), len(posted))
    shown = posted[max(0, until - MAX_SHOWN) : until]
    first, last, total = len(posted) - until + 1, len(posted) - until + len(shown), len(posted)
    count = f"{total:,} message{'' if total == 1 else 's'}"
    part = count if len(shown) == total else f"{first:,} to {last:,} of {count}, newest first"
    return _page("Inbox", f"<main>{''.join(_days(shown))}</main>{_paging(until, total)}", part)


def message(posted: Sequence[AcceptedMessage], place: int, *, query: str = "") -> str:
    """The page of one message.

    Args:
        posted: all that arrived, oldest first.
        place: of the message in it.
        query: see ``View``.
    """
    shown, view = posted[place], View.of(query)
    mail = mail_of(shown)
    is_held = not view.whole and mail.html is not None and len(mail.html) > LARGE_HTML
    whole = card(
        replace(mail, html=None) if is_held else mail,
        scheme="dark" if view.dark else "light",
        width_px=PHONE_PX if view.phone else None,
        height_px=FRAME_PX,
    )
    before = _large(shown, view) if is_held else ""
    after = "" if is_held or mail.html is None else _NO_REMOTE
    inside = f"{_around(posted, place, view)}<main>{before}{whole}{after}</main>"
    return _page(
        one_line(mail.subject) or "(no subject)",
        inside,
        f"Message {place + 1:,} of {len(posted):,}",
    )


def missing() -> str:
    """The page for an address of no message."""
    said = "<p><b>No message has this address.</b> The sandbox may have been cleared since.</p>"
    return _page(
        "No such message",
        f'<main><div class="empty">{said}<p><a href="/">Inbox</a></p></div></main>',
        "",
    )


def place_of(message_id: str, posted: Sequence[AcceptedMessage]) -> int | None:
    """Where in *posted* the message of that id is, ignoring case."""
    wanted = message_id.lower()
    return next((place for place, one in enumerate(posted) if one.message_id == wanted), None)


def mail_of(posted: AcceptedMessage) -> Mail:
    """What a page shows of *posted*: the bodies and headers as the recipient would get them."""
    fields, delivered = posted.fields, posted.delivered
    facts = {
        **{name: fields[name] or "" for name in ("From", "To", "Cc", "Bcc")},
        "Reply-To": fields["ReplyTo"] or "",
        "Tag": fields["Tag"] or "",
        "Stream": posted.stream,
        "Submitted": posted.submitted_at,
        "MessageID": posted.message_id,
    }
    lines = [("Metadata", f"{key}: {value}") for key, value in posted.metadata.items()]
    lines += [("Header", f"{name}: {value}") for name, value in delivered.headers]
    return Mail(
        headers=(*facts.items(), *lines),
        subject=fields["Subject"] or "",
        html=delivered.html_body or None,
        text=delivered.text_body or None,
        notes=tuple(
            ShownProblem(is_error=False, field="", code=kind, detail=_FAKE + box)
            for kind, box in posted.bounces
        ),
        files=tuple(
            File(file.name, file.content_type, file.size, file.content_id)
            for file in posted.attachments
        ),
        inline={file.content_id: file.image for file in posted.attachments if file.image},
    )


def _page(title: str, inside: str, about: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)} · mailframe sandbox</title><style>{' '.join(_STYLE.split())}</style></head><body>"
        f'<header><h1><a href="/">mailframe sandbox</a></h1><p>{about}</p>'
        f'<p class="end">Nothing leaves this machine.</p></header>{inside}</body></html>'
    )


def _asked(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _until(asked: str, total: int) -> int:
    """The number of the message that the list begins with; what is no such number is the newest."""
    return min(int(asked), total) if re.fullmatch(r"0{0,9}[1-9]\d{0,8}", asked, re.ASCII) else total


def _paging(until: int, total: int) -> str:
    older, newer = until - MAX_SHOWN, min(until + MAX_SHOWN, total)
    links = (
        [f'<a href="/{"" if newer == total else f"?until={newer}"}">← Newer</a>']
        if until < total
        else []
    )
    links += [f'<a class="end" href="/?until={older}">Older →</a>'] if older > 0 else []
    return f'<nav aria-label="Pages">{"".join(links)}</nav>' if links else ""


def _days(shown: Sequence[AcceptedMessage]) -> Iterator[str]:
    """The list in pieces, newest first, each day under its date."""
    day = ""
    for posted in reversed(shown):
        if posted.submitted_at[:10] != day:
            yield "</ol>" if day else ""
            day = posted.submitted_at[:10]
            yield f"<h2>{day}, UTC</h2><ol>"
        yield _item(posted)
    yield "</ol>"


def _item(posted: AcceptedMessage) -> str:
    fields = posted.fields
    to = one_line(fields["To"] or fields["Cc"] or fields["Bcc"] or "")
    subject = one_line(fields["Subject"] or "") or "(no subject)"
    files = len(posted.attachments)
    facts = [posted.stream, one_line(fields["Tag"] or "", most=60)]
    facts += [f"{files} attachment{'' if files == 1 else 's'}" if files else ""]
    facts += [kind for kind, _ in posted.bounces]
    said = " · ".join(escaped(fact) for fact in facts if fact)
    return (
        f'<li><a href="{View().address(posted)}"><span class="to">{escaped(to)}</span>'
        f'<span class="subject">{escaped(subject)}</span><time>{posted.submitted_at[11:19]}</time>'
        f'<span class="facts">{said}</span></a></li>'
    )


def _around(posted: Sequence[AcceptedMessage], place: int, view: View) -> str:
    """The ways on from one message: to its neighbours, and to another look at it."""
    last = len(posted) - 1
    kept = replace(view, whole=False)
    back = (
        "/" if last - place < MAX_SHOWN else f"/?until={min(last + 1, place + 1 + MAX_SHOWN // 2)}"
    )
    ways = [f'<a href="{back}">Inbox</a>']
    ways += [f'<a href="{kept.address(posted[place + 1])}">← Newer</a>'] if place < last else []
    ways += [f'<a href="{kept.address(posted[place - 1])}">Older →</a>'] if place else []
    looks = [
        _look(
            posted[place],
            view,
            ("Light", replace(view, dark=False)),
            ("Dark", replace(view, dark=True)),
        ),
        _look(
            posted[place],
            view,
            ("Wide", replace(view, phone=False)),
            ("Phone", replace(view, phone=True)),
        ),
    ]
    return f'<nav aria-label="Messages">{"".join(ways)}<span class="end group">{"".join(looks)}</span></nav>'


def _look(posted: AcceptedMessage, view: View, *choices: tuple[str, View]) -> str:
    links = "".join(
        f'<a href="{choice.address(posted)}"{" aria-current=true" if choice == view else ""}>{word}</a>'
        for word, choice in choices
    )
    return f'<span class="group">{links}</span>'


def _large(posted: AcceptedMessage, view: View) -> str:
    size = len((posted.delivered.html_body or "").encode()) / 1_000_000
    link = f'<a href="{replace(view, whole=True).address(posted)}">Show it</a>'
    return f'<p class="quiet">The HTML part is {size:.1f} MB and takes a while to show. {link}</p>'


def _empty(url: str, *, takes_any_token: bool) -> str:
    token = "sandbox-token" if takes_any_token else "a token of this sandbox"
    code = f'campaign.send(mf.Postmark("{token}", base_url="{url}"))'
    return (
        '<div class="empty"><p><b>Nothing has arrived yet.</b> Send a campaign here, then reload this page:</p>'
        f'<pre class="code">{html.escape(code)}</pre>'
        '<p class="quiet">A notebook that holds the sandbox writes <code>campaign.send(sandbox.server)</code>. '
        "Any other client of Postmark takes the address above in place of Postmark's.</p></div>"
    )


_NO_REMOTE: Final = '<p class="quiet after">Remote images are not loaded.</p>'
_FAKE: Final = "a fake bounce of "
