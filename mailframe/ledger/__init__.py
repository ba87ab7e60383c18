"""What is on disk before and after each request, so that nobody is mailed twice and nobody is forgotten.

A row is written down as ``sending`` before its request leaves and as what the answer said after it came; a row
that is found ``sending`` without a living sender is ``unknown`` and is never sent again by itself.
"""

from mailframe.ledger.file import DEFAULT_LEDGER, default_path, ledger_path
from mailframe.ledger.forms import plain_name
from mailframe.ledger.store import Attempt, Campaign, Ledger, State

__all__ = ["DEFAULT_LEDGER", "Attempt", "Campaign", "Ledger", "State", "default_path", "ledger_path", "plain_name"]
