"""``GET /webhooks/{id}/statistics``: the keys are those of Postmark's page."""

from __future__ import annotations

import pytest

from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import mail, post

METRICS = [
    "TotalRequests",
    "SuccessCount",
    "FailureCount",
    "RetryCount",
    "SuccessRate",
    "SlowCount",
    "VerySlowCount",
    "AverageTerminalResponseTimeMs",
    "AverageRetryResponseTimeMs",
]
NONE = dict.fromkeys(METRICS, 0) | dict.fromkeys(METRICS[-2:])


@pytest.fixture
def calls(sandbox) -> Calls:
    """Calls of one sandbox."""
    return Calls(sandbox)


def test_a_webhook_counts_the_requests_of_a_day(calls):
    """By trigger; a retry is no request of its own, and what waits for one has not ended."""
    triggers = {"Delivery": {"Enabled": True}, "Open": {"Enabled": True}}
    with Receiver([500, 200, 400, 503, 200]) as receiver:
        hook = calls.ok("POST", "/webhooks", {"Url": receiver.url(), "Triggers": triggers})
        path = f"/webhooks/{hook['ID']}/statistics"
        post(calls.sandbox, [mail()] * 4)
        assert calls.sandbox.wait_for_webhooks()
        counts = [calls.ok("GET", path)["Metrics"][name] for name in METRICS[:5]]
        assert counts == [2, 1, 1, 0, 50.0]
        calls.sandbox.advance("1m")
        assert calls.sandbox.wait_for_webhooks()
    answer = calls.ok("GET", path)
    times = answer.pop("TimeRange")
    assert (list(times), times["Hours"]) == (["StartTime", "EndTime", "Hours"], 24)
    assert times["StartTime"][:10] < times["EndTime"][:10]
    metrics = answer.pop("Metrics")
    assert list(metrics) == METRICS
    assert [metrics[name] for name in METRICS[:5]] == [4, 3, 1, 2, 75.0]
    assert all(type(metrics[name]) is int for name in METRICS[-2:])
    assert answer == {
        "WebhookId": hook["ID"],
        "ServerId": calls.sandbox.server_id,
        "MessageStreamId": "outbound",
        "Url": hook["Url"],
        "Statuses": {"Open": "verified", "Delivery": "verified"},
        "MetricsByTrigger": {"Open": NONE, "Delivery": metrics},
    }
    calls.sandbox.advance("1d")
    assert calls.ok("GET", path)["Metrics"] == NONE


@pytest.mark.parametrize("which", ["other server", "unknown", "text"])
def test_a_webhook_of_another_server_has_no_statistics(calls, which):
    """1352."""
    made = Calls(calls.sandbox, token=calls.ok("POST", "/servers", {"Name": "B"})["ApiTokens"][0])
    other = made.ok("POST", "/webhooks", {"Url": "http://127.0.0.1:9/"})["ID"]
    webhook = {"other server": other, "unknown": 99, "text": "x"}[which]
    assert calls.code("GET", f"/webhooks/{webhook}/statistics") == 1352
