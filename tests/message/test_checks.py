"""Every limit of a message: one less, the limit and one more, in encoded size."""

from __future__ import annotations

import time
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mailframe as mf
from mailframe import limits
from mailframe.letter.lint.body_links import LinkReader
from mailframe.pandas_versions import text_dtype
from tests.composing import cells, codes, compose, frame, row_problems

KINDS = {"ascii": ("x", 1, 1), "umlaut": ("ü", 1, 2), "kanji": ("美", 1, 3), "emoji": ("🎉", 2, 4)}
"""A character, its UTF-16 units and its UTF-8 bytes."""


def filled(kind: str, size: int, *, by: str) -> str:
    """A text of exactly *size* units or bytes, of one kind of character as far as that goes."""
    character, units, in_utf8 = KINDS[kind]
    count, rest = divmod(size, units if by == "units" else in_utf8)
    return character * count + "x" * rest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize(
    ("limit", "fields", "code"),
    [
        (limits.MAX_SUBJECT_UNITS, {"subject": "{{ v }}"}, "subject_too_long"),
        (limits.MAX_TAG_UNITS, {"tag": "{{ v }}"}, "tag_too_long"),
        (limits.MAX_METADATA_VALUE_UNITS, {"metadata": {"v": "{{ v }}"}}, "metadata_too_long"),
    ],
    ids=["subject", "tag", "metadata"],
)
def test_a_line_is_counted_in_utf16_units(limit, fields, code, kind, over):
    """As Postmark counts, an emoji is 2."""
    assert codes(frame(v=[filled(kind, limit + over, by="units")]), **fields) == (
        [code] if over > 0 else []
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_mailbox_is_counted_as_it_is_written(kind, over):
    """With its address, and in UTF-16 units."""
    name = filled(kind, limits.MAX_MAILBOX_UNITS - len(" <a@acme.com>") + over, by="units")
    for field in (
        {"to": "{{ v }} <a@acme.com>"},
        {"cc": "{{ v }} <a@acme.com>"},
        {"sender": "{{ v }} <a@acme.com>"},
    ):
        assert codes(frame(v=[name]), **field) == (["mailbox_too_long"] if over > 0 else [])


@pytest.mark.parametrize("kind", ["ascii", "emoji"])
@pytest.mark.parametrize("over", [-1, 0, 1])
@pytest.mark.parametrize("part", ["html_body", "text_body"])
def test_a_body_is_counted_in_utf8_bytes(kind, over, part):
    """Each body has its own limit: two bodies of 4.9 MB fit one message."""
    body = filled(kind, limits.MAX_BODY_BYTES + over, by="bytes")
    is_clipped = part == "html_body" and over <= 0
    assert row_problems(frame(v=[body]), **{part: "{{ v }}"}) == [
        *([(0, part, "body_too_large")] if over > 0 else []),
        *([(0, part, "clipped_by_gmail")] if is_clipped else []),
    ]


@pytest.mark.parametrize("over", [-1, 0, 1])
def test_a_message_is_counted_as_json(over):
    """Escapes count as they are posted: a quote is two bytes."""

    def size(html, text):
        return len(
            compose(frame(h=[html], t=[text]), html_body="{{ h | safe }}", text_body="{{ t }}")
            .message(0)
            .body
        )

    html = '"' * 2_400_000 + "y" * 100_000
    bare = size(html, "x")
    text = "x" * (limits.MAX_MESSAGE_BYTES - limits.METADATA_BYTES_FOR_MAILFRAME - bare + 1 + over)
    df = frame(h=[html], t=[text])
    if (
        len(text) > limits.MAX_BODY_BYTES
    ):  # fill up with quotes, which are one byte in the body and two in JSON
        extra = len(text) - limits.MAX_BODY_BYTES
        df = frame(h=[html], t=['"' * extra + "x" * (len(text) - 2 * extra)])
    assert codes(df, html_body="{{ h | safe }}", text_body="{{ t }}") == [
        "safe_filter",
        "clipped_by_gmail",
        *(["message_too_large"] if over > 0 else []),
    ]


@pytest.mark.parametrize(("count", "fits"), [(49, True), (50, True), (51, False)])
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_recipients_are_counted_together(count, fits, field):
    """In any of the three fields, and as a list in a cell."""
    many = [f"c{n}@acme.com" for n in range(count - (field != "to"))]
    expected = [] if fits else ["too_many_recipients"]
    assert codes(frame(), **{field: many}) == expected
    assert codes(frame(many=cells(many)), **{field: lambda df: df["many"]}) == expected


@pytest.mark.parametrize(("length", "fits"), [(19, True), (20, True), (21, False)])
def test_a_metadata_key_has_20_units(length, fits):
    """More is a fault of the letter."""
    if fits:
        assert codes(frame(), metadata={"k" * length: "x"}) == []
    else:
        with pytest.raises(mf.errors.LetterError):
            mf.Letter(metadata={"k" * length: "x"})


@pytest.mark.parametrize(("fields", "fits"), [(6, True), (7, True), (8, False)])
def test_a_letter_has_seven_metadata_fields(fields, fits):
    """Three of Postmark's ten are mailframe's."""
    metadata = {f"k{n}": "x" for n in range(fields)}
    if fits:
        assert codes(frame(), metadata=metadata) == []
    else:
        with pytest.raises(mf.errors.LetterError):
            mf.Letter(metadata=metadata)


@pytest.mark.parametrize(
    ("html", "text", "expected"),
    [
        ("", "", ["empty_body"]),
        (" \n\t", "  ", ["empty_body"]),
        ("", "x", []),
        ("x", "", []),
        (None, "", ["empty_body"]),
        ("", None, ["empty_body"]),
        (None, "x", []),
    ],
)
def test_a_message_needs_a_body(html, text, expected):
    """One of them with some text in it."""
    fields = {
        name: "{{ v }}"
        for name, value in (("html_body", html), ("text_body", text))
        if value is not None
    }
    fields = {name: "{{ " + name[0] + " }}" for name in fields}
    found = codes(frame(h=[html or ""], t=[text or ""]), **{"text_body": None, **fields})
    assert [code for code in found if code != "no_text_part"] == expected


def test_a_body_that_failed_is_not_called_empty_as_well():
    """One fault is one problem."""
    assert codes(frame(v=cells(None)), text_body="{{ v }}") == ["missing_value"]


def test_a_row_lists_all_of_its_problems():
    """Of every field."""
    df = frame(v=cells(None)).assign(email=["nope"])
    fields = {
        "subject": "a\nb",
        "tag": "t" * 1001,
        "metadata": {"m": "x" * 81},
        "text_body": "{{ v }}",
    }
    assert set(codes(df, **fields)) == {
        "invalid_address",
        "control_character",
        "tag_too_long",
        "metadata_too_long",
        "missing_value",
    }


def test_problems_have_a_fixed_shape():
    """Also when there are none; ordered by row, those of the letter first."""
    empty = compose(frame(0)).problems()
    full = compose(
        frame(v=cells(None, 1, None)), html_body="{{ v | safe }}", subject="{{ v }}"
    ).problems()
    for problems in (empty, full):
        assert problems.dtypes.astype(str).to_dict() == {
            "row": "Int64",
            "field": str(text_dtype()),
            "code": str(text_dtype()),
            "severity": str(text_dtype()),
            "detail": str(text_dtype()),
            "value": str(text_dtype()),
            "position": "Int64",
        }
    assert full["row"].tolist()[1:] == [0, 0, 2, 2]
    assert full["code"][0] == "safe_filter"
    assert set(full["severity"]) == {"error", "warning"}
    assert set(full["code"]) <= {code.value for code in mf.Code}


PIECES = [
    "href",
    "HREF",
    "src",
    "x",
    " ",
    "=",
    '"',
    "'",
    "javascript:",
    "https://a/",
    "<a ",
    ">",
    "cid:a",
]


@given(
    st.lists(
        st.lists(st.sampled_from([*PIECES, "<!--", "-->"]), max_size=12).map("".join), max_size=6
    )
)
def test_a_body_is_read_the_same_whatever_was_read_before_it(bodies):
    """Cached pieces of other rows have no effect."""
    reader = LinkReader()
    for body in bodies:
        reader.read(body)
    assert [reader.read(body) for body in bodies] == [LinkReader().read(body) for body in bodies]


@given(
    st.sampled_from(["acme.example/x", "a?b=c&amp;d=e", "a/b#c", "a,b", "a;b"]),
    st.text("ab=( @", max_size=9),
)
def test_what_is_cut_from_a_piece_of_markup_changes_no_answer(url, text):
    """Plain links and the text after a tag are cut before a piece is cached."""
    for end in ('src="x.png">', 'src="javascript:x">', 'src="cid:x">', ">"):
        body = f'<a href="https://{url}" {end}{text}'
        links = LinkReader().read(body)
        assert bool(links.unsafe) == ("javascript" in end)
        assert bool(links.incomplete) == ("x.png" in end)
        assert links.content_ids == ({"x"} if "cid" in end else set())


def test_links_cost_little():
    """A body of 4 KB with five links takes a few microseconds; the limit allows a slow machine."""
    body = (
        "<p>" + "x" * 700 + '</p><a href="https://acme.example/a?b=c">y</a><img src="cid:a">'
    ) * 5
    reader = LinkReader()
    timer = time.process_time
    best = min(timeit.repeat(lambda: reader.read(body), timer=timer, number=500, repeat=5)) / 500
    assert best < 200e-6
