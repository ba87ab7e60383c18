"""The page of one message: its head, and the part that the address names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson

from mailframe.pages.card import LARGE_HTML
from mailframe.pages.mail_height import mail_height
from mailframe.pages.text import one_line
from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.inbox.addresses import address
from mailframe.sandbox.inbox.colored import pieces
from mailframe.sandbox.inbox.documents import fault_of
from mailframe.sandbox.inbox.links import MAX_LINKS, links_of
from mailframe.sandbox.inbox.listing import PAGE_KEYS, VIEW_KEYS, Asked, listing
from mailframe.sandbox.inbox.long_text import LongText, size
from mailframe.sandbox.inbox.statuses import STATUS_KINDS, shown_events, status_of
from mailframe.sandbox.state.messages.inbox_query import term_text
from mailframe.sandbox.state.messages.message_source import source_maker
from mailframe.sandbox.state.messages.stored_message import delivered_content

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.inbox.site import Site
    from mailframe.sandbox.state.messages.attachments import StoredAttachment
    from mailframe.sandbox.state.messages.message_list import ListedPage
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply

PARTS: Final = {
    "html": "HTML",
    "source": "HTML source",
    "text": "Text",
    "headers": "Headers",
    "raw": "Raw",
    "json": "JSON",
    "events": "Events",
    "links": "Links",
}
_PEOPLE: Final = ("From", "To", "Cc", "Bcc", "Reply-To")
_WIDTH_PX: Final = 800
_PHONE_PX: Final = 390
_ESTIMATED: Final = 100_000
"""Characters of HTML whose height is estimated, for pages without a script."""
VIEWED: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""Types of images that a browser draws and that cannot contain anything else."""


@dataclass(frozen=True, slots=True)
class ShownFile:
    """An attachment.

    Attributes:
        name: the name of the file.
        content_type: the type as posted.
        size: the size for people.
        is_inline: whether the HTML part can show it.
        save: the address that saves it.
        view: the address that opens it; empty for types that a browser could run.
        thumbnail: the address of the image; empty for other files.
    """

    name: str
    content_type: str
    size: str
    is_inline: bool
    save: str
    view: str = ""
    thumbnail: str = ""


@dataclass(frozen=True, slots=True)
class MessageHead:
    """What stands above the parts of a message."""

    message_id: str
    subject: str
    people: list[tuple[str, list[tuple[str, str]]]]
    submitted_at: str
    stream: str
    tag: str
    metadata: list[tuple[str, str]]
    bounces: tuple[tuple[str, str], ...]
    request: int
    status: str
    status_kind: str
    attachments: list[ShownFile]


class MessagePage:
    """The page of one message, beside a page of the list.

    Args:
        message: the message with its content.
        asked: the parameters of the address.
        store: the state of the sandbox.
        site: what every page has.
    """

    def __init__(self, message: StoredMessage, asked: Asked, store: Store, site: Site) -> None:
        self._message, self._asked, self._store, self._site = message, asked, store, site
        self._delivered = delivered_content(message)
        part = asked.values.get("part", "")
        first = "html" if self._delivered.html_body else "text"
        self._part = part if part in PARTS else first

    def reply(self, page: ListedPage) -> Reply:
        """The page with *page* of the list beside it."""
        subject = one_line(self._message.head.get("Subject") or "") or "(no subject)"
        return self._site.page(
            "message",
            title=subject,
            current="Inbox",
            query=self._asked.values.get("q", ""),
            listing=listing(self._asked, page, self._store),
            selected=self._message.message_id,
            message=self._head(),
            back=address("/", self._asked.kept(*PAGE_KEYS)),
            newer=self._neighbor(is_newer=True),
            older=self._neighbor(is_newer=False),
            search_for=self._search_for,
            request_page=address("/inbox/requests", {"number": self._message.request}),
            part=self._part,
            part_label=PARTS[self._part],
            parts=[
                (name, self._label(name), self._own(part=name))
                for name in PARTS
                if name not in ("html", "source") or self._delivered.html_body
            ],
            **getattr(self, f"_{self._part}")(),
        )

    def _own(self, **changes: str | bool | None) -> str:
        """The address of this page with some parameters changed."""
        kept: dict[str, Any] = self._asked.kept(*PAGE_KEYS, *VIEW_KEYS, "images", "whole")
        return address(self._path(), kept | changes)

    def _path(self, rest: str = "") -> str:
        return f"/inbox/{quote(self._message.message_id, safe='')}{rest}"

    def _neighbor(self, *, is_newer: bool) -> str:
        asked, position = self._asked, self._message.position
        message = self._store.message_list.neighbor(
            asked.query, position, server=asked.server, is_newer=is_newer
        )
        if message is None:
            return ""
        return address(
            f"/inbox/{quote(message.message_id, safe='')}", asked.kept(*PAGE_KEYS, *VIEW_KEYS)
        )

    def _search_for(self, word: str, value: str) -> str:
        return address("/", {"q": term_text(word, value), **self._asked.kept("server")})

    def _label(self, name: str) -> str:
        if name == "events":
            return f"Events ({len(shown_events(self._message, self._store))})"
        return PARTS[name]

    def _head(self) -> MessageHead:
        message, head = self._message, self._message.head
        fields = {name: head.get(name.replace("-", "")) or "" for name in _PEOPLE}
        status = status_of(message, self._store)
        return MessageHead(
            message.message_id,
            one_line(head.get("Subject") or "", most=2_000),
            [(name, _people(name, value)) for name, value in fields.items() if value],
            message.submitted_at,
            message.stream,
            head.get("Tag") or "",
            list(message.metadata.items()),
            message.bounces,
            message.request,
            status,
            STATUS_KINDS.get(status, "good" if status == "Delivered" else ""),
            [self._file(file, place) for place, file in enumerate(message.attachments)],
        )

    def _file(self, file: StoredAttachment, place: int) -> ShownFile:
        save = self._path(f"/attachments/{place}")
        kind = file.content_type.partition(";")[0].strip().lower()
        is_image = kind in VIEWED
        view = f"{save}?view" if is_image or kind == "text/plain" else ""
        return ShownFile(
            one_line(file.name),
            one_line(file.content_type, most=80),
            size(file.size),
            bool(file.content_id),
            save,
            view,
            view if is_image else "",
        )

    # --- the parts: what their templates need; what takes long is a function ------------------

    def _html(self) -> dict[str, Any]:
        html, values = self._delivered.html_body or "", self._asked.values
        fault = fault_of(html)
        if fault:
            return {
                "fault": fault,
                "source": self._own(part="source"),
                "text": self._own(part="text"),
            }
        is_withheld = len(html) > LARGE_HTML and "whole" not in values
        is_phone, is_dark, has_images = (name in values for name in ("phone", "dark", "images"))
        flags = {"dark": is_dark, "images": has_images}
        width = _PHONE_PX if is_phone else _WIDTH_PX
        return {
            "fault": "",
            "is_withheld": is_withheld,
            "size_mb": f"{len(html.encode('utf-8', 'replace')) / 1_000_000:.1f}",
            "show_large": self._own(whole=True),
            "views": [
                (self._pair("Desktop", "Phone", "phone"), "Width"),
                (self._pair("Light", "Dark", "dark"), "Screen"),
            ],
            "has_images": has_images,
            "toggle_images": self._own(images=not has_images),
            "is_dark": is_dark,
            "is_phone": is_phone,
            "frame": address(self._path("/frame"), flags),
            "measure": address(self._path("/measure"), {"dark": is_dark}),
            "height_px": lambda: _height(html, width_px=width),
        }

    def _pair(self, without: str, with_flag: str, flag: str) -> list[tuple[str, str, bool]]:
        is_set = flag in self._asked.values
        return [
            (without, self._own(**{flag: None}), not is_set),
            (with_flag, self._own(**{flag: True}), is_set),
        ]

    def _text_part(self, name: str) -> dict[str, Any]:
        whole, made = self._path(f"/parts/{name}"), text_of(self._message, name, self._store)
        return {
            "long_text": lambda: LongText.of(made()),
            "whole_text": whole,
            "save_text": f"{whole}?save",
        }

    def _source(self) -> dict[str, Any]:
        return self._text_part("source") | {"pieces": pieces}

    def _text(self) -> dict[str, Any]:
        return self._text_part("text")

    def _raw(self) -> dict[str, Any]:
        return self._text_part("raw")

    def _json(self) -> dict[str, Any]:
        return self._text_part("json")

    def _headers(self) -> dict[str, Any]:
        source = text_of(self._message, "raw", self._store)
        return {"headers_of": lambda: headers_of(source())}

    def _events(self) -> dict[str, Any]:
        return {"events": shown_events(self._message, self._store)}

    def _links(self) -> dict[str, Any]:
        html, text = self._delivered.html_body, self._delivered.text_body
        fault = fault_of(html or "")
        return {"fault": fault, "links_of": lambda: links_of(html, text), "most": MAX_LINKS}


def text_of(message: StoredMessage, name: str, store: Store) -> Callable[[], str]:
    """What makes a text of the message, without the state.

    Args:
        message: the message with its content.
        name: ``source`` or ``text`` for a body as the recipient gets it, ``raw`` for the message as
            it would travel, with its attachments, or ``json`` as it was posted.
        store: the state of the sandbox.
    """
    if name == "json":
        return lambda: json_of(message)
    if name == "raw":
        contents = [store.attachments.content(file) for file in message.attachments]
        return source_maker(message, contents)
    delivered = delivered_content(message)
    return lambda: (delivered.html_body if name == "source" else delivered.text_body) or ""


def json_of(message: StoredMessage) -> str:
    """The message as it was posted, with name, type and size of each attachment."""
    files = [
        {"Name": file.name, "ContentType": file.content_type, "Size": file.size}
        | ({"ContentID": file.content_id} if file.content_id else {})
        for file in message.attachments
    ]
    row = {name: value for name, value in message.as_row().items() if value is not None}
    row = {**row, "Attachments": files}
    return orjson.dumps(row, option=orjson.OPT_INDENT_2).decode()


def headers_of(source: str) -> list[tuple[str, str]]:
    """The headers of a MIME source, in its order, each in one line."""
    lines = re.sub(r"\r?\n[ \t]+", " ", re.split(r"\r?\n\r?\n", source, maxsplit=1)[0]).splitlines()
    pairs = (line.partition(":") for line in lines)
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _people(name: str, value: str) -> list[tuple[str, str]]:
    try:
        recipients = mailboxes.parse(name, value)
    except CheckFailed:
        return [(value, value)]
    return [
        (f"{one.name} <{one.address}>" if one.name else one.address, one.address)
        for one in recipients
    ]


def _height(html: str, *, width_px: int) -> int:
    return 600 if len(html) > _ESTIMATED else mail_height(html, width_px=width_px)
