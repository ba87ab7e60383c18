"""Unconfirmed requests: Postmark or the events of webhooks say which of their messages it has."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mailframe.errors import MailframeError
from mailframe.message.message import ATTEMPT_KEY
from mailframe.postmark import search
from mailframe.postmark.message_ids import normalized_id
from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.postmark.search import Queryable, StoredMessage
    from mailframe.send.ledger import Attempt, Ledger

_OF_EVENTS: Final = ("MessageID", "Metadata")


def reconcile_attempt(server: Queryable, ledger: Ledger, attempt: Attempt) -> dict[bytes, str]:
    """Search Postmark for the messages of an unknown request, and record those that it shows.

    Returns:
        MessageIDs by key.

    Raises:
        SearchError: Postmark did not answer.
    """
    results = (
        search.MessageSearch(server, ATTEMPT_KEY, attempt.uid, stream).newest()
        for stream in attempt.streams
    )
    return record_shown(ledger, attempt, chain.from_iterable(results))


def record_shown(
    ledger: Ledger, attempt: Attempt, messages: Iterable[StoredMessage]
) -> dict[bytes, str]:
    """Record as accepted what *messages* prove of an unknown request.

    Args:
        ledger: the open ledger.
        attempt: the request.
        messages: what Postmark has, of this request and of others.

    Returns:
        MessageIDs by key.
    """
    unknown = ledger.unknown_messages(attempt)
    shown = {
        message.key: message.message_id
        for message in search.unambiguous(messages)
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


def messages_of(events: object) -> dict[str, list[StoredMessage]]:
    """The messages of a table of events, each once, by request; those of no ledger are left out.

    Raises:
        MailframeError: *events* is not what ``mf.read_events`` returns, or some of its rows.
    """
    if not isinstance(events, pd.DataFrame):
        raise MailframeError(
            f"events= takes what mf.read_events returned, not a {type(events).__name__}"
        )
    columns: Iterable[object] = events.columns  # of any type; pandas-stubs say text
    labels = [label for label in columns if isinstance(label, str)]
    for name in _OF_EVENTS:
        if labels.count(name) != 1:
            raise MailframeError(
                "events= takes what mf.read_events returned; this frame does not have "
                f"{name!r} once"
            )
    message_ids, metadata = (events[name].tolist() for name in _OF_EVENTS)
    if not any(isinstance(one, dict) for one in metadata) and events["Metadata"].notna().any():
        raise MailframeError(
            "events= takes what mf.read_events returned; 'Metadata' has no dict in this frame. "
            "Read the file of events again: a CSV file does not keep them"
        )
    messages = (
        search.stored_message({"MessageID": message_id, "Metadata": fields})
        for message_id, fields in zip(message_ids, metadata, strict=True)
    )
    distinct = dict.fromkeys(message for message in messages if message is not None)
    requests: dict[str, list[StoredMessage]] = {}
    for message in search.unambiguous(distinct):
        requests.setdefault(message.attempt, []).append(message)
    return requests


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
