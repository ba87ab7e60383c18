"""Texts of what happens after acceptance: bounces, opens, clicks, stats. Pure.

Marks as in ``texts.py``: D documented, O observed, S source of a client, A assumed.
"""

from __future__ import annotations

from typing import Final

NO_BOUNCE: Final = "The bounce was not found."  # A; the code 1001 is D
NOT_TO_ACTIVATE: Final = "The bounce can not be activated."  # A; the code 1003 is D
NO_DATE: Final = "The value of the parameter '{name}' is not a date."  # A; the code 900 is D
WRONG_ORDER: Final = "The value of 'fromdate' must not be after 'todate'."  # A; the code 1502 is D
OPENED: Final = "Email opened with {agent}"  # D
CLICKED: Final = "Link clicked from {agent}"  # A; its name Summary is D
