"""The sandbox replies to GET as Postmark, for each file of ``tests/postmark_answers/get``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mailframe.sandbox import LocalPostmark
from tests.sandbox.sandbox_mail import client, mail, post
from tests.sandbox.sandbox_reads import SEARCH

ANSWERS = Path(__file__).parents[1] / "postmark_answers" / "get"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FULL = mail(
    From="Acme <hello@example.com>",
    To='"Smith, Ann" <ann@example.com>, bob@example.com',
    Cc="carol@example.com",
    Bcc="dave@example.com",
    HtmlBody="<p>Hi</p>",
    Tag="renewal",
    Metadata={"customer": 7},
    TrackOpens=True,
    TrackLinks="HtmlOnly",
    Attachments=[{"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}],
)
PLAIN = mail(Subject=None)
BOUNCED = PLAIN | {"To": "hardbounce@bounce-testing.postmarkapp.com"}
NO_MESSAGE = "4bba52b4-8a54-4eb8-b7d3-22fe251ffc99"
PAGE = "?count=500&offset=0"

# answer → (what was posted before, what is asked for, token)
CASES = {
    "search": (FULL, SEARCH + PAGE, "any"),
    "search_without_optional_fields": (PLAIN, SEARCH + PAGE, "any"),
    "search_finds_nothing": (FULL, SEARCH + PAGE + "&tag=other", "any"),
    "search_no_count": (FULL, SEARCH + "?offset=0", "any"),
    "search_count_over_500": (FULL, SEARCH + "?count=501&offset=0", "any"),
    "search_past_10000": (FULL, SEARCH + "?count=500&offset=9501", "any"),
    "search_two_metadata": (FULL, SEARCH + PAGE + "&metadata_a=1&metadata_b=2", "any"),
    "search_bad_date": (FULL, SEARCH + PAGE + "&fromdate=yesterday", "any"),
    "search_unknown_stream": (FULL, SEARCH + PAGE + "&messagestream=newsletter", "any"),
    "search_wrong_token": (FULL, SEARCH + PAGE, ""),
    "search_test_token": (FULL, SEARCH + PAGE, "POSTMARK_API_TEST"),
    "details": (FULL, SEARCH + "/{id}/details", "any"),
    "details_bounced": (BOUNCED, SEARCH + "/{id}/details", "any"),
    "details_unknown": (FULL, f"{SEARCH}/{NO_MESSAGE}/details", "any"),
    "dump": (FULL, SEARCH + "/{id}/dump", "any"),
    "dump_unknown": (FULL, f"{SEARCH}/{NO_MESSAGE}/dump", "any"),
    "server": (FULL, "/server", "any"),
    "server_test_token": (FULL, "/server", "POSTMARK_API_TEST"),
}


def blurred(value):
    """The value with ids, timestamps and sources replaced by their kind, since they differ."""
    if isinstance(value, list):
        return [blurred(item) for item in value]
    if not isinstance(value, dict):
        return value
    kinds = {"MessageID": UUID4, "ReceivedAt": STAMP, "Body": re.compile(r".+", re.DOTALL)}
    assert all(kinds[key].fullmatch(value[key]) for key in kinds.keys() & value.keys())
    return {
        key: kinds[key].pattern if key in kinds else blurred(item) for key, item in value.items()
    }


@pytest.mark.parametrize("name", CASES)
def test_the_reply_is_the_recorded_one(name):
    """Status, code header, keys and their order are equal; ids and timestamps have one format."""
    message, path, token = CASES[name]
    expected = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    with LocalPostmark(in_process=True, server_id=1234) as sandbox, client(sandbox) as http:
        message_id = post(sandbox, message).json()["MessageID"]
        response = http.get(path.format(id=message_id), headers={"X-Postmark-Server-Token": token})
    assert response.status_code == expected["http_status"]
    assert blurred(response.json()) == blurred(expected["body"])
    assert list(response.json()) == list(expected["body"])
    assert response.headers.get("X-PM-ApiErrorCode") == expected["headers"].get("X-PM-ApiErrorCode")
    assert response.headers["content-type"].split(";")[0] == expected["headers"]["Content-Type"]


def test_every_recorded_reply_has_a_case():
    """A file without a case would not be checked."""
    assert {path.stem for path in ANSWERS.glob("*.json")} == set(CASES)


@pytest.mark.parametrize("path", sorted(ANSWERS.glob("*.json")), ids=lambda path: path.stem)
def test_a_recorded_reply_has_its_source_and_confidence(path):
    """It has five keys, and one of three levels of confidence."""
    answer = json.loads(path.read_text(encoding="utf-8"))
    assert list(answer) == ["source", "confidence", "http_status", "headers", "body"]
    assert answer["confidence"] in {"documented", "observed", "assumed"}
    assert answer["source"]
