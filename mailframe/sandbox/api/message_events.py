"""The events of a message as its details show them, in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import texts
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.events.events import Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store


def message_events(message: StoredMessage, store: Store) -> list[dict[str, Any]]:
    """Every event of *message* as ``MessageEvents``, the oldest first.

    A suppression that follows from a bounce or a complaint is not shown beside it (A).
    """
    return [
        _item(event, store) for event in store.deliveries.history(message) if not _follows(event)
    ]


def _follows(event: Event) -> bool:
    return event.details.get("SuppressionReason") in ("HardBounce", "SpamComplaint")


def _item(event: Event, store: Store) -> dict[str, Any]:
    kind, details_of = _SHOWN[event.kind]
    return {
        "Recipient": event.recipient,
        "Type": kind,
        "ReceivedAt": timestamp(event.at_ns),
        "Details": details_of(event, store),
    }


def _delivered(event: Event, _store: Store) -> dict[str, str]:
    return event.details


def _bounced(event: Event, store: Store) -> dict[str, str]:
    """BounceID is a text here (O)."""
    bounce = store.bounces.get(event.server, event.details["BounceID"])
    return {
        "Summary": "" if bounce is None else bounce["details"],
        "BounceID": str(event.details["BounceID"]),
    }


def _opened(event: Event, _store: Store) -> dict[str, str]:
    return {"Summary": texts.OPENED.format(agent=_agent(event))}


def _agent(event: Event) -> str:
    return event.reader.get("UserAgent") or "an unknown program"


def _clicked(event: Event, _store: Store) -> dict[str, str]:
    return {
        "Summary": texts.CLICKED.format(agent=_agent(event)),
        "Link": event.details.get("OriginalLink", ""),
        "ClickLocation": event.details.get("ClickLocation", "HTML"),
    }


def _changed(event: Event, _store: Store) -> dict[str, str]:
    return {
        "Origin": event.details["Origin"],
        "SuppressSending": str(event.details["SuppressSending"]),  # D: True or False as text
    }


_SHOWN: Final[dict[EventKind, tuple[str, Callable[[Event, Store], dict[str, str]]]]] = {
    EventKind.DELIVERY: ("Delivered", _delivered),
    EventKind.BOUNCE: ("Bounced", _bounced),
    EventKind.SPAM_COMPLAINT: ("Bounced", _bounced),  # A: no type of a complaint is documented
    EventKind.OPEN: ("Opened", _opened),
    EventKind.CLICK: ("LinkClicked", _clicked),
    EventKind.SUBSCRIPTION_CHANGE: ("SubscriptionChanged", _changed),
}
"""The type that Postmark names, and what makes its details."""
