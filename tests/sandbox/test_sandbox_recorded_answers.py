"""The sandbox answers as Postmark was recorded, for each file of ``postmark_answers/recorded``.

The public suites of the clients have these answers: recorded, or asserted by their live tests.
A value in angle brackets stands for any of its kind, the key ``<names>`` for any others, such as
the names of mail clients; ``later_keys`` are those that Postmark has added since.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import HEADERS, mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ANSWERS = Path(__file__).parents[1] / "postmark_answers" / "recorded"
KINDS: dict[str, Callable[[Any], bool]] = {
    "<int>": lambda value: type(value) is int,
    "<number>": lambda value: type(value) in (int, float),
    "<string>": lambda value: isinstance(value, str),
    "<bool>": lambda value: isinstance(value, bool),
    "<object>": lambda value: isinstance(value, dict),
    "<uuid>": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch,
    "<time>": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)").fullmatch,
    "<date>": re.compile(r"\d{4}-\d\d-\d\d").fullmatch,
}
BOUNCING = mail(To="HardBounce@bounce-testing.postmarkapp.com")
SOFT = mail(To="SoftBounce@bounce-testing.postmarkapp.com")
TRACKED = mail(HtmlBody="<p>Hi</p>", TrackOpens=True, TrackLinks="None")
TEMPLATE = {"Name": "Test", "Subject": "Hi", "HtmlBody": None, "TextBody": "Hi {{name}}"}
TEMPLATED = {"From": "hello@example.com", "To": "ann@example.com", "TemplateModel": {}}
STREAM = {"ID": "news", "Name": "News", "Description": "Weekly", "MessageStreamType": "Broadcasts"}
SENDER = {"Name": "Ann", "FromEmail": "ann@acme.example.org"}
NO_MESSAGE = "4bba52b4-8a54-4eb8-b7d3-22fe251ffc99"
PAGE = "?count=500&offset=0"
BOTH = {"X-Postmark-Server-Token": "any", "X-Postmark-Account-Token": "any"}
ADDRESS = {"Suppressions": [{"EmailAddress": "ann@example.com"}]}
DUMP, SUPPRESSIONS = "/message-streams/outbound/suppressions/dump", "/message-streams/outbound"


def push(source: Any, destination: Any) -> dict[str, Any]:
    """What asks for a push of templates."""
    return {"SourceServerID": source, "DestinationServerID": destination, "PerformChanges": False}


def bulk() -> dict[str, Any]:
    """A bulk request with one message."""
    content = {"From": "hello@example.com", "Subject": "Hi", "TextBody": "Hi"}
    return content | {"MessageStream": "broadcast", "Messages": [{"To": "ann@example.com"}]}


# the requests before the one that counts: each may use what the one before has answered
MESSAGE = [("POST", "/email", TRACKED)]
BOUNCE = [("POST", "/email", BOUNCING), ("GET", "/bounces" + PAGE)]
SOFT_BOUNCE = [("POST", "/email", SOFT), ("GET", "/bounces" + PAGE)]
TEMPLATE_MADE = [("POST", "/templates", TEMPLATE)]
DOMAIN_MADE = [("POST", "/domains", {"Name": "new.example.org", "ReturnPathDomain": None})]
SENDER_MADE = [("POST", "/senders", SENDER)]
RULE_MADE = [("POST", "/triggers/inboundrules", {"Rule": "someone@example.com"})]
STREAM_MADE = [("POST", "/message-streams", STREAM)]
SUPPRESSED = [("POST", SUPPRESSIONS + "/suppressions", ADDRESS)]
SERVER = [("GET", "/server")]
FIRST = "{Bounces[0][ID]}"

# answer → the requests, of which the last has the answer
CASES: dict[str, list[tuple[Any, ...]]] = {
    "bounce": [*BOUNCE, ("GET", f"/bounces/{FIRST}")],
    "bounce_soft": [*SOFT_BOUNCE, ("GET", f"/bounces/{FIRST}")],
    "bounce_activated": [*BOUNCE, ("PUT", f"/bounces/{FIRST}/activate")],
    "bounces": BOUNCE,
    "bounce_tags": [("GET", "/bounces/tags")],
    "delivery_stats": [BOUNCE[0], SOFT_BOUNCE[0], ("GET", "/deliverystats")],
    "domain_created": DOMAIN_MADE,
    "domain": [*DOMAIN_MADE, ("GET", "/domains/{ID}")],
    "domain_edited": [
        *DOMAIN_MADE,
        ("PUT", "/domains/{ID}", {"ReturnPathDomain": "pm.new.example.org"}),
    ],
    "domains": [*DOMAIN_MADE, ("GET", "/domains" + PAGE)],
    "domain_verified_spf": [*DOMAIN_MADE, ("POST", "/domains/{ID}/verifyspf")],
    "domain_verified_dkim": [*DOMAIN_MADE, ("PUT", "/domains/{ID}/verifyDkim")],
    "domain_verified_return_path": [*DOMAIN_MADE, ("PUT", "/domains/{ID}/verifyReturnPath")],
    "domain_dkim_pending": [*DOMAIN_MADE, ("POST", "/domains/{ID}/rotatedkim")],
    "domain_removed": [*DOMAIN_MADE, ("DELETE", "/domains/{ID}")],
    "test_job": [("POST", "/email", mail(), {"X-Postmark-Server-Token": "POSTMARK_API_TEST"})],
    "sent_with_template": [
        *TEMPLATE_MADE,
        ("POST", "/email/withTemplate/", TEMPLATED | {"TemplateId": "{TemplateId}"}),
    ],
    "template_unknown": [("GET", "/templates/123")],
    "messages": [*MESSAGE, ("GET", "/messages/outbound" + PAGE)],
    "message": [*MESSAGE, ("GET", "/messages/outbound/{MessageID}/details")],
    "message_bounced": [BOUNCE[0], ("GET", "/messages/outbound/{MessageID}/details")],
    "message_dump": [*MESSAGE, ("GET", "/messages/outbound/{MessageID}/dump")],
    "opens_unknown": [("GET", f"/messages/outbound/opens/{NO_MESSAGE}{PAGE}")],
    "opens": [*MESSAGE, ("GET", "/messages/outbound/opens" + PAGE)],
    "inbound": [("GET", "/messages/inbound" + PAGE)],
    "inbound_unknown": [("GET", "/messages/inbound/123/details")],
    "inbound_bypass_unknown": [("PUT", "/messages/inbound/123/bypass")],
    "inbound_retry_unknown": [("PUT", "/messages/inbound/123/retry")],
    "sender_created": SENDER_MADE,
    "sender": [*SENDER_MADE, ("GET", "/senders/{ID}")],
    "sender_edited": [*SENDER_MADE, ("PUT", "/senders/{ID}", {"Name": "Bob"})],
    "senders": [*SENDER_MADE, ("GET", "/senders/" + PAGE)],
    "sender_resent": [*SENDER_MADE, ("POST", "/senders/{ID}/resend")],
    "sender_verified_spf": [*SENDER_MADE, ("POST", "/senders/{ID}/verifyspf")],
    "sender_dkim_pending": [*SENDER_MADE, ("POST", "/senders/{ID}/requestnewdkim")],
    "sender_removed": [*SENDER_MADE, ("DELETE", "/senders/{ID}")],
    "server": SERVER,
    "server_edited": [("PUT", "/server", {"TrackOpens": True})],
    "stats": [*MESSAGE, ("GET", "/stats/outbound")],
    "stats_sends": [*MESSAGE, ("GET", "/stats/outbound/sends")],
    "stats_tracked": [*MESSAGE, ("GET", "/stats/outbound/tracked")],
    "stats_opens": [*MESSAGE, ("GET", "/stats/outbound/opens")],
    "stats_open_platforms": [*MESSAGE, ("GET", "/stats/outbound/opens/platforms")],
    "stats_open_email_clients": [*MESSAGE, ("GET", "/stats/outbound/opens/emailclients")],
    "stats_open_read_times": [*MESSAGE, ("GET", "/stats/outbound/opens/readtimes")],
    "stats_no_bounces": [("GET", "/stats/outbound/bounces")],
    "stats_no_spam": [("GET", "/stats/outbound/spam")],
    "stats_no_clicks": [("GET", "/stats/outbound/clicks")],
    "stats_no_browser_families": [("GET", "/stats/outbound/clicks/browserfamilies")],
    "stats_no_click_platforms": [("GET", "/stats/outbound/clicks/platforms")],
    "stats_no_click_location": [("GET", "/stats/outbound/clicks/location")],
    "template": [*TEMPLATE_MADE, ("GET", "/templates/{TemplateId}")],
    "template_created": TEMPLATE_MADE,
    "template_edited": [
        *TEMPLATE_MADE,
        ("PUT", "/templates/{TemplateId}", {"Name": "New", "TextBody": None, "Subject": None}),
    ],
    "templates": [*TEMPLATE_MADE, ("GET", "/templates?Count=100&Offset=0")],
    "template_removed": [*TEMPLATE_MADE, ("DELETE", "/templates/{TemplateId}")],
    "template_valid": [
        (
            "POST",
            "/templates/validate",
            {"Subject": "Test", "TextBody": "Test", "HtmlBody": None, "TestRenderModel": None},
        )
    ],
    "inbound_rule": RULE_MADE,
    "inbound_rules": [*RULE_MADE, ("GET", "/triggers/inboundrules" + PAGE)],
    "inbound_rule_removed": [*RULE_MADE, ("DELETE", "/triggers/inboundrules/{ID}")],
    "webhook_unknown": [("GET", "/webhooks/1")],
    "suppressions_unknown_stream": [("POST", "/message-streams/123-none/suppressions", ADDRESS)],
    "suppression_created": SUPPRESSED,
    "suppression_invalid": [
        (
            "POST",
            SUPPRESSIONS + "/suppressions",
            {"Suppressions": [{"EmailAddress": "not-an-address"}]},
        )
    ],
    "suppression_deleted": [("POST", SUPPRESSIONS + "/suppressions/delete", ADDRESS)],
    "suppressions": [*SUPPRESSED, ("GET", DUMP)],
    "stream_created": STREAM_MADE,
    "stream_edited": [*STREAM_MADE, ("PATCH", "/message-streams/news", {"Name": "New"})],
    "stream_archived": [
        *STREAM_MADE,
        ("POST", "/_sandbox/advance", {"By": "3s"}),
        ("POST", "/message-streams/news/archive"),
    ],
    "push_unknown_servers": [("PUT", "/templates/push", push(0, 1))],
    "push_unknown_destination": [*SERVER, ("PUT", "/templates/push", push("{ID}", 1))],
    "push_unknown_source": [*SERVER, ("PUT", "/templates/push", push(1, "{ID}"))],
    "batch_unknown_alias": [
        (
            "POST",
            "/email/batchWithTemplates",
            {"Messages": [TEMPLATED | {"TemplateAlias": "invalid-alias"}]},
        )
    ],
    "data_removal": [
        (
            "POST",
            "/data-removals",
            {"RequestedBy": "me@example.com", "RequestedFor": "ann@example.com"},
        )
    ],
    "bulk_accepted": [("POST", "/email/bulk", bulk())],
}
OPENED = {name for name in CASES if "open" in name} - {"opens_unknown"}  # once


@contextmanager
def answered(name: str) -> Iterator[tuple[httpx.Response, dict[str, Any]]]:
    """The answer to the last request of a case, and that to the one before."""
    with LocalPostmark(in_process=True) as sandbox:
        transport = sandbox.transport()
        with httpx.Client(transport=transport, base_url=sandbox.url, headers=HEADERS) as http:
            before: dict[str, Any] = {}
            *first, last = CASES[name]
            for request in first:
                before = _ask(http, before, request).json()
            if name in OPENED:
                sandbox.simulate(opens=1, clicks=0, seed=1)
            yield _ask(http, before, last), before


def _ask(http: httpx.Client, before: dict[str, Any], request: tuple[Any, ...]) -> httpx.Response:
    method, path, body, headers = (*request, None, None)[:4]
    filled = None if body is None else _filled(body, before)
    return http.request(method, path.format(**before), json=filled, headers=headers or BOTH)


def _filled(value: Any, before: dict[str, Any]) -> Any:
    """The body with the values of the answer before: ``"{ID}"`` becomes that number."""
    if isinstance(value, dict):
        return {name: _filled(field, before) for name, field in value.items()}
    if isinstance(value, str) and re.fullmatch(r"\{\w+\}", value):
        return before.get(value[1:-1], value)
    return value


def same(value: Any, recorded: Any, later: set[str]) -> bool:
    """Whether *value* has the keys, types and texts of what is recorded."""
    if isinstance(recorded, dict):
        if not isinstance(value, dict):
            return False
        keys, names = recorded.keys() - {"<names>"}, value.keys() - recorded.keys() - later
        return (
            keys <= value.keys()
            and bool(names) == ("<names>" in recorded)
            and all(same(value[key], recorded[key], later) for key in keys)
            and all(same(value[key], recorded["<names>"], later) for key in names)
        )
    if isinstance(recorded, list):
        pairs = zip(value, recorded, strict=False) if isinstance(value, list) else ()
        return (
            isinstance(value, list)
            and len(value) == len(recorded)
            and all(same(item, known, later) for item, known in pairs)
        )
    kind = KINDS.get(recorded) if isinstance(recorded, str) else None
    return bool(kind(value)) if kind else (type(value), value) == (type(recorded), recorded)


@pytest.mark.parametrize("name", CASES)
def test_the_answer_has_the_recorded_keys_types_and_codes(name: str):
    """And no others, but those that Postmark has added since."""
    recorded = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    with answered(name) as (response, before):
        body = recorded["body"]
        if isinstance(body, dict) and "{id}" in str(body.get("Message")):
            body["Message"] = body["Message"].format(id=before["TemplateId"])
        assert response.status_code == recorded["http_status"], response.text
        assert same(response.json(), body, set(recorded["later_keys"])), response.text


def test_every_recorded_answer_has_a_case():
    """A file without a case would not be checked."""
    assert {path.stem for path in ANSWERS.glob("*.json")} == set(CASES)


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("*.json")), ids=lambda path: path.stem)
def test_a_recorded_answer_has_its_source(path: Path):
    """The repository and the file, and only observed facts."""
    answer = json.loads(path.read_text(encoding="utf-8"))
    assert list(answer) == ["source", "confidence", "http_status", "later_keys", "body"]
    assert answer["confidence"] == "observed"
    assert answer["source"].startswith("GitHub ")
