"""Digests of messages are stored in ledgers and approvals, so they never change."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe.message.content_digests import ContentDigests, content_digest, mail_digest
from mailframe.message.digests import digest, digests_of

NAMED = (
    b'{"From":"a@acme.example","To":"Zo\xc3\xab <zoe@acme.example>","Subject":"Hi",'
    b'"TextBody":"Say \\"To\\":\\"x@y\\"","Metadata":{"customer":"7"}}'
)
WITHOUT_TO = (
    b'{"From":"a@acme.example","Subject":"Hi","Bcc":"b@acme.example",'
    b'"HtmlBody":"<p>,\\"Metadata\\":{</p>"}'
)
TWO = b'{"From":"a@acme.example","To":"a@b.example, c@d.example","Subject":"Hi","TextBody":"x"}'


@pytest.mark.parametrize(
    ("body", "content", "mail", "text"),
    [
        (
            NAMED,
            "6f99ab7e93331651caff41c5fa4ec66e",
            513462706087163063,
            "4523436e2b720a909f591622c232b7ae",
        ),
        (
            WITHOUT_TO,
            "8e62846213e8b128276f9e8ad7762984",
            2932380002349769358,
            "00ae4d1e906a7b7257386696e85c3c98",
        ),
        (
            TWO,
            "bb6e4064a28d763c4ca428293ba9ce44",
            4356825418133696187,
            "c1d973d75e6f07208e34dcc06fd3eade",
        ),
    ],
)
def test_digests_are_those_of_older_ledgers(body, content, mail, text):
    """The values of version 0.1."""
    assert content_digest(body).hex() == content
    assert mail_digest(body) == mail
    assert digest(body.decode()).hex() == text


TEXT = st.text(max_size=12) | st.sampled_from(
    ['","To":"a@b"', ',"Metadata":{', "\\", '"', "@", 'a@b.example"', "\u2028"]
)
ADDRESS = st.sampled_from(
    ["a@b.example", "Zoë <z@b.example>", '"A \\" @" <a@b.example>', "a@b, c@d"]
)


@given(
    st.fixed_dictionaries(
        {"From": st.just("me@acme.example")},
        optional={
            "To": ADDRESS | TEXT,
            "Subject": TEXT,
            "HtmlBody": TEXT,
            "Metadata": st.dictionaries(TEXT, TEXT, min_size=1, max_size=2),
        },
    )
)
def test_a_mail_digest_is_that_of_the_fields_without_to_and_metadata(fields):
    """Whatever the values hold; a To with several addresses, or with none, stays."""
    names = ("From", "To", "Subject", "HtmlBody", "Metadata")
    fields = {name: fields[name] for name in names if name in fields}
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    kept = {name: value for name, value in fields.items() if name != "Metadata"}
    if fields.get("To", "").count("@") == 1:
        del kept["To"]
    seen = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    expected = int.from_bytes(hashlib.sha256(seen).digest()[:8], "little")
    assert mail_digest(body) == expected
    assert content_digest(body) == hashlib.sha256(body).digest()[:16]


@given(st.lists(st.none() | st.text(st.characters(), max_size=4), max_size=5))
def test_digests_of_texts_are_the_digest_of_each(texts):
    """Also of lone surrogates, and of the empty text."""
    assert digests_of(texts) == [None if text is None else digest(text) for text in texts]


def test_a_row_without_a_message_has_no_digest():
    """Its places hold zeros."""
    digests = ContentDigests(3)
    digests.put(1, [TWO, None])
    assert digests.contents.at(0) == digests.contents.at(2) == bytes(16)
    assert digests.mails.tolist() == [0, 4356825418133696187, 0]
