"""Messages: the bytes that are posted, and the metadata that the ledger adds to them."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe import limits
from mailframe.message.message import ATTEMPT_KEY, CAMPAIGN_KEY, MESSAGE_KEY, Message
from tests.campaigns import LETTER, people

CAMPAIGN, ATTEMPT, KEY = "5723bda7270a0ad18fae251f", "078968709272488f85e1d458", "05" * 16
MARKS = {CAMPAIGN_KEY: CAMPAIGN, ATTEMPT_KEY: ATTEMPT, MESSAGE_KEY: KEY}
WRITTEN = f'"mf-c":"{CAMPAIGN}","mf-b":"{ATTEMPT}","mf-m":"{KEY}"'.encode()

fields = st.dictionaries(st.text(min_size=1), st.text() | st.lists(st.text()), min_size=1)
metadata = st.dictionaries(st.text(max_size=20), st.text(max_size=80))


def marked(body: bytes) -> bytes:
    """The body of a message with the metadata of the ledger."""
    message = Message(3, "p0@example.com", body)
    with_marks = message.marked(campaign=CAMPAIGN, attempt=ATTEMPT, key=KEY)
    assert (with_marks.position, with_marks.to) == (message.position, message.to)
    return with_marks.body


def test_the_marked_bytes_of_a_message_are_these():
    """Of a whole letter, without and with metadata of its own; nothing else in it changes."""
    start = (
        b'{"From":"Acme <hello@acme.example>","To":"p0@example.com","Subject":"Number 0",'
        b'"TextBody":"You are number 0.","Metadata":{'
    )
    for own, written in ((None, b""), ({"n": "{{ n }}"}, b'"n":"0",')):
        message = people(1).mail.compose(LETTER.replace(metadata=own)).message(0)
        assert marked(message.body) == start + written + WRITTEN + b"}}"


@given(fields, metadata)
def test_marks_are_added_to_the_payload_and_change_nothing_else(payload, own):
    """Texts that end in braces, nested values and empty texts are left as they are."""
    payload = {**payload, **({"Metadata": own} if own else {})}
    expected = {**payload, "Metadata": {**own, **MARKS}}
    assert marked(orjson.dumps(payload)) == orjson.dumps(expected)


@pytest.mark.parametrize("text", ["}}", "}", '"}}', "{{ n }}"])
def test_a_text_that_ends_in_braces_is_not_taken_for_metadata(text):
    """A string is closed by its quote before the object is."""
    body = orjson.dumps({"TextBody": text})
    assert orjson.loads(marked(body)) == {"TextBody": text, "Metadata": MARKS}


@given(fields, metadata)
def test_marks_take_as_many_bytes_as_are_reserved_for_them(payload, own):
    """Batches and the largest message are counted with exactly these bytes."""
    body = orjson.dumps({**payload, **({"Metadata": own} if own else {})})
    reserved = limits.METADATA_BYTES_FOR_MAILFRAME
    if own:  # the name of the field is there already, and a comma is not counted twice
        reserved -= limits.METADATA_FIELD_BYTES
    assert len(marked(body)) - len(body) == reserved
