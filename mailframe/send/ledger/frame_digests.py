"""The digests of the rows of a frame, as the ledger compares and records them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.ledger.packs import MessageDigests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.message.digests import Digests
    from mailframe.message.preflight import Mask, Preflight
    from mailframe.send.ledger import Ledger
    from mailframe.send.ledger.packs import Ids, RecordedMessages, Rows
MAIL: Final = slice(0, 8)
"""The part of a recorded content that is a digest of what the recipient sees."""
WHOLE: Final = slice(8, 16)
"""The part that is a digest of the whole message; an older mailframe recorded it alone."""
SPELLING: Final = slice(16, 24)
"""The part that is a digest of the key in any spelling; see ``packs.NO_SPELLING``."""


@dataclass(frozen=True, slots=True)
class FrameDigests:
    """The digests of some rows of a frame.

    Attributes:
        positions: the positions of the rows, ascending.
        digests: their digests, one line per position.
    """

    positions: Ids
    digests: MessageDigests

    @classmethod
    def of(cls, ledger: Ledger, preflight: Preflight, positions: Ids) -> FrameDigests:
        """The digests of the rows at these positions; the recipients with the salt of a ledger."""
        return cls(
            positions,
            MessageDigests(
                _taken(key_digests(preflight), positions),
                content_digests(preflight, positions),
                ledger.address_digests(_taken(_rows(preflight.people), positions)),
            ),
        )

    def take(self, lines: Mask) -> FrameDigests:
        """Some of the rows."""
        if lines.all():
            return self
        return FrameDigests(self.positions[lines], self.digests.take(lines))

    def identical(self, recorded: RecordedMessages) -> Iterator[tuple[Ids, Ids]]:
        """The recorded messages that are identical, to the same recipient, under any key.

        Yields:
            Twice, lines of these rows and lines of *recorded*; a pair may occur both times.
        """
        for part in (MAIL, WHOLE):
            index = DigestIndex(with_addresses(self.digests, part))
            yield index.pairs(with_addresses(recorded, part))


def with_addresses(messages: MessageDigests | RecordedMessages, part: slice) -> Rows:
    """A part of the contents of messages together with their recipients, 20 bytes each."""
    return np.hstack([messages.contents[:, part], messages.addresses])


def key_digests(preflight: Preflight) -> Rows:
    """The digest of the key of each row of a frame; zeros for a row without a key."""
    return _rows(preflight.keys)


def content_digests(preflight: Preflight, positions: Ids) -> Rows:
    """The recorded content of the rows at these positions: three digests of 8 bytes each.

    They are ``MAIL``, ``WHOLE`` and ``SPELLING``.
    """
    parts = (
        preflight.mails[positions],
        preflight.contents.halves()[positions, 1],
        preflight.spellings[positions],
    )
    return np.stack(parts, axis=1).astype("<u8", copy=False).view("u1")


def _taken(rows: Rows, positions: Ids) -> Rows:
    """The digests at ascending positions; not copied if they are all."""
    return rows if len(positions) == len(rows) else rows[positions]


def _rows(digests: Digests) -> Rows:
    return np.ascontiguousarray(digests.halves()).view("u1")
