"""Digests of messages, by which a send, a comparison or an approval tells whether they are equal.

Digests are stored in ledgers and approvals, so their bytes must not change between versions of
mailframe.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import orjson

from mailframe.message.digests import DIGEST_BYTES, HALF_BYTES, Digests
from mailframe.message.message import OF_TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Watch: TypeAlias = Callable[[int], None]

_METADATA: Final = b',"Metadata":{'
_TO: Final = re.compile(rb',"To":"[^"\\@]*(?:\\.[^"\\@]*)*@[^"\\@]*(?:\\.[^"\\@]*)*"')


def content_digest(body: bytes) -> bytes:
    """A digest of a message: 16 bytes of SHA-256, which processors compute in hardware."""
    return hashlib.sha256(body).digest()[:DIGEST_BYTES]


def mail_digest(body: bytes) -> int:
    """A digest of what the recipient of a message sees: 8 bytes, as a number.

    Metadata and a To with one address are left out. So the ledger recognizes the identical message
    although an id in the metadata, or the case of the address, differs. A text in JSON has no
    unescaped quotes, so neither pattern can match inside a value; the metadata come last, see
    ``payload.py``. A model of a template is an object that can have such keys, so a message with
    one is decoded.
    """
    if body.startswith(OF_TEMPLATE):
        seen = hashlib.sha256(_without_addresses(body))
        return int.from_bytes(seen.digest()[:HALF_BYTES], "little")
    end = body.rfind(_METADATA)
    to = _TO.search(body, 0, end if end >= 0 else len(body))
    whole = memoryview(body)
    seen = hashlib.sha256(whole[: to.start()] if to else b"")
    seen.update(whole[to.end() if to else 0 : None if end < 0 else end])
    if end >= 0:
        seen.update(b"}")
    return int.from_bytes(seen.digest()[:HALF_BYTES], "little")


def _without_addresses(body: bytes) -> bytes:
    """A message with a template without its metadata and its To with one address."""
    fields = orjson.loads(body)
    fields.pop("Metadata", None)
    to = fields.get("To")
    if to is not None and to.count("@") == 1:
        del fields["To"]
    return orjson.dumps(fields)


class ContentDigests:
    """The digests of the messages of a frame.

    Args:
        rows: the number of rows.

    Attributes:
        contents: ``content_digest`` of each message; none for a row without a message.
        mails: ``mail_digest`` of each message (uint64); 0 for a row without a message.
    """

    def __init__(self, rows: int) -> None:
        self.contents = Digests(rows)
        self.mails: np.ndarray[tuple[int], np.dtype[np.uint64]] = np.zeros(rows, dtype="<u8")

    def put(self, first: int, bodies: Sequence[bytes | None]) -> None:
        """Set the digests of the rows from *first* on; None for a row without a message."""
        self.contents.put_many(first, [body and content_digest(body) for body in bodies])
        self.mails[first : first + len(bodies)] = [
            mail_digest(body) if body else 0 for body in bodies
        ]


class LateDigests:
    """Digests that are made when they are first needed; a plan never needs them.

    Args:
        digests: the digests, or a function that makes them. Two threads that need them first may
            both call it.
    """

    def __init__(self, digests: ContentDigests | Callable[[Watch | None], ContentDigests]) -> None:
        self._digests = digests

    def get(self, *, watch: Watch | None = None) -> ContentDigests:
        """The digests.

        Args:
            watch: a function called with positions of rows; it may raise to stop.

        Raises:
            MailframeError: messages can neither be read nor made again.
        """
        digests = self._digests
        if not isinstance(digests, ContentDigests):
            digests = self._digests = digests(watch)
        return digests
