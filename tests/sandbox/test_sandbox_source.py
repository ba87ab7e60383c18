"""The source of a message: Python's parser reads the same message back."""

from __future__ import annotations

import base64
import email
import email.policy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.checks.mailboxes import parse
from mailframe.sandbox.checks.message_checks import REFUSED_HEADERS
from mailframe.sandbox.state.messages.message_source import message_source
from mailframe.sandbox.state.messages.stored_message import StoredMessage
from tests.sandbox.kept_messages import empty_store
from tests.sandbox.sandbox_mail import mail, post
from tests.sandbox.sandbox_reads import SEARCH, get

MESSAGE_ID = "4bba52b4-8a54-4eb8-b7d3-22fe251ffc99"
LINKS = empty_store().unsubscribe_links
AT_NS = 1_790_000_000_123_456_789
LINKS = empty_store().unsubscribe_links
CONTENTS = ("HtmlBody", "TextBody", "Headers", "Attachments")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
FILES = st.lists(
    st.fixed_dictionaries(
        {
            "Name": LINE.map(lambda name: re.sub(r'^["<>\s]+|["<>\s]+$', "", name)).filter(bool),
            "ContentType": st.sampled_from(["image/png", "application/pdf"]) | TEXT,
            "ContentID": st.none() | st.from_regex(r"cid:[a-z@.]{1,9}", fullmatch=True),
            "Bytes": st.binary(max_size=200),
        }
    ),
    max_size=3,
)
HEADERS = st.lists(
    st.tuples(st.from_regex(r"X-[A-Za-z]{1,9}", fullmatch=True) | TEXT, TEXT), max_size=3
)
ADDRESSES = st.lists(st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.example", fullmatch=True), max_size=9)


def stored(message, headers=(), files=()):
    """The message as it is kept."""
    entries = [
        {**file, "Size": len(file["Bytes"]), "Digest": str(place)}
        for place, file in enumerate(files)
    ]
    content = {name: message[name] for name in CONTENTS if name in message}
    content["Headers"] = [{"Name": name, "Value": value} for name, value in headers]
    content["Attachments"] = entries
    head = {name: value for name, value in message.items() if name not in CONTENTS}
    kind = StreamType.TRANSACTIONAL
    return StoredMessage(1, MESSAGE_ID, 1, "outbound", kind, AT_NS, 1, head, content, AT_NS, LINKS)


def source_of(message, headers=(), files=()):
    """The source, which is ASCII with CRLF alone."""
    kept = stored(message, headers, files)
    source = message_source(kept, [file["Bytes"] for file in files])
    assert source.isascii()
    assert not re.search(r"(?<!\r)\n|\r(?!\n)", source)
    return source


def parsed(source):
    """The message as Python's parser reads it."""
    return email.message_from_bytes(source.encode("ascii"), policy=email.policy.default)


def unified(text):
    """The text with one kind of line end."""
    return re.sub(r"\r\n?", "\n", text)


@settings(deadline=None)
@given(st.sampled_from([("TextBody",), ("HtmlBody",), ("TextBody", "HtmlBody")]), TEXT, TEXT, FILES)
def test_the_parser_reads_back_bodies_and_files(fields, text, html, files):
    """In their order, with names in any script, which the parser strips of quotes and spaces."""
    bodies = {"TextBody": text, "HtmlBody": html}
    message = mail(**{"TextBody": None} | {field: bodies[field] for field in fields})
    whole = parsed(source_of(message, files=files))
    leaves = [part for part in whole.walk() if not part.is_multipart()]
    texts, rest = leaves[: len(fields)], leaves[len(fields) :]
    assert [unified(part.get_content()) for part in texts] == [
        unified(bodies[field]) for field in fields
    ]
    inline = [file for file in files if file["ContentID"] and "HtmlBody" in fields]
    others = [file for file in files if file not in inline]
    assert [(part.get_filename(), part.get_payload(decode=True)) for part in rest] == [
        (file["Name"], file["Bytes"]) for file in [*inline, *others]
    ]
    assert [part["Content-ID"] for part in rest[: len(inline)]] == [
        f"<{file['ContentID'].removeprefix('cid:')}>" for file in inline
    ]
    assert not whole.defects


@settings(deadline=None)
@given(LINE, LINE, ADDRESSES)
def test_the_parser_reads_back_subject_and_people(subject, name, addresses):
    """Names and addresses are equal; Bcc is not in the source."""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    to = ", ".join([f'"{quoted}" <first@a.example>', *addresses])
    message = mail(Subject=subject, To=to, Cc=", ".join(addresses), Bcc="hidden@a.example")
    source = source_of(message)
    whole = email.message_from_string(source, policy=email.policy.compat32)
    read = email.header.make_header(email.header.decode_header(whole["Subject"]))
    assert str(read) == subject
    assert "hidden" not in source
    people = email.utils.getaddresses([whole["To"].replace("\r\n", "")])
    expected = parse("To", to)
    assert [address for _, address in people] == [box.address for box in expected]
    assert str(email.header.make_header(email.header.decode_header(people[0][0]))) == name
    assert (whole["Cc"] is None) == (not addresses)


@settings(deadline=None)
@given(HEADERS, TEXT, TEXT)
def test_no_value_adds_a_header(headers, subject, name):
    """Line ends and other controls in names, values, subjects and files stay in their place."""
    file = {"Name": name, "ContentType": name, "ContentID": name, "Bytes": b"x"}
    source = source_of(mail(Subject=subject, HtmlBody="x"), headers=headers, files=[file])
    whole = email.message_from_string(source, policy=email.policy.compat32)
    own = {"From", "To", "Subject", "Date", "Message-ID", "X-PM-Message-Id", "MIME-Version"}
    own.add("Content-Type")
    assert len(whole.keys()) <= len(own) + len(headers)
    assert own <= set(whole.keys())
    assert not {key.lower() for key in whole.keys()[len(own) :]} & {"bcc", "cc"}
    assert whole["X-PM-Message-Id"] == MESSAGE_ID


def test_what_is_ascii_is_written_in_clear():
    """The rest is in encoded words of RFC 2047."""
    source = source_of(
        mail(
            From="Acme Inc. <hello@example.com>",
            To='"Smith, Ann" <ann@example.com>, Zoë <zoe@example.com>',
            ReplyTo="help@example.com",
            Subject="Your plan renews",
            TextBody="Mail::Message object",
        ),
        headers=[("List-Unsubscribe", "<https://example.com/u>"), ("X-Ünit", "Größe")],
    )
    assert source.split("\r\n") == [
        'From: "Acme Inc." <hello@example.com>',
        'To: "Smith, Ann" <ann@example.com>,',
        " =?utf-8?b?Wm/Dqw==?= <zoe@example.com>",
        "Reply-To: help@example.com",
        "Subject: Your plan renews",
        "Date: Mon, 21 Sep 2026 14:13:20 +0000",
        f"Message-ID: <{MESSAGE_ID}@mtasv.net>",
        "List-Unsubscribe: <https://example.com/u>",
        "X--nit: =?utf-8?b?R3LDtsOfZQ==?=",
        f"X-PM-Message-Id: {MESSAGE_ID}",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="UTF-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Mail::Message object",
    ]


def test_a_posted_message_id_is_kept_and_mime_headers_are_not_doubled():
    """The Ruby gem posts Mime-Version and Content-Transfer-Encoding with each mail."""
    names = ["message-id", "Mime-Version", "Content-Transfer-Encoding", "content-disposition"]
    whole = parsed(source_of(mail(), headers=[(name, "<a@example.com>") for name in names]))
    assert whole.get_all("Message-ID") == ["<a@example.com>"]
    assert whole.get_all("MIME-Version") == ["1.0"]
    assert whole.get_all("Content-Transfer-Encoding") == ["quoted-printable"]
    assert "Content-Disposition" not in whole


@pytest.mark.parametrize("name", sorted(REFUSED_HEADERS))
def test_a_header_that_is_refused_is_not_in_the_source(name):
    """Also if it came in before it was refused."""
    assert "refused-value" not in source_of(mail(), headers=[(name, "refused-value")])


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/calendar; method=REQUEST; charset=utf-8", "text/calendar"),
        ('text/plain; name="a b.txt"', "text/plain"),
        ("multipart/mixed; boundary=x", "application/octet-stream"),
        ("message/rfc822", "application/octet-stream"),
        ("text/plain\r\nBcc: a@example.com", "application/octet-stream"),
        ("pdf", "application/octet-stream"),
    ],
)
def test_a_content_type_that_is_not_valid_is_octet_stream(content_type, expected):
    """So is one of several parts, since a file is one part."""
    file = {"Name": "a", "ContentType": content_type, "ContentID": None, "Bytes": b"hi"}
    whole = parsed(source_of(mail(), files=[file]))
    (part,) = whole.iter_attachments()
    assert (part.get_content_type(), part.get_payload(decode=True)) == (expected, b"hi")
    assert "Bcc" not in whole


def test_lines_of_headers_are_folded_and_unfolded():
    """A value without spaces is not folded; runs of spaces stay."""
    value = "a  b " * 40 + "x" * 200
    source = source_of(mail(Subject=value), headers=[("X-Long", "y" * 300)])
    assert f"X-Long: {'y' * 300}\r\n" in source
    assert max(len(line) for line in source.split("\r\n") if line[:1] == " ") <= 201
    assert parsed(source)["Subject"] == value


def test_dump_and_details_have_the_source_with_its_files(sandbox):
    """Every file is in it, with the bytes that were posted."""
    data = bytes(range(256))
    file = {"Name": "ünïcode.dat", "ContentType": "x/y", "Content": base64.b64encode(data).decode()}
    image = file | {"ContentType": "image/png", "ContentID": "cid:logo"}
    posted = mail(HtmlBody='<img src="cid:logo">', Attachments=[file, image])
    message_id = post(sandbox, posted).json()["MessageID"]
    dump = get(sandbox, f"{SEARCH}/{message_id}/dump").json()["Body"]
    assert get(sandbox, f"{SEARCH}/{message_id}/details").json()["Body"] == dump
    whole = parsed(dump)
    assert [part.get_content_type() for part in whole.walk()] == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "x/y",
    ]
    files = [part for part in whole.walk() if part.get_filename()]
    assert [part.get_payload(decode=True) for part in files] == [data, data]
    assert {part.get_filename() for part in files} == {"ünïcode.dat"}
