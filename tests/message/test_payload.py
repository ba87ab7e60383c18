"""The payload has Postmark's fields, addresses are written again, empty parts are left out."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe.message.payload import POSTMARK_NAMES
from mailframe.pandas_versions import text_column, text_dtype
from tests.composing import cells, codes, compose, frame, payloads, row_problems
from tests.expressions import col
from tests.frames import ZOO, people

FULL = {
    "cc": ["c@acme.com", "Smith, C <d@acme.com>"],
    "bcc": "b@acme.com",
    "reply_to": ["r@acme.com", "s@acme.com"],
    "subject": "S",
    "tag": "T",
    "html_body": "<p>H</p>",
    "text_body": "T",
    "headers": {"X-A": "1", "X-B": ""},
    "metadata": {"a": "1", "b": ""},
    "track_opens": False,
    "track_links": "None",
    "message_stream": "broadcast",
    "attachments": mf.Attachment("a.txt", b"A"),
}


def test_every_field_has_postmarks_name():
    """Empty fields are left out."""
    [message] = payloads(frame(), **FULL)
    assert message == {
        "From": "me@acme.example",
        "To": "p0@acme.example",
        "Cc": 'c@acme.com, "Smith, C" <d@acme.com>',
        "Bcc": "b@acme.com",
        "ReplyTo": "r@acme.com, s@acme.com",
        "Subject": "S",
        "Tag": "T",
        "HtmlBody": "<p>H</p>",
        "TextBody": "T",
        "Headers": [{"Name": "X-A", "Value": "1"}],
        "Metadata": {"a": "1"},
        "TrackOpens": False,
        "TrackLinks": "None",
        "MessageStream": "broadcast",
        "Attachments": [{"Name": "a.txt", "Content": "QQ==", "ContentType": "text/plain"}],
    }


def test_the_fields_are_posted_in_the_order_of_the_table():
    """Metadata come last, so that a message can be marked with more of them."""
    [message] = payloads(frame(), **FULL)
    of_template = {"template": "welcome", "model": {"a": 1}}
    without = dict.fromkeys(("subject", "html_body", "text_body"))
    [other] = payloads(frame(), **{**FULL, **without, **of_template})
    assert list(message) == [name for name in POSTMARK_NAMES.values() if name in message]
    assert list(other) == [name for name in POSTMARK_NAMES.values() if name in other]
    assert {*message, *other} == set(POSTMARK_NAMES.values())
    assert list(message)[-1] == "Metadata"


@pytest.mark.parametrize(
    "field",
    ["subject", "tag", "cc", "bcc", "reply_to", "track_links", "message_stream", "html_body"],
)
@pytest.mark.parametrize("way", ["template", "column"])
def test_an_empty_optional_field_is_left_out(field, way):
    """In the rows in which it is empty."""
    value = {"track_links": "None"}.get(field, "x@acme.com")
    df = frame(v=["", value])
    made = {field: "{{ v }}" if way == "template" else col("v"), "allow_empty_subject": True}
    first, second = payloads(df, **made)
    assert set(second) - set(first) == {"".join(word.capitalize() for word in field.split("_"))}


def test_one_template_of_a_list_can_be_empty():
    """The other recipients stay."""
    assert [
        m.get("Cc") for m in payloads(frame(v=["", "x@acme.com"]), cc=["c@acme.com", "{{ v }}"])
    ] == [
        "c@acme.com",
        "c@acme.com, x@acme.com",
    ]


def test_a_cell_with_two_addresses_is_never_two_recipients():
    """A list in a cell is: each of its texts is one mailbox."""
    df = frame(v=cells("a@acme.com, b@acme.com", "c@acme.com"))
    for way in ("{{ v }}", col("v"), ["{{ v }}"]):
        assert [code for _, _, code in row_problems(df, cc=way)] == ["several_addresses"]
    lists = frame(
        v=cells(
            ["a@acme.com", "Bob, B <b@acme.com>"],
            [],
            ["a@acme.com, x@acme.com"],
            ["a@acme.com", None],
        )
    )
    assert row_problems(lists, cc=col("v")) == [
        (2, "cc", "several_addresses"),
        (3, "cc", "missing_value"),
    ]
    assert [m.get("Cc") for m in payloads(lists, cc=col("v"))] == [
        'a@acme.com, "Bob, B" <b@acme.com>',
        None,
    ]


@pytest.mark.parametrize(
    "field", ["sender", "subject", "text_body", "tag", "track_opens", "message_stream"]
)
def test_a_list_is_not_a_line_of_text(field):
    """Only fields for recipients can be lists."""
    assert "unprintable_value" in codes(frame(v=cells(["a", "b"])), **{field: col("v")})


def test_a_list_in_a_list_is_refused():
    """As any other value that is not text."""
    assert codes(frame(v=cells([["a@acme.com"]])), to=col("v")) == ["unprintable_value"]


def test_the_sender_may_vary_by_row():
    """It is read and written like every mailbox."""
    df = frame(v=["Ann, A <a@acme.com>", "nope"])
    assert row_problems(df, sender="{{ v }}") == [(1, "sender", "invalid_address")]
    assert payloads(df, sender="{{ v }}")[0]["From"] == '"Ann, A" <a@acme.com>'


def test_cc_alone_is_enough():
    """Postmark takes a message without To; its message says so."""
    campaign = compose(frame(), to=None, cc="{{ email }}")
    assert campaign.problems().empty
    assert campaign.message(0).to is None
    assert "To" not in campaign.message(0).payload


@pytest.mark.parametrize("make", ZOO.values(), ids=ZOO.keys())
def test_messages_have_the_callers_rows_and_index(make):
    """For every frame; the columns have fixed types."""
    df = make()
    messages = compose(
        df, to="p@acme.example", **{k: v for k, v in FULL.items() if k != "cc"}
    ).messages()
    assert messages.index.equals(df.index)
    assert messages.index.names == df.index.names
    assert len(messages) == len(df)
    assert messages["size"].dtype == "Int64"
    assert messages["Subject"].dtype == text_dtype()
    assert messages["TrackOpens"].dtype == "boolean"


def test_a_part_with_an_error_is_missing_in_messages():
    """The row has no size."""
    messages = compose(frame(v=["x", None]), subject="{{ v }}", tag="t").messages()
    assert messages["Subject"].isna().tolist() == [False, True]
    assert messages["Tag"].tolist() == ["t", "t"]
    assert messages["size"].isna().tolist() == [False, True]


def test_the_frame_keeps_what_was_written_by_hand():
    """IDN and case are normalized in the message, not in the frame."""
    df = pd.DataFrame({"email": ["A@MÜNCHEN.de"]})
    assert payloads(df)[0]["To"] == "A@xn--mnchen-3ya.de"
    assert df["email"].tolist() == ["A@MÜNCHEN.de"]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=4)
)
def test_text_arrives_as_it_is(texts):
    """In a text body and in metadata a cell is unchanged, or its row has a problem."""
    df = people(len(texts)).assign(v=text_column(texts))
    campaign = compose(df, text_body="[{{ v }}]", metadata={"v": "{{ v }}"})
    held = set(campaign.problems().query("severity == 'error'")["row"])
    for batch in campaign.batches():
        for message in batch:
            assert message.payload["TextBody"] == f"[{texts[message.position]}]"
            assert message.payload.get("Metadata", {}).get("v", "") == texts[message.position]
    for row, text in enumerate(texts):
        assert (row in held) == any(
            c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029" for c in text
        )
