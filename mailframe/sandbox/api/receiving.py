"""A mail that comes in: it is blocked, or posted to the inbound hook of its server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from mailframe.sandbox.api.inbound_payload import inbound_item, raw_email, spam_score
from mailframe.sandbox.checks import field_types, mailboxes, texts_server
from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.webhooks.delivery import INBOUND, NewDelivery
from mailframe.sandbox.state.webhooks.webhooks import INBOUND as INBOUND_SETTING
from mailframe.sandbox.wire.loopback import without_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store


def receive(store: Store, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take in a mail: block it by rule or spam score, or post it to the inbound hook.

    Args:
        store: the state of the sandbox.
        fields: the fields of the mail, by name in lower case; see ``inbound_payload``. Without
            ``To``, it comes in at the address of the first server.

    Returns:
        MessageID, Status and, if it is blocked, BlockedReason.

    Raises:
        CheckFailed: 422 / 300 or 403 for a field that is not right.
    """
    server, recipient = _addressee(store, fields)
    stream = next(
        (name for name, kind in store.streams.kinds(server).items() if kind is StreamType.INBOUND),
        "inbound",
    )
    item = inbound_item(
        fields,
        message_id=str(uuid.uuid4()),
        recipient=recipient,
        stream=stream,
        received=datetime.fromtimestamp(store.clock.now_ns() // 1_000_000_000, UTC),
    )
    blocked = _why_blocked(store, server, item["From"], spam_score(fields))
    with store.database.transaction():
        store.inbound.add(server, item, blocked=blocked)
        if not blocked:
            deliver(store, server, item)
    message = store.inbound.get(server, item["MessageID"])
    status = "Processed" if message is None else message.status
    return {"MessageID": item["MessageID"], "Status": status, "BlockedReason": blocked or None}


def _addressee(store: Store, fields: Mapping[str, Any]) -> tuple[int, str]:
    """The server that receives the mail, and the address that it came in at."""
    to = mailboxes.parse("To", field_types.text(fields, "To"))
    for server in store.servers.ids():
        item = store.servers.as_item(server)
        for mailbox in to:
            local, _, domain = mailbox.address.lower().partition("@")
            is_hash = local.partition("+")[0] == item["InboundHash"]
            if is_hash or (item["InboundDomain"] and domain == item["InboundDomain"]):
                return server, mailbox.address
    if to:
        raise CheckFailed(300, texts_server.NO_INBOUND_ADDRESS)
    return store.first_server, store.servers.as_item(store.first_server)["InboundAddress"]


def _why_blocked(store: Store, server: int, sender: str, score: float) -> str:
    names = {sender.lower(), sender.lower().rpartition("@")[2]}
    for rule in store.inbound.rules(server):
        if rule["Rule"].lower() in names:
            return f"Blocked by the inbound rule {rule['Rule']}"
    if score > store.servers.settings(server)["InboundSpamThreshold"]:
        return "The spam score is above the threshold of the server"
    return ""


def deliver(store: Store, server: int, item: Mapping[str, Any]) -> None:
    """Queue a message for the inbound hook of its server; without one, it is processed (A)."""
    webhook = store.webhooks.of_setting(server, INBOUND_SETTING)
    delivery = None
    if webhook is not None and webhook.is_verified:
        if store.servers.settings(server)["RawEmailEnabled"]:
            item = {**item, "RawEmail": raw_email(item)}
        delivery = store.webhook_queue.add(
            NewDelivery(
                webhook.id,
                server,
                INBOUND,
                item["MessageID"],
                without_user(webhook.url),
                orjson.dumps(item),
                store.clock.now_ns(),
            )
        )
    store.inbound.deliver(item["MessageID"], delivery)
