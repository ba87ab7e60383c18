"""The inbox as static HTML pages: a list of the messages that arrived, and one page for each. Pure.

Each message has a page of its own, because browsers load frames even in folded elements: a list of
200 messages of 50 KB took Chromium 8 seconds and 400 frames, also with ``loading="lazy"``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qsl, quote

from mailframe.pages.card import LARGE_HTML, card
from mailframe.pages.environment import render
from mailframe.pages.isolation import PHONE_PX
from mailframe.pages.mail import Mail, ShownAttachment, ShownProblem
from mailframe.pages.text import one_line
from mailframe.sandbox.state.stored_message import delivered_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.sandbox.state.attachments import AttachmentTable
    from mailframe.sandbox.state.stored_message import StoredMessage

MAX_SHOWN: Final = 200
FRAME_PX: Final = 640
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing on a page runs, loads or is framed elsewhere; the frames of a mail inherit it."""
SECURITY_HEADERS: Final = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


View: TypeAlias = "frozenset[str]"
"""How a message is shown, some of: ``dark`` (as on a dark screen), ``phone`` (as wide as a phone),
``whole`` (with the HTML part although it is large)."""


def view_of(query: str) -> View:
    """The view in the query of a message's page; other names are ignored.

    >>> view_of("dark&x=1")
    frozenset({'dark'})
    """
    return frozenset(_parameters(query)) & {"dark", "phone", "whole"}


def address_of(posted: StoredMessage, view: View = frozenset()) -> str:
    """The address of the page of *posted*."""
    query = f"?{'&'.join(sorted(view))}" if view else ""
    return f"/inbox/{quote(posted.message_id, safe='')}{query}"


def inbox(
    posted: Sequence[StoredMessage], *, url: str, query: str = "", takes_any_token: bool = True
) -> str:
    """The list: newest first, at most 200 messages.

    Args:
        posted: all messages that arrived, oldest first.
        url: the URL of the sandbox.
        query: the query; ``until=300`` starts at the 300th message that arrived, so that a page
            stays the same when more arrive.
        takes_any_token: whether the account accepts any token.
    """
    if not posted:
        token = "sandbox-token" if takes_any_token else "a token of this sandbox"
        return render("inbox/empty", title="Inbox", about="No messages yet", token=token, url=url)
    total = len(posted)
    until = _until(_parameters(query).get("until", ""), total)
    shown = posted[max(0, until - MAX_SHOWN) : until]
    newer, older = min(until + MAX_SHOWN, total), until - MAX_SHOWN
    return render(
        "inbox/list",
        title="Inbox",
        about=_count(total, first=total - until + 1, shown=len(shown)),
        days=[
            (day, list(of_day))
            for day, of_day in groupby(reversed(shown), lambda one: one.submitted_at[:10])
        ],
        address=address_of,
        facts=_facts,
        newer=_list_address(newer, total) if until < total else "",
        older=_list_address(older, total) if older > 0 else "",
    )


def message(
    posted: Sequence[StoredMessage], place: int, *, attachments: AttachmentTable, query: str = ""
) -> str:
    """The page of one message.

    Args:
        posted: all messages that arrived, oldest first.
        place: the place of the message in *posted*.
        attachments: the bytes of attachments.
        query: the query, see ``view_of``.
    """
    one, view = posted[place], view_of(query)
    mail, kept = mail_of(one, attachments), view - {"whole"}
    is_withheld = "whole" not in view and len(mail.html or "") > LARGE_HTML
    newest, last = place + 1 + MAX_SHOWN // 2, len(posted) - 1
    return render(
        "inbox/message",
        title=one_line(mail.subject) or "(no subject)",
        about=f"Message {place + 1:,} of {len(posted):,}",
        back="/" if last - place < MAX_SHOWN else _list_address(newest, len(posted)),
        newer=address_of(posted[place + 1], kept) if place < last else "",
        older=address_of(posted[place - 1], kept) if place else "",
        views=_views(one, view),
        card=card(
            replace(mail, html=None) if is_withheld else mail,
            scheme="dark" if "dark" in view else "light",
            width_px=PHONE_PX if "phone" in view else None,
            height_px=FRAME_PX,
        ),
        has_html=mail.html is not None,
        show_large=address_of(one, view | {"whole"}) if is_withheld else "",
        size_mb=f"{len((mail.html or '').encode()) / 1_000_000:.1f}",
    )


def missing() -> str:
    """The page for an address without a message."""
    return render("inbox/missing", title="No such message", about="")


def place_of(message_id: str, posted: Sequence[StoredMessage]) -> int | None:
    """The place in *posted* of the message with that id, ignoring case."""
    wanted = message_id.lower()
    return next((place for place, one in enumerate(posted) if one.message_id == wanted), None)


def mail_of(posted: StoredMessage, attachments: AttachmentTable) -> Mail:
    """What a page shows of *posted*: the bodies and headers as the recipient would get them."""
    fields, delivered = posted.fields, delivered_content(posted)
    headers = {
        **{name: fields[name] or "" for name in ("From", "To", "Cc", "Bcc")},
        "Reply-To": fields["ReplyTo"] or "",
        "Tag": fields["Tag"] or "",
        "Stream": posted.stream,
        "Submitted": posted.submitted_at,
        "MessageID": posted.message_id,
    }
    repeated = [("Metadata", f"{key}: {value}") for key, value in posted.metadata.items()]
    repeated += [("Header", f"{name}: {value}") for name, value in delivered.headers]
    return Mail(
        headers=(*headers.items(), *repeated),
        subject=fields["Subject"] or "",
        html=delivered.html_body or None,
        text=delivered.text_body or None,
        problems=tuple(
            ShownProblem(is_error=False, field="", code=kind, detail=f"a fake bounce of {address}")
            for kind, address in posted.bounces
        ),
        attachments=tuple(
            ShownAttachment(file.name, file.content_type, file.size, file.content_id)
            for file in posted.attachments
        ),
        inline={
            file.content_id: attachments.image_url(file)
            for file in posted.attachments
            if file.image_type
        },
    )


def _parameters(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))


def _until(text: str, total: int) -> int:
    """The number of the message that the list starts at; by default the newest."""
    return min(int(text), total) if re.fullmatch(r"0{0,9}[1-9]\d{0,8}", text, re.ASCII) else total


def _list_address(until: int, total: int) -> str:
    return "/" if until >= total else f"/?until={until}"


def _count(total: int, *, first: int, shown: int) -> str:
    count = f"{total:,} message{'' if total == 1 else 's'}"
    last = first + shown - 1
    return count if shown == total else f"{first:,} to {last:,} of {count}, newest first"


def _facts(posted: StoredMessage) -> list[str]:
    """What the list says of a message: its stream, tag, attachments and fake bounces."""
    files = len(posted.attachments)
    tag = one_line(posted.fields["Tag"] or "", most=60)
    attachments = f"{files} attachment{'' if files == 1 else 's'}" if files else ""
    kinds = [kind for kind, _ in posted.bounces]
    return [fact for fact in (posted.stream, tag, attachments, *kinds) if fact]


def _views(posted: StoredMessage, view: View) -> list[list[tuple[str, str, bool]]]:
    """The links to other views, in groups: name, address, and whether it is the current one."""
    groups = (("Light", "Dark", "dark"), ("Wide", "Phone", "phone"))
    return [
        [
            (without, address_of(posted, view - {flag}), flag not in view),
            (with_flag, address_of(posted, view | {flag}), flag in view),
        ]
        for without, with_flag, flag in groups
    ]
