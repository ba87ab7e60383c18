"""The checks of a message without a server: keys in any case, and the short way."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox.checks import message_checks
from mailframe.sandbox.checks.account import Account
from mailframe.sandbox.checks.message_checks import (
    check_attachments,
    checked_message,
    usual_message,
)
from mailframe.sandbox.checks.request_json import many_messages, one_message, parse
from mailframe.sandbox.checks.texts import CheckFailed
from tests.sandbox.sandbox_mail import client, mail

ACCOUNT = Account()
EMOJI = "\N{PARTY POPPER}"
TEXTS = st.text("aB.@<>\", \n'é" + EMOJI, max_size=12)
LONG = st.sampled_from(["x" * 80, "x" * 81, EMOJI * 40, EMOJI * 41, "x" * 1001, EMOJI * 500])
ADDRESSES = st.sampled_from(
    [
        "a.b+c@mail.example.com",
        "Ann <ann@example.com>",
        "Dr. Ann O'Neil <ann@example.com>",
        " Ann <ann@example.com>",
        "Ann  Lee <ann@example.com>",
        "a..b@example.com",
        "a@example",
        "a@example.com,",
        "a@-.com",
        "a@example..com",
        "",
    ]
)
FIELDS = st.fixed_dictionaries(
    {"From": ADDRESSES | TEXTS | LONG, "To": ADDRESSES | TEXTS, "TextBody": st.just("Hi") | TEXTS},
    optional={
        "Cc": ADDRESSES | st.none(),
        "ReplyTo": ADDRESSES | st.none(),
        "Subject": TEXTS | LONG | st.none(),
        "Tag": TEXTS | LONG | st.none(),
        "HtmlBody": TEXTS | st.none(),
        "TrackLinks": st.sampled_from(["", "None", "none", None]),
        "MessageStream": st.sampled_from(["", "broadcast", "inbound", "nowhere", None]),
        "Metadata": st.dictionaries(
            TEXTS | st.sampled_from(["x" * 20, "x" * 21, EMOJI * 10, EMOJI * 11]),
            TEXTS | LONG | st.integers() | st.booleans(),
            max_size=11,
        ),
        "Headers": st.lists(
            st.fixed_dictionaries(
                {"Name": TEXTS | st.sampled_from(["List-Unsubscribe", "Message-ID", "Date"])},
                optional={"Value": TEXTS | st.none()},
            ),
            max_size=3,
        ),
    },
)


def outcome(check, message):
    """The checked message, or the code and the text of the refusal."""
    try:
        return check(message, ACCOUNT)
    except CheckFailed as error:
        return error.error_code, error.text


@settings(deadline=None, max_examples=400)
@given(FIELDS)
def test_the_short_way_gives_what_all_checks_give(fields):
    """If a message is usual, all checks accept it with the same recipients."""
    message = one_message(fields)
    short = outcome(usual_message, message)
    assert short is None or short == outcome(checked_message, message)


def test_a_message_of_a_campaign_takes_the_short_way():
    """Otherwise the law above would hold for nothing."""
    message = mail(
        From="Acme Inc. <hello@example.com>",
        HtmlBody="<p>Hi",
        Metadata={"mailframe-batch": "7", "row": "1"},
        Headers=[{"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"}],
    )
    assert usual_message(message, ACCOUNT) == checked_message(message, ACCOUNT)
    assert usual_message(message, ACCOUNT).sender.name == "Acme Inc."


@pytest.mark.parametrize("count", [1, 10, 11])
def test_keys_of_metadata_are_remembered_only_if_they_are_right(count):
    """The second message with the same keys gets the same answer."""
    message = mail(Metadata={f"key-{number}": "v" for number in range(count)})
    answers = {count <= 10: [usual_message(message, ACCOUNT) is not None for _ in range(2)]}
    assert answers == {count <= 10: [count <= 10] * 2}


def test_no_more_than_a_thousand_sets_of_keys_are_remembered():
    """A server that runs for weeks does not grow."""
    for number in range(2500):
        usual_message(mail(Metadata={f"key-{number}": "v"}), ACCOUNT)
    assert len(message_checks._CHECKED_KEYS) <= message_checks.MAX_CHECKED_KEYS


@pytest.mark.parametrize("change", [str.lower, str.upper, lambda key: key[0].lower() + key[1:]])
def test_keys_are_read_in_any_case(change):
    """Those of a message and of its headers and attachments, but not of its metadata."""
    entries = {
        "Headers": [{"Name": "X-Own", "Value": "1"}],
        "Attachments": [{"Name": "a.txt", "Content": "aGk=", "ContentType": "text/plain"}],
    }
    expected = mail(TrackOpens=True, Metadata={"Key": "v"}, **entries)
    changed = {
        change(key): [{change(name): item for name, item in entry.items()} for entry in value]
        if key in entries
        else value
        for key, value in expected.items()
    }
    assert one_message(changed) == expected
    assert many_messages([mail(), changed]) == [mail(), expected]


def test_the_last_of_equal_keys_counts():
    """JSON parsers of .NET read them so."""
    body = b'{"to": "a@example.com", "To": "b@example.com", "TO": "c@example.com"}'
    assert one_message(parse(body)) == {"To": "c@example.com"}


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"to": 7}, "$.To"),
        ({"HEADERS": [{"name": 7}]}, "$.Headers[0].Name"),
        ({"attachments": [{}, {"contentid": 7}]}, "$.Attachments[1].ContentID"),
        ({"metadata": {"a": None}}, "$.Metadata"),
        ({"Headers": [{"Name": "X", "Value": "1", "value": 7}]}, "$.Headers[0].Value"),
    ],
)
def test_a_wrong_type_is_named_as_postmark_documents_the_field(message, path):
    """Whatever the case of the key is."""
    with pytest.raises(CheckFailed) as caught:
        one_message(message)
    assert caught.value.text == f"Invalid request field(s): {path}"


def test_a_byte_order_mark_before_the_json_is_skipped():
    """Programs for Windows write it; one in another place is no JSON."""
    assert parse(b"\xef\xbb\xbf" + json.dumps(mail()).encode()) == mail()
    with pytest.raises(CheckFailed):
        parse(b"\xef\xbb\xbf\xef\xbb\xbf{}")


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 1_000_000, b"1e999", b"[1,\n]"])
def test_nesting_and_numbers_without_end_are_refused(body):
    """The code is 402."""
    with pytest.raises(CheckFailed) as caught:
        parse(body)
    assert caught.value.error_code == 402


@pytest.mark.parametrize(("levels", "status"), [(62, 200), (63, 422), (300, 422), (2000, 422)])
def test_json_of_more_than_64_levels_is_refused(sandbox, levels, status):
    """Both endpoints answer 402, also to what can be read but not be written again."""
    message = f'{json.dumps(mail())[:-1]}, "X": {"[" * levels}{"]" * levels}}}'
    deeper = f'{json.dumps(mail())[:-1]}, "X": [{"[" * levels}{"]" * levels}]}}'
    with client(sandbox) as http:
        for path, content in (("/email/batch", f"[{message}]"), ("/email", deeper)):
            response = http.post(path, content=content)
            assert response.status_code == status
            if status == 422:
                assert response.json()["ErrorCode"] == 402


@pytest.mark.parametrize(("characters", "is_refused"), [(10_485_756, False), (10_485_760, True)])
def test_attachments_have_less_than_10_mib_together(characters, is_refused):
    """The text was observed, with this number of bytes."""
    half = {"Name": "a.txt", "ContentType": "text/plain", "Content": "aaaa"}
    rest = half | {"Content": "a" * (characters - 4)}
    if not is_refused:
        check_attachments([half, rest])
        return
    with pytest.raises(CheckFailed) as caught:
        check_attachments([half, rest])
    assert caught.value.text == (
        "Attachments too big. The total size should be less than 10485760 bytes."
    )
