"""Texts of the answers about the account: servers, domains, sender signatures, data removals.

Marks as in ``texts_server.py``.
"""

from __future__ import annotations

NO_SERVER = "This server was not found."  # A; HTTP 404 is S (the cleanup of postmark.js)
SERVER_REMOVED = "Server {name} removed."  # D
LAST_SERVER = "Unable to remove this server. Please contact support."  # D 605; the reason is A

NO_DOMAIN = "This domain was not found."  # D 510
DOMAIN_EXISTS = "Domain already exists."  # D 512
NO_DOMAIN_NAME = "Name is a required field to create a Domain."  # D 514
DOMAIN_TOO_LONG = "Name field must be ≤ 255 characters."  # D 515
BAD_DOMAIN = "Name format is invalid."  # D 516
PUBLIC_DOMAIN = "You can't use public domain emails or public domains."  # D 503
DOMAIN_REMOVED = "Domain {name} removed."  # O (postmarker)
DKIM_PENDING = "This DKIM is already being renewed."  # O (postmarker, gem) 505
BAD_SUBDOMAIN = "The '{field}' must be a subdomain of {domain}."  # A; the code 522 is D

NO_SENDER = "This signature was not found."  # A; the code 501 is D
NO_SENDER_DATA = "No signature data received."  # D 502
SENDER_EXISTS = "This signature already exists."  # D 504
CONFIRMED = "This Sender Signature has already been confirmed."  # D 506
NO_FROM = "FromEmail is a required field to create a Sender Signature."  # D 520
NO_SENDER_NAME = (
    "Name is a required field to create a Sender Signature."  # A; 520 is D for FromEmail
)
FIELD_TOO_LONG = "The '{field}' field is too long."  # A; the code 521 is D
BAD_SENDER_VALUE = "The '{field}' value '{value}' is not valid."  # A; the code 522 is D
RESENT = "Confirmation email for Sender Signature {address} was re-sent."  # O (postmarker)
SENDER_REMOVED = "Signature {address} removed."  # O (postmarker)
UNCONFIRMED_SENDER = (  # A; the code 401 was documented until 2025
    "The 'From' address you supplied ({sender}) is a Sender Signature that is not confirmed."
)

NO_REMOVAL_DATA = "Empty request."  # D 1300, shortened
BAD_REMOVAL_ADDRESS = "The '{field}' is not a valid email address."  # A; 1300 is A
NO_REMOVAL = "Missing or incorrect data removal request ID."  # D 1301
