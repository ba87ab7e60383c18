"""The tags of a mail, as the tokenizer of a browser reads them."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.pages.tokens import Tag, attributes, tokens, unescaped

from .soup import READ


def read(source: str) -> list[object]:
    """Texts as they are, tags as their name and their attributes."""
    made: list[object] = []
    for _, token in tokens(source):
        if isinstance(token, str):
            made.append(token)
        else:
            name = f"/{token.name}" if token.is_end else token.name
            made.append((name, {one.name: one.value for one in attributes(token.attributes)}))
    return made


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("a < b <3 &lt;", ["a < b <3 &lt;"]),
        ("<P CLASS=a b='c' d>", [("p", {"class": "a", "b": "c", "d": ""})]),
        ('<a href="x>y" b=>z', [("a", {"href": "x>y", "b": ""}), "z"]),
        ("<br/><img src=a/b/>", [("br", {}), ("img", {"src": "a/b/"})]),
        ("<p <b>x", [("p", {"<b": ""}), "x"]),
        ("<p/x/y = 1 / z>", [("p", {"x": "", "y": "1", "z": ""})]),
        ('<p a"b=1 =c=d>', [("p", {'a"b': "1", "=c": "d"})]),
        ("x</ p></><?y?><![CDATA[z]]></p q=1>", ["x", ("/p", {"q": "1"})]),
        ("<!-->a<!--->b<!-- <p> --!>c<!-- <p>", ["a", "b", "c"]),
        ("x<p", ["x"]),
        ("x<p a='b>c", ["x"]),
        ("<title><b></TITLE >x", [("title", {}), ("/title", {}), "x"]),
        ("<style>a</p></style", [("style", {})]),
        ("<!DOCTYPE html>\n<p>", ["<!DOCTYPE html>", "\n", ("p", {})]),
    ],
)
def test_tags_and_texts_are_read_as_the_standard_says(source, expected):
    """Comments and tags without an end are left out (13.2.5)."""
    assert read(source) == expected


@settings(max_examples=75, deadline=None)
@given(st.lists(READ, max_size=3))
def test_tags_of_other_mails_change_nothing(mails):
    """A mail is read in the same way, however many were read before it."""
    seen: dict[str, Tag] = {}
    for _ in range(2):
        for mail in mails:
            assert list(tokens(mail, seen)) == list(tokens(mail))


@settings(max_examples=50, deadline=None)
@given(READ)
def test_each_token_stands_at_its_place(mail):
    """The text of a token is what the source has there; tokens do not overlap."""
    end = 0
    for place, token in tokens(mail):
        text = token if isinstance(token, str) else token.text + token.content
        assert place >= end
        assert mail.startswith(text, place)
        end = place + len(text)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("?a=1&b=2", "?a=1&b=2"),
        ("?a=1&copy=2&lt=3&ltx;", "?a=1&copy=2&lt=3&ltx;"),
        ("?a=1&amp;b=2&#38;&#x26;&amp", "?a=1&b=2&&&"),
        ("&copy &copy; &nosuch; &copyx", "© © &nosuch; &copyx"),
        ("&#128; &#0;", html.unescape("&#128; &#0;")),
    ],
)
def test_references_in_attributes_are_decoded_as_browsers_do(value, plain):
    """The parameter ``copy`` of an address is no copyright sign."""
    assert unescaped(value) == plain
