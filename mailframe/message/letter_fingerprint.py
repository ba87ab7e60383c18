"""What stands for a letter: one definition for the ledger and for approvals, made of bytes with their lengths."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailframe.message.binding import BoundLetter

_FINGERPRINT_VERSION: Final = b"\x02"
"""Another one when what stands for a letter is made in another way."""
_FINGERPRINT_BYTES: Final = 16


def fingerprint(bound: BoundLetter) -> bytes:
    """Seventeen bytes that stand for a letter in the ledger: the version of its digest, and the digest.

    The same on every machine and in every version of Python; another one whenever a template, a file that it includes,
    a setting or a constant attachment has changed.
    """
    return _FINGERPRINT_VERSION + letter_digest(bound)[:_FINGERPRINT_BYTES]


def is_another_letter(before: bytes | None, now: bytes) -> bool:
    """Whether two fingerprints stand for two letters; False where nobody can tell.

    A fingerprint of another version cannot be compared. Ledgers of before version 2 hold 16 bytes that depend on the
    version of Python. The digest of each message still tells which mails have changed.
    """
    comparable = before is not None and len(before) == len(now) and before[:1] == now[:1]
    return comparable and before != now


def letter_digest(bound: BoundLetter) -> bytes:
    """What stands for a letter: its templates, constants and constant files, without any row.

    A callable, a Series or ``pd.col`` is data, not letter: only that the part varies counts. A file that all rows share
    counts by its name and content, neither by its path nor by the type that its name is taken for.
    """
    return sealed(_letter(bound))


def _letter(bound: BoundLetter) -> Iterator[bytes]:
    shared = {
        f"attachments[{i}].name"
        for i, (_, piece) in enumerate(bound.attachments)
        if piece is not None
    }
    yield b"allow_idn_mixed" if bound.letter.allow_idn_mixed else b""
    for environment in (bound.html, bound.plain):
        sources = {
            name: source for name, source in environment.sources.items() if name not in shared
        }
        yield sealed(as_bytes(text) for item in sorted(sources.items()) for text in item)
    constants = {part: source for part, source in bound.sources.items() if part not in shared}
    for part, source in constants.items():
        yield as_bytes(part)
        yield as_bytes(f"={source}") if isinstance(source, str | bool) else b"varies"
    for attachment, piece in bound.attachments:
        kinds = (
            attachment.content_type or "",
            attachment.content_id or "",
            str(attachment.optional),
        )
        content = attachment.content if isinstance(attachment.content, bytes) else b""
        yield sealed((*map(as_bytes, kinds), *(piece.named_content if piece else (content,))))


def as_bytes(text: str) -> bytes:
    """A text in UTF-8, also one with lone surrogates."""
    return text.encode("utf-8", "surrogatepass")


def sealed(parts: Iterable[bytes]) -> bytes:
    """One digest for a list of parts, each with its length, so that no part can pass for two."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
