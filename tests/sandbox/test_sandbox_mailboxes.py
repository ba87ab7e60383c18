"""How the sandbox parses the recipients of a field."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailframe.sandbox.checks.mailboxes import Recipient, parse, parse_sender, split
from mailframe.sandbox.checks.texts import CheckFailed

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=20)
ADDRESSES = st.from_regex(r"[a-z0-9!#$%&'*+/=^_{|}~-]{1,10}@[a-z0-9]{1,8}\.example", fullmatch=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ann@example.com", [("", "ann@example.com")]),
        ("Ann <ann@example.com>", [("Ann", "ann@example.com")]),
        ("Ann<ann@example.com>", [("Ann", "ann@example.com")]),
        ("<ann@example.com>", [("", "ann@example.com")]),
        ('"Smith, Ann" <ann@example.com>', [("Smith, Ann", "ann@example.com")]),
        ('"a \\"b\\" \\\\" <ann@example.com>', [('a "b" \\', "ann@example.com")]),
        ('"a <b@example.org>, c" <ann@example.com>', [("a <b@example.org>, c", "ann@example.com")]),
        ("a@example.com,b@example.com", [("", "a@example.com"), ("", "b@example.com")]),
        ("A <a@example.com>,  b@example.com", [("A", "a@example.com"), ("", "b@example.com")]),
        ("Zoë Łuk <ann@example.com>", [("Zoë Łuk", "ann@example.com")]),
        ("O'Neil-Smith <ann@example.com>", [("O'Neil-Smith", "ann@example.com")]),
        ("ANN@EXAMPLE.COM", [("", "ANN@EXAMPLE.COM")]),
        ("ann@xn--bcher-kva.example", [("", "ann@xn--bcher-kva.example")]),
        ("a`b{c|d}~e@example.com", [("", "a`b{c|d}~e@example.com")]),
        ("", []),
        (None, []),
    ],
)
def test_a_field_is_parsed_into_recipients(value, expected):
    """Names have no quotes, addresses are as written, commas in quotes do not separate."""
    assert parse("To", value) == tuple(Recipient(*pair) for pair in expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", "Error parsing 'To': Illegal email address 'abc'. It must contain the '@' symbol."),
        (
            "Smith, Ann <ann@example.com>",
            "Error parsing 'To': Illegal email address 'Smith'. It must contain the '@' symbol.",
        ),
        (
            "a@example.com,",
            "Error parsing 'To': Illegal email address ''. It must contain the '@' symbol.",
        ),
        (" ", "Error parsing 'To': Illegal email address ''. It must contain the '@' symbol."),
        ("a@+", "Error parsing 'To': Illegal email domain '+' in address 'a@+'."),
        ("a@", "Error parsing 'To': Illegal email domain '' in address 'a@'."),
        (
            "a@example.com ",
            "Error parsing 'To': Illegal email domain 'example.com ' in address 'a@example.com '.",
        ),
        (
            "a@example.com;b@example.com",
            "Invalid 'To' address: 'a@example.com;b@example.com'.",
        ),
        (
            "a@exa..mple.com",
            (
                "Error parsing 'To': Illegal email domain 'exa..mple.com' in address "
                "'a@exa..mple.com'."
            ),
        ),
        (
            "a@bücher.example",
            (
                "Error parsing 'To': Illegal email domain 'bücher.example' in address "
                "'a@bücher.example'."
            ),
        ),
        ("x@localhost", "Invalid 'To' address: 'x@localhost'."),
        ("@example.com", "Invalid 'To' address: '@example.com'."),
        (".a@example.com", "Invalid 'To' address: '.a@example.com'."),
        ("a.@example.com", "Invalid 'To' address: 'a.@example.com'."),
        ("a..b@example.com", "Invalid 'To' address: 'a..b@example.com'."),
        ("a?b@example.com", "Invalid 'To' address: 'a?b@example.com'."),
        ("jürgen@example.com", "Invalid 'To' address: 'jürgen@example.com'."),
        ("a b@example.com", "Invalid 'To' address: 'a b@example.com'."),
        ("Acme Inc. <a@example.com>", "Invalid 'To' address: 'Acme Inc. <a@example.com>'."),
        ("A <a@example.com", "Invalid 'To' address: 'A <a@example.com'."),
        ("A <a@example.com> b", "Invalid 'To' address: 'A <a@example.com> b'."),
        ("A\r\nBcc: <a@example.com>", "Invalid 'To' address: 'A\r\nBcc: <a@example.com>'."),
    ],
)
def test_an_invalid_field_is_refused_with_the_observed_text(value, text):
    """The code is 300, and the text has the field and the address."""
    with pytest.raises(CheckFailed) as caught:
        parse("To", value)
    assert (caught.value.error_code, caught.value.text) == (300, text)


@pytest.mark.parametrize(
    "value",
    [None, "", "abc", "a@example.com, b@example.com", "x@localhost", "Acme, Inc <a@b.example>"],
)
def test_from_is_one_mailbox_and_every_error_has_the_same_text(value):
    """The live test of anymail has this text."""
    with pytest.raises(CheckFailed, match=r"Invalid 'From' address: ") as caught:
        parse_sender(value)
    assert caught.value.text == f"Invalid 'From' address: '{value or ''}'."


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, ADDRESSES), min_size=1, max_size=5))
def test_a_quoted_name_is_parsed(pairs):
    """In quotes, any text is one name and never another recipient."""
    quoted = [(name.replace("\\", "\\\\").replace('"', '\\"'), address) for name, address in pairs]
    value = ", ".join(f'"{name}" <{address}>' for name, address in quoted)
    assert parse("To", value) == tuple(Recipient(name, address) for name, address in pairs)


@settings(deadline=None)
@given(st.text('a@.,<>" \\', max_size=30))
def test_any_text_is_parsed_or_refused(value):
    """No other exception is raised, and splitting only removes leading spaces."""
    assert (
        "".join(split(value)).replace(" ", "") in value.replace(" ", "").replace(",", "")
        or "," in value
    )
    with contextlib.suppress(CheckFailed):
        assert all("@" in box.address for box in parse("To", value))
