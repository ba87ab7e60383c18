"""Every text of Postmark's answers about bulk requests, with its source. Pure.

Marks as in ``texts.py``: D is documented by Postmark, A is an assumption.
"""

from __future__ import annotations

MANY_ERRORS = "Multiple errors occurred. Inspect the Errors property for more information."  # D
NOT_ENABLED = (  # D
    "This endpoint requires approval to access. "
    "Contact support to use the Bulk API postmarkapp.com/contact"
)
NO_REQUEST = "Bulk send not found."  # D 12 as wording of the code table, with HTTP 404
BAD_KEY = "Invalid pagination key."  # D 13 as wording of the code table
NO_STREAM = "The message stream for the provided 'ID' was not found."  # D for 1226
