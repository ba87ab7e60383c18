"""Every published limit of Postmark as a named constant, with its source and the doubt about it.

Each source carries one of three words:

* *documented*: Postmark's own pages say so.
* *observed*: somebody published what the live API answered.
* *assumed*: nobody published it; we took the strictest reading that lets honest mail through.

Lengths end in ``_units`` where Postmark counts characters as .NET does: UTF-16 code units, so that an emoji
counts 2. Sizes end in ``_bytes`` and are decimal: Postmark writes "10 MB" without saying 10,000,000 or
10,485,760, and what fits the smaller figure fits both.

Pages named below:

* send a single email: https://postmarkapp.com/developer/user-guide/send-email-with-api/send-a-single-email
* Email API: https://postmarkapp.com/developer/api/email-api
* API overview: https://postmarkapp.com/developer/api/overview
* sizes: https://postmarkapp.com/support/article/1056-what-are-the-attachment-and-email-size-limits
* metadata: https://postmarkapp.com/support/article/1125-custom-metadata-faq
* error 300: https://postmarkapp.com/support/article/1180-what-does-errorcode-300-mean
"""

from __future__ import annotations

from typing import Final

# --- one request -----------------------------------------------------------------------------------------

MAX_BATCH_MESSAGES: Final = 500
"""Messages in one request. Documented: API overview. One more refuses the whole request (code 410)."""

MAX_BATCH_BYTES: Final = 50_000_000
"""Bytes of one request. Documented: Email API, "50 MB"; decimal is assumed. More is HTTP 413, all refused."""

# --- one message -----------------------------------------------------------------------------------------

MAX_MESSAGE_BYTES: Final = 10_000_000
"""Bytes of one message, its attachments counted after base64. Documented: sizes, "10 MB"; decimal is assumed.

What exactly is counted (the JSON or the finished MIME) is published nowhere; we count the JSON bytes as they are
posted, with the metadata that the ledger adds, also for a send without a ledger.
"""

MAX_BODY_BYTES: Final = 5_000_000
"""UTF-8 bytes of HtmlBody, and again of TextBody. Documented: sizes, "5 MB" each; decimal is assumed."""

MAX_RECIPIENTS: Final = 50
"""Mailboxes of To, Cc and Bcc together. Documented: send a single email, and error 300.

The table of the Email API repeats "max 50" on each of the three; the shared total is the stricter reading.
"""

MAX_MAILBOX_UNITS: Final = 255
"""UTF-16 units of ``Name <address>`` as written. Documented for From: send a single email, error 300.

Assumed for To, Cc, Bcc and Reply-To, one mailbox at a time.
"""

MAX_SUBJECT_UNITS: Final = 2_000
"""UTF-16 units of the subject. Documented: send a single email."""

MAX_TAG_UNITS: Final = 1_000
"""UTF-16 units of the tag; a message has one tag. Documented: Email API; the unit is assumed."""

# --- metadata --------------------------------------------------------------------------------------------

MAX_METADATA_FIELDS: Final = 10
"""Fields of Metadata. Documented: metadata."""

METADATA_FIELDS_FOR_MAILFRAME: Final = 3
"""Fields that mailframe writes itself, to find a message again after a timeout. Our own rule."""

METADATA_FIELDS_FOR_USERS: Final = MAX_METADATA_FIELDS - METADATA_FIELDS_FOR_MAILFRAME
"""Fields that are left for a letter."""

MAX_METADATA_KEY_UNITS: Final = 20
"""UTF-16 units of a field's name. Documented and observed: metadata; that the unit is UTF-16 is assumed.

No two names may be equal when case is ignored (documented).
"""

MAX_METADATA_VALUE_UNITS: Final = 80
"""UTF-16 units of a field's value. Documented and observed: metadata; that the unit is UTF-16 is assumed."""

METADATA_BYTES_FOR_MAILFRAME: Final = (
    len(b',"Metadata":{"mf-c":"","mf-b":"","mf-m":""}') + 24 + 24 + 32
)
"""Bytes that the ledger adds to a message without metadata: ``Metadata`` with three marks, 123 in all."""

METADATA_FIELD_BYTES: Final = len(b'"Metadata":{}')
"""The part of them that a message with metadata of its own has already."""

RESERVED_METADATA_PREFIX: Final = "mf-"
"""Start of the names that mailframe keeps for itself, compared without case. Our own rule."""

# --- headers ---------------------------------------------------------------------------------------------

REFUSED_HEADERS: Final = frozenset(
    {
        # Observed (anymail#39, bamboo#302): a name with a field of its own is answered with code 300,
        # "Header 'Reply-To' not allowed." The full list is published nowhere; these are assumed.
        "from",
        "to",
        "cc",
        "bcc",
        "reply-to",
        "subject",
        # Written by Postmark when it builds and signs the mail. Assumed.
        "date",
        "sender",
        "return-path",
        "received",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
        "dkim-signature",
        # Our own rule: a token belongs in the request, never in the mail.
        "x-postmark-server-token",
        "x-postmark-account-token",
    }
)
"""Names, in lower case, that may not stand in Headers. ``Message-ID`` is kept by Postmark and is not here."""

REFUSED_HEADER_PREFIXES: Final = ("content-", "resent-")
"""Starts, in lower case, of further names that describe the MIME structure or change the routing. Assumed."""

# --- attachments -----------------------------------------------------------------------------------------

POSTMARK_REFUSED_EXTENSIONS: Final = frozenset(
    (  # noqa: SIM905  # a list of one word a line hides what it says
        "vbs exe bin bat chm com cpl crt hlp hta inf ins isp jse lnk mdb pcd "
        "pif reg scr sct shs vbe vba wsf wsh wsl msc msi msp mst"
    ).split()
)
"""Extensions that Postmark answers with code 411. Documented: send a single email.

That the case of the name does not matter is assumed. Files inside a zip are not looked at.
"""

MAILBOX_REFUSED_EXTENSIONS: Final = frozenset({"js", "cmd"})
"""Extensions that Postmark does not list and the large mailboxes turn away all the same.

Documented by Gmail: https://support.google.com/mail/answer/6590. Our own rule.
"""

REFUSED_EXTENSIONS: Final = POSTMARK_REFUSED_EXTENSIONS | MAILBOX_REFUSED_EXTENSIONS
"""Every extension, in lower case and without its dot, that an attachment's name may not end in."""

# --- choices and streams ---------------------------------------------------------------------------------

TRACK_LINKS: Final = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")
"""Values of TrackLinks. Documented: Email API. A left-out field takes the server's setting."""

DEFAULT_STREAM: Final = "outbound"
"""The transactional stream that Postmark takes when MessageStream is left out. Documented: Email API."""
STREAMS: Final = (DEFAULT_STREAM, "broadcast")
"""The streams that each new server has."""

BROADCAST_STREAM: Final = "broadcast"
"""The broadcast stream that each new server has. Observed: live tests of the official client."""

UNSUBSCRIBE_PLACEHOLDER: Final = "{{{ pm:unsubscribe }}}"
"""What Postmark replaces by an unsubscribe link, in HTML and in text.

Documented: https://postmarkapp.com/support/article/1208-how-to-add-an-unsubscribe-link
"""


def utf16_units(text: str) -> int:
    """The length of *text* as Postmark counts it: in UTF-16 code units.

    >>> utf16_units("Zoë"), utf16_units("🎉")
    (3, 2)
    """
    if text.isascii():
        return len(text)
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_refused_header(name: str) -> bool:
    """Whether *name* may not stand in Headers, in any case of its letters.

    >>> is_refused_header("BCC"), is_refused_header("Content-Language"), is_refused_header("X-Campaign")
    (True, True, False)
    """
    folded = name.strip().lower()
    return folded in REFUSED_HEADERS or folded.startswith(REFUSED_HEADER_PREFIXES)
