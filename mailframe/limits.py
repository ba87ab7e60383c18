"""Every published limit of Postmark as a constant, with its source and how certain it is.

Each source has one of three words:

* *documented*: it is on Postmark's own pages.
* *observed*: somebody published an answer of the live API.
* *assumed*: nothing is published; this is the strictest reading that accepts ordinary messages.

Lengths end in ``_UNITS`` where Postmark counts characters as .NET does: in UTF-16 code units, so
that an emoji counts 2. Sizes end in ``_BYTES`` and are decimal: "10 MB" can mean 10,000,000 or
10,485,760 bytes, and the smaller size fits both.

The sandbox does not import this module: ``message_checks``, ``request_json`` and ``endpoints`` have
copies of these limits on purpose, so that a misreading of Postmark cannot pass on both sides.

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

# --- one request ----------------------------------------------------------------------------------

MAX_BATCH_MESSAGES: Final = 500
"""Messages in one request. Documented: API overview. More are refused together (code 410)."""

MAX_BATCH_BYTES: Final = 50_000_000
"""Bytes of one request. Documented: Email API, "50 MB"; decimal is assumed. More is HTTP 413."""

# --- one message ----------------------------------------------------------------------------------

MAX_MESSAGE_BYTES: Final = 10_000_000
"""Bytes of one message, with attachments in base64. Documented: sizes, "10 MB"; decimal is assumed.

Whether the JSON or the MIME counts is not published. We count the JSON bytes as posted, with the
metadata that the ledger adds, even for a send without a ledger.
"""

MAX_BODY_BYTES: Final = 5_000_000
"""UTF-8 bytes of HtmlBody, and of TextBody. Documented: sizes, "5 MB" each; decimal is assumed."""

MAX_RECIPIENTS: Final = 50
"""Mailboxes of To, Cc and Bcc together. Documented: send a single email, and error 300.

The table of the Email API repeats "max 50" on each of the three; a total of 50 is the stricter
reading.
"""

MAX_MAILBOX_UNITS: Final = 255
"""UTF-16 units of ``Name <address>``. Documented for From: send a single email, error 300.

Assumed for To, Cc, Bcc and Reply-To, one mailbox at a time.
"""

MAX_SUBJECT_UNITS: Final = 2_000
"""UTF-16 units of the subject. Documented: send a single email."""

MAX_TAG_UNITS: Final = 1_000
"""UTF-16 units of the tag; a message has one tag. Documented: Email API; the unit is assumed."""

# --- metadata -------------------------------------------------------------------------------------

MAX_METADATA_FIELDS: Final = 10
"""Fields of Metadata. Documented: metadata."""

METADATA_FIELDS_FOR_MAILFRAME: Final = 3
"""Fields that mailframe adds, to find a message after a timeout. Our own rule."""

METADATA_FIELDS_FOR_USERS: Final = MAX_METADATA_FIELDS - METADATA_FIELDS_FOR_MAILFRAME
"""Fields that a letter can have."""

MAX_METADATA_KEY_UNITS: Final = 20
"""UTF-16 units of a field's name. Documented and observed: metadata; the unit is assumed.

Two names must not differ only in case (documented).
"""

MAX_METADATA_VALUE_UNITS: Final = 80
"""UTF-16 units of a field's value. Documented and observed: metadata; the unit is assumed."""

METADATA_BYTES_FOR_MAILFRAME: Final = (
    len(b',"Metadata":{"mf-c":"","mf-b":"","mf-m":""}') + 24 + 24 + 32
)
"""Bytes that the ledger adds to a message without metadata: ``Metadata`` with three fields, 123."""

METADATA_FIELD_BYTES: Final = len(b'"Metadata":{}')
"""The part of these that a message with metadata already has."""

RESERVED_METADATA_PREFIX: Final = "mf-"
"""Prefix of the names that mailframe reserves, in any case. Our own rule."""

# --- headers --------------------------------------------------------------------------------------

REFUSED_HEADERS: Final = frozenset(
    {
        # Observed (anymail#39, bamboo#302): a header that is also a field is refused with code 300,
        # "Header 'Reply-To' not allowed." The full list is not published; these are assumed.
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
        "dkim-signature",
        # Our own rule: a token belongs in the request, never in the mail.
        "x-postmark-server-token",
        "x-postmark-account-token",
    }
)
"""Names, in lower case, that Headers cannot have. ``Message-ID`` is allowed.

Names such as ``Content-Type`` are in ``REFUSED_HEADER_PREFIXES``.
"""

REFUSED_HEADER_PREFIXES: Final = ("content-", "resent-")
"""Prefixes, in lower case, of other names for the MIME structure or the routing. Assumed."""

# --- attachments ----------------------------------------------------------------------------------

POSTMARK_REFUSED_EXTENSIONS: Final = frozenset(
    (  # noqa: SIM905  # a list with one word per line is hard to read
        "vbs exe bin bat chm com cpl crt hlp hta inf ins isp jse lnk mdb pcd "
        "pif reg scr sct shs vbe vba wsf wsh wsl msc msi msp mst"
    ).split()
)
"""Extensions that Postmark answers with code 411. Documented: send a single email.

That case is ignored is assumed. Files in a zip file are not checked.
"""

MAILBOX_REFUSED_EXTENSIONS: Final = frozenset({"js", "cmd"})
"""Extensions that Postmark accepts and large mailbox providers refuse.

Documented by Gmail: https://support.google.com/mail/answer/6590. Our own rule.
"""

REFUSED_EXTENSIONS: Final = POSTMARK_REFUSED_EXTENSIONS | MAILBOX_REFUSED_EXTENSIONS
"""Every extension, in lower case and without the dot, that an attachment cannot have."""

# --- choices and streams --------------------------------------------------------------------------

TRACK_LINKS: Final = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")
"""Values of TrackLinks. Documented: Email API. Without the field, the server's setting is used."""

DEFAULT_STREAM: Final = "outbound"
"""The transactional stream, used without MessageStream. Documented: Email API."""
STREAMS: Final = (DEFAULT_STREAM, "broadcast")
"""The streams of a new server."""

BROADCAST_STREAM: Final = "broadcast"
"""The broadcast stream of a new server. Observed: live tests of the official client."""

UNSUBSCRIBE_PLACEHOLDER: Final = "{{{ pm:unsubscribe }}}"
"""A placeholder that Postmark replaces by an unsubscribe link, in HTML and in text.

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
    """Whether Headers cannot have *name*; case is ignored.

    >>> is_refused_header("BCC"), is_refused_header("Content-Language"), is_refused_header("X-A")
    (True, True, False)
    """
    folded = name.strip().lower()
    return folded in REFUSED_HEADERS or folded.startswith(REFUSED_HEADER_PREFIXES)


# --- mail programs --------------------------------------------------------------------------------

GMAIL_CLIPS_ABOVE_BYTES: Final = 102_000
"""UTF-8 bytes of the HTML part above which Gmail may hide its end behind *View entire message*.

Not a limit of Postmark, and Google documents none. Observed: "102 KB" by Mailchimp and many others;
102 kB and, once, 99 kB after a service had added to the mail (hteumeuleu/email-bugs issue 41);
about 105 kB (spamresource.com, 2022-01). This is the smallest reading of 102 KB. Link tracking adds
to the HTML after it was sent to Postmark, so a body just below it can be clipped, too.
"""
