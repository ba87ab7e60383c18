"""A fingerprint of letter, frame and settings: what a person approved is what is sent. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.errors import MailframeError
from mailframe.message.letter_fingerprint import as_bytes, letter_digest, sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailframe.message.binding import BoundLetter
    from mailframe.message.preflight import Preflight

_VERSION: Final = b"mailframe approval 1"
_DIGITS: Final = 20
"""Hexadecimal: 80 bits, so that no edit leaves the same ones by chance; still short enough to be read aloud."""
_GROUP: Final = 4
_READ_OVER: Final = re.compile("[\\s\\-\u2010-\u2015\u2212]+")
"""Blanks and dashes, also the long ones that a word processor puts in their place."""
_SHAPE: Final = re.compile(f"[0-9a-f]{{{_DIGITS}}}")


def fingerprint(
    bound: BoundLetter,
    found: Preflight,
    *,
    name: str | None,
    key: Sequence[str],
    sending: Preflight | None = None,
) -> str:
    """Twenty hexadecimal digits in fours that stand for a letter, a frame and their settings.

    The same on every machine. Another one when a template, a constant, a file, a cell that a message or the key
    uses, the rows or their order, the name, the key or the rows that are held back are others. Columns that
    nothing uses, the index and the dtypes do not matter.

    Args:
        bound: the letter and its frame.
        found: what a look at every row found, with ``live=False``, so that it is the same for every server.
        name: of the campaign.
        key: the columns of the key.
        sending: what a later look found; the messages that it would send count instead of those in *found*.
    """
    parts = (
        _VERSION,
        letter_digest(bound),
        as_bytes(name or ""),
        sealed(as_bytes(str(label)) for label in key),
    )
    digits = sealed((*parts, *_rows(found, sending))).hex()[:_DIGITS]
    return _grouped(digits)


def read_fingerprint(text: object) -> str:
    """A fingerprint as ``fingerprint`` writes it; case, blanks and dashes do not matter.

    Raises:
        MailframeError: *text* is no fingerprint.

    >>> read_fingerprint(" 3F2A 91BC 77D0 E4A1 0C5D ")
    '3f2a-91bc-77d0-e4a1-0c5d'
    """
    digits = _READ_OVER.sub("", text).lower() if isinstance(text, str) else ""
    if not _SHAPE.fullmatch(digits):
        shown = repr(text[:60]) if isinstance(text, str) else f"a {type(text).__name__}"
        raise MailframeError(
            f"approved={shown} is no fingerprint: it has {_DIGITS} digits 0-9 and a-f, such as "
            "'3f2a-91bc-77d0-e4a1-0c5d'. campaign.fingerprint and a saved preview show it; "
            "leave approved= out to send without an approval"
        )
    return _grouped(digits)


def refusal(approved: str, now: str) -> str:
    """What to say when a campaign is not the one that was approved.

    Args:
        approved: the fingerprint that was given.
        now: the fingerprint of what would be sent.
    """
    return (
        f"nothing was sent: {approved} was approved, and this campaign is {now}. A template, a file, a cell, the rows, "
        "the name or the key changed since. Look again with campaign.preview(), save it for whoever approves, and "
        f"send with approved={now!r} once that is approved"
    )


def _rows(found: Preflight, sending: Preflight | None) -> Iterator[bytes]:
    """How many rows, whether each may be sent, and the digests of their messages and keys, in the frame's order."""
    sendable, contents, keys = found.sendable, found.contents.halves(), found.keys.halves()
    if sending is not None and sending is not found:
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
