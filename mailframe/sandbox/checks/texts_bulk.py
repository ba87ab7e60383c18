"""Every text of Postmark's answers about bulk requests, with its source. Pure.

Marks as in ``texts.py``: D is documented by Postmark, A is an assumption.
"""

from __future__ import annotations

MANY_ERRORS = "Multiple errors occurred. Inspect the Errors property for more information."  # D
NOT_ENABLED = (  # A; the code 14 is D
    "The Bulk API is not enabled for this account. Contact our support team to enable it."
)
NO_REQUEST = "The bulk request was not found."  # A; the code 12 with HTTP 404 is D
BAD_KEY = "The pagination key provided in the request was invalid."  # D as wording of the table
NO_STREAM = "The message stream for the provided 'ID' was not found."  # D for 1226
