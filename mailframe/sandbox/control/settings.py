"""``/_sandbox/settings``: how the sandbox behaves while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.sandbox.checks.account import Approval
from mailframe.sandbox.control.fields import (
    FLAG,
    MAX_SECONDS,
    SECONDS,
    Kind,
    body_of,
    is_seconds,
    one_of,
    query_of,
)
from mailframe.sandbox.state.settings import change_settings, settings_of
from mailframe.sandbox.wire.exchange import as_json

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.wire.exchange import Reply, Request

MOST_RETRIES: Final = 100
KINDS: Final = {
    "Paused": FLAG,
    "IndexDelay": SECONDS,
    "Delay": SECONDS,
    "Approval": one_of(Approval),
    "Bulk": FLAG,
    "WebhookRetries": Kind(
        f"a list of at most {MOST_RETRIES} numbers of seconds from 0 to {MAX_SECONDS:,}",
        lambda value: (
            isinstance(value, list) and len(value) <= MOST_RETRIES and all(map(is_seconds, value))
        ),
        can_be_null=True,
    ),
    "WebhookTimeout": SECONDS,
}


def show_settings(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/settings``: all of them."""
    query_of(request, {})
    return as_json(settings_of(store))


def edit_settings(request: Request, store: Store) -> Reply:
    """``PUT /_sandbox/settings``: change those that are given; the rest stays."""
    change_settings(store, body_of(request, KINDS))
    return as_json(settings_of(store))


ROUTES: Final = {"/_sandbox/settings": {"GET": show_settings, "PUT": edit_settings}}
