"""What happened to a message, as the inbox shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.events.events import EventKind
from mailframe.sandbox.state.events.outcomes import MANUAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.sandbox.state.events.events import Event
    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store

STATUS_KINDS: Final = {
    "Bounced": "bad",
    "Complained": "bad",
    "Unsubscribed": "warn",
    "Clicked": "good",
    "Opened": "good",
    "Queued": "warn",
}
"""How a status is colored, the one that counts most first."""
_NAMES: Final = {
    EventKind.DELIVERY: "Delivered",
    EventKind.BOUNCE: "Bounced",
    EventKind.SPAM_COMPLAINT: "Complained",
    EventKind.OPEN: "Opened",
    EventKind.CLICK: "Clicked",
}
"""The status that follows from an event."""
_MOST_DETAIL: Final = 400


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One event.

    Attributes:
        name: what happened.
        kind: how it is colored.
        recipient: the address; empty without one.
        at: when it happened.
        details: the name and value of each detail.
    """

    name: str
    kind: str
    recipient: str
    at: str
    details: list[tuple[str, str]]


def shown_events(message: StoredMessage, store: Store) -> list[ShownEvent]:
    """The acceptance of a message, then its events."""
    accepted = ShownEvent("Accepted", "", "", message.submitted_at, [])
    return [accepted, *(_shown(event, store) for event in store.deliveries.history(message))]


def status_of(message: StoredMessage, store: Store) -> str:
    """The status of a message that counts most; ``Sent`` without an event."""
    statuses = _statuses(message, store)
    return next((name for name in (*STATUS_KINDS, "Delivered") if name in statuses), "Sent")


def statuses_of(message: StoredMessage, store: Store) -> frozenset[str]:
    """All statuses that a message has had, in lower case."""
    return frozenset(status.lower() for status in _statuses(message, store))


def _statuses(message: StoredMessage, store: Store) -> set[str]:
    if message.sent_ns > store.clock.now_ns():
        return {"Queued"}
    return {"Sent", *(_name(event) for event in store.deliveries.history(message))}


def event_item(event: Event, store: Store) -> dict[str, Any]:
    """An event as JSON."""
    return {
        "RecordType": str(event.kind),
        "Recipient": event.recipient,
        "At": timestamp(event.at_ns),
        "Details": dict(_details(event, store)),
    }


def _name(event: Event) -> str:
    """The status that follows from *event*; a suppression that nobody asked for has none."""
    if event.kind is not EventKind.SUBSCRIPTION_CHANGE:
        return _NAMES[event.kind]
    details = event.details
    is_wish = details.get("SuppressSending") and details.get("SuppressionReason") == MANUAL
    return "Unsubscribed" if is_wish else "Sent"


def _shown(event: Event, store: Store) -> ShownEvent:
    name = _name(event)
    if event.kind is EventKind.SUBSCRIPTION_CHANGE and name == "Sent":
        name = "Suppressed" if event.details.get("SuppressSending") else "Reactivated"
    details = [(key, _text(value)[:_MOST_DETAIL]) for key, value in _details(event, store)]
    kind = STATUS_KINDS.get(name, "good" if name == "Delivered" else "")
    return ShownEvent(name, kind, event.recipient, timestamp(event.at_ns), details)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _details(event: Event, store: Store) -> Iterator[tuple[str, Any]]:
    """What is recorded of an event, without what is empty; a bounce with its type and reply."""
    bounce_id = event.details.get("BounceID")
    bounce = store.bounces.get(event.server, bounce_id) if bounce_id else None
    if bounce is not None:
        yield "Type", bounce["kind"]
        yield "Details", bounce["details"]
    for name, value in {**event.details, **event.reader}.items():
        if isinstance(value, dict):
            value = ", ".join(str(part) for part in value.values() if part)  # noqa: PLW2901
        if value not in (None, ""):
            yield name, value
