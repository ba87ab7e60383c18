"""Texts of what happens after acceptance: bounces, opens, clicks, stats. Pure.

Marks as in ``texts.py``: D documented, O observed, S source of a client, A assumed.
"""

from __future__ import annotations

from typing import Final

NO_BOUNCE: Final = "The bounce was not found."  # D 1001
NOT_TO_ACTIVATE: Final = "Due to the type of bounce, this address cannot be reactivated."  # D 1003
NO_DATE: Final = "Parameter '{name}' should be a date/time value."  # D 900
WRONG_ORDER: Final = "Parameter 'FromDate' must be older than 'ToDate'."  # D 1502
OPENED: Final = "Email opened with {agent}"  # D
CLICKED: Final = "Link clicked from {agent}"  # A; its name Summary is D
