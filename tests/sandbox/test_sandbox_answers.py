"""The sandbox replies as Postmark does, for each file of ``tests/postmark_answers``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import HEADERS, client, mail, post

ANSWERS = Path(__file__).parents[1] / "postmark_answers"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FIRST = mail(To="first@example.com")
INACTIVE = ["inactive@example.com", "gone@example.com"]
SMALL = b'{"From":"hello@example.com","To":"ann@example.com","TextBody":"Hi","X":"'

# answer → (how the sandbox is made, what is posted, other options of the request)
CASES = {
    "single_success": ({}, mail(To="receiver@example.com"), {}),
    "single_success_without_to": ({}, mail(To=None, Bcc="receiver@example.com"), {}),
    "batch_success": ({}, [mail(To="receiver1@example.com"), mail(To="receiver2@example.com")], {}),
    "batch_one_inactive": ({"suppressions": INACTIVE}, [FIRST, mail(To=INACTIVE[0])], {}),
    "batch_all_inactive": ({"suppressions": INACTIVE}, [mail(To=INACTIVE[0])], {}),
    "single_all_inactive": ({"suppressions": INACTIVE}, mail(To=", ".join(INACTIVE)), {}),
    "single_partly_inactive": (
        {"suppressions": INACTIVE},
        mail(To="receiver@example.com, " + ", ".join(INACTIVE)),
        {},
    ),
    "single_delayed_without_error_code": (
        {"faults": ["delayed_reply"]},
        mail(To="receiver@example.com"),
        {},
    ),
    "single_test_token": ({}, mail(To="receiver@example.com"), {"token": "POSTMARK_API_TEST"}),
    "token_wrong": ({"tokens": ["right"]}, mail(), {"token": "wrong"}),
    "token_missing": ({}, mail(), {"token": None}),
    "json_headers_missing": ({}, mail(), {"headers": {"Accept": "text/html"}}),
    "single_too_large": ({}, mail(), {"content": SMALL + b"x" * 10 * 2**20}),
    "batch_too_large": ({}, [], {"content": b"[" + b" " * 50 * 2**20}),
    "batch_too_large_html": ({"faults": ["http_413_html"]}, [FIRST], {}),
    "malformed_json": ({}, mail(), {"content": b"{"}),
    "single_wrong_type": ({}, mail(Metadata="a"), {}),
    "batch_wrong_type": ({}, [FIRST, FIRST, FIRST, mail(Metadata=[1])], {}),
    "batch_not_a_list": ({}, [], {"content": b"{}"}),
    "batch_over_500": ({}, [FIRST] * 501, {}),
    "batch_empty": ({}, [], {}),
    "rate_limited": ({"faults": ["http_429"]}, [FIRST], {}),
    "rate_limited_retry_after": ({"faults": ["http_429_retry_after"]}, [FIRST], {}),
    "maintenance": ({"faults": ["http_503_json"]}, [FIRST], {}),
    "unavailable_html": ({"faults": ["http_503_html_lost"]}, [FIRST], {}),
    "internal_error": ({"faults": ["http_500_lost"]}, [FIRST], {}),
    "gateway_timeout_html": ({"faults": ["http_504_accepted"]}, [FIRST], {}),
    "single_unknown_stream": ({}, mail(MessageStream="newsletter"), {}),
    "batch_unknown_stream": ({}, [FIRST, mail(MessageStream="newsletter")], {}),
    "single_inbound_stream": ({}, mail(MessageStream="inbound"), {}),
    "single_unknown_sender": ({"senders": ["example.com"]}, mail(From="stranger@example.net"), {}),
    "batch_unknown_sender": (
        {"senders": ["example.com"]},
        [FIRST, mail(From="stranger@example.net")],
        {},
    ),
    "single_pending_approval": ({"approval": "pending"}, mail(To="ann@example.org"), {}),
    "batch_pending_approval": ({"approval": "pending"}, [FIRST, mail(To="ann@example.org")], {}),
    "single_not_approved": ({"approval": "refused"}, mail(), {}),
    "single_no_recipients": ({}, mail(To=None), {}),
    "single_no_body": ({}, mail(TextBody=None), {}),
    "single_no_at_sign": ({}, mail(To="abc"), {}),
    "single_bad_domain": ({}, mail(Cc="user@+"), {}),
    "single_domain_without_dot": ({}, mail(To="x@localhost"), {}),
    "single_bad_from": ({}, mail(From="webmaster@localhost"), {}),
    "single_refused_header": (
        {},
        mail(Headers=[{"Name": "Reply-To", "Value": "a@example.com"}]),
        {},
    ),
    "single_bad_track_links": ({}, mail(TrackLinks="Everything"), {}),
    "single_no_sender": ({}, mail(From=None), {}),
    "single_comma_in_name": ({}, mail(From="Grupo X, Inc <a@example.com>"), {}),
    "single_bad_mailbox": ({}, mail(To="rafał@example.com"), {}),
    "single_unclosed_quote": (
        {},
        mail(To='"A (company)name containing a " for example"<dummy@example.com>'),
        {},
    ),
    "single_quoted_address": ({}, mail(To='"Jimmy Kenno <test_email@example.com>"'), {}),
    "single_empty_attachment": (
        {},
        mail(Attachments=[{"Name": "a.txt", "Content": "", "ContentType": "text/plain"}]),
        {},
    ),
    "single_date_header": ({}, mail(Headers=[{"Name": "Date", "Value": "today"}]), {}),
    "single_metadata_too_long": ({}, mail(Metadata={"customer": "x" * 81}), {}),
    "single_refused_attachment": (
        {},
        mail(Attachments=[{"Name": "a.exe", "Content": "", "ContentType": "text/plain"}]),
        {},
    ),
}
# Recorded for the client's side alone: older texts, and a delay that hits one item of two.
CLIENT_ONLY = {
    "single_success_of_the_seed",
    "batch_one_inactive_short_text",
    "single_partly_inactive_older",
    "batch_delayed_without_error_code",
}


def blurred(body):
    """The body with ids and timestamps, which differ each time, replaced by their kind."""
    if isinstance(body, list):
        return [blurred(item) for item in body]
    if not isinstance(body, dict) or "MessageID" not in body:
        return body
    kinds = {"MessageID": UUID4, "SubmittedAt": STAMP}
    return {key: kinds[key].pattern if key in kinds else value for key, value in body.items()}


def recorded(name):
    """One recorded reply."""
    return json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))


def ask(sandbox, payload, *, token="any", headers=None, content=None):
    """Send the request of the case."""
    with client(sandbox) as http:
        http.headers.update(headers or {})
        http.headers.pop("X-Postmark-Server-Token")
        if token is not None:
            http.headers["X-Postmark-Server-Token"] = token
        path = "/email/batch" if isinstance(payload, list) else "/email"
        body = json.dumps(payload).encode() if content is None else content
        return http.post(path, content=body)


@pytest.mark.parametrize("name", CASES)
def test_the_reply_is_the_recorded_one(name):
    """Status, code header and body are equal; ids and timestamps have the same format."""
    options, payload, request = CASES[name]
    expected = recorded(name)
    with LocalPostmark(in_process=True, **options) as sandbox:
        response = ask(sandbox, payload, **request)
    is_json = "json" in response.headers["content-type"]
    body = response.json() if is_json else response.text
    assert response.status_code == expected["http_status"]
    assert blurred(body) == blurred(expected["body"])
    for header in ("X-PM-ApiErrorCode", "Retry-After"):
        assert response.headers.get(header) == expected["headers"].get(header)
    assert expected["headers"]["Content-Type"].split(";")[0] in response.headers["content-type"]
    for item in body if isinstance(body, list) else [body] if is_json else []:
        if "MessageID" in item:
            assert UUID4.fullmatch(item["MessageID"])
            assert STAMP.fullmatch(item["SubmittedAt"])


def test_every_recorded_reply_has_a_case():
    """A file without a case would not be checked."""
    assert {path.stem for path in ANSWERS.glob("*.json")} == set(CASES) | CLIENT_ONLY


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("*.json")), ids=lambda path: path.stem)
def test_a_recorded_reply_has_its_source_and_confidence(path):
    """It has five keys, and one of three levels of confidence."""
    answer = json.loads(path.read_text(encoding="utf-8"))
    assert list(answer) == ["source", "confidence", "http_status", "headers", "body"]
    assert answer["confidence"] in {"documented", "observed", "assumed"}
    assert answer["source"]


def test_the_json_headers_are_those_of_the_tests():
    """The tests send what a correct client sends."""
    with LocalPostmark(in_process=True) as sandbox:
        assert post(sandbox, mail(), headers=HEADERS).status_code == 200
