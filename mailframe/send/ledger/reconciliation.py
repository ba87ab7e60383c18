"""Unconfirmed requests: Postmark is asked which of their messages it holds."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from mailframe.message.message import ATTEMPT_KEY
from mailframe.postmark import search
from mailframe.postmark.message_ids import normalized_id
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.postmark.search import Queryable
    from mailframe.send.ledger import Attempt, Ledger


def reconcile_attempt(server: Queryable, ledger: Ledger, attempt: Attempt) -> dict[bytes, str]:
    """Search Postmark for the messages of an unknown request, and record those that it shows.

    Returns:
        MessageIDs by key.

    Raises:
        SearchError: Postmark did not answer.
    """
    unknown = ledger.unknown_messages(attempt)
    results = (
        search.MessageSearch(server, ATTEMPT_KEY, attempt.uid, stream).newest()
        for stream in attempt.streams
    )
    shown = {
        message.key: message.message_id
        for message in search.unambiguous(chain.from_iterable(results))
        if message.key in unknown and message.attempt == attempt.uid
    }
    taken = _taken_ids(ledger, attempt, shown.values())
    proven = {
        key: message_id
        for key, message_id in shown.items()
        if normalized_id(message_id) not in taken
    }
    ledger.record_found(attempt, {unknown[key]: message_id for key, message_id in proven.items()})
    return proven


def _taken_ids(ledger: Ledger, attempt: Attempt, message_ids: Iterable[str]) -> set[bytes]:
    """Those MessageIDs that another message of the campaign has: they prove nothing."""
    wanted = {normalized_id(one) for one in message_ids}
    campaign = ledger.requests.campaign_of(attempt)
    exceptional = ledger.messages.exceptional(campaign).values()
    others = {normalized_id(one.message_id) for one in exceptional if one.message_id}
    uuids = sorted(one for one in wanted if len(one) == packs.WIDTHS["message_ids"])
    column = packs.rows_of(b"".join(uuids), "message_ids")
    place, _ = DigestIndex(column).pairs(ledger.messages.message_ids(campaign))
    return (wanted & others) | {uuids[one] for one in np.unique(place).tolist()}
