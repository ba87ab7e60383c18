"""Each recorded answer in ``postmark_answers`` is read as this table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailframe.postmark.responses import read_batch, read_single

FOLDER = Path(__file__).parent.parent / "postmark_answers"
OK = (0,)

# Name of the file without suffix: the verdict, and the ErrorCode of each outcome or refusal.
READ_AS: dict[str, tuple[str, tuple[int | None, ...]]] = {
    "batch_all_inactive": ("answered", (406,)),
    "batch_delayed_without_error_code": ("answered", (None, 0)),
    "batch_empty": ("answered", ()),
    "batch_not_a_list": ("refused", (403,)),
    "batch_one_inactive": ("answered", (0, 406)),
    "batch_one_inactive_short_text": ("answered", (0, 406)),
    "batch_over_500": ("refused", (410,)),
    "batch_pending_approval": ("answered", (0, 412)),
    "batch_success": ("answered", (0, 0)),
    "batch_too_large": ("too_large", ()),
    "batch_too_large_html": ("too_large", ()),
    "batch_unknown_sender": ("answered", (0, 400)),
    "batch_unknown_stream": ("answered", (0, 1235)),
    "batch_wrong_type": ("refused", (403,)),
    "gateway_timeout_html": ("unknown", ()),
    "internal_error": ("unknown", ()),
    "json_headers_missing": ("refused", (409,)),
    "maintenance": ("busy", ()),
    "malformed_json": ("refused", (402,)),
    "rate_limited": ("busy", ()),
    "rate_limited_retry_after": ("busy", ()),
    "single_all_inactive": ("answered", (406,)),
    "single_bad_domain": ("answered", (300,)),
    "single_bad_from": ("answered", (300,)),
    "single_bad_mailbox": ("answered", (300,)),
    "single_bad_track_links": ("answered", (300,)),
    "single_comma_in_name": ("answered", (300,)),
    "single_date_header": ("answered", (300,)),
    "single_delayed_without_error_code": ("answered", (None,)),
    "single_domain_without_dot": ("answered", (300,)),
    "single_empty_attachment": ("answered", (300,)),
    "single_inbound_stream": ("answered", (1236,)),
    "single_metadata_too_long": ("answered", (300,)),
    "single_no_at_sign": ("answered", (300,)),
    "single_no_body": ("answered", (300,)),
    "single_no_recipients": ("answered", (300,)),
    "single_no_sender": ("answered", (300,)),
    "single_not_approved": ("answered", (413,)),
    "single_partly_inactive": ("answered", OK),
    "single_partly_inactive_older": ("answered", OK),
    "single_pending_approval": ("answered", (412,)),
    "single_quoted_address": ("answered", (300,)),
    "single_refused_attachment": ("answered", (411,)),
    "single_refused_header": ("answered", (300,)),
    "single_success": ("answered", OK),
    "single_success_of_the_seed": ("answered", OK),
    "single_success_without_to": ("answered", OK),
    "single_test_token": ("answered", OK),
    "single_too_large": ("too_large", ()),
    "single_unclosed_quote": ("answered", (300,)),
    "single_unknown_sender": ("answered", (400,)),
    "single_unknown_stream": ("answered", (1235,)),
    "single_wrong_type": ("refused", (403,)),
    "token_missing": ("refused", (10,)),
    "token_wrong": ("refused", (10,)),
    "unavailable_html": ("unknown", ()),
}


def read(name):
    """Read one recorded answer by its endpoint; what is no endpoint's own is read as a batch's."""
    recorded = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    body = recorded["body"]
    common = {
        "status": recorded["http_status"],
        "headers": recorded["headers"],
        "body": body.encode() if isinstance(body, str) else json.dumps(body).encode(),
    }
    if name.startswith("single_"):
        return read_single(**common, expected_to=body.get("To"))
    sent = (
        [item.get("To", "silent@example.com") for item in body]
        if isinstance(body, list)
        else ["a@example.com"]
    )
    return read_batch(**common, expected_to=sent)


@pytest.mark.parametrize("name", READ_AS)
def test_a_recorded_answer_is_read_as_the_table_says(name):
    """What Postmark really said is the measure."""
    answer = read(name)
    whole = () if answer.error_code is None else (answer.error_code,)
    codes = tuple(outcome.error_code for outcome in answer.outcomes) or whole
    assert (answer.verdict, codes) == READ_AS[name]
    assert all(outcome.accepted == (outcome.error_code in (0, None)) for outcome in answer.outcomes)


def test_the_table_has_every_recorded_answer():
    """A new recording needs a line here."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(READ_AS)


def test_a_recorded_retry_after_is_kept():
    """The wait that the server asks for reaches the caller."""
    assert read("rate_limited_retry_after").retry_after_s == 1.0
    assert read("rate_limited").retry_after_s is None
