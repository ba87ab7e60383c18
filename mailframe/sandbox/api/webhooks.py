"""``/webhooks``: where a server posts the events of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.api.answers import done
from mailframe.sandbox.api.credentials import server_of
from mailframe.sandbox.checks import (
    field_types,
    request_json,
    texts,
    texts_server,
    webhook_settings,
)
from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.checks.webhook_settings import TRIGGERS
from mailframe.sandbox.state.clock import HOUR_NS, timestamp
from mailframe.sandbox.state.webhooks import metrics as webhook_metrics
from mailframe.sandbox.webhooks.verification import verify
from mailframe.sandbox.wire.exchange import Reply, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.state.webhooks.webhooks import Webhook
    from mailframe.sandbox.wire.exchange import Request

MAX_WEBHOOKS: Final = 30  # A: of a stream; Postmark names no number


def list_webhooks(request: Request, store: Store) -> Reply:
    """``GET /webhooks``: those of one stream or all; the list is not paged."""
    server = server_of(request, store)
    stream = request.values.get("messagestream", "")
    if stream and store.streams.get(server, stream) is None:
        raise CheckFailed(1226, texts.NO_SUCH_STREAM)
    webhooks = store.webhooks.listed(server, stream=stream)
    return as_json({"Webhooks": [webhook.as_item() for webhook in webhooks]})


def show_webhook(request: Request, store: Store) -> Reply:
    """``GET /webhooks/{id}``: one webhook. The answer contains its password."""
    server = server_of(request, store)
    return as_json(_webhook_of(request, store, server).as_item())


def create_webhook(request: Request, store: Store) -> Reply:
    """``POST /webhooks``: create a webhook.

    Postmark first posts a test to the URL (1364). The sandbox posts none, so the receiver need not
    run yet. A URL of another host than this machine and those of ``webhook_hosts`` is stored as
    ``unverified``, and gets no events.
    """
    server = server_of(request, store)
    fields = _body(request)
    if fields.get("id") is not None:
        raise CheckFailed(1356, texts_server.WEBHOOK_ID_GIVEN)
    url = webhook_settings.url(fields)
    if url is None:
        raise CheckFailed(1354, texts_server.BAD_WEBHOOK_URL)
    stream = _stream(fields, store, server)
    webhook = store.webhooks.add(
        server,
        stream=stream,
        url=url,
        auth=webhook_settings.auth(fields) or {},
        headers=webhook_settings.headers(fields) or [],
        triggers=webhook_settings.triggers(fields, TRIGGERS),
        verify=_verify(request, fields),
    )
    return as_json(webhook.as_item())


def edit_webhook(request: Request, store: Store) -> Reply:
    """``PUT /webhooks/{id}``: change a webhook; what is not sent stays, also of its triggers."""
    server = server_of(request, store)
    webhook = _webhook_of(request, store, server)
    fields = _body(request)
    if fields.get("id") not in (None, webhook.id, str(webhook.id)) or (
        fields.get("messagestream") not in (None, webhook.stream)
    ):
        raise CheckFailed(1357, texts_server.FIXED_WEBHOOK_FIELD)
    auth, headers = webhook_settings.auth(fields), webhook_settings.headers(fields)
    changed = store.webhooks.edit(
        webhook,
        url=webhook_settings.url(fields) or webhook.url,
        auth=webhook.auth if auth is None else auth,
        headers=webhook.headers if headers is None else headers,
        triggers=webhook_settings.triggers(fields, webhook.triggers),
        verify=_verify(request, fields),
    )
    return as_json(changed.as_item())


def delete_webhook(request: Request, store: Store) -> Reply:
    """``DELETE /webhooks/{id}``: remove a webhook; what waits for it is not posted."""
    server = server_of(request, store)
    webhook = _webhook_of(request, store, server)
    store.webhooks.remove(webhook.id)
    return done(texts_server.WEBHOOK_REMOVED.format(id=webhook.id))


def verify_webhook(request: Request, store: Store) -> Reply:
    """``POST /webhooks/{id}/verify``: post a test for each trigger; 200 also if one fails (D)."""
    webhook = _webhook_of(request, store, server_of(request, store))
    return Reply(200, later=lambda: as_json(verify(store, webhook)).body)


def show_statistics(request: Request, store: Store) -> Reply:
    """``GET /webhooks/{id}/statistics``: how its requests of the last 24 hours ended (D)."""
    server = server_of(request, store)
    webhook, now_ns = _webhook_of(request, store, server), store.clock.now_ns()
    attempts = webhook_metrics.attempts_of(store.database, webhook=webhook.id, now_ns=now_ns)
    kinds = [name for name, options in webhook.triggers.items() if options["Enabled"]]
    status = webhook.as_item()["Status"]
    hours = webhook_metrics.HOURS
    return as_json(
        {
            "WebhookId": webhook.id,
            "ServerId": server,
            "MessageStreamId": webhook.stream,
            "Url": webhook.url,
            "Statuses": dict.fromkeys(kinds, status),
            "TimeRange": {
                "StartTime": timestamp(now_ns - hours * HOUR_NS),
                "EndTime": timestamp(now_ns),
                "Hours": hours,
            },
            "Metrics": webhook_metrics.metrics(attempts),
            "MetricsByTrigger": {
                kind: webhook_metrics.metrics([row for row in attempts if row["kind"] == kind])
                for kind in kinds
            },
        }
    )


def _webhook_of(request: Request, store: Store, server: int) -> Webhook:
    """The webhook whose ID is in the path.

    Raises:
        CheckFailed: 422 / 1352 if this server has no such webhook.
    """
    webhook = store.webhooks.get(field_types.whole_id(request.params["id"]))
    if webhook is None or webhook.server != server or webhook.setting is not None:
        raise CheckFailed(1352, texts_server.NO_WEBHOOK)
    return webhook


def _body(request: Request) -> dict[str, Any]:
    fields = request_json.fields(request.body)
    if not fields:
        raise CheckFailed(1355, texts_server.NO_WEBHOOK_BODY)
    if fields.get("status") is not None:
        raise CheckFailed(1363, texts_server.STATUS_GIVEN)
    return fields


def _stream(fields: Mapping[str, Any], store: Store, server: int) -> str:
    stream = field_types.text(fields, "MessageStream") or "outbound"
    row = store.streams.get(server, stream)
    if row is None:
        raise CheckFailed(1226, texts.NO_SUCH_STREAM)
    if row["kind"] == StreamType.INBOUND:
        raise CheckFailed(1351, texts_server.INBOUND_HOOK_STREAM)
    if row["archived_ns"] is not None:
        raise CheckFailed(1350, texts_server.ARCHIVED_HOOK_STREAM)
    if len(store.webhooks.listed(server, stream=stream)) >= MAX_WEBHOOKS:
        raise CheckFailed(1359, texts_server.TOO_MANY_WEBHOOKS)
    return stream


def _verify(request: Request, fields: Mapping[str, Any]) -> bool:
    """Whether ``Verify`` is not false; the page names a field, the code table a parameter (D)."""
    given = fields.get("verify")
    if given is not None and not isinstance(given, bool):
        raise CheckFailed(1361, texts_server.BAD_WEBHOOK_VALUE.format(field="Verify"))
    parameter = request.values.get("verify")
    return given is not False and (parameter is None or field_types.is_true(parameter))


ROUTES: Final = {
    "/webhooks": {"GET": list_webhooks, "POST": create_webhook},
    "/webhooks/{id}": {"GET": show_webhook, "PUT": edit_webhook, "DELETE": delete_webhook},
    "/webhooks/{id}/verify": {"POST": verify_webhook},
    "/webhooks/{id}/statistics": {"GET": show_statistics},
}
