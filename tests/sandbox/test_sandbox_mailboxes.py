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
        ("Acme Inc. <ann@example.com>", [("Acme Inc.", "ann@example.com")]),
        ("a@example.com,b@example.com,", [("", "a@example.com"), ("", "b@example.com")]),
        (", a@example.com, ,b@example.com", [("", "a@example.com"), ("", "b@example.com")]),
        ('"ann@example.com"', [("", "ann@example.com")]),
        (" , ", []),
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
            "Grupo OLOM, Inc <a@example.com>",
            "Error parsing 'To': Illegal email address 'OLOM'. It must contain the '@' symbol.",
        ),
        (
            '"Example M." Name, MSW <a@example.com>',
            "Error parsing 'To': Illegal email address 'Name'. It must contain the '@' symbol.",
        ),
        (
            "\N{NO-BREAK SPACE}",
            (
                "Error parsing 'To': Illegal email address '\N{NO-BREAK SPACE}'. "
                "It must contain the '@' symbol."
            ),
        ),
        (
            "a@b@example.com",
            (
                "Error parsing 'To': Illegal email address 'a@b@example.com'. "
                "It must contain the '@' symbol."
            ),
        ),
        ("a@+", "Error parsing 'To': Illegal email domain '+' in address 'a@+'."),
        ("a@", "Error parsing 'To': Illegal email domain '' in address 'a@'."),
        (
            "a@example.com ",
            "Error parsing 'To': Illegal email domain 'example.com ' in address 'a@example.com '.",
        ),
        (
            "a@example.com;b@example.com",
            (
                "Error parsing 'To': Illegal email address 'a@example.com;b@example.com'. "
                "It must contain the '@' symbol."
            ),
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
        (
            "@example.com",
            "Error parsing 'To': Illegal email mailbox '' in address '@example.com'.",
        ),
        (".a@example.com", "Invalid 'To' address: '.a@example.com'."),
        ("a.@example.com", "Invalid 'To' address: 'a.@example.com'."),
        ("a..b@example.com", "Invalid 'To' address: 'a..b@example.com'."),
        (
            "a?b@example.com",
            "Error parsing 'To': Illegal email mailbox 'a?b' in address 'a?b@example.com'.",
        ),
        (
            "jürgen@example.com",
            "Error parsing 'To': Illegal email mailbox 'jürgen' in address 'jürgen@example.com'.",
        ),
        (
            "a b@example.com",
            "Error parsing 'To': Illegal email mailbox 'a b' in address 'a b@example.com'.",
        ),
        ("Acme (UK) <a@example.com>", "Invalid 'To' address: 'Acme (UK) <a@example.com>'."),
        (
            'b@example.com, "Ann <a@example.com>',
            "Error parsing 'To': Unclosed quoted string: b@example.com, \"Ann <a@example.com>",
        ),
        (
            '"Ann\\" <a@example.com>',
            "Error parsing 'To': Unclosed quoted string: \"Ann\\\" <a@example.com>",
        ),
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
    ("value", "text"),
    [
        (None, "Invalid 'From' value."),
        ("", "Invalid 'From' value."),
        (" ,", "Invalid 'From' value."),
        (
            "abc",
            "Error parsing 'From': Illegal email address 'abc'. It must contain the '@' symbol.",
        ),
        ("x@localhost", "Invalid 'From' address: 'x@localhost'."),
        ("a@example.com, b@example.com", "Invalid 'From' address: 'a@example.com, b@example.com'."),
        (
            "Acme, Inc <a@b.example>",
            "Error parsing 'From': Illegal email address 'Acme'. It must contain the '@' symbol.",
        ),
    ],
)
def test_from_is_one_mailbox(value, text):
    """Its errors have the texts of the other fields; a missing one and several have their own."""
    with pytest.raises(CheckFailed) as caught:
        parse_sender(value)
    assert (caught.value.error_code, caught.value.text) == (300, text)


def test_a_sender_of_any_length_is_parsed():
    """Only short values are cached."""
    value = f'"{"x" * 1000}" <a@example.com>'
    assert parse_sender(value) == Recipient("x" * 1000, "a@example.com")


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
