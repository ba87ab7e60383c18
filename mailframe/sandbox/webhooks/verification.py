"""The check of a webhook: one test for each trigger that is on, which must be answered with 200."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson

from mailframe.sandbox.life.readers import reader
from mailframe.sandbox.state.events.bounces import as_item
from mailframe.sandbox.state.events.events import Event, EventKind
from mailframe.sandbox.state.webhooks.delivery import Delivery
from mailframe.sandbox.webhooks.events import payload

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store
    from mailframe.sandbox.state.webhooks.delivery import Outcome
    from mailframe.sandbox.state.webhooks.webhooks import Webhook

PASSED: Final = "OK"  # D
WRONG_STATUS: Final = "Remote server returned an HTTP status code of {status}."  # D
SUMMARY: Final = "{passed}/{count} triggers verified successfully"  # D
_OK: Final = 200
_MESSAGE_ID: Final = "00000000-0000-0000-0000-000000000000"
_DETAILS: Final[dict[EventKind, dict[str, Any]]] = {
    EventKind.DELIVERY: {"DeliveryMessage": "Test delivery webhook details"},
    EventKind.OPEN: {"FirstOpen": True, "ReadSeconds": 5},
    EventKind.CLICK: {"ClickLocation": "HTML", "OriginalLink": "https://example.com"},
    EventKind.SUBSCRIPTION_CHANGE: {
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    },
}


def verify(store: Store, webhook: Webhook) -> dict[str, Any]:
    """Post a test for each trigger of *webhook*, and store whether all were answered with 200.

    Call it without the lock of the store: the receiver may use the sandbox meanwhile.

    Returns:
        The answer of ``POST /webhooks/{id}/verify`` (D).
    """
    kinds = [EventKind(name) for name, options in webhook.triggers.items() if options["Enabled"]]
    now_ns = store.clock.now_ns()
    bodies = [orjson.dumps(sample(kind, webhook, store=store, now_ns=now_ns)) for kind in kinds]
    with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one
        posts = _posted(webhook, kinds, bodies, store)
        outcomes = thread.submit(asyncio.run, posts).result()
    results = [_result(kind, outcome) for kind, outcome in zip(kinds, outcomes, strict=True)]
    passed = sum(result["Success"] for result in results)
    with store.database.transaction():
        store.webhooks.set_verified(webhook, is_verified=passed == len(results))
    store.wake()
    return {
        "Id": webhook.id,
        "Url": webhook.url,
        "Success": passed == len(results),
        "Results": results,
        "Message": SUMMARY.format(passed=passed, count=len(results)),
    }


async def _posted(
    webhook: Webhook, kinds: list[EventKind], bodies: list[bytes], store: Store
) -> list[Outcome]:
    from mailframe.sandbox.webhooks.post import post  # noqa: PLC0415 - httpx

    tests = (
        Delivery(0, webhook.id, str(kind), str(uuid.uuid4()), body, attempt=1, retries_left=0)
        for kind, body in zip(kinds, bodies, strict=True)
    )
    hosts, timeout_s = store.webhooks.hosts, store.webhook_queue.timeout_s
    return await asyncio.gather(
        *(post(webhook, test, timeout_s=timeout_s, hosts=hosts) for test in tests)
    )


def _result(kind: EventKind, outcome: Outcome) -> dict[str, Any]:
    is_passed = outcome.http_status == _OK
    return {
        "TriggerType": str(kind),
        "Success": is_passed,
        "StatusCode": outcome.http_status or 0,  # A: 0 without an answer
        "Message": PASSED
        if is_passed
        else outcome.error or WRONG_STATUS.format(status=outcome.http_status),
    }


def sample(kind: EventKind, webhook: Webhook, *, store: Store, now_ns: int) -> dict[str, Any]:
    """The JSON of a test (A): every key of such an event, with made-up values."""
    if kind in (EventKind.BOUNCE, EventKind.SPAM_COMPLAINT):
        return _bounce(kind, webhook, now_ns=now_ns) | {"Metadata": {"test": "webhook"}}
    who = reader(Random(0))  # noqa: S311 - the same one for each test
    event = Event(
        kind,
        webhook.server,
        webhook.stream or "outbound",
        "recipient@example.com",
        now_ns,
        message_id=_MESSAGE_ID,
        tag="test",
        reader=who.clicking if kind is EventKind.CLICK else who.opening,
        details=_DETAILS[kind],
    )
    return payload(event, None, store) | {"Metadata": {"test": "webhook"}}


def _bounce(kind: EventKind, webhook: Webhook, *, now_ns: int) -> dict[str, Any]:
    row = {
        "id": 0,
        "kind": "HardBounce" if kind is EventKind.BOUNCE else "SpamComplaint",
        "tag": "test",
        "message_id": _MESSAGE_ID,
        "server": webhook.server,
        "stream": webhook.stream or "outbound",
        "details": "Test bounce details",
        "address": "recipient@example.com",
        "sender": "sender@example.com",
        "bounced_ns": now_ns,
        "inactive": True,
        "subject": "Test subject",
    }
    content = {"Content": ""} if webhook.triggers[str(kind)].get("IncludeContent") else {}
    return as_item(row) | content
