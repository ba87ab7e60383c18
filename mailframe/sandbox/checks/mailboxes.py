"""Parses the recipients of an address field as Postmark does. Pure.

The sandbox has its own parser on purpose. Postmark publishes the two patterns that it uses in its
article on ErrorCode 300.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailframe.sandbox.checks import texts
from mailframe.sandbox.checks.texts import CheckFailed

DOMAIN = re.compile(r"((\.)?[a-zA-Z0-9\-])+", re.ASCII)
MAILBOX = re.compile(r"[a-z0-9\.!#\$%&'`\*\+\-\/=\^_\{\}\|~]+", re.ASCII | re.IGNORECASE)
# RFC 5322 specials: a display name with one needs quotes. Postmark: "punctuation needs quotes".
UNQUOTED_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
VALIDATION = 300


@dataclass(frozen=True, slots=True)
class Recipient:
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
    if "," not in value:
        return [value.lstrip(" \t")]
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
    return [part.lstrip(" \t") for part in [*parts, value[start:]]]


def parse(field: str, value: str | None) -> tuple[Recipient, ...]:
    """The recipients in *value*; none if it is missing or empty.

    Args:
        field: the name in the error texts: ``To``, ``Cc``, ``Bcc`` or ``Reply-To``.
        value: the comma-separated mailboxes.

    Raises:
        CheckFailed: with code 300 and the text of the first error.
    """
    if value is None or not value:
        return ()
    return tuple(_parse_one(field, part) for part in split(value))


def parse_sender(value: str | None) -> Recipient:
    """The one mailbox of ``From``; every error has the same text (live test of anymail).

    Raises:
        CheckFailed: with code 300.
    """
    try:
        senders = parse("From", value)
    except CheckFailed:
        senders = ()
    if len(senders) != 1:
        raise CheckFailed(VALIDATION, texts.BAD_ADDRESS.format(field="From", address=value or ""))
    return senders[0]


def _parse_one(field: str, part: str) -> Recipient:
    name, address = _name_and_address(field, part)
    if "@" not in address:
        raise CheckFailed(VALIDATION, texts.NO_AT.format(field=field, address=address))
    local, _, domain = address.rpartition("@")
    if not DOMAIN.fullmatch(domain):
        raise CheckFailed(
            VALIDATION, texts.BAD_DOMAIN.format(field=field, domain=domain, address=address)
        )
    if "." not in domain or not MAILBOX.fullmatch(local) or f".{local}.".count(".."):
        raise _bad_address(field, address)
    return Recipient(name, address)


def _name_and_address(field: str, part: str) -> tuple[str, str]:
    if "\r" in part or "\n" in part:
        raise _bad_address(field, part)
    name, bracket, rest = _before_bracket(part)
    if not bracket:
        return "", part
    if not rest.endswith(">") or ">" in rest[:-1]:
        raise _bad_address(field, part)
    if QUOTED.fullmatch(name):
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    elif UNQUOTED_SPECIALS.search(name):
        raise _bad_address(field, part)
    return name, rest[:-1]


def _before_bracket(part: str) -> tuple[str, str, str]:
    """The name, the ``<`` and the rest; a ``<`` in quotes is part of the name."""
    quoted = QUOTED.match(part)
    head = quoted.group() if quoted else ""
    name, bracket, rest = part[len(head) :].partition("<")
    return (head + name).rstrip(" \t"), bracket, rest


def _bad_address(field: str, address: str) -> CheckFailed:
    return CheckFailed(VALIDATION, texts.BAD_ADDRESS.format(field=field, address=address))
