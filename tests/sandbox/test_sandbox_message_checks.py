"""The checks of a message without a server: keys in any case, types, attachments."""

from __future__ import annotations

import json

import pytest

from mailframe.sandbox.checks.message_checks import check_attachments
from mailframe.sandbox.checks.request_json import many_messages, one_message, parse
from mailframe.sandbox.checks.texts import CheckFailed
from tests.sandbox.sandbox_mail import client, mail


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
