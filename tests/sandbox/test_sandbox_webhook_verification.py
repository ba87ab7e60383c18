"""``POST /webhooks/{id}/verify``: a test for each trigger; the keys are those of Postmark."""

from __future__ import annotations

import pytest

from mailframe.sandbox.checks.webhook_settings import TRIGGERS
from tests.sandbox.receiver import Receiver
from tests.sandbox.sandbox_calls import Calls
from tests.sandbox.sandbox_mail import client, mail, post

ALL_ON = {name: {"Enabled": True, "IncludeContent": True} for name in TRIGGERS}


def hook(calls: Calls, url: str, **fields: object) -> int:
    """Create a webhook with every trigger on; returns its ID."""
    body = {"Url": url, "Triggers": ALL_ON} | fields
    return calls.ok("POST", "/webhooks", body)["ID"]


def status(calls: Calls, webhook: int) -> str:
    """The status of a webhook."""
    return calls.ok("GET", f"/webhooks/{webhook}")["Status"]


def test_a_check_posts_one_test_for_each_trigger(either):
    """All are answered with 200, so an unverified webhook is verified and gets events."""
    calls = Calls(either)
    with Receiver() as receiver:
        auth = {"Username": "a", "Password": "b"}
        webhook = hook(calls, receiver.url(), Verify=False, HttpAuth=auth)
        assert status(calls, webhook) == "unverified"
        answer = calls.ok("POST", f"/webhooks/{webhook}/verify")
        assert answer == {
            "Id": webhook,
            "Url": receiver.url(),
            "Success": True,
            "Results": [
                {"TriggerType": name, "Success": True, "StatusCode": 200, "Message": "OK"}
                for name in TRIGGERS
            ],
            "Message": "6/6 triggers verified successfully",
        }
        assert sorted(receiver.kinds()) == sorted(TRIGGERS)
        with client(either) as http:
            newest = http.get("/_sandbox/requests").json()["Requests"][0]["ID"]
            kept = http.get(f"/_sandbox/requests/{newest}").json()
        assert "6/6 triggers verified" in str(kept)
        assert all(arrived.headers["authorization"] for arrived in receiver.posts)
        tests = {arrived.json["RecordType"]: arrived.json for arrived in receiver.posts}
        assert status(calls, webhook) == "verified"
        post(either, mail(To="hardbounce@bounce-testing.postmarkapp.com", Tag="t"))
        assert either.wait_for_webhooks()
        for event in (arrived.json for arrived in receiver.posts[6:]):
            assert tests[event["RecordType"]].keys() == event.keys()


def test_a_check_that_fails_is_200_and_stops_the_webhook(sandbox):
    """D: only 200 passes; the other answers are in the results."""
    calls = Calls(sandbox)
    with Receiver([204, 500, "close"]) as receiver:
        webhook = hook(calls, receiver.url())
        answer = calls.ok("POST", f"/webhooks/{webhook}/verify")
        assert (answer["Success"], answer["Message"]) == (
            False,
            "3/6 triggers verified successfully",
        )
        failed = sorted((one["StatusCode"], one["Message"]) for one in answer["Results"])[:1]
        failed += [(one["StatusCode"], one["Message"]) for one in answer["Results"]]
        assert (500, "Remote server returned an HTTP status code of 500.") in failed
        assert (204, "Remote server returned an HTTP status code of 204.") in failed
        assert failed[0][0] == 0
        assert status(calls, webhook) == "unverified"
        post(sandbox, mail())
        assert sandbox.wait_for_webhooks()
        assert len(receiver.posts) == 6
        assert calls.ok("POST", f"/webhooks/{webhook}/verify")["Success"]
        assert status(calls, webhook) == "verified"


@pytest.mark.parametrize("url", ["https://example.com/hook", "http://127.0.0.1:1/"])
def test_a_url_that_cannot_be_reached_fails(sandbox, url):
    """No other machine is contacted."""
    calls = Calls(sandbox)
    webhook = hook(calls, url, Triggers={"Open": {"Enabled": True}})
    answer = calls.ok("POST", f"/webhooks/{webhook}/verify")
    assert (answer["Success"], answer["Results"][0]["StatusCode"]) == (False, 0)
    if "example.com" in url:
        assert "the sandbox does not contact example.com" in answer["Results"][0]["Message"]
    assert calls.code("POST", "/webhooks/99/verify") == 1352
