"""What is on disk before and after each request: no duplicate sends, and a status for every row.

A row is recorded as ``sending`` before its request leaves, and with its answer after that came. A row that is found
``sending`` without a living sender is ``unknown`` and is never sent again by itself.
"""

from mailframe.send.ledger.encoding import plain_name
from mailframe.send.ledger.store import Attempt, CampaignRecord, Ledger, MessageState

__all__ = ["Attempt", "CampaignRecord", "Ledger", "MessageState", "plain_name"]
