"""Unconfirmed requests: Postmark is asked which of their messages it holds."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from mailframe.message.message import ATTEMPT_KEY
from mailframe.postmark import search
from mailframe.postmark.message_ids import normalized_id
from mailframe.send.ledger.encoding import stored_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.postmark.search import Queryable
    from mailframe.send.ledger import Attempt, Ledger

_MAX_VALUES: Final = 900
"""Values in one statement; older versions of SQLite accept 999."""


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
    values = list({value for one in message_ids for value in (stored_id(one), normalized_id(one))})
    taken: set[bytes] = set()
    for start in range(0, len(values), _MAX_VALUES):
        part = values[start : start + _MAX_VALUES]
        rows = ledger.db.each(
            # the + keeps SQLite from using the index of keys: one scan is ten times faster
            "SELECT message_id FROM message WHERE +campaign = "  # noqa: S608 - question marks
            "(SELECT campaign FROM attempt WHERE id = ?) "
            f"AND message_id IN ({', '.join('?' * len(part))})",
            (attempt.id, *part),
        )
        taken |= {one if isinstance(one, bytes) else normalized_id(one) for (one,) in rows}
    return taken
