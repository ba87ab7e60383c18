"""The deliveries of messages, derived from the packs: no row is stored for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.events import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from mailframe.sandbox.state.stored_message import StoredMessage

INACTIVE: Final = "InactiveRecipients"
"""In the head of a message: its recipients, in lower case, that were inactive at acceptance."""
DELIVERED: Final = {  # A
    "DeliveryMessage": "smtp;250 2.0.0 OK",
    "DestinationServer": "sandbox.example",
    "DestinationIP": "127.0.0.1",
}


def deliveries(message: StoredMessage, bounced: Container[str]) -> Iterator[Event]:
    """The delivery to each recipient of *message* that is neither inactive nor *bounced*.

    Args:
        message: the message; its content is not read.
        bounced: the recipients, in lower case, to whom it bounced.
    """
    inactive = message.head.get(INACTIVE) or ()
    for recipient in message.recipients:
        address = recipient.address.lower()
        if address not in inactive and address not in bounced:
            yield Event(
                EventKind.DELIVERY,
                message.server,
                message.stream,
                recipient.address,
                message.accepted_ns,
                message.position,
                message.message_id,
                message.head.get("Tag") or "",
                details=DELIVERED,
            )
