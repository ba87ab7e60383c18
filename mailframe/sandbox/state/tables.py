"""The tables of the database of the sandbox."""

from __future__ import annotations

from typing import Final

from mailframe.sandbox.state import kept_values, requests
from mailframe.sandbox.state.account import senders, servers, streams, templates
from mailframe.sandbox.state.events import bounces, events, lives, suppressions, upcoming
from mailframe.sandbox.state.messages import (
    attachments,
    bulk_requests,
    inbound,
    packs,
    read_marks,
    sums,
)
from mailframe.sandbox.state.webhooks import queue as webhook_queue
from mailframe.sandbox.state.webhooks import webhooks

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
