"""What a reply means: each HTTP status, each contradictory 200, each unreadable body."""

from __future__ import annotations

import json

import pytest

from mailframe.postmark.decoding import MAX_REPLY_BYTES
from mailframe.postmark.error_codes import CONCERNS_REQUEST
from mailframe.postmark.responses import (
    Answer,
    Outcome,
    Verdict,
    read_batch,
    read_single,
)

ENVELOPE = {"ErrorCode": 300, "Message": "Zero recipients specified"}
OK = {"ErrorCode": 0, "Message": "OK", "MessageID": "id-1", "To": "ann@example.com"}
NO = {"ErrorCode": 406, "Message": "Found inactive addresses: ann@example.com."}
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


def batch(body, *, status=200, to=("ann@example.com",), headers=None) -> Answer:
    """Read *body* (JSON unless bytes) as the reply to a batch."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_batch(status=status, headers=headers or {}, body=content, expected_to=list(to))


def single(body, *, status=200, to="ann@example.com") -> Answer:
    """Read *body* (JSON unless bytes) as the reply to one message."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_single(status=status, headers={}, body=content, expected_to=to)


@pytest.mark.parametrize(
    ("status", "with_json", "without_json"),
    [
        (201, "unknown", "unknown"),
        (204, "unknown", "unknown"),
        (301, "unknown", "unknown"),
        (307, "unknown", "unknown"),
        (399, "unknown", "unknown"),
        (400, "refused", "unknown"),
        (401, "refused", "unknown"),
        (403, "refused", "unknown"),
        (404, "refused", "unknown"),
        (405, "refused", "unknown"),
        (407, "refused", "unknown"),
        (408, "unknown", "unknown"),
        (409, "refused", "unknown"),
        (412, "refused", "unknown"),
        (413, "too_large", "too_large"),
        (414, "refused", "unknown"),
        (415, "refused", "unknown"),
        (422, "refused", "unknown"),
        (424, "refused", "unknown"),
        (425, "unknown", "unknown"),
        (426, "refused", "unknown"),
        (428, "refused", "unknown"),
        (429, "busy", "busy"),
        (430, "refused", "unknown"),
        (498, "refused", "unknown"),
        (499, "unknown", "unknown"),
        (500, "unknown", "unknown"),
        (502, "unknown", "unknown"),
        (503, "busy", "unknown"),
        (504, "unknown", "unknown"),
        (599, "unknown", "unknown"),
        (101, "unknown", "unknown"),
    ],
)
def test_each_status_has_its_verdict(status, with_json, without_json):
    """A batch is repeated only if the status proves that nothing was processed."""
    assert batch(ENVELOPE, status=status).verdict == with_json
    assert batch(b"<html>Sorry</html>", status=status).verdict == without_json
    if status != 422:
        assert single(ENVELOPE, status=status).verdict == with_json
    assert single(b"", status=status).verdict == without_json


@pytest.mark.parametrize(
    "body",
    [
        {"ErrorCode": 0, "Message": "OK"},
        {"ErrorCode": True, "Message": "no"},
        {"ErrorCode": "300", "Message": "no"},
        {"ErrorCode": None},
        {"Message": "no"},
        {"ErrorCode": 300, "Message": "no", "MessageID": "id-1"},
        {"ErrorCode": 300.0},
        [ENVELOPE],
        300,
        None,
    ],
)
@pytest.mark.parametrize("status", [401, 422, 503])
def test_a_refusal_needs_postmarks_error_object(body, status):
    """An "OK", a MessageID or an ErrorCode that is not an integer contradicts a refusal."""
    assert batch(body, status=status).verdict is Verdict.UNKNOWN
    assert single(body, status=status).verdict is Verdict.UNKNOWN


def test_the_reason_of_a_refusal_has_postmarks_text_on_one_line():
    """The reason has the status, the code and the message; line breaks and length are cut."""
    answer = batch({"ErrorCode": 402, "Message": "bad\r\n\x1b[31mJSON " + "x" * 999}, status=422)
    assert (answer.http_status, answer.error_code) == (422, 402)
    assert answer.reason.startswith("HTTP 422, ErrorCode 402: bad [31mJSON xxx")
    assert answer.reason.isprintable()
    assert len(answer.reason) < 350


def test_a_single_refusal_is_an_outcome_of_the_message():
    """A 422 to POST /email is the same as an item of a batch."""
    assert single(NO, status=422) == Answer(
        Verdict.ANSWERED, outcomes=(Outcome(406, str(NO["Message"])),), http_status=422
    )


@pytest.mark.parametrize("code", sorted(CONCERNS_REQUEST))
def test_a_code_about_the_request_is_not_an_outcome_of_the_message(code):
    """The token, the JSON or the types are not an error of one row."""
    answer = single({"ErrorCode": code, "Message": "no"}, status=422)
    assert (answer.verdict, answer.error_code) == (Verdict.REFUSED, code)


@pytest.mark.parametrize("code", [300, 400, 401, 405, 406, 411, 412, 413, 1235, 1236, 9999])
def test_a_code_of_a_batch_item_is_an_outcome_of_a_single_message_too(code):
    """The same message has the same outcome alone and in a batch."""
    alone = single({"ErrorCode": code, "Message": "no"}, status=422)
    assert alone.outcomes == batch([{"ErrorCode": code, "Message": "no"}]).outcomes


def test_a_batch_can_have_accepted_and_rejected_messages():
    """One inactive recipient does not affect the others."""
    second = OK | {
        "MessageID": "id-2",
        "To": "bob@example.com",
        "SubmittedAt": "2026-09-30T16:03:52.7892753Z",
    }
    answer = batch([OK, NO, second], to=("ann@example.com", "cy@example.com", "bob@example.com"))
    assert [outcome.accepted for outcome in answer.outcomes] == [True, False, True]
    assert answer.outcomes[1] == Outcome(406, str(NO["Message"]))
    assert answer.outcomes[2].submitted_at == "2026-09-30T16:03:52.7892753Z"


@pytest.mark.parametrize("submitted_at", ["", None, 7, "2" * 65])
def test_a_time_of_submission_that_is_no_short_text_is_a_missing_value(submitted_at):
    """The message was accepted, whatever its time."""
    outcome = batch([OK | {"SubmittedAt": submitted_at}]).outcomes[0]
    assert (outcome.accepted, outcome.submitted_at) == (True, None)


def test_delayed_is_accepted():
    """Postmark leaves out ErrorCode when it says that delivery may be delayed."""
    item = {"Message": "Message accepted, but delivery may be delayed.", "MessageID": "id-1"}
    assert batch([item]).outcomes == (Outcome(None, item["Message"], "id-1"),)


def test_partly_inactive_is_accepted_and_keeps_its_text():
    """The message was sent to the other recipients, so the row is accepted."""
    words = "Message OK, but will not deliver to these inactive addresses: b@example.com."
    outcome = batch([OK | {"Message": words}]).outcomes[0]
    assert outcome.accepted
    assert outcome.message == words


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (None, "is not an object"),
        ([], "is not an object"),
        ("OK", "is not an object"),
        ({}, "has no ErrorCode other than 0 and no MessageID"),
        ({"ErrorCode": 0, "Message": "OK"}, "has no ErrorCode other than 0 and no MessageID"),
        (OK | {"MessageID": ""}, "has no ErrorCode other than 0 and no MessageID"),
        (OK | {"MessageID": "  "}, "has no ErrorCode other than 0 and no MessageID"),
        (OK | {"MessageID": None}, "has no ErrorCode other than 0 and no MessageID"),
        (OK | {"MessageID": 7}, "has a MessageID that is not text"),
        (OK | {"ErrorCode": False}, "has an ErrorCode that is not an integer"),
        (OK | {"ErrorCode": None}, "has an ErrorCode that is not an integer"),
        (OK | {"ErrorCode": "0"}, "has an ErrorCode that is not an integer"),
        (OK | {"ErrorCode": 0.0}, "has an ErrorCode that is not an integer"),
        (OK | {"ErrorCode": 406}, "has ErrorCode 406 and a MessageID"),
        (OK | {"ErrorCode": -1}, "has ErrorCode -1 and a MessageID"),
        (OK | {"To": "bob@example.com"}, "has a different To than was sent"),
        (OK | {"To": "ann@example.com, bob@example.com"}, "has a different To than was sent"),
        (OK | {"To": ""}, "has a different To than was sent"),
        (OK | {"To": 5}, "has a different To than was sent"),
        (OK | {"To": "(" * 5000}, "has a different To than was sent"),
        (OK | {"To": "x" * 70_000}, "has a different To than was sent"),
        (NO | {"To": "bob@example.com"}, "has a different To than was sent"),
        (OK | {"MessageID": "ID-0"}, "repeats the MessageID of an earlier item"),
    ],
)
def test_one_unclear_item_makes_the_whole_batch_unknown(item, why):
    """No row is accepted if the reply may belong to other messages."""
    first = OK | {"MessageID": "id-0"}
    answer = batch([first, item], to=("ann@example.com", "ann@example.com"))
    assert answer == Answer(
        Verdict.UNKNOWN, reason=f"HTTP 200, but item 2 of 2 {why}", http_status=200
    )


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_reply_with_another_number_of_items_is_unknown(count):
    """Otherwise rows would get the MessageIDs of others."""
    answer = batch(
        [OK | {"MessageID": f"id-{n}"} for n in range(count)], to=["ann@example.com"] * 2
    )
    assert answer.verdict is Verdict.UNKNOWN
    assert answer.reason == f"HTTP 200, but the answer has {count} items for 2 messages"


@pytest.mark.parametrize(
    ("sent", "echo"),
    [
        ("ann@example.com", "ann@example.com"),
        ("Ann@Example.com", "ann@example.COM"),
        ('"Smith, Ann" <ann@example.com>', "Smith, Ann <ann@example.com>"),
        ("Ann Smith <ann@example.com>", '"Ann Smith" <ann@example.com>'),
        ("Ann <ann@example.com>", "ann@example.com"),
        ("=?utf-8?b?w4Q=?= <ann@example.com>", "Ä <ann@example.com>"),
        ("a@example.com, b@example.com", "b@example.com,a@example.com"),
        ("ann@example.com", None),
        (None, None),
        (None, ""),
    ],
)
def test_the_to_of_an_item_may_be_written_differently(sent, echo):
    """Names, quotes, case and order may differ; the addresses may not."""
    assert batch([OK | {"To": echo}], to=[sent]).verdict is Verdict.ANSWERED


def test_a_to_for_a_message_without_to_is_unknown():
    """A message with only Bcc has no To."""
    assert batch([OK], to=[None]).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[",
        b'[{"ErrorCode": 0,',
        b"<html></html>",
        b"[NaN]",
        b'[{"ErrorCode": NaN, "MessageID": "a"}]',
        b"\xef\xbb\xbf[]",
        b"\xff\xfe[\x00]\x00",
        b'[{"Message": "\xff"}]',
        rb'[{"Message": "\ud800", "MessageID": "a", "ErrorCode": 0}]',
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"1" * 5000,
        b"[" + b"1" * 5000 + b"]",
    ],
)
@pytest.mark.parametrize("status", [200, 422, 503])
def test_an_unreadable_body_is_unknown_and_never_an_exception(body, status):
    """A 200 and a refusal both need a readable body."""
    assert batch(body, status=status).verdict is Verdict.UNKNOWN
    assert single(body, status=status).verdict is Verdict.UNKNOWN


def test_a_body_above_the_limit_is_not_read():
    """One byte more than the limit is unknown; the limit itself is read."""
    item = json.dumps([OK]).encode()
    assert batch(item.ljust(MAX_REPLY_BYTES)).verdict is Verdict.ANSWERED
    answer = batch(item.ljust(MAX_REPLY_BYTES + 1))
    assert answer.reason == "HTTP 200, but the body is longer than 67,108,864 bytes"


def test_the_last_of_two_equal_keys_is_used():
    """JSON with duplicate keys is parsed as orjson does."""
    assert batch(b'[{"ErrorCode": 0, "ErrorCode": 406}]').outcomes == (Outcome(406, ""),)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("-1", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("٣", None),
        ("9" * 400, None),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30.0),
        ("Wed, 21 Oct 2026 07:27:30 GMT", 0.0),
        ("Wed, 99 Oct 2026 07:28:30 GMT", None),
        ("Wed, 21 Oct 99999 07:28:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_negative(value, seconds):
    """An invalid value is ignored; a date is relative to the date of the server."""
    headers = {"rEtRy-AfTeR": value, "DATE": DATE}
    assert batch(b"", status=429, headers=headers).retry_after_s == seconds
    assert batch(ENVELOPE, status=503, headers=headers).retry_after_s == seconds


def test_a_date_in_the_past_is_no_wait():
    """Without the date of the server, the local clock is used."""
    past = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert batch(b"", status=429, headers=past).retry_after_s == 0.0
