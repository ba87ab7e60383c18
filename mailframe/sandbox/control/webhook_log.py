"""``/_sandbox/webhooks``: what was posted to webhooks, with each attempt and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.checks import field_types, texts
from mailframe.sandbox.checks.texts import CheckFailed
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
    del request  # the list has no parameters
    return as_json({"Webhooks": [_webhook(one) for one in store.webhooks.all()]})


def show_deliveries(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/webhooks/deliveries``: newest first; ``count`` is 100 by default."""
    values = {"count": "100", "offset": "0"} | request.values
    count, offset = field_types.paging(values, code=700)
    queue = store.webhook_queue
    return as_json(
        {"TotalCount": queue.count(), "Deliveries": queue.listed(count=count, offset=offset)}
    )


def show_delivery(request: Request, store: Store) -> Reply:
    """``GET /_sandbox/webhooks/deliveries/{id}``: one with its JSON and its attempts."""
    number = field_types.whole_id(request.params["id"])
    item = store.webhook_queue.get(number)
    if item is None:
        raise CheckFailed(404, texts.NO_ROUTE, http_status=404)
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
