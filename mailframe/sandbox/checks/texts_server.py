"""Texts of the answers about the account and its servers: their settings, streams and webhooks.

Marks as in ``texts.py``; S is asserted by the live suite of a client. D is the code table of
Postmark's page "API overview" (September 2026), whose code marks are written as quotes.
"""

from __future__ import annotations

# --- message streams -------------------------------------------------------------------------

BAD_STREAM_TYPE = "The 'MessageStreamType' associated with this request was invalid."  # D 1221
NO_STREAM_ID = "A valid 'ID' must be provided."  # D 1222
NO_STREAM_NAME = "A valid 'Name' must be provided."  # D 1223
STREAM_NAME_TOO_LONG = "The 'Name' is too long."  # D 1224; the limit is A
TOO_MANY_STREAMS = (
    "You have reached the maximum number of message streams for this server."  # D 1225
)
BAD_STREAM_ID = (
    "The 'ID' must be a non-empty string starting with a letter, up to 30 characters."  # D 1227
)
SECOND_INBOUND = "A server can only have one inbound stream."  # D 1228
DEFAULT_STREAM = "You cannot archive the default transactional and inbound streams."  # D 1229
NEW_STREAM = "Stream is unable to be archived at this time."  # D 1241
STREAM_EXISTS = "The 'ID' provided already exists for this server."  # D 1230
DESCRIPTION_TOO_LONG = "The 'Description' is too long."  # D 1231; the limit is A
TOO_LATE = "You cannot unarchive this message stream anymore."  # D 1232
STREAM_PREFIX = "The 'ID' must not start with the 'pm-' prefix."  # D 1233
DESCRIPTION_HAS_HTML = "The 'Description' must not contain HTML tags."  # D 1234
STREAM_RESERVED = "The 'ID' is reserved."  # D 1237; which are reserved is A
NO_CUSTOM_HANDLING = (
    "You do not have permission to use Custom Unsubscribe Handling for this stream."  # D 1238
)
WRONG_HANDLING = (
    "The 'UnsubscribeHandlingType' provided is not supported for this stream type."  # D 1239
)
BAD_HANDLING = "The 'UnsubscribeHandlingType' associated with this request is invalid."  # D 1240

# --- suppressions ----------------------------------------------------------------------------

BAD_REASON = "Parameter 'SuppressionReason' is invalid."  # D 1404
BAD_ORIGIN = "Parameter 'Origin' is invalid."  # D 1405
NO_AUTHORITY = "You do not have the required authority to change this suppression."  # D, of an item
BAD_SUPPRESSION_ADDRESS = "An invalid email address was provided."  # D, of an item
NO_SUPPRESSIONS = "A proper request body must be provided."  # D 1409
TOO_MANY_SUPPRESSIONS = (  # D 1410
    "You cannot provide more than the maximum number of suppressions for this request."
)
NO_ADDRESS = "Parameter 'emailAddress' is required but was left out."  # D 1411

# --- the server and its settings -------------------------------------------------------------

SERVER_NAME_TAKEN = "This server name already exists."  # D 603
BAD_HOOK_URL = "The '{field}' is not a valid URL."  # A; the code 606 is D
BAD_COLOR = "Invalid server color."  # D 607
BAD_SERVER_NAME = "Server name is invalid or missing."  # D 608
POSTMARK_DOMAIN = "An inbound domain must not contain postmarkapp.com."  # A; 608 is D
INBOUND_DOMAIN_TAKEN = (  # D 602
    "The specified inbound domain is already registered or in use on another server."
)
NO_SERVER_DATA = "No server data received."  # D 609
BAD_THRESHOLD = (  # D 611
    "InboundSpamThreshold value is invalid. Use a number between 0 and 30."
)
BAD_TRACKING = "The supplied 'TrackLinks' option is not valid."  # D 612
BAD_DELIVERY_TYPE = "The supplied 'DeliveryType' option is not valid."  # D 613
FIXED_DELIVERY_TYPE = "Action is not supported."  # D 615; that it is this one is A

# --- webhooks --------------------------------------------------------------------------------

ARCHIVED_HOOK_STREAM = "You cannot create a webhook using an archived 'MessageStream'."  # D 1350
INBOUND_HOOK_STREAM = "You cannot create a webhook using an inbound stream."  # D 1351
NO_WEBHOOK = "The webhook for the provided 'ID' was not found."  # S (php) 1352
BAD_WEBHOOK_URL = "The request must contain a valid 'Url' field."  # D 1354
NO_WEBHOOK_BODY = "A request body must be provided."  # D 1355
WEBHOOK_ID_GIVEN = "A request 'ID' must not be provided when creating a webhook."  # D 1356
FIXED_WEBHOOK_FIELD = "You cannot update the 'ID' or 'MessageStream' fields of a webhook."  # D 1357
BAD_HOOK_HEADER = "You must provide a valid 'HttpHeader' 'Name'."  # D 1358
TOO_MANY_WEBHOOKS = (
    "You have reached the maximum number of webhooks for this stream."  # D 1359; the limit is A
)
BAD_WEBHOOK_VALUE = "Invalid value provided for '{field}'."  # D 1361, without the name
STATUS_GIVEN = (
    "The 'Status' field cannot be provided when creating or updating a webhook."  # D 1363
)
WEBHOOK_REMOVED = "Webhook {id} removed."  # D

# --- inbound ---------------------------------------------------------------------------------

NO_RULE_DATA = "No trigger data received."  # D 809
RULE_EXISTS = "This inbound rule already exists."  # D 810
NO_RULE = "This inbound rule was not found."  # D 812
BAD_RULE = "The rule must be an email address or a domain."  # A; 809 for it as well
RULE_REMOVED = "Rule {rule} removed."  # O (postmarker)
NO_INBOUND_ADDRESS = "No server receives mail at this address."  # not Postmark's: /_sandbox/
NO_BYPASS = "This message was not found or cannot be bypassed."  # O (postmarker) 701
NO_RETRY = "This message was not found or cannot be retried."  # O (postmarker) 701
BYPASSED = "Successfully bypassed message: {id}."  # D
RETRIED = "Successfully rescheduled failed message: {id}."  # D
BAD_PAGING = (  # A; the codes 500, 600, 700 and 800 and their limit of 500 are D
    "The parameters 'count' (1 to 500) and 'offset' (0 or more) are required."
)

# --- the account: servers --------------------------------------------------------------------

NO_SERVER = "This server was not found."  # A; HTTP 404 is S (the cleanup of postmark.js)
SERVER_REMOVED = "Server {name} removed."  # D
LAST_SERVER = "Unable to remove this server. Please contact support."  # D 605; the reason is A

# --- domains ---------------------------------------------------------------------------------

NO_DOMAIN = "This domain was not found."  # D 510
DOMAIN_EXISTS = "Domain already exists."  # D 512
NO_DOMAIN_NAME = "Name is a required field to create a Domain."  # D 514
DOMAIN_TOO_LONG = "Name field must be ≤ 255 characters."  # D 515
BAD_DOMAIN = "Name format is invalid."  # D 516
PUBLIC_DOMAIN = "You can't use public domain emails or public domains."  # D 503
DOMAIN_REMOVED = "Domain {name} removed."  # O (postmarker)
DKIM_PENDING = "This DKIM is already being renewed."  # O (postmarker, gem) 505
BAD_SUBDOMAIN = "The '{field}' must be a subdomain of {domain}."  # A; the code 522 is D

# --- sender signatures -----------------------------------------------------------------------

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

# --- data removals ---------------------------------------------------------------------------

NO_REMOVAL_DATA = "Empty request."  # D 1300, shortened
BAD_REMOVAL_ADDRESS = "The '{field}' is not a valid email address."  # A; 1300 is A
NO_REMOVAL = "Missing or incorrect data removal request ID."  # D 1301
