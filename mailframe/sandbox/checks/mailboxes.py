"""Parses the recipients of an address field as Postmark does. Pure.

The sandbox has its own parser on purpose. Postmark publishes the two patterns that it uses in its
article on ErrorCode 300. Its answers show how it reads a field: commas separate, empty parts are
skipped, and without angle brackets the last word is the address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed

DOMAIN = re.compile(r"((\.)?[a-zA-Z0-9\-])+", re.ASCII)
MAILBOX = re.compile(r"[a-z0-9\.!#\$%&'`\*\+\-\/=\^_\{\}\|~]+", re.ASCII | re.IGNORECASE)
# RFC 5322 specials: a display name with one needs quotes (D: "punctuation needs quotes"). The dot
# needs none: in postmark-gem#140, Postmark reads 'Example M. Name' as words.
UNQUOTED_SPECIALS = re.compile(r'[()<>\[\]:;@\\,"]')
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
new_tuple = tuple.__new__
VALIDATION = 300
MAX_CACHED = 255
# The two most frequent fields, which need no more checks; every other field is parsed in full.
_WORD = r"[A-Za-z0-9_+\-]+"
_ADDRESS = rf"{_WORD}(?:\.{_WORD})*@(?:[A-Za-z0-9\-]+\.)+[A-Za-z0-9\-]+"
_NAME_WORD = r"[A-Za-z0-9.'&!?_\-]+"
is_plain_address = re.compile(_ADDRESS).fullmatch
match_named_address = re.compile(rf"({_NAME_WORD}(?: {_NAME_WORD})*) <({_ADDRESS})>").fullmatch


class Recipient(NamedTuple):
    """One recipient.

    Attributes:
        name: the display name without its quotes, or an empty string.
        address: the address as posted.
    """

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The part after the ``@``, in lower case."""
        return self.address.rpartition("@")[2].lower()


def split(value: str) -> list[str]:
    """Split at each comma that is neither in quotes nor in angle brackets.

    >>> split('"Smith, John" <john@example.com>, eve@example.com')
    ['"Smith, John" <john@example.com>', 'eve@example.com']
    """
    return _split(value)[0]


def _split(value: str) -> tuple[list[str], bool]:
    """The parts, and whether a quote is not closed."""
    parts, start, quoted, angled = [], 0, False, False
    position = 0
    while position < len(value):
        character = value[position]
        if quoted and character == "\\":
            position += 1
        elif character == '"' and not angled:
            quoted = not quoted
        elif character in "<>" and not quoted:
            angled = character == "<"
        elif character == "," and not quoted and not angled:
            parts.append(value[start:position])
            start = position + 1
        position += 1
    return [part.lstrip(" \t") for part in [*parts, value[start:]]], quoted


def parse(field: str, value: str | None) -> tuple[Recipient, ...]:
    """The recipients in *value*; none if it is missing or has only commas and spaces.

    Args:
        field: the name in the error texts: ``To``, ``Cc``, ``Bcc`` or ``Reply-To``.
        value: the comma-separated mailboxes.

    Raises:
        CheckFailed: with code 300 and the text of the first error.

    >>> parse("To", "Ann <ann@example.com>, bob@example.com,")[0]
    Recipient(name='Ann', address='ann@example.com')
    """
    if not value:
        return ()
    recipient = parse_plain(value)
    if recipient is not None:
        return (recipient,)
    parts, is_open = _split(value)
    if is_open:
        raise CheckFailed(VALIDATION, texts.UNCLOSED_QUOTE.format(field=field, value=value))
    return tuple(_parse_one(field, part) for part in parts if part)


def parse_plain(value: str) -> Recipient | None:
    """The one recipient of a field in one of the two most frequent forms; None for any other.

    >>> parse_plain("Ann Lee <ann@example.com>"), parse_plain("Lee, Ann <ann@example.com>")
    (Recipient(name='Ann Lee', address='ann@example.com'), None)
    """
    if is_plain_address(value):
        return new_tuple(Recipient, ("", value))  # in half of the time of Recipient("", value)
    named = match_named_address(value)
    return Recipient(named[1], named[2]) if named else None


def parse_sender(value: str | None) -> Recipient:
    """The one mailbox of ``From``.

    Raises:
        CheckFailed: with code 300.
    """
    # Most messages of an account have the same sender. Long values would fill the memory.
    is_short = value is not None and len(value) <= MAX_CACHED
    return cached_sender(value) if is_short else _parse_sender(value)


def _parse_sender(value: str | None) -> Recipient:
    senders = parse("From", value)
    if not senders:
        raise CheckFailed(VALIDATION, texts.NO_SENDER)
    if len(senders) > 1:
        raise _bad_address("From", value or "")
    return senders[0]


cached_sender = lru_cache(maxsize=500)(_parse_sender)


def _parse_one(field: str, part: str) -> Recipient:
    name, address = _name_and_address(field, part)
    if address.count("@") != 1:
        raise CheckFailed(VALIDATION, texts.NO_AT.format(field=field, address=address))
    local, _, domain = address.partition("@")
    if not DOMAIN.fullmatch(domain):
        raise CheckFailed(
            VALIDATION, texts.BAD_DOMAIN.format(field=field, domain=domain, address=address)
        )
    if not MAILBOX.fullmatch(local):
        raise CheckFailed(
            VALIDATION, texts.BAD_MAILBOX.format(field=field, mailbox=local, address=address)
        )
    if "." not in domain or ".." in f".{local}.":
        raise _bad_address(field, address)
    return Recipient(name, address)


def _name_and_address(field: str, part: str) -> tuple[str, str]:
    if "\r" in part or "\n" in part:
        raise _bad_address(field, part)
    name, bracket, rest = _before_bracket(part)
    if not bracket:
        return "", _bare_address(part)
    if not rest.endswith(">") or ">" in rest[:-1]:
        raise _bad_address(field, part)
    if QUOTED.fullmatch(name):
        name = _unquoted(name)
    elif UNQUOTED_SPECIALS.search(name):
        raise _bad_address(field, part)
    return name, rest[:-1]


def _bare_address(part: str) -> str:
    """The address of a part without angle brackets: without its quotes, or the last word."""
    if QUOTED.fullmatch(part):
        return _unquoted(part)
    words = part.split()
    return words[-1] if words and "@" not in part else part


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _before_bracket(part: str) -> tuple[str, str, str]:
    """The name, the ``<`` and the rest; a ``<`` in quotes is part of the name."""
    quoted = QUOTED.match(part)
    head = quoted.group() if quoted else ""
    name, bracket, rest = part[len(head) :].partition("<")
    return (head + name).rstrip(" \t"), bracket, rest


def _bad_address(field: str, address: str) -> CheckFailed:
    return CheckFailed(VALIDATION, texts.BAD_ADDRESS.format(field=field, address=address))
