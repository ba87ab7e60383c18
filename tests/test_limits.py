"""The limits: their figures, and the two functions that apply them."""

from __future__ import annotations

import time
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailframe import limits


def test_the_figures_are_the_published_ones():
    """A changed figure must be changed here as well, with the page that says so."""
    assert (limits.MAX_BATCH_MESSAGES, limits.MAX_BATCH_BYTES) == (500, 50_000_000)
    assert (limits.MAX_MESSAGE_BYTES, limits.MAX_BODY_BYTES) == (10_000_000, 5_000_000)
    assert (limits.MAX_RECIPIENTS, limits.MAX_MAILBOX_UNITS) == (50, 255)
    assert (limits.MAX_SUBJECT_UNITS, limits.MAX_TAG_UNITS) == (2_000, 1_000)
    assert (limits.MAX_METADATA_KEY_UNITS, limits.MAX_METADATA_VALUE_UNITS) == (20, 80)


def test_a_letter_has_seven_metadata_fields():
    """Postmark takes ten and mailframe writes three of them."""
    assert limits.MAX_METADATA_FIELDS == 10
    assert limits.METADATA_FIELDS_FOR_USERS == 7


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", 0),
        ("abc", 3),
        ("Zoë", 3),
        ("e\u0301", 2),
        ("美咲", 2),
        ("🎉", 2),
        ("a🎉b", 4),
        ("\ud800", 1),
    ],
)
def test_units_are_counted_as_postmark_counts(text, units):
    """A character outside the basic plane counts 2; a lone surrogate can be counted as well."""
    assert limits.utf16_units(text) == units


@given(st.text())
def test_units_are_the_characters_and_the_astral_ones_again(text):
    """The count is that of .NET, whatever the text."""
    assert limits.utf16_units(text) == len(text) + sum(character > "\uffff" for character in text)


def test_a_long_ascii_text_costs_no_encoding():
    """ASCII is answered from the length alone, so the cost does not grow with the text."""
    text = "a" * 10_000_000
    assert (
        timeit.timeit(lambda: limits.utf16_units(text), timer=time.process_time, number=100) < 0.1
    )


@pytest.mark.parametrize(
    "name",
    [
        "Bcc",
        "to",
        "CC",
        "From",
        "Reply-To",
        "Subject",
        "Content-Type",
        "Return-Path",
        "DKIM-Signature",
    ],
)
def test_a_header_with_an_owner_is_refused(name):
    """Row 39 of the bad inputs: these belong to a field of the letter or to Postmark."""
    assert limits.is_refused_header(name)


@pytest.mark.parametrize(
    "name", [" Bcc ", "content-language", "Resent-To", "X-Postmark-Server-Token"]
)
def test_its_relatives_are_refused_too(name):
    """The rule is wider: space, MIME structure, routing, and the header of the token."""
    assert limits.is_refused_header(name)


@pytest.mark.parametrize(
    "name", ["X-Campaign", "Message-ID", "List-Unsubscribe", "References", "X-PM-Bounce-Type"]
)
def test_a_header_that_works_is_let_through(name):
    """Postmark's pages, or live tests of its clients, show these at work."""
    assert not limits.is_refused_header(name)


def test_extensions_and_headers_are_written_for_comparison():
    """Both sets are in lower case and hold no dot, so that a caller folds its side only."""
    assert all(name == name.lower() for name in limits.REFUSED_HEADERS)
    assert all(
        extension.isalpha() and extension.islower() for extension in limits.REFUSED_EXTENSIONS
    )


@pytest.mark.parametrize("extension", ["exe", "bat", "js", "vbs", "scr", "com", "cmd"])
def test_an_extension_of_the_bad_inputs_is_refused(extension):
    """Row 102 of the bad inputs; js and cmd are Gmail's rule, the others are Postmark's."""
    assert extension in limits.REFUSED_EXTENSIONS


def test_link_tracking_has_four_values():
    """The Email API names these and no other."""
    assert limits.TRACK_LINKS == ("None", "HtmlAndText", "HtmlOnly", "TextOnly")
