"""Every text of Postmark's answers, with its source. Pure.

Marks: D is documented by Postmark, O was observed in a published answer, S is taken from the source
of a client, A is an assumption. A source such as postmark-gem#140 is an issue on GitHub.
"""

from __future__ import annotations

from dataclasses import dataclass

OK = "OK"  # D
TEST_JOB = "Test job accepted"  # O 2026
DELAYED = "Message accepted, but delivery may be delayed."  # O 2024 (anymail#392), no ErrorCode

NO_CREDENTIALS = (  # O
    "No Account or Server API tokens were supplied in the HTTP headers. "
    "Please add a header for either X-Postmark-Server-Token or X-Postmark-Account-Token."
)
WRONG_CREDENTIALS = "Request does not contain a valid Server token."  # O 2026
NO_VALID_ACCOUNT = "Request does not contain a valid Account token."  # A, as for a server
NO_JSON_HEADERS = (
    "The HTTP headers Accept and Content-Type must both be set to application/json."  # A
)
TOO_LARGE = "The request is larger than the {limit_mb} MB that this endpoint accepts."  # A
MALFORMED = "Invalid JSON."  # D as wording of the code table
TOO_MANY_MESSAGES = "You may only send up to 500 messages in a single batched request."  # D
WRONG_FIELD = (
    "Invalid request field(s): {field}"  # O (postmark-wordpress#113) for a path, A for an index
)
NO_ROUTE = "The requested resource was not found."  # A
WRONG_METHOD = "The method is not allowed for this resource."  # A

NO_STREAM = "The stream provided: '{stream}' does not exist on this server."  # O
NO_SENDING_STREAM = (
    "Sending is not supported on the supplied 'MessageStream'."  # O (postmark.js#58)
)
MESSAGE_TOO_LARGE = "The message is larger than the 10 MB that one message may have."  # A
NO_SENDER = "Invalid 'From' value."  # O 2016 (Laravel-Postmark-Driver#10), also of an empty From
NO_AT = (  # O 2010 to 2026 (postmark-gem#4, #140, bamboo_postmark#32); of two '@': O 2025
    "Error parsing '{field}': Illegal email address '{address}'. It must contain the '@' symbol."
)
BAD_DOMAIN = (  # O (anymail, postmark-gem#138; in quotes: live test of openbuildings/postmark)
    "Error parsing '{field}': Illegal email domain '{domain}' in address '{address}'."
)
BAD_MAILBOX = (  # O 2018, 2019 (postmark-dotnet#53, postmarker#178)
    "Error parsing '{field}': Illegal email mailbox '{mailbox}' in address '{address}'."
)
UNCLOSED_QUOTE = "Error parsing '{field}': Unclosed quoted string: {value}"  # O (postmark-java#65)
BAD_ADDRESS = "Invalid '{field}' address: '{address}'."  # O (anymail, postmark-gem#87), D (bulk)
NO_RECIPIENTS = "Zero recipients specified"  # O
TOO_MANY_RECIPIENTS = (
    "A message may have at most 50 recipients in To, Cc and Bcc together; found {found}."  # A
)
NO_BODY = "Provide either email TextBody or HtmlBody or both."  # O
TOO_LONG = "The '{field}' field is limited to {limit} characters; found {found}."  # A
BODY_TOO_LARGE = "The '{field}' field is limited to 5 MB."  # A
LINE_BREAK = "The '{field}' field must not contain a line break."  # A
BAD_TRACK_LINKS = (  # O 2017 (postmark-java#1); A that the code is 300
    "The value for 'TrackLinks' is not valid. "
    "Valid options are: null, 'None', 'HtmlAndText', 'HtmlOnly', 'TextOnly'"
)
METADATA_TOO_LONG = (  # O (dittofeed#1759, anymail#238)
    "Invalid metadata content. Field names are limited to 20 characters and field values are "
    "limited to 80 characters in length. "
    "The '{key}' field in your metadata content exceeds these limits."
)
METADATA_TOO_MANY = "Invalid metadata content. At most 10 fields are allowed; found {found}."  # A
METADATA_DOUBLED = "Invalid metadata content. The '{key}' field is given more than once."  # A
HEADER_REFUSED = "Header '{name}' not allowed."  # O (bamboo#302, anymail#39, symfony#60254)
HEADER_EMPTY = "A header needs a name."  # A
ATTACHMENT_REFUSED = "Attachment file type not allowed."  # D as the wording of the code table
ATTACHMENT_EMPTY = "Zero-sized attachments not allowed."  # O 2019 to 2025 (postmark-php#70)
ATTACHMENTS_TOO_BIG = (  # O 2022 (tactilenews/100eyes#1544)
    "Attachments too big. The total size should be less than {limit} bytes."
)
ATTACHMENT_INCOMPLETE = "Attachment {position} has no '{field}'."  # A
ATTACHMENT_NOT_BASE64 = "The content of attachment '{name}' is not valid base64."  # A
UNKNOWN_SENDER = (  # O 2019 (postmark.js#47) and 2026
    "The 'From' address you supplied ({sender}) is not a Sender Signature on your account. "
    "Please add and confirm this address in order to be able to use it in the 'From' field of your "
    "messages."
)
PENDING = (  # O 2025-26
    "While your account is pending approval, all recipient addresses must share the same domain as "
    "the 'From' address. The domain of the 'From' address is '{sender}', but you are attempting to "
    "send email to the following domain(s): '{others}'."
)
NOT_APPROVED = "This account is not approved to send email."  # D
ALL_INACTIVE_SINGLE = (  # O 2022 to 2025 (postmark-gem#124, #128)
    "You tried to send to recipient(s) that have been marked as inactive. "
    "Found inactive addresses: {addresses}. Inactive recipients are ones that have generated "
    "a hard bounce, a spam complaint, or a manual suppression."
)
ALL_INACTIVE_ITEM = (  # D, with its trailing space
    "You tried to send to a recipient that has been marked as inactive. "
    "Found inactive addresses: {addresses}. Inactive recipients are ones that have generated "
    "a hard bounce, a spam complaint, or a manual suppression. "
)
PARTLY_INACTIVE = (  # O 2021 (postmark.js#87); until 2016 a sentence as in 406 followed
    "Message OK, but will not deliver to these inactive addresses: {addresses}"
)

COUNT_AND_OFFSET = (  # A; the limits and the code 700 are D
    "The parameters 'count' (1 to 500) and 'offset' (0 or more) are required, "
    "and their sum must not exceed 10000."
)
BAD_PARAMETER = "The value of the parameter '{name}' is not valid."  # A
TWO_METADATA = "Only one metadata field can be searched for at a time."  # A; that only one can is D
NO_SUCH_STREAM = (
    "The message stream for the provided 'ID' was not found."  # D, S (php) 1226; A for a search
)
NO_MESSAGE = "This message was not found."  # O 2017 (a cassette of postmarker), with code 701

# --- bounces, opens, clicks and statistics ---------------------------------------------------

NO_BOUNCE = "The bounce was not found."  # D 1001
NOT_TO_ACTIVATE = "Due to the type of bounce, this address cannot be reactivated."  # D 1003
BAD_DATE = "Parameter '{name}' should be a date/time value."  # D 900
WRONG_ORDER = "Parameter 'FromDate' must be older than 'ToDate'."  # D 1502
OPENED = "Email opened with {agent}"  # D
CLICKED = "Link clicked from {agent}"  # A; its name Summary is D

# --- bulk requests ---------------------------------------------------------------------------

MANY_ERRORS = "Multiple errors occurred. Inspect the Errors property for more information."  # D
BULK_NOT_ENABLED = (  # D
    "This endpoint requires approval to access. "
    "Contact support to use the Bulk API postmarkapp.com/contact"
)
NO_BULK_REQUEST = "Bulk send not found."  # D 12 as wording of the code table, with HTTP 404
BAD_KEY = "Invalid pagination key."  # D 13 as wording of the code table

# --- faults ----------------------------------------------------------------------------------

RATE_LIMITED = "The request rate is too high. Please slow down."  # A
MAINTENANCE = "The Postmark API is offline for maintenance."  # A; the code 100 with HTTP 503 is D
INTERNAL_ERROR = (
    "An unexpected failure occurred. Error id: 00000000-0000-4000-8000-000000000000."  # A
)


@dataclass(eq=False)  # an exception must stay hashable
class CheckFailed(Exception):
    """A check of Postmark fails.

    Attributes:
        error_code: Postmark's code; some codes are also HTTP statuses with another meaning.
        text: Postmark's message.
        http_status: the status of the whole request; a refused message of a batch ignores it.
    """

    error_code: int
    text: str
    http_status: int = 422

    def as_item(self) -> dict[str, int | str]:
        """The JSON object of a refused message or request."""
        return {"ErrorCode": self.error_code, "Message": self.text}
