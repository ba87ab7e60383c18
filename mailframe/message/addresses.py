"""Read, check and write one mailbox. No pandas, no network.

One text is one mailbox: an address, or ``Name <address>``. A mailbox is written again from its
parts, so that a comma in a name never becomes a second recipient. ``email-validator`` checks the
syntax, then the two patterns that Postmark publishes. A plain ASCII address takes a fast path that
accepts a strict subset, and most campaigns need no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailframe.limits import MAX_MAILBOX_UNITS, utf16_units
from mailframe.message.address_errors import (
    AddressError,
    AddressFault,
    address_error,
    cleaning,
    hint,
)
from mailframe.message.address_warnings import AddressWarning, domain_warnings, name_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_TEXT_CHARACTERS: Final = 10_000
"""A longer cell is refused before any pattern searches it; a mailbox has at most 255 units."""

_POSTMARK_LOCAL: Final = re.compile(r"[a-z0-9.!#$%&'`*+\-/=^_{}|~]+", re.IGNORECASE | re.ASCII)
"""Postmark's pattern of a local part. It lacks the ``?`` that the RFC allows.

Source: https://postmarkapp.com/support/article/1180-what-does-errorcode-300-mean
"""
_POSTMARK_DOMAIN: Final = re.compile(r"(?:\.?[a-zA-Z0-9-])+")
"""Postmark's pattern of a domain, from the same page."""

CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that no header can hold."""
LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""A character that UTF-8 cannot encode."""
_ZERO_WIDTH: Final = "\u200b\u2060\ufeff "
_LINE_ENDS: Final = re.compile("[\r\n\x85\u2028\u2029]+")
_SEPARATORS: Final = re.compile("[,;|/&\uff0c\uff1b\u3001\ufe50\ufe54\u060c\u061b]")
"""Characters that separate two addresses in one cell, in several scripts."""
_AT_SIGNS: Final = re.compile("[@\uff20\ufe6b]")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_QUOTED_WORDS: Final = re.compile(r'(?<!\S)"(?:[^"\\]|\\.)*"')
_HEADER_LINE: Final = re.compile(r"[A-Za-z-]+\s*:")
_DOCUMENTATION_DOMAIN: Final = re.compile(r"[@.]example(?:\.com|\.net|\.org)?\Z", re.IGNORECASE)
_NEEDS_QUOTES: Final = re.compile('[()<>@,:;."\\[\\]\\\\\uff20\ufe6b]')
"""The specials of RFC 5322, and the wide at-signs, which are read as an at-sign."""

_FAST_CHARACTERS: Final = 64
"""An address of this length is within every limit: local part 64, label 63, domain 253."""
_FAST_TEXT_CHARACTERS: Final = MAX_MAILBOX_UNITS // 2
"""A text of this length is within the limit even if each character has two units."""

SPECIAL_TOP_LEVEL_DOMAINS: Final = (
    "alt",
    "arpa",
    "internal",
    "invalid",
    "local",
    "localhost",
    "onion",
    "test",
)
"""Top-level domains that take the slow path, where ``email-validator`` refuses those it reserves.

Source: https://www.iana.org/assignments/special-use-domain-names; ICANN reserves ``internal``.
"""

_LOCAL_WORD = r"[A-Za-z0-9!#$%&'*+\-/=^_`{|}~]++"
_LABEL = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_NAME_WORD = r"[\w!#$%&'*+\-/=?^`{|}~]++"
_FAST_ADDRESS: Final = re.compile(
    rf"({_LOCAL_WORD}(?:\.{_LOCAL_WORD})*+@)"
    rf"((?:{_LABEL}\.)++(?!(?i:{'|'.join(SPECIAL_TOP_LEVEL_DOMAINS)})\Z)[A-Za-z]++)"
)
_FAST_NAMED: Final = re.compile(rf"({_NAME_WORD}(?: {_NAME_WORD})*+) <([^<>]++)>")
_LOWER_LABEL = _LABEL.replace("A-Z", "")
_WRITTEN_ADDRESS = (
    rf"{_LOCAL_WORD}(?:\.{_LOCAL_WORD})*+@(?:{_LOWER_LABEL}\.)++"
    rf"(?!(?:{'|'.join(SPECIAL_TOP_LEVEL_DOMAINS)})(?![a-z]))[a-z]++"
)
_BARE_LINE: Final = re.compile(rf"^(?:({_WRITTEN_ADDRESS})|.*)$", re.MULTILINE)
_NAMED_LINE: Final = re.compile(
    rf"^(?:{_NAME_WORD}(?: {_NAME_WORD})*+ <({_WRITTEN_ADDRESS})>|.*)$", re.MULTILINE
)
"""As ``_FAST_ADDRESS`` and ``_FAST_NAMED``, with a domain in lower case, in each line of a text."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One recipient or sender.

    Attributes:
        name: the display name, without quotes; empty when there is none.
        address: ASCII; the domain in lower case and punycode, the local part as written.
        warnings: warnings about the name and the domain.

    >>> str(Mailbox("Smith, John", "john@example.com"))
    '"Smith, John" <john@example.com>'
    """

    name: str
    address: str
    warnings: tuple[AddressWarning, ...] = ()

    def __str__(self) -> str:
        if not self.name:
            return self.address
        return f"{_written(self.name)} <{self.address}>"

    @property
    def identity(self) -> str:
        """The address in lower case, to compare recipients; it is never sent."""
        return self.address.lower()


def read_mailbox(text: str) -> Mailbox:
    """The one mailbox that *text* holds.

    Args:
        text: an address, or ``Name <address>``. The name is everything before the last ``<…>``, in
            quotes or not, and may be blank. White space in and around it is collapsed.

    Returns:
        The mailbox; its ``str()`` is posted.

    Raises:
        AddressError: *text* is not exactly one mailbox; the message says what to write instead.

    >>> read_mailbox("Smith, John <John@Example.COM>")
    Mailbox(name='Smith, John', address='John@example.com', warnings=())
    >>> try:
    ...     read_mailbox("a@example.com, b@example.com")
    ... except AddressError as error:
    ...     print(error.code)
    several_addresses
    """
    return _read_plain(text) or _read_any(text)


def plain_addresses(texts: Sequence[str]) -> list[str]:
    """The address in each text that is certainly a mailbox and posted exactly as it is written.

    It reads many texts in a fifth of the time of ``read_mailbox``. Any other text has an empty
    address here, and ``read_mailbox`` decides.

    >>> plain_addresses(["Zoe <Zoe@example.com>", "Zoe <zoe@Example.com>", "Zoe", "z@example.com"])
    ['Zoe@example.com', '', '', '']
    """
    whole = "\n".join(texts)
    if whole.count("\n") != len(texts) - 1:
        return [""] * len(texts)
    line = _NAMED_LINE if texts[0].endswith(">") else _BARE_LINE
    addresses: list[str] = line.findall(whole)
    if max(map(len, texts)) <= _FAST_CHARACTERS:
        return addresses
    return [
        address if len(text) <= _FAST_CHARACTERS else ""
        for text, address in zip(texts, addresses, strict=True)
    ]


def has_at_sign(text: str) -> bool:
    """Whether *text* has an at-sign, also a wide one, which is read as ``@``.

    >>> has_at_sign("ann@example.com"), has_at_sign("ann\uff20example.com"), has_at_sign("007")
    (True, True, False)
    """
    return _AT_SIGNS.search(text) is not None


def is_documentation_domain(address: str) -> bool:
    """Whether *address* is on a domain that RFC 2606 reserves for examples, which get no mail.

    >>> is_documentation_domain("zoe@mail.example.org"), is_documentation_domain("zoe@example.dev")
    (True, False)
    """
    return _DOCUMENTATION_DOMAIN.search(address) is not None


def _read_plain(text: str) -> Mailbox | None:
    """The mailbox of a plain text, in about 1 µs; None if the text needs the slow path."""
    name, address = "", text
    if (
        text[-1:] == ">"
        and len(text) <= _FAST_TEXT_CHARACTERS
        and (named := _FAST_NAMED.fullmatch(text))
    ):
        name, address = named.groups()
    if len(address) > _FAST_CHARACTERS or (plain := _FAST_ADDRESS.fullmatch(address)) is None:
        return None
    return Mailbox(name, address if address.islower() else plain[1] + plain[2].lower())


def _read_any(text: str) -> Mailbox:
    """The mailbox of any text.

    Raises:
        AddressError: it is not one mailbox.
    """
    _refuse_characters(text)
    if _holds_several(text):
        raise address_error(AddressFault.SEVERAL, text)
    name, address = _split(text)
    address, warnings = _read_address(address, text=text)
    plain_name = " ".join(_unquoted(name).split()).strip(_ZERO_WIDTH)
    mailbox = Mailbox(plain_name, address, (*warnings, *name_warnings(name)))
    if (units := utf16_units(str(mailbox))) > MAX_MAILBOX_UNITS:
        raise address_error(AddressFault.NAME_TOO_LONG, text, units=units)
    return mailbox


def _split(text: str) -> tuple[str, str]:
    """The name and the address in *text* as they are written; a bare address has an empty name."""
    start = text.rfind("<")
    if start < 1 or not text.endswith(">"):
        return "", text
    return text[:start].strip(), text[start + 1 : -1]


def _unquoted(name: str) -> str:
    """*name* without its quotes and backslashes, if all of it is one quoted string."""
    quoted = _QUOTED.fullmatch(name)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name


def _read_address(address: str, *, text: str) -> tuple[str, tuple[AddressWarning, ...]]:
    """The ASCII form of *address*, and warnings about it."""
    # its import compiles large patterns, and everyday addresses never get here
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    if address != address.strip():
        end = ", and no space after the >." if address.rstrip().endswith(">") else "."
        advice = f"{{{{ … | {cleaning(address)} }}}}{end}"
        raise address_error(AddressFault.SURROUNDING_SPACE, text, advice=advice)
    local, at, domain = _AT_SIGNS.sub("@", address).rpartition("@")
    try:
        valid = validate_email(
            local + at + domain,
            check_deliverability=False,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            strict=True,
        )
    except EmailNotValidError as error:
        raise _invalid(address, why=str(error), text=text) from None
    ascii_address = f"{local}@{valid.ascii_domain}"
    _check_postmark_patterns(ascii_address, text=text)
    warnings = domain_warnings(address, domain=domain, unicode_domain=valid.domain)
    return ascii_address, tuple(warnings)


# --- refusing -------------------------------------------------------------------------------------


def _refuse_characters(text: str) -> None:
    """Refuse a text that is blank, much too long, or has characters that no header can hold."""
    if not text.strip():
        raise address_error(AddressFault.EMPTY, text)
    if len(text) > _MAX_TEXT_CHARACTERS:
        raise address_error(AddressFault.NAME_TOO_LONG, text, units=len(text))
    if LONE_SURROGATE.search(text):
        raise address_error(AddressFault.UNENCODABLE, text)
    control = CONTROLS.search(text)
    if control and _is_list_of_lines(text):
        raise address_error(AddressFault.SEVERAL, text)
    if control:
        inside = any(CONTROLS.search(part.strip()) for part in _split(text))
        advice = "Clean the cell." if inside else "Write {{ … | trim }}."
        fault = AddressFault.CONTROL_CHARACTER
        raise address_error(fault, text, character=control[0], advice=advice)


def _check_postmark_patterns(address: str, *, text: str) -> None:
    """Refuse what email-validator accepts and Postmark's patterns do not, such as ``?``."""
    local, _, domain = address.rpartition("@")
    if _POSTMARK_LOCAL.fullmatch(local) and _POSTMARK_DOMAIN.fullmatch(domain):
        return
    refused = sorted({character for character in local if not _POSTMARK_LOCAL.fullmatch(character)})
    why = f"Postmark takes no {' '.join(refused)} before the @ (support article 1180, error 300)."
    raise _invalid(address, why=why, text=text)


def _invalid(address: str, *, why: str, text: str) -> AddressError:
    """The error for wrong syntax, with a hint."""
    advice = hint(address, is_mailbox=_is_mailbox)
    return address_error(AddressFault.INVALID, text, why=why, advice=advice)


def _is_mailbox(text: str) -> bool:
    try:
        _read_any(text)
    except AddressError:
        return False
    return True


# --- several addresses in one text ----------------------------------------------------------------


def _holds_several(text: str) -> bool:
    """Whether a part of *text* before the last one ends in an address, outside of quotes."""
    outside = _QUOTED_WORDS.sub(" ", text)
    if any(_splits_at(separator, outside) for separator in set(_SEPARATORS.findall(outside))):
        return True
    if name := _split(text)[0]:
        return name.startswith("<") and _looks_like_address(name)
    return sum(map(_looks_like_address, outside.split())) > 1


def _splits_at(separator: str, text: str) -> bool:
    """Whether *separator* is between two addresses, not in one, such as a ``/``."""
    parts = [part for part in text.split(separator) if part.strip()]
    if any(_looks_like_address(part.split()[-1]) for part in parts[:-1]) and (
        sum(any(map(_looks_like_address, part.split())) for part in parts) > 1
    ):
        return True
    name, address = _split(text)  # unsplit: a local part may begin with the separator
    ends = [end for end in range(len(name)) if name.startswith(separator, end)]
    before = [name[:end].split()[-1] for end in ends if name[:end].strip()]
    return _looks_like_address(address) and any(map(_looks_like_address, before))


def _looks_like_address(word: str) -> bool:
    return _AT_SIGNS.search(word.strip('<>()[]"')[1:-1]) is not None


def _is_list_of_lines(text: str) -> bool:
    """Whether *text* has one address per line; False for a text that tries to add a header line."""
    lines = [line for line in _LINE_ENDS.split(text) if line.strip()]
    return len(lines) > 1 and all(
        _looks_like_address(line.split()[-1]) and not _HEADER_LINE.match(line) for line in lines
    )


# --- writing --------------------------------------------------------------------------------------


def _written(name: str) -> str:
    """*name* as written before ``<address>``, by the rule of ``email.headerregistry.Address``.

    A name with white space around it is quoted too, because mail servers would drop the space.
    """
    if name == name.strip() and not _NEEDS_QUOTES.search(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
