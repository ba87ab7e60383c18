"""An accepted message as Postmark's searches show it: in a list, in details. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.state.messages.stored_message import delivered_content

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.state.messages.stored_message import StoredMessage

MAX_STORED_BYTES = 1_000_000  # D: a stored body is cut at 1 MB; decimal is an assumption


def list_item(
    message: StoredMessage, *, is_sandboxed: bool, is_queued: bool = False
) -> dict[str, Any]:
    """One message as a search lists it; a missing Tag or Subject is an empty text (A).

    Args:
        message: the message as it is kept.
        is_sandboxed: whether the server delivers nothing.
        is_queued: whether it waits to be sent.
    """
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
        "Status": "Queued" if is_queued else "Sent",
        "TrackOpens": bool(head.get("TrackOpens")),
        "TrackLinks": head.get("TrackLinks") or "None",
        "Metadata": message.metadata,
        "Sandboxed": is_sandboxed,
    }


def details(
    message: StoredMessage,
    events: list[dict[str, Any]],
    *,
    is_sandboxed: bool,
    is_queued: bool = False,
) -> Callable[[str], dict[str, Any]]:
    """What makes one message with its bodies as delivered (A) and its events, of its source.

    Args:
        message: the message as it is kept.
        events: its events, as ``message_events`` shows them.
        is_sandboxed: whether the server delivers nothing.
        is_queued: whether it waits to be sent.
    """
    delivered = delivered_content(message)
    return lambda source: {
        "TextBody": _cut(delivered.text_body or ""),
        "HtmlBody": _cut(delivered.html_body or ""),
        "Body": _cut(source),
        **list_item(message, is_sandboxed=is_sandboxed, is_queued=is_queued),
        "MessageEvents": events,
    }


def _people(field: str, value: str | None) -> list[dict[str, str]]:
    """The mailboxes in *value*; one without a name has an empty one (O: postmarker)."""
    return [
        {"Email": recipient.address, "Name": recipient.name or ""}
        for recipient in mailboxes.parse(field, value)
    ]


def _cut(body: str) -> str:
    data = body.encode()
    return (
        body if len(data) <= MAX_STORED_BYTES else data[:MAX_STORED_BYTES].decode(errors="ignore")
    )
