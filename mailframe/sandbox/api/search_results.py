"""An accepted message as Postmark's searches show it: in a list, in details. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.state.stored_message import delivered_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.stored_message import StoredMessage

MAX_STORED_BYTES = 1_000_000  # D: a stored body is cut at 1 MB; decimal is an assumption
DELIVERED = {  # A
    "DeliveryMessage": "smtp;250 2.0.0 OK",
    "DestinationServer": "sandbox.example",
    "DestinationIP": "127.0.0.1",
}


def list_item(message: StoredMessage, *, is_sandboxed: bool) -> dict[str, Any]:
    """One message as a search lists it; a missing Tag or Subject is an empty text (A)."""
    head = message.head
    people = {field: _people(field, head.get(field)) for field in ("To", "Cc", "Bcc")}
    return {
        "Tag": head.get("Tag") or "",
        "MessageID": message.message_id,
        "MessageStream": message.stream,
        **people,
        "Recipients": [person["Email"] for field in people.values() for person in field],
        "ReceivedAt": message.submitted_at,
        "From": head["From"],
        "Subject": head.get("Subject") or "",
        "Attachments": head.get("Attachments") or [],
        "Status": "Sent",
        "TrackOpens": bool(head.get("TrackOpens")),
        "TrackLinks": head.get("TrackLinks") or "None",
        "Metadata": message.metadata,
        "Sandboxed": is_sandboxed,
    }


def details(
    message: StoredMessage, bounce_ids: Mapping[str, int], *, source: str, is_sandboxed: bool
) -> dict[str, Any]:
    """One message with its bodies as delivered (A) and its events.

    Args:
        message: the message as it is kept.
        bounce_ids: the ID of the fake bounce, by address in lower case.
        source: the source of the message.
        is_sandboxed: whether the server delivers nothing.
    """
    delivered = delivered_content(message)
    return {
        "TextBody": _cut(delivered.text_body or ""),
        "HtmlBody": _cut(delivered.html_body or ""),
        "Body": _cut(source),
        **list_item(message, is_sandboxed=is_sandboxed),
        "MessageEvents": [
            _event(recipient.address, message, bounce_ids) for recipient in message.recipients
        ],
    }


def _people(field: str, value: str | None) -> list[dict[str, str | None]]:
    return [
        {"Email": recipient.address, "Name": recipient.name or None}
        for recipient in mailboxes.parse(field, value)
    ]


def _event(address: str, message: StoredMessage, bounce_ids: Mapping[str, int]) -> dict[str, Any]:
    bounce_id = bounce_ids.get(address.lower())
    kind = "Delivered" if bounce_id is None else "Bounced"
    event_details = (
        DELIVERED
        if bounce_id is None
        else {"Summary": "smtp;550 5.1.1 fake bounce", "BounceID": str(bounce_id)}
    )
    return {
        "Recipient": address,
        "Type": kind,
        "ReceivedAt": message.submitted_at,
        "Details": event_details,
    }


def _cut(body: str) -> str:
    data = body.encode()
    return (
        body if len(data) <= MAX_STORED_BYTES else data[:MAX_STORED_BYTES].decode(errors="ignore")
    )
