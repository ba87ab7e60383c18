"""The file of a message: email.parser reads every field back, and the bytes are always the same."""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.errors import MailframeError
from mailframe.message.addresses import Mailbox
from mailframe.message.eml import eml
from mailframe.message.message import Message
from tests.composing import compose, frame

if TYPE_CHECKING:
    from pathlib import Path

BASE = {"From": "me@acme.example", "To": "ann@acme.example", "Subject": "Hi", "TextBody": "x"}
PNG = base64.b64encode(b"\x89PNG\r\n" + bytes(range(256)) * 3).decode()


def read(payload: dict, **options):
    """The file of a payload, as Python's parser reads it; its lines are checked."""
    data = eml(payload, **options)
    assert data == eml(payload, **options)
    assert data.isascii()
    for line in data.split(b"\r\n"):
        assert b"\n" not in line
        assert b"\r" not in line
        assert len(line) <= 998
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    for part in message.walk():
        assert not part.defects
    return message


def content(part) -> str:
    """The text of a part."""
    return part.get_payload(decode=True).decode().replace("\r\n", "\n")


def test_every_field_is_read_back():
    """Mailboxes, own headers, Postmark's headers, both bodies, an image and a file."""
    payload = BASE | {
        "From": '"Müller, Zoë" <zoe@acme.example>',
        "To": 'Ann <ann@acme.example>, "Smith, \\"Bob\\"" <bob@acme.example>, '
        "王芳 <w@acme.example>",
        "Cc": "cy@xn--mller-kva.example",
        "Bcc": "secret@acme.example",
        "ReplyTo": "reply@acme.example",
        "Subject": "Zoë's \u2013 100 % 日本",
        "Tag": "märz",
        "MessageStream": "broadcast",
        "TrackOpens": False,
        "TrackLinks": "HtmlOnly",
        "HtmlBody": '<p>Grüße <img src="cid:logo.png"> {{{ pm:unsubscribe }}}</p>\n' + "y" * 3_000,
        "TextBody": "Grüße\n\n.\nFrom x = 1 \n{{{ pm:unsubscribe }}}\n",
        "Headers": [
            {"Name": "X-Own", "Value": "ä  b"},
            {"Name": "Message-ID", "Value": "<1@acme.example>"},
            {
                "Name": "List-Unsubscribe",
                "Value": "<https://acme.example/" + "u" * 400 + ">, <mailto:u@acme.example>",
            },
        ],
        "Attachments": [
            {"Name": '日本 "x".pdf', "Content": PNG, "ContentType": "application/pdf"},
            {
                "Name": "logo.png",
                "Content": PNG,
                "ContentType": "image/png",
                "ContentID": "cid:logo.png",
            },
        ],
        "Metadata": {"plan": "team", "a key:ü": "v"},
    }
    message = read(payload)
    assert message["From"].addresses[0].display_name == "Müller, Zoë"
    assert [(one.display_name, one.addr_spec) for one in message["To"].addresses] == [
        ("Ann", "ann@acme.example"),
        ('Smith, "Bob"', "bob@acme.example"),
        ("王芳", "w@acme.example"),
    ]
    assert message["Cc"] == "cy@xn--mller-kva.example"
    assert message["Reply-To"] == "reply@acme.example"
    assert b"secret" not in eml(payload)
    assert "Bcc" not in message
    assert message["Subject"] == payload["Subject"]
    assert message["X-Own"] == "ä  b"
    assert message["Message-ID"] == "<1@acme.example>"
    assert message["List-Unsubscribe"] == payload["Headers"][2]["Value"]
    assert message["X-PM-Tag"] == "märz"
    assert message["X-PM-Message-Stream"] == "broadcast"
    assert message["X-PM-TrackOpens"] == "false"
    assert message["X-PM-TrackLinks"] == "HtmlOnly"
    assert message["X-PM-Metadata-plan"] == "team"
    assert message["X-PM-Metadata-a%20key%3A%C3%BC"] == "v"
    assert message["Date"] is None
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
        "application/pdf",
    ]
    text, html, image, file = (part for part in message.walk() if not part.is_multipart())
    assert content(text) == payload["TextBody"]
    assert content(html) == payload["HtmlBody"]
    assert image["Content-ID"] == "<logo.png>"
    assert image.get_content_disposition() == "inline"
    assert file.get_content_disposition() == "attachment"
    assert (image.get_filename(), file.get_filename()) == ("logo.png", '日本 "x".pdf')
    assert image.get_payload(decode=True) == file.get_payload(decode=True) == base64.b64decode(PNG)
    related = next(part for part in message.walk() if part.get_content_type().endswith("related"))
    assert related.get_param("type") == "multipart/alternative"


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, ["text/plain"]),
        ({"TextBody": None, "HtmlBody": "<p>"}, ["text/html"]),
        ({"HtmlBody": "<p>"}, ["multipart/alternative", "text/plain", "text/html"]),
        ({"TextBody": None}, ["text/plain"]),
    ],
)
def test_a_message_without_files_has_only_the_parts_it_needs(fields, kinds):
    """One body is the message itself."""
    message = read({name: value for name, value in (BASE | fields).items() if value is not None})
    assert [part.get_content_type() for part in message.walk()] == kinds


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("text/calendar; method=REQUEST", "text/calendar; method=REQUEST"),
        ('text/csv;charset="utf-8" ; header=present', 'text/csv;charset="utf-8" ; header=present'),
        ("text/csv; a=b\r\nBcc: x@acme.example", "text/csv"),
        ("text/csv;\n a=b", "text/csv"),
        ('text/csv; a="b\\"', "text/csv"),
        ("text/csv; a=é", "text/csv"),
        (f"text/csv; a={'b' * 80}", "text/csv"),
        ("multipart/mixed; boundary=x", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_keeps_its_parameters(kind, written):
    """Without ``method=REQUEST``, an invitation is only a file; other texts add no header."""
    file = {"Name": "a", "Content": PNG, "ContentType": kind}
    payload = BASE | {"Attachments": [file]}
    assert f"\r\nContent-Type: {written}\r\n" in eml(payload).decode()
    assert read(payload)["Bcc"] is None


def test_an_inline_image_without_html_is_an_attachment():
    """It has no place in a text."""
    image = {"Name": "a.png", "Content": PNG, "ContentType": "image/png", "ContentID": "cid:a.png"}
    message = read(BASE | {"Attachments": [image]})
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "text/plain",
        "image/png",
    ]


def test_a_message_for_blind_copies_alone_names_nobody():
    """RFC 5322 asks for no recipient, mail programs do."""
    payload = {name: value for name, value in BASE.items() if name != "To"}
    message = read(payload | {"Bcc": "secret@acme.example"})
    assert message["To"].groups[0].display_name == "undisclosed-recipients"
    assert b"secret" not in eml(payload | {"Bcc": "secret@acme.example"})


def test_a_date_is_written_if_it_is_given():
    """With its time zone; without one it is refused."""
    date = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    assert read(BASE, date=date)["Date"].datetime == date
    with pytest.raises(MailframeError, match="time zone"):
        eml(BASE, date=date.replace(tzinfo=None))


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
LINE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)
NAME = LINE.map(lambda text: " ".join(text.split())).filter(
    lambda text: (
        text and text.strip("\u200b\u2060\ufeff ") == text and "@" not in text and len(text) < 80
    )
)


@settings(max_examples=30, deadline=None)
@given(subject=LINE, value=LINE, tag=LINE, data=LINE)
def test_a_line_in_any_script_is_read_back(subject, value, tag, data):
    """Also with white space at its ends, with =? in it, and with long words."""
    message = email.message_from_bytes(
        eml(
            BASE
            | {
                "Subject": subject,
                "Tag": tag,
                "Headers": [{"Name": "X-Own", "Value": value}],
                "Metadata": {"key": data},
            }
        )
    )
    for name, text in (
        ("Subject", subject),
        ("X-Own", value),
        ("X-PM-Tag", tag),
        ("X-PM-Metadata-key", data),
    ):
        assert decoded(message[name]) == text


def decoded(header: str) -> str:
    """A header as RFC 2047 defines it: unfolded, and encoded words decoded."""
    unfolded = re.sub("\r?\n(?=[ \t])", "", header)
    joined = re.sub(r"(=\?utf-8\?b\?[^?]*\?=)\s+(?==\?utf-8\?b\?)", r"\1", unfolded)
    return re.sub(
        r"=\?utf-8\?b\?([^?]*)\?=", lambda word: base64.b64decode(word[1]).decode(), joined
    )


@settings(max_examples=30, deadline=None)
@given(name=NAME)
def test_a_name_in_any_script_is_read_back(name):
    """Commas, quotes, and scripts of any direction; the address stays as it is posted."""
    try:
        posted = str(Mailbox(name, "ann@acme.example"))
        data = eml(BASE | {"To": f"{posted}, bob@acme.example", "From": posted})
    except ValueError:  # a name that no cell can have
        return
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    assert [one.addr_spec for one in message["To"].addresses] == [
        "ann@acme.example",
        "bob@acme.example",
    ]
    compat = email.message_from_bytes(data)
    for header in (compat["From"], compat["To"]):
        written = re.split(r"\s*<ann@", header)[0]
        text = decoded(written)
        if written.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        assert text == name


@settings(max_examples=30, deadline=None)
@given(text=ANY, html=ANY)
def test_a_body_in_any_script_is_read_back(text, html):
    """Line ends of any kind are line ends; every other character stays."""
    message = read(BASE | {"TextBody": text or "x", "HtmlBody": html or "x"})
    parts = [part for part in message.walk() if not part.is_multipart()]
    for part, given_text in zip(parts, (text or "x", html or "x"), strict=True):
        assert content(part) == re.sub("\r\n|\r", "\n", given_text)


@settings(max_examples=30, deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80),
    data=st.binary(max_size=200),
)
def test_a_file_in_any_script_is_read_back(name, data):
    """Its name and each of its bytes."""
    file = {"Name": name, "Content": base64.b64encode(data).decode(), "ContentType": "text/csv"}
    part = list(read(BASE | {"Attachments": [file]}).walk())[-1]
    assert part.get_filename() == name.strip()  # email.parser leaves out white space at the ends
    assert part.get_payload(decode=True) == data


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text",
        "text/html\r\nBcc: x@acme.example",
        "multipart/mixed",
        "message/rfc822",
        "a/b; c=d",
    ],
)
def test_a_type_that_is_none_does_not_break_the_file(kind):
    """It is written as application/octet-stream, or without its parameters."""
    file = {"Name": "a", "Content": PNG, "ContentType": kind}
    message = read(BASE | {"Attachments": [file]})
    part = list(message.walk())[-1]
    assert part.get_content_type() == ("a/b" if kind == "a/b; c=d" else "application/octet-stream")
    assert message["Bcc"] is None


def test_no_value_adds_a_header():
    """A line end in a value is encoded; the name of a header cannot have one."""
    attack = "x\r\nBcc: victim@acme.example\r\n\r\nbody"
    message = read(
        BASE
        | {"Subject": attack, "Tag": attack, "Metadata": {attack: attack}, "MessageStream": attack}
        | {"Headers": [{"Name": "Bcc", "Value": "x@acme.example"}, {"Name": "X", "Value": attack}]}
        | {"Attachments": [{"Name": attack, "Content": PNG, "ContentID": f"cid:{attack}"}]}
    )
    assert message["Bcc"] is None
    assert content(next(iter(message.iter_parts()))) == "x"
    with pytest.raises(MailframeError, match="not the name of a header"):
        eml(BASE | {"Headers": [{"Name": "X: y\r\nBcc", "Value": "x"}]})


def test_a_boundary_is_in_no_part():
    """Text that looks like one is encoded."""
    first = read(BASE | {"HtmlBody": "<p>"})
    boundary = first.get_boundary()
    again = read(BASE | {"HtmlBody": f"<p>\n--{boundary}\n--{boundary}--\n"})
    assert [part.get_content_type() for part in again.walk()][1:] == ["text/plain", "text/html"]
    assert boundary in content(list(again.walk())[-1])


def test_the_bytes_are_the_same_in_every_process():
    """No time, no random number, no order of a set."""
    payload = BASE | {"HtmlBody": "<p>", "Metadata": {"b": "1", "a": "2"}}
    code = f"from mailframe.message.eml import eml; print(eml({payload!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},  # the seed of this process is random
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{eml(payload)!r}\n"


def test_the_message_of_a_row_has_it(tmp_path: Path):
    """With attachments as a campaign posts them."""
    path = tmp_path / "terms.txt"
    path.write_bytes(b"Pay\n")
    campaign = compose(
        frame(name=["Zoë"]), to="{{ name }} <{{ email }}>", attachments=str(path), html_body="<p>é"
    )
    message = email.message_from_bytes(campaign.message(0).to_eml(), policy=email.policy.SMTP)
    assert message["To"].addresses[0].display_name == "Zoë"
    assert [part.get_filename() for part in message.walk()][-1] == "terms.txt"
    assert Message(0, None, orjson.dumps(BASE)).to_eml() == eml(BASE)


@pytest.mark.parametrize("date", ["2026-11-22", dt.date(2026, 11, 22), 5])
def test_a_date_is_a_time(date):
    """Not a text or a day."""
    with pytest.raises(MailframeError, match=r"is no time; write datetime\.datetime"):
        eml({"From": "a@acme.example"}, date=date)


@pytest.mark.parametrize("name", ["=?utf-8?b?YQ==?=", 'a "b".pdf', "a\\b.pdf", "a%41.pdf"])
def test_a_file_name_is_not_decoded(name):
    """Each comes back as it is."""
    file = {"Name": name, "Content": "", "ContentType": "text/plain"}
    parts = list(read({**BASE, "Attachments": [file]}).iter_attachments())
    assert [part.get_filename() for part in parts] == [name]
