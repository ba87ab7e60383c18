"""Which events are posted to which webhook, and as what JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.life.simulation import Simulation
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.events import bounces
from mailframe.sandbox.state.events.events import Event, EventKind
from mailframe.sandbox.state.webhooks.delivery import NewDelivery
from mailframe.sandbox.state.webhooks.queue import MAX_WAITING
from mailframe.sandbox.wire.loopback import without_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from mailframe.sandbox.state.messages.stored_message import StoredMessage
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.state.webhooks.webhooks import Webhook

_LIMIT: Final = 500


def collect(store: Store) -> bool:
    """Queue what happened since the last call for each webhook that wants it.

    One transaction queues the events and moves the cursor, so none is queued twice, also if the
    process ends in between.

    Returns:
        Whether there can be more.
    """
    queue = store.webhook_queue
    with store.database.transaction():
        Simulation(store).catch_up()
        webhooks = store.webhooks.verified()
        before, ends = queue.cursor, store.ends()
        if not webhooks:
            if before != ends:
                queue.move(*ends)
            return False
        if queue.waiting() >= MAX_WAITING:
            return False
        events, after = _next(store, webhooks)
        _queue(store, webhooks, events)
        if after != before:
            queue.move(*after)
        return after != before


def is_collected(store: Store) -> bool:
    """Whether everything that happened was queued."""
    webhooks = store.webhooks.verified()
    return not webhooks or _next(store, webhooks)[1] == store.webhook_queue.cursor


def _next(store: Store, webhooks: list[Webhook]) -> tuple[list[Event], tuple[int, int]]:
    """The next deliveries and events in the order of time, and the cursor after them."""
    number, position = store.webhook_queue.cursor
    number = max(number, min(webhook.after_event for webhook in webhooks))
    position = max(position, min(webhook.after_position for webhook in webhooks))
    events = store.events.after(number, limit=_LIMIT)
    if events:
        number = events[-1].number
    if not any(webhook.triggers["Delivery"]["Enabled"] for webhook in webhooks):
        return events, (number, store.ends()[1])
    deliveries, position = store.deliveries.after(position)
    happened = sorted([*deliveries, *events], key=lambda one: one.at_ns)
    return happened, (number, position)


def _queue(store: Store, webhooks: list[Webhook], events: list[Event]) -> None:
    wanted = [(event, webhook) for event in events for webhook in webhooks if webhook.wants(event)]
    positions = sorted({event.position for event, _ in wanted if event.position})
    messages = {message.position: message for message in store.messages.at(positions)}
    now_ns = store.clock.now_ns()
    for event, webhook in wanted:
        message = messages.get(event.position)
        if event.position and message is None:
            continue  # it has been removed since
        options = webhook.triggers[str(event.kind)]
        item = payload(event, message, store, with_content=options.get("IncludeContent", False))
        store.webhook_queue.add(
            NewDelivery(
                webhook.id,
                webhook.server,
                str(event.kind),
                event.message_id,
                without_user(webhook.url),
                orjson.dumps(item),
                max(now_ns, event.at_ns),
            )
        )


def payload(
    event: Event, message: StoredMessage | None, store: Store, *, with_content: bool = False
) -> dict[str, Any]:
    """The JSON of *event* as Postmark posts it.

    Args:
        event: the event.
        message: its message; None for a change of a suppression that no message caused.
        store: the state of the sandbox, for the bounce.
        with_content: whether a bounce has its ``Content``.
    """
    item = _ITEMS[event.kind](event, store, with_content)
    item["Metadata"] = {} if message is None else message.metadata
    return item


def _delivery(event: Event, _store: Store, _with_content: bool) -> dict[str, Any]:
    return {
        "RecordType": "Delivery",
        "ServerID": event.server,
        "MessageStream": event.stream,
        "MessageID": event.message_id,
        "Recipient": event.recipient,
        "Tag": event.tag,
        "DeliveredAt": timestamp(event.at_ns),
        "Details": event.details.get("DeliveryMessage", ""),
    }


def _bounce(event: Event, store: Store, with_content: bool) -> dict[str, Any]:
    row = store.bounces.get(event.server, event.details["BounceID"])
    item = {} if row is None else bounces.as_item(row)
    if row is not None and with_content:
        item["Content"] = bounces.dump_of(row)
    return item


def _read(event: Event) -> dict[str, Any]:
    return {
        "RecordType": str(event.kind),
        "MessageStream": event.stream,
        "MessageID": event.message_id,
        "Recipient": event.recipient,
        "ReceivedAt": timestamp(event.at_ns),
        "Tag": event.tag,
        **event.reader,
    }


def _open(event: Event, _store: Store, _with_content: bool) -> dict[str, Any]:
    details = event.details
    return _read(event) | {
        "FirstOpen": details.get("FirstOpen", True),
        "ReadSeconds": details.get("ReadSeconds", 0),
    }


def _click(event: Event, _store: Store, _with_content: bool) -> dict[str, Any]:
    details = event.details
    return _read(event) | {
        "ClickLocation": details.get("ClickLocation", "HTML"),
        "OriginalLink": details.get("OriginalLink", ""),
    }


def _change(event: Event, _store: Store, _with_content: bool) -> dict[str, Any]:
    """MessageID and Tag are null if no message is the cause (D)."""
    return {
        "RecordType": "SubscriptionChange",
        "MessageID": event.message_id or None,
        "ServerID": event.server,
        "MessageStream": event.stream,
        "ChangedAt": timestamp(event.at_ns),
        "Recipient": event.recipient,
        "Origin": event.details["Origin"],
        "SuppressSending": event.details["SuppressSending"],
        "SuppressionReason": event.details["SuppressionReason"],
        "Tag": event.tag or None,
    }


_ITEMS: Final[dict[EventKind, Callable[[Event, Store, bool], dict[str, Any]]]] = {
    EventKind.DELIVERY: _delivery,
    EventKind.BOUNCE: _bounce,
    EventKind.SPAM_COMPLAINT: _bounce,
    EventKind.OPEN: _open,
    EventKind.CLICK: _click,
    EventKind.SUBSCRIPTION_CHANGE: _change,
}
