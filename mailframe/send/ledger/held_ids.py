"""Which MessageIDs a campaign holds already: one that stands for a message is no proof for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailframe.postmark.message_ids import normalized_id
from mailframe.send.ledger.encoding import stored_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mailframe.send.ledger.store import Attempt, Ledger

_MANY: Final = 900
"""Values in one statement; older versions of SQLite take 999."""
_HELD: Final = (  # the + keeps SQLite from the index of keys: one walk through the table is ten times faster
    "SELECT message_id FROM message WHERE +campaign = (SELECT campaign FROM attempt WHERE id = ?) AND message_id IN"
)


def held_ids(ledger: Ledger, attempt: Attempt, message_ids: Iterable[str]) -> set[bytes]:
    """Those of *message_ids* that a message of the same campaign has, in their one spelling."""
    values = list({value for one in message_ids for value in (stored_id(one), normalized_id(one))})
    held: set[bytes] = set()
    for start in range(0, len(values), _MANY):
        asked = values[start : start + _MANY]
        marks = ", ".join("?" * len(asked))
        rows = ledger.db.each(f"{_HELD} ({marks})", (attempt.id, *asked))
        held |= {one if isinstance(one, bytes) else normalized_id(one) for (one,) in rows}
    return held
