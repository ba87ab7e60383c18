"""The deliveries of messages, derived from the packs: no row is stored for them."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

from mailframe.sandbox.state.events.events import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store

DELIVERED: Final = {  # A
    "DeliveryMessage": "smtp;250 2.0.0 OK",
    "DestinationServer": "sandbox.example",
    "DestinationIP": "127.0.0.1",
}


class Deliveries:
    """The deliveries of a store: every sent message is delivered where it does not bounce.

    Args:
        store: the state of the sandbox.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def history(self, message: StoredMessage) -> list[Event]:
        """The deliveries of *message* and its recorded events, in the order of time."""
        store = self._store
        with store.lock:
            recorded = store.events.of_message(message.position)
            bounced = self.bounced_between(message.position, message.position)
            delivered = (
                deliveries(message, bounced.get(message.position, ()))
                if self._is_sent(message)
                else ()
            )
            events = [*delivered, *recorded]
        return sorted(events, key=lambda event: (event.at_ns, event.number))

    def after(self, position: int) -> tuple[list[Event], int]:
        """The deliveries of the first pack with a message after *position*.

        Returns:
            The deliveries, in the order of acceptance, and the position to go on from: the
            same position if no message follows, or if the next one is not sent yet.
        """
        with self._store.lock:
            pack = list(takewhile(self._is_sent, self._store.messages.next_pack(position)))
            if not pack:
                return [], position
            bounced = self.bounced_between(pack[0].position, pack[-1].position)
            events = [
                event
                for message in pack
                for event in deliveries(message, bounced.get(message.position, ()))
            ]
            return events, pack[-1].position

    def bounced_between(self, first: int, last: int) -> dict[int, set[str]]:
        """The recipients, in lower case, to whom a message at *first* to *last* bounces."""
        bounced: dict[int, set[str]] = {}
        for table in (self._store.events, self._store.upcoming):
            for position, recipient in table.bounces_between(first, last):
                bounced.setdefault(position, set()).add(recipient.lower())
        return bounced

    def _is_sent(self, message: StoredMessage) -> bool:
        store = self._store
        is_due = message.sent_ns <= store.clock.now_ns()
        return is_due and message.position < store.unpaused_until()


def deliveries(message: StoredMessage, bounced: Container[str]) -> Iterator[Event]:
    """The delivery to each recipient of *message* that is neither inactive nor *bounced*.

    Args:
        message: the message; its content is not read.
        bounced: the recipients, in lower case, to whom it bounces.
    """
    inactive = message.inactive
    for recipient in message.recipients:
        address = recipient.address.lower()
        if address not in inactive and address not in bounced:
            yield Event(
                EventKind.DELIVERY,
                message.server,
                message.stream,
                recipient.address,
                message.sent_ns,
                message.position,
                message.message_id,
                message.head.get("Tag") or "",
                details=DELIVERED,
            )
