"""An accepted message as Postmark's searches show it: in the list, in its details, as source. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr
from typing import TYPE_CHECKING, Any

from mailframe.sandbox import mailboxes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mailframe.sandbox.accepted_message import Posted

ENCODER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
)  # made once: 36,000 are written with it
MAX_STORED_BYTES = 1_000_000  # D: a stored body is cut at 1 MB; decimal is an assumption
DELIVERED = {  # A
    "DeliveryMessage": "smtp;250 2.0.0 OK",
    "DestinationServer": "sandbox.example",
    "DestinationIP": "127.0.0.1",
}


@dataclass(slots=True)
class Stored:
    """A message in the log.

    Attributes:
        posted: the message.
        listed: its JSON in a list, written once: a batch is searched for again and again.
    """

    posted: Posted
    listed: bytes | None = None

    def as_listed(self, *, is_sandboxed: bool) -> bytes:
        """Its JSON in a list."""
        if self.listed is None:
            self.listed = ENCODER.encode(list_item(self.posted, is_sandboxed=is_sandboxed)).encode()
        return self.listed


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes:
        total: all matches.
        page: those of the page, newest first.
    """

    total: int
    page: Sequence[Stored]


def page(found: SearchResult, *, is_sandboxed: bool) -> bytes:
    """The body of the answer to a search."""
    items = b",".join(stored.as_listed(is_sandboxed=is_sandboxed) for stored in found.page)
    return b'{"TotalCount":%d,"Messages":[%s]}' % (found.total, items)


def list_item(posted: Posted, *, is_sandboxed: bool) -> dict[str, Any]:
    """One message as a search lists it; a missing Tag or Subject is an empty text (A)."""
    fields = posted.fields
    people = {field: _people(field, fields[field]) for field in ("To", "Cc", "Bcc")}
    return {
        "Tag": fields["Tag"] or "",
        "MessageID": posted.message_id,
        "MessageStream": posted.stream,
        **people,
        "Recipients": [person["Email"] for field in people.values() for person in field],
        "ReceivedAt": posted.submitted_at,
        "From": fields["From"],
        "Subject": fields["Subject"] or "",
        "Attachments": [file.name for file in posted.attachments],
        "Status": "Sent",
        "TrackOpens": posted.track_opens,
        "TrackLinks": posted.track_links,
        "Metadata": posted.metadata,
        "Sandboxed": is_sandboxed,
    }


def details(posted: Posted, bounce_ids: Mapping[str, int], *, is_sandboxed: bool) -> dict[str, Any]:
    """One message with its bodies as delivered (A) and its events.

    Args:
        posted: the message.
        bounce_ids: the number of the fake bounce, by address in lower case.
        is_sandboxed: whether the server delivers nothing.
    """
    return {
        "TextBody": _cut(posted.delivered.text_body or ""),
        "HtmlBody": _cut(posted.delivered.html_body or ""),
        "Body": source(posted),
        **list_item(posted, is_sandboxed=is_sandboxed),
        "MessageEvents": [_event(box.address, posted, bounce_ids) for box in posted.recipients],
    }


def source(posted: Posted) -> str:
    """The message as it would go over the wire, without the bytes of its attachments, cut at 1 MB."""
    bodies = ((posted.delivered.text_body, "plain"), (posted.delivered.html_body, "html"))
    parts = [MIMEText(body, subtype, "utf-8") for body, subtype in bodies if body]
    whole = (
        parts[0]
        if len(parts) == 1
        else MIMEMultipart("alternative", f"=_{posted.message_id}", parts)
    )
    for name in ("From", "To", "Cc", "Reply-To"):
        boxes = mailboxes.read(name, posted.fields[name.replace("-", "")])
        if boxes:
            whole[name] = ", ".join(formataddr((box.name, box.address)) for box in boxes)
    whole["Subject"] = Header(posted.fields["Subject"] or "", "utf-8").encode()
    for name, value in posted.delivered.headers:
        whole[name] = Header(value, "utf-8").encode()
    return _cut(whole.as_string())


def _people(field: str, value: str | None) -> list[dict[str, str | None]]:
    return [
        {"Email": box.address, "Name": box.name or None} for box in mailboxes.read(field, value)
    ]


def _event(address: str, posted: Posted, bounce_ids: Mapping[str, int]) -> dict[str, Any]:
    bounce_id = bounce_ids.get(address.lower())
    kind = "Delivered" if bounce_id is None else "Bounced"
    facts = (
        DELIVERED
        if bounce_id is None
        else {"Summary": "smtp;550 5.1.1 fake bounce", "BounceID": str(bounce_id)}
    )
    return {"Recipient": address, "Type": kind, "ReceivedAt": posted.submitted_at, "Details": facts}


def _cut(body: str) -> str:
    data = body.encode()
    return (
        body if len(data) <= MAX_STORED_BYTES else data[:MAX_STORED_BYTES].decode(errors="ignore")
    )
