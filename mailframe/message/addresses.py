"""Read, check and write one mailbox. No pandas, no network.

One text is one mailbox: an address, or ``Name <address>``. What was read is written again by us, so that a
comma in a name can never become a second recipient. Syntax is checked by ``email-validator`` and then by the
two patterns that Postmark publishes; a plain ASCII address takes a fast path that accepts a strict subset.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from mailframe.limits import MAX_MAILBOX_UNITS, utf16_units
from mailframe.message.address_hints import cleaning, hint
from mailframe.message.domain_scripts import mixes_scripts, scripts

_SHOWN_CHARACTERS: Final = 60
_MAX_TEXT_CHARACTERS: Final = 10_000
"""No mailbox of 255 units needs more; a longer cell is refused before any pattern walks through it."""

_POSTMARK_LOCAL: Final = re.compile(r"[a-z0-9.!#$%&'`*+\-/=^_{}|~]+", re.IGNORECASE | re.ASCII)
"""Postmark's own mailbox pattern. It lacks the ``?`` that the RFC allows.

Source: https://postmarkapp.com/support/article/1180-what-does-errorcode-300-mean
"""
_POSTMARK_DOMAIN: Final = re.compile(r"(?:\.?[a-zA-Z0-9-])+")
"""Postmark's own domain pattern, from the same page."""

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_BIDI_CONTROLS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ZERO_WIDTH: Final = "\u200b\u2060\ufeff "
_LINE_ENDS: Final = re.compile("[\r\n\x85\u2028\u2029]+")
_SEPARATORS: Final = re.compile("[,;|/&\uff0c\uff1b\u3001\ufe50\ufe54\u060c\u061b]")
"""What people put between two addresses in one cell, in several scripts."""
_AT_SIGNS: Final = re.compile("[@\uff20\ufe6b]")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_QUOTED_WORDS: Final = re.compile(r'(?<!\S)"(?:[^"\\]|\\.)*"')
_HEADER_LINE: Final = re.compile(r"[A-Za-z-]+\s*:")
_DOCUMENTATION_DOMAIN: Final = re.compile(r"[@.]example(?:\.com|\.net|\.org)?\Z", re.IGNORECASE)
_NEEDS_QUOTES: Final = re.compile('[()<>@,:;."\\[\\]\\\\\uff20\ufe6b]')
"""RFC 5322's specials, and the wide at-signs, which our own reading takes for an at-sign."""

_FAST_CHARACTERS: Final = 64
"""A whole address of this length keeps every limit of its parts: local part 64, label 63, domain 253."""
_FAST_TEXT_CHARACTERS: Final = MAX_MAILBOX_UNITS // 2
"""So many characters are within the limit even when each of them counts 2."""

_LOCAL_WORD = r"[A-Za-z0-9!#$%&'*+\-/=^_`{|}~]++"
_LABEL = r"[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+"
_NAME_WORD = r"[\w!#$%&'*+\-/=?^`{|}~]++"
_FAST_ADDRESS: Final = re.compile(
    rf"({_LOCAL_WORD}(?:\.{_LOCAL_WORD})*+@)"
    rf"((?:{_LABEL}\.)++(?!(?i:{'|'.join(SPECIAL_USE_DOMAIN_NAMES)})\Z)[A-Za-z]++)"
)
_FAST_NAMED: Final = re.compile(rf"({_NAME_WORD}(?: {_NAME_WORD})*+) <([^<>]++)>")


class AddressFault(StrEnum):
    """Why a text is no mailbox, a closed list."""

    EMPTY = "empty"
    """Nothing but white space."""
    SURROUNDING_SPACE = "surrounding_space"
    """White space around the address, which is not trimmed automatically."""
    CONTROL_CHARACTER = "control_character"
    """A line end, a tab, NUL or another control character."""
    UNENCODABLE = "unencodable"
    """A lone surrogate, which UTF-8 cannot carry."""
    SEVERAL = "several_addresses"
    """More than one address in one text."""
    INVALID = "invalid_address"
    """The syntax of the address is wrong, or Postmark does not take it."""
    RESERVED_DOMAIN = "reserved_domain"
    """A domain that can never receive mail, as .test or .invalid."""
    NAME_TOO_LONG = "name_too_long"
    """The whole mailbox as written passes 255 UTF-16 units."""


class AddressWarningCode(StrEnum):
    """What is worth a warning about a mailbox that was read, a closed list."""

    NORMALISED = "normalised"
    """The domain or the at-sign was written with compatibility characters, as a full-width dot."""
    MIXED_SCRIPTS = "mixed_scripts"
    """A label of the domain mixes alphabets that look alike."""
    BIDI_CONTROL = "bidi_control"
    """The name holds a character that changes the direction of the text around it."""


@dataclass(frozen=True, slots=True)
class AddressWarning:
    """One warning about a mailbox: what it is, and the detail in words."""

    code: AddressWarningCode
    detail: str


class AddressError(ValueError):
    """A text that is no mailbox.

    Attributes:
        code: see AddressFault.
    """

    def __init__(self, message: str, *, code: AddressFault) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One recipient or sender.

    Attributes:
        name: the display name, without quotes; empty when there is none.
        address: ASCII; the domain in lower case and punycode, the local part as it was written.
        notes: warnings; the caller decides about them.

    >>> str(Mailbox("Smith, John", "john@example.com"))
    '"Smith, John" <john@example.com>'
    """

    name: str
    address: str
    notes: tuple[AddressWarning, ...] = ()

    def __str__(self) -> str:
        if not self.name:
            return self.address
        return f"{_written(self.name)} <{self.address}>"

    @property
    def identity(self) -> str:
        """The address with its case folded: for comparing people, never for sending."""
        return self.address.lower()


def read_mailbox(text: str) -> Mailbox:
    """The one mailbox that *text* holds.

    Args:
        text: an address, or ``Name <address>``; the name is all before the last ``<…>``, quoted or not. White
            space around and inside the name is collapsed; it may be blank.

    Returns:
        The mailbox; ``str()`` of it is what is posted.

    Raises:
        AddressError: *text* is not exactly one mailbox; the message shows it escaped and says what to write.

    >>> read_mailbox("Smith, John <John@Example.COM>")
    Mailbox(name='Smith, John', address='John@example.com', notes=())
    >>> try:
    ...     read_mailbox("a@example.com, b@example.com")
    ... except AddressError as error:
    ...     print(error.code)
    several_addresses
    """
    return _read_plain(text) or _read_any(text)


def is_documentation_domain(address: str) -> bool:
    """Whether *address* is on a domain that RFC 2606 keeps for examples, where nobody can be reached.

    >>> is_documentation_domain("zoe@mail.example.org"), is_documentation_domain("zoe@example.dev")
    (True, False)
    """
    return _DOCUMENTATION_DOMAIN.search(address) is not None


def _read_plain(text: str) -> Mailbox | None:
    """The mailbox of a plain text in about 1 µs; None when the slow path must look at it."""
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
    """The mailbox of any text, or the reason why it is none."""
    _refuse_characters(text)
    if _holds_several(text):
        raise _several(text)
    name, address = _split(text)
    address, notes = _read_address(address, text=text)
    mailbox = Mailbox(_collapsed(_unquoted(name)), address, notes + _name_notes(name))
    if (units := utf16_units(str(mailbox))) > MAX_MAILBOX_UNITS:
        raise _too_long(text, units=units)
    return mailbox


def _split(text: str) -> tuple[str, str]:
    """The raw name and the raw address of *text*; a bare address has an empty name."""
    start = text.rfind("<")
    if start < 1 or not text.endswith(">"):
        return "", text
    return text[:start].strip(), text[start + 1 : -1]


def _unquoted(name: str) -> str:
    """*name* as a person reads it: without its quotes and backslashes when all of it is one quoted string."""
    quoted = _QUOTED.fullmatch(name)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name


def _collapsed(name: str) -> str:
    """*name* with one space for each run of white space, so that an empty half of it leaves no trace."""
    return " ".join(name.split()).strip(_ZERO_WIDTH)


def _read_address(address: str, *, text: str) -> tuple[str, tuple[AddressWarning, ...]]:
    """The ASCII form of *address*, and what was remarkable about it."""
    if address != address.strip():
        raise _surrounded(text, address)
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
    written = f"{local}@{valid.ascii_domain}"
    _refuse_by_postmark(written, text=text)
    return written, _domain_notes(address, domain=domain, unicode_domain=valid.domain)


# --- refusing --------------------------------------------------------------------------------------------


def _shown(text: str) -> str:
    """*text* in quotes, escaped and cut, so that it can stand in any message."""
    cut = text[:_SHOWN_CHARACTERS]
    return repr(cut) if len(text) <= _SHOWN_CHARACTERS else f"{cut!r}…"


def _fault(code: AddressFault, text: str, sentence: str) -> AddressError:
    return AddressError(f"{_shown(text)} {sentence}", code=code)


def _refuse_characters(text: str) -> None:
    """Refuse a text that is empty, endless, or holds what can stand in no header."""
    if not text.strip():
        raise _fault(AddressFault.EMPTY, text, "is empty. Fill in an address, or drop the row.")
    if len(text) > _MAX_TEXT_CHARACTERS:
        raise _too_long(text, units=len(text))
    if _SURROGATES.search(text):
        why = "holds a lone surrogate, which UTF-8 cannot carry. Read the file again with its right encoding."
        raise _fault(AddressFault.UNENCODABLE, text, why)
    if found := _CONTROLS.search(text):
        raise _several(text) if _is_list_of_lines(text) else _control(text, found[0])


def _control(text: str, character: str) -> AddressError:
    inside = any(_CONTROLS.search(part.strip()) for part in _split(text))
    why = f"holds the control character {character!r}, which could end a header line."
    return _fault(
        AddressFault.CONTROL_CHARACTER,
        text,
        f"{why} {'Clean the cell.' if inside else 'Write {{ … | trim }}.'}",
    )


def _several(text: str) -> AddressError:
    why = "has several addresses, and one template is one recipient."
    return _fault(
        AddressFault.SEVERAL, text, f"{why} Write a list of templates for several recipients."
    )


def _surrounded(text: str, address: str) -> AddressError:
    why = "has white space around the address, which is not trimmed automatically."
    how = f"Write {{{{ … | {cleaning(address)} }}}}"
    after = ", and no space after the >." if address.rstrip().endswith(">") else "."
    return _fault(AddressFault.SURROUNDING_SPACE, text, f"{why} {how}{after}")


def _too_long(text: str, *, units: int) -> AddressError:
    why = f"is {units:,} UTF-16 units long as written; Postmark takes {MAX_MAILBOX_UNITS} (error 300)."
    return _fault(AddressFault.NAME_TOO_LONG, text, f"{why} Shorten the name.")


def _invalid(address: str, *, why: str, text: str) -> AddressError:
    """The error for wrong syntax, with the hint that fits the mistake."""
    last_label = (
        unicodedata.normalize("NFKC", address).rpartition("@")[2].lower().rpartition(".")[2]
    )
    code = (
        AddressFault.RESERVED_DOMAIN
        if last_label in SPECIAL_USE_DOMAIN_NAMES
        else AddressFault.INVALID
    )
    return _fault(code, text, f"is not a valid email address: {why}{hint(address, reads=_reads)}")


def _reads(text: str) -> bool:
    """Whether a proposal is one mailbox."""
    try:
        _read_any(text)
    except AddressError:
        return False
    return True


def _refuse_by_postmark(address: str, *, text: str) -> None:
    """Refuse what email-validator takes and Postmark's published patterns do not, as a ``?``."""
    local, _, domain = address.rpartition("@")
    if _POSTMARK_LOCAL.fullmatch(local) and _POSTMARK_DOMAIN.fullmatch(domain):
        return
    refused = sorted({character for character in local if not _POSTMARK_LOCAL.fullmatch(character)})
    why = f"Postmark takes no {' '.join(refused)} before the @ (support article 1180, error 300)."
    raise _invalid(address, why=why, text=text)


# --- several addresses in one text -----------------------------------------------------------------------


def _holds_several(text: str) -> bool:
    """Whether a part of *text* before its last one ends in an address; quoted strings are not looked into."""
    outside = _QUOTED_WORDS.sub(" ", text)
    if any(_splits_at(separator, outside) for separator in set(_SEPARATORS.findall(outside))):
        return True
    if name := _split(text)[0]:
        return name.startswith("<") and _looks_like_address(name)
    return sum(map(_looks_like_address, outside.split())) > 1


def _splits_at(separator: str, text: str) -> bool:
    """Whether *separator* parts two addresses; a ``/`` may also stand in one, a comma where a dot should be."""
    parts = [part for part in text.split(separator) if part.strip()]
    if not any(_looks_like_address(part.split()[-1]) for part in parts[:-1]):
        return False
    return sum(any(map(_looks_like_address, part.split())) for part in parts) > 1


def _looks_like_address(word: str) -> bool:
    return _AT_SIGNS.search(word.strip('<>()[]"')[1:-1]) is not None


def _is_list_of_lines(text: str) -> bool:
    """Whether *text* is addresses one a line, and not an attempt to write a header line."""
    lines = [line for line in _LINE_ENDS.split(text) if line.strip()]
    return len(lines) > 1 and all(
        _looks_like_address(line.split()[-1]) and not _HEADER_LINE.match(line) for line in lines
    )


# --- notes -----------------------------------------------------------------------------------------------


def _name_notes(name: str) -> tuple[AddressWarning, ...]:
    found = _BIDI_CONTROLS.search(name)
    if not found:
        return ()
    return (
        AddressWarning(
            AddressWarningCode.BIDI_CONTROL,
            f"the name holds {found[0]!r}, which changes the direction of the text around it; remove it",
        ),
    )


def _domain_notes(address: str, *, domain: str, unicode_domain: str) -> tuple[AddressWarning, ...]:
    notes = []
    asked = unicodedata.normalize("NFC", domain).lower()
    if "@" not in address or not (domain.isascii() or asked == unicode_domain):
        detail = f"the domain of {_shown(address)} was read as {unicode_domain!r}; check it, and write it so"
        notes.append(AddressWarning(AddressWarningCode.NORMALISED, detail))
    mixed = [
        label for label in unicode_domain.split(".") if not label.isascii() and mixes_scripts(label)
    ]
    notes += [
        AddressWarning(
            AddressWarningCode.MIXED_SCRIPTS,
            f"{label!r} mixes {' and '.join(sorted(scripts(label)))}",
        )
        for label in mixed
    ]
    return tuple(notes)


# --- writing ---------------------------------------------------------------------------------------------


def _written(name: str) -> str:
    """*name* as it stands before ``<address>``, by the rule of ``email.headerregistry.Address``.

    White space around a name gets quotes as well; without them it would be lost on the way.
    """
    if name == name.strip() and not _NEEDS_QUOTES.search(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
