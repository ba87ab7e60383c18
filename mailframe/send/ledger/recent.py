"""How many emails each person has of late, over all campaigns of a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from mailframe.send.ledger import packs
from mailframe.send.ledger.digest_index import DigestIndex
from mailframe.send.states import MessageState

if TYPE_CHECKING:
    from mailframe.message.preflight import Mask
    from mailframe.send.ledger import Ledger
    from mailframe.send.ledger.packs import Ids, RecordedMessages, Rows, States

_SENT: Final = [MessageState.SENDING, MessageState.ACCEPTED, MessageState.UNKNOWN]
LIVE: Final = ":live"
"""End of the scope of a server whose emails are delivered."""


def was_sent(states: States) -> Mask:
    """Whether messages in these states were sent or may have been sent."""
    return np.isin(states, _SENT)


@dataclass(frozen=True, slots=True)
class Recipients:
    """The recipients of emails, each once.

    Attributes:
        addresses: the digests of their addresses, with the salt of the ledger.
        emails: the number of emails of each.
    """

    addresses: Rows
    emails: Ids

    def of(self, addresses: Rows) -> Ids:
        """The number of emails of people; 0 for one who has none."""
        places = DigestIndex(self.addresses).find(addresses)
        counts = np.zeros(len(addresses), dtype="i8")
        counts[places >= 0] = self.emails[places[places >= 0]]
        return counts


def recent_recipients(ledger: Ledger, scope: str, *, since: timedelta) -> Recipients:
    """Who got emails in the time until now, or may have got them.

    For a live server all live servers of the ledger count; for a sandbox only itself. A message
    that was adopted, or whose recipient was forgotten, counts for nobody.

    Args:
        ledger: the ledger.
        scope: the server.
        since: the length of the time, by the clock of the ledger.
    """
    first = datetime.fromisoformat(ledger.db.now()) - since
    is_live = scope.endswith(LIVE)
    with ledger.db.reading():
        ids = ledger.requests.started_since(
            first.isoformat(timespec="microseconds"), scope=None if is_live else scope
        )
        ids, times = np.unique(ids, return_counts=True)
        messages = ledger.messages.of_ids(ids)
    emails = _emails(messages, times[np.isin(ids, messages.ids)])
    counted = (emails > 0) & packs.has_any(messages.addresses)
    addresses, emails = messages.addresses[counted], emails[counted]
    distinct, place = np.unique(addresses, axis=0, return_inverse=True)
    sums = np.bincount(place.ravel(), weights=emails, minlength=len(distinct))
    return Recipients(distinct, sums.astype("i8"))


def _emails(messages: RecordedMessages, times: Ids) -> Ids:
    """How many emails each message was, from the number of its requests.

    A request that was not received is repeated, so several requests are several emails only of a
    message that was accepted and sent again by explicit confirmation. If it is planned now, that
    has not happened yet; if it was rejected, the last request was no email.
    """
    again = times - (messages.states == MessageState.REJECTED)
    return np.where(messages.is_resent, again, was_sent(messages.states)).astype("i8")
