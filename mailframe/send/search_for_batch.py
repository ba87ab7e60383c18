"""The search at Postmark for a batch that got no clear answer."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Final

from mailframe.errors import SearchError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailframe.send.interrupts import Interrupts
    from mailframe.send.ledger.session import ClaimedBatch, SendSession
    from mailframe.send.retry_policy import RetryPolicy

_MAX_PAUSE_S: Final = 5.0
"""Seconds between two searches at most."""


def search_for(
    claimed: ClaimedBatch, session: SendSession, policy: RetryPolicy, interrupts: Interrupts
) -> Iterator[dict[int, str]]:
    """Search for ``policy.search_s`` seconds, or until all messages are found or an interrupt.

    Yields:
        MessageIDs by position, of the messages that no earlier search found.

    Raises:
        LedgerError: the ledger failed.
    """
    until = time.monotonic() + policy.search_s
    missing = len(claimed.batch)
    for searches in itertools.count(1):
        try:
            message_ids = session.search(claimed)
        except SearchError:
            message_ids = {}
        if message_ids is None:  # there is nothing to ask
            return
        missing -= len(message_ids)
        yield message_ids
        pause_s = min(policy.pause_s(searches), _MAX_PAUSE_S)
        if not missing or interrupts.stop or time.monotonic() + pause_s > until:
            return
        interrupts.wait(pause_s)
