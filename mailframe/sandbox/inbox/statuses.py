"""What happened to a message, as the inbox shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api import search_results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.state.stored_message import StoredMessage

STATUS_KINDS: Final = {
    "Bounced": "bad",
    "Complained": "bad",
    "Unsubscribed": "warn",
    "Clicked": "good",
    "Opened": "good",
    "Queued": "warn",
}
"""How a status is colored, the one that counts most first."""
_STATUS: Final = {
    "Bounced": "Bounced",
    "SpamComplaint": "Complained",
    "SubscriptionChanged": "Unsubscribed",
    "LinkClicked": "Clicked",
    "Opened": "Opened",
    "Delivered": "Delivered",
    "Transient": "Queued",
}
"""The status that follows from an event of Postmark."""
_MOST_DETAIL: Final = 400


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One event.

    Attributes:
        type: Postmark's name of it.
        kind: how it is colored.
        recipient: the address.
        received_at: when it happened.
        details: the name and value of each detail.
    """

    type: str
    kind: str
    recipient: str
    received_at: str
    details: list[tuple[str, str]]


def events_of(message: StoredMessage, store: Store) -> list[dict[str, Any]]:
    """The events of a message as Postmark's API shows them, the oldest first."""
    bounces = store.bounces.of_message(message.message_id)
    return search_results.events(message, bounces)


def shown_events(message: StoredMessage, store: Store) -> list[ShownEvent]:
    """The acceptance of a message, then its events."""
    accepted = ShownEvent(
        "Accepted", "", "", message.submitted_at, [("Request", str(message.request))]
    )
    return [accepted, *(_shown(event) for event in events_of(message, store))]


def status_of(message: StoredMessage, store: Store) -> str:
    """The status of a message that counts most; ``Sent`` without an event."""
    statuses = {_STATUS.get(event["Type"], "") for event in events_of(message, store)}
    return next((name for name in (*STATUS_KINDS, "Delivered") if name in statuses), "Sent")


def statuses_of(message: StoredMessage, store: Store) -> frozenset[str]:
    """All statuses that a message has had, in lower case."""
    statuses = {_STATUS.get(event["Type"], "") for event in events_of(message, store)}
    return frozenset(status.lower() for status in statuses | {"Sent"} if status)


def _shown(event: dict[str, Any]) -> ShownEvent:
    kind = STATUS_KINDS.get(_STATUS.get(event["Type"], ""), "")
    return ShownEvent(
        event["Type"],
        kind,
        event["Recipient"],
        event["ReceivedAt"],
        list(_details(event["Details"])),
    )


def _details(details: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in details.items():
        if value not in (None, "", {}):
            yield name, str(value)[:_MOST_DETAIL]
