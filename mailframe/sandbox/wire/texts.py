"""The texts of the sandbox about connections. Postmark has none of them; all are assumed (A)."""

from __future__ import annotations

HOST_REFUSED = (  # A, HTTP 421
    "This sandbox does not answer to the host '{host}'. "
    "Start it with --allow-host {host}, or use one of its own addresses."
)
NO_HOST = "This sandbox needs a Host header with one name."  # A, HTTP 421
ORIGIN_REFUSED = "This sandbox takes no changes from web pages of other machines."  # A, HTTP 403
NO_CREDENTIALS = (  # A, HTTP 401 with ErrorCode 10, as for other requests without a token
    "This sandbox can be reached from other machines, so every request needs a valid token: in "
    "X-Postmark-Server-Token, or as the password of a browser."
)
MALFORMED = "This is not a valid HTTP request."  # A, HTTP 400
HEAD_TOO_LARGE = "The head of the request is too large."  # A, HTTP 431
BODY_TOO_LARGE = "The request is too large."  # A, HTTP 413
TOO_SLOW = "The request did not arrive in time."  # A, HTTP 408
LOOP = (  # A, HTTP 403, which ends the retries of a webhook
    "A webhook cannot post to a sandbox: its events would cause events without end. "
    "Give it the URL of your own receiver."
)
# A, HTTP 503
NOT_STORED = "The sandbox could not store this request, and kept nothing of it: {why}."
FAILED = "This is a bug of the sandbox; its log has the reason."  # A, HTTP 500
