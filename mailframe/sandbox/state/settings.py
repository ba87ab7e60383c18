"""How a sandbox behaves while it runs: what no table keeps, and ``reset`` restores."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mailframe.sandbox.checks.account import Approval
from mailframe.sandbox.state.webhooks.queue import TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store


def settings_of(store: Store) -> dict[str, Any]:
    """The settings by the names of ``/_sandbox/settings``, as JSON has them."""
    with store.lock:
        retries_s, account = store.webhook_queue.retries_s, store.account
        return {
            "Paused": store.paused,
            "IndexDelay": store.index.delay_s,
            "Delay": store.delay_s,
            "Approval": str(account.approval),
            "Bulk": account.bulk,
            "WebhookRetries": None if retries_s is None else list(retries_s),
            "WebhookTimeout": store.webhook_queue.timeout_s,
        }


def change_settings(store: Store, changes: Mapping[str, Any]) -> None:
    """Change settings, whose values were checked; those that are not given stay.

    Args:
        store: the state of the sandbox.
        changes: new values by the names of ``settings_of``.
    """
    with store.lock:
        new = settings_of(store) | dict(changes)
        store.paused = new["Paused"]
        store.index.delay_s = new["IndexDelay"]
        store.delay_s = new["Delay"]
        store.account = replace(store.account, approval=Approval(new["Approval"]), bulk=new["Bulk"])
        store.webhook_queue.retries_s = new["WebhookRetries"]
        store.webhook_queue.timeout_s = new["WebhookTimeout"]


def restore(store: Store) -> None:
    """Make the settings but the pause what the options of the start say."""
    first = {
        "IndexDelay": store.named.index_delay_s,
        "Delay": store.named.delay_s,
        "Approval": store.first_account.approval,
        "Bulk": store.first_account.bulk,
        "WebhookRetries": None,
        "WebhookTimeout": TIMEOUT_S,
    }
    change_settings(store, first)
