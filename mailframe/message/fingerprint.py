"""Fingerprints: of a letter, for the ledger; of a whole campaign, for approvals. Pure.

Both rest on one definition of how a letter is hashed (``letter_digest``). Digests are stored in
ledgers and approvals, so the hashed bytes must not change between versions of mailframe.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.errors import MailframeError
from mailframe.letter.jinja.values import PrintedHtml, PrintedImage
from mailframe.message.derived_parts import has_auto_text
from mailframe.message.template_fields import ModelConstant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailframe.message.binding import BoundLetter, Source
    from mailframe.message.preflight import Preflight

_LETTER_VERSION: Final = b"\x02"
"""Version of ``letter_digest``; change it when a letter is hashed in another way."""
_LETTER_BYTES: Final = 16
_CAMPAIGN_VERSION: Final = b"mailframe approval 1"
_DIGITS: Final = 20
"""Hexadecimal digits: 80 bits, so that two edits never collide, and short enough to read aloud."""
_GROUP: Final = 4
_SEPARATORS: Final = re.compile("[\\s\\-\u2010-\u2015\u2212]+")
"""White space and dashes, including the long dashes that word processors insert."""
_SHAPE: Final = re.compile(f"[0-9a-f]{{{_DIGITS}}}")


# --- a letter -------------------------------------------------------------------------------------


def letter_fingerprint(bound: BoundLetter) -> bytes:
    """The fingerprint of a letter that the ledger records: a version byte and 16 bytes of a digest.

    It is the same on every machine and in every version of Python. It differs when a template, a
    file that a template includes, a setting or a constant attachment differs.
    """
    return recorded_fingerprint(letter_digest(bound))


def variants_digest(
    names: Sequence[str], digests: Sequence[bytes], rule: Sequence[str] = ()
) -> bytes:
    """The ``letter_digest`` of several letters, whatever their order.

    Args:
        names: the names of the variants.
        digests: the ``letter_digest`` of each.
        rule: what decides which row gets which; empty if the rows say it.
    """
    pairs = sorted(zip(names, digests, strict=True))
    parts = [part for name, one in pairs for part in (_encoded(name), one)]
    return _digest([b"variants", *parts, *map(_encoded, rule)])


def recorded_fingerprint(digest: bytes) -> bytes:
    """The fingerprint of a letter by its ``letter_digest``."""
    return _LETTER_VERSION + digest[:_LETTER_BYTES]


def is_another_letter(before: bytes | None, now: bytes) -> bool:
    """Whether two fingerprints are of different letters; False if they cannot be compared.

    Fingerprints of different versions cannot be compared. Ledgers before version 2 hold 16 bytes
    that depend on the version of Python. The digest of each message still shows which messages
    changed.
    """
    comparable = before is not None and len(before) == len(now) and before[:1] == now[:1]
    return comparable and before != now


def letter_digest(bound: BoundLetter) -> bytes:
    """SHA-256 of a letter without any row: its templates, constants and constant files.

    A callable, a Series or ``pd.col`` is data: only the fact that the part varies is hashed. A file
    that all rows share is hashed by its name and content. Its path and its guessed type are not
    hashed.
    """
    return _digest(_letter_parts(bound))


def _letter_parts(bound: BoundLetter) -> Iterator[bytes]:
    shared = {
        f"attachments[{i}].name"
        for i, (_, piece) in enumerate(bound.attachments)
        if piece is not None
    }
    yield b"allow_idn_mixed" if bound.letter.allow_idn_mixed else b""
    yield from _settings_parts(bound)
    for environment in (bound.html, bound.plain):
        sources = sorted(
            (name, source) for name, source in environment.sources.items() if name not in shared
        )
        yield _digest(_encoded(text) for item in sources for text in item)
    for part, source in bound.sources.items():
        if part not in shared:
            yield _encoded(part)
            yield _of_source(source)
    for attachment, piece in bound.attachments:
        settings = (
            attachment.content_type or "",
            attachment.content_id or "",
            str(attachment.optional),
        )
        content = attachment.content if isinstance(attachment.content, bytes) else b""
        named_content = piece.named_content if piece else (content,)
        yield _digest((*map(_encoded, settings), *named_content))


def _of_source(source: Source) -> bytes:
    """What is hashed of a part: a constant; or that it varies, whose templates are hashed above."""
    if isinstance(source, str | bool):
        return _encoded(f"={source}")
    if isinstance(source, int):
        return _encoded(f"=number {source}")
    return _encoded(f"={source.value!r}") if isinstance(source, ModelConstant) else b"varies"


def _settings_parts(bound: BoundLetter) -> Iterator[bytes]:
    """Constants, names of filters, catalogs, and what is made of the HTML; nothing without them."""
    settings = bound.plain.settings
    if settings.constants:
        yield _digest(
            _encoded(text)
            for item in sorted(settings.constants.items())
            for text in (item[0], repr(item[1]), *_markup(item[1]))
        )
    if settings.filters:
        yield _digest(map(_encoded, sorted(settings.filters)))
    if settings.translations.catalogs.digests:
        items = sorted(settings.translations.catalogs.digests.items())
        yield _digest(part for language, data in items for part in (_encoded(language), data))
    if bound.letter.inline_css:
        yield _digest((b"inline_css",))
    if has_auto_text(bound.letter):
        yield _digest((b"text_body from html_body",))


def _markup(value: object) -> Iterator[str]:
    """The HTML of trusted HTML and the content of images; ``repr`` has their text alone."""
    if isinstance(value, PrintedImage):
        yield value.attachment.json.decode()
    if isinstance(value, PrintedHtml):
        yield value.__html__()
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _markup(item)


# --- a campaign -----------------------------------------------------------------------------------


def campaign_fingerprint(
    letter: bytes,
    preflight: Preflight,
    *,
    name: str | None,
    key: Sequence[str],
    sending: Preflight | None = None,
) -> str:
    """The fingerprint of a campaign for an approval: 20 hexadecimal digits in groups of four.

    It is the same on every machine. It differs when a template, a constant, a file, a cell that a
    message or the key uses, the rows or their order, the name, the key or the blocked rows differ.
    Unused columns, the index and the dtypes have no effect.

    Args:
        letter: the ``letter_digest`` of the letter.
        preflight: the check with ``live=False``, so that the fingerprint is the same for every
            server.
        name: the name of the campaign.
        key: the columns of the key.
        sending: a later check; where it has messages to send, they are hashed instead.
    """
    parts = (
        _CAMPAIGN_VERSION,
        letter,
        _encoded(name or ""),
        _digest(_encoded(str(label)) for label in key),
    )
    return _grouped(_digest((*parts, *_row_parts(preflight, sending))).hex()[:_DIGITS])


def read_fingerprint(text: object) -> str:
    """A fingerprint in its standard form; case, white space and dashes in *text* are ignored.

    Raises:
        MailframeError: *text* is not a fingerprint.

    >>> read_fingerprint(" 3F2A 91BC 77D0 E4A1 0C5D ")
    '3f2a-91bc-77d0-e4a1-0c5d'
    """
    digits = _SEPARATORS.sub("", text).lower() if isinstance(text, str) else ""
    if not _SHAPE.fullmatch(digits):
        shown = repr(text[:60]) if isinstance(text, str) else f"a {type(text).__name__}"
        raise MailframeError(
            f"approved={shown} is not a fingerprint. A fingerprint has {_DIGITS} digits 0-9 and "
            "a-f, such as '3f2a-91bc-77d0-e4a1-0c5d'; campaign.fingerprint and a saved preview "
            "show it. Leave out approved= to send without an approval"
        )
    return _grouped(digits)


def not_approved_text(approved: str, now: str) -> str:
    """The error text for a campaign that is not the approved one.

    Args:
        approved: the fingerprint that was given.
        now: the fingerprint of what would be sent.
    """
    return (
        f"nothing was sent: {approved} was approved, and the fingerprint of this campaign is "
        f"{now}. A template, a file, a cell, the rows, the name or the key changed since the "
        "approval. Check the campaign with campaign.preview(), save a new page for approval, and "
        f"send with approved={now!r} once it is approved"
    )


def _row_parts(preflight: Preflight, sending: Preflight | None) -> Iterator[bytes]:
    """The number of rows, whether each can be sent, and the digests of their messages and keys."""
    sendable = preflight.sendable
    contents, keys = preflight.contents.halves(), preflight.keys.halves()
    if sending is not None and sending is not preflight:
        fresh = sending.sendable
        sendable = sendable | fresh
        contents = np.where(fresh[:, None], sending.contents.halves(), contents)
        keys = np.where(fresh[:, None], sending.keys.halves(), keys)
    yield len(sendable).to_bytes(8, "little")
    yield sendable.tobytes()
    yield contents.tobytes()
    yield keys.tobytes()


def _grouped(digits: str) -> str:
    return "-".join(digits[start : start + _GROUP] for start in range(0, _DIGITS, _GROUP))


# --- hashing --------------------------------------------------------------------------------------


def _encoded(text: str) -> bytes:
    """A text in UTF-8; lone surrogates are allowed."""
    return text.encode("utf-8", "surrogatepass")


def _digest(parts: Iterable[bytes]) -> bytes:
    """SHA-256 of parts, each with its length, so that ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
