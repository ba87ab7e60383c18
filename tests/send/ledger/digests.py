"""Digests of messages that nobody composed, for tests of the ledger alone."""

from __future__ import annotations

import numpy as np

from mailframe.send.ledger import packs
from mailframe.send.ledger.packs import MessageDigests


def random_digests(messages: int, *, seed: int = 1) -> MessageDigests:
    """As many messages, each with its own key, content and recipient."""
    chance = np.random.default_rng(seed)
    columns = {
        name: packs.rows_of(chance.bytes(messages * packs.WIDTHS[name]), name)
        for name in ("keys", "contents", "addresses")
    }
    return MessageDigests(**columns)
