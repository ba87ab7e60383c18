"""The tables of the database of the sandbox."""

from __future__ import annotations

from typing import Final

from mailframe.sandbox.state import (
    attachments,
    bounces,
    bulk_requests,
    events,
    inbound,
    kept_values,
    lives,
    packs,
    read_marks,
    requests,
    senders,
    servers,
    streams,
    sums,
    suppressions,
    templates,
    upcoming,
    webhook_queue,
    webhooks,
)

SCHEMAS: Final = tuple(
    module.SCHEMA
    for module in (
        attachments,
        bounces,
        bulk_requests,
        events,
        inbound,
        kept_values,
        lives,
        packs,
        read_marks,
        requests,
        senders,
        servers,
        streams,
        sums,
        suppressions,
        templates,
        upcoming,
        webhook_queue,
        webhooks,
    )
)
"""The statements that create each, if it does not exist."""
OF_MESSAGES: Final = (
    "packs",
    "attachments",
    "bounces",
    "bulk_requests",
    "events",
    "upcoming_events",
    "repeats",
    "inbound_messages",
    "read_marks",
    "requests",
    "webhook_deliveries",
    "webhook_attempts",
)
"""The tables that ``clear`` empties; ``reset`` empties all."""
