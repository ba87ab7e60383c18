"""The ledger: a file that records every message before it is sent and after its answer.

A message is recorded as ``sending`` before its request is sent, and with its outcome once the
answer is there. A message that is ``sending`` without a running sender is ``unknown`` and is not
sent again without an explicit confirmation.
"""

from mailframe.send.ledger.records import Attempt, CampaignRecord
from mailframe.send.ledger.store import Ledger
from mailframe.send.states import MessageState

__all__ = ["Attempt", "CampaignRecord", "Ledger", "MessageState"]
