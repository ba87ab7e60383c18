"""``/_sandbox/webhooks``: what was posted to webhooks, with each attempt and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.checks import field_types
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.control.fields import PAGE_KINDS, as_page, query_of, span_of
from mailframe.sandbox.control.places import server_kind
from mailframe.sandbox.webhooks.events import is_collected
from mailframe.sandbox.wire.exchange import as_json
from mailframe.sandbox.wire.loopback import without_user

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.state.webhooks.webhooks import Webhook
    from mailframe.sandbox.wire.exchange import Reply, Request

WHY_NOT: Final = (
    "It gets no events: its host is neither this machine nor one of --webhook-host, and the "
    "sandbox contacts no other; or it was stored with Verify: false."
)


def show_webhooks(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/webhooks``: every webhook of every server, without passwords."""
    query_of(request, {})
    return as_json({"Webhooks": [_webhook(one) for one in store.webhooks.all()]})


def show_deliveries(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/webhooks/deliveries``: newest first, and whether nothing is due."""
    given = query_of(request, {"server": server_kind(store)} | PAGE_KINDS)
    page = store.webhook_queue.page(span_of(given), server=given.get("server"))
    is_idle = store.webhook_queue.is_idle() and is_collected(store)
    return as_json(as_page("Deliveries", page, Idle=is_idle))


def show_delivery(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/webhooks/deliveries/{id}``: one with its JSON and its attempts."""
    query_of(request, {})
    number = field_types.whole_id(request.params["id"])
    item = store.webhook_queue.get(number)
    if item is None:
        raise CheckFailed(404, "This delivery was not found.", http_status=404)
    body = orjson.loads(store.webhook_queue.body_of(number))
    return as_json(item | {"Body": body, "Log": store.webhook_queue.attempts_of(number)})


def _webhook(webhook: Webhook) -> dict[str, Any]:
    item = webhook.as_item() | {"ServerID": webhook.server, "Setting": webhook.setting}
    item["Url"] = without_user(webhook.url)
    for secret in ("HttpAuth", "HttpHeaders"):
        del item[secret]
    return item | {"Reason": None if webhook.is_verified else WHY_NOT}


ROUTES: Final = {
    "/_sandbox/webhooks": {"GET": show_webhooks},
    "/_sandbox/webhooks/deliveries": {"GET": show_deliveries},
    "/_sandbox/webhooks/deliveries/{id}": {"GET": show_delivery},
}
