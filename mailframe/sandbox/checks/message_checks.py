"""What Postmark checks of one message, in its order; the first error is reported. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from mailframe.sandbox.checks import mailboxes, texts, texts_server
from mailframe.sandbox.checks.account import Approval, StreamType
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.checks.account import Account
    from mailframe.sandbox.checks.mailboxes import Recipient

VALIDATION = 300
MAX_RECIPIENTS = 50
MAX_CHARACTERS = {"From": 255, "Subject": 2000, "Tag": 1000}  # UTF-16 units
MAX_BODY_BYTES = 5 * 2**20
MAX_ATTACHMENT_BYTES = 10_485_760  # O: the text names it; that it is of the base64 is D
MAX_METADATA, MAX_KEY, MAX_VALUE = 10, 20, 80
DEFAULT_STREAM = "outbound"
TRACK_LINKS = frozenset(  # the empty one: live test of the PHP client
    {None, "", "None", "HtmlAndText", "HtmlOnly", "TextOnly"}
)
# O for Reply-To and Date; S for others, which the Ruby client or Symfony remove; A for the last.
# Mime-Version and Content-Transfer-Encoding are taken (live test of the Ruby client), and so are
# the headers of mailing lists and threads.
REFUSED_HEADERS = frozenset(
    """
    reply-to date from to cc bcc subject sender return-path received content-type dkim-signature
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
# D: Postmark's user guide, "Send a single email"
REFUSED_EXTENSIONS = frozenset(
    """
    vbs exe bin bat chm com cpl crt hlp hta inf ins isp jse lnk mdb pcd pif reg scr sct shs vbe vba
    wsf wsh wsl msc msi msp mst
    """.split()  # noqa: SIM905 - as above
)
# A character has at most two UTF-16 units and four bytes, so these need no exact count.
SHORT = {field: limit // 2 for field, limit in MAX_CHARACTERS.items()}
SHORT_BODIES = MAX_BODY_BYTES // 4
APPROVED, INBOUND = Approval.APPROVED, StreamType.INBOUND  # members of an enum take longer to get
# O: these are exempt while an account is pending approval.
POSTMARKS_OWN_DOMAINS = frozenset({"blackhole.postmarkapp.com", "bounce-testing.postmarkapp.com"})


class CheckedMessage(NamedTuple):
    """A valid message.

    Attributes:
        stream: the id of its stream.
        sender: the mailbox of From.
        recipients: the mailboxes of To, Cc and Bcc, in that order.
        inactive: the addresses that get nothing, in lower case; never all of them.
    """

    stream: str
    sender: Recipient
    recipients: tuple[Recipient, ...]
    inactive: tuple[str, ...] = ()


def check(
    message: dict[str, Any],
    *,
    account: Account,
    suppressed: Callable[[str], AbstractSet[str]],
    inactive_text: str,
) -> CheckedMessage:
    """Check *message*, whose JSON types have been checked before.

    Args:
        message: the posted object.
        account: the account, with its senders, streams and approval.
        suppressed: the function that returns the suppressed addresses of a stream, in lower case.
        inactive_text: the text of 406; a single message and an item of a batch have different ones.

    Raises:
        CheckFailed: with the code and the text of the first error.
    """
    checked = checked_message(message, account)
    if account.senders is not None:
        check_sender(message, checked.sender, account)
    if account.approval is not APPROVED:
        check_approval(checked.sender, checked.recipients, account)
    addresses = suppressed(checked.stream)
    if not addresses:
        return checked
    return checked._replace(
        inactive=check_suppressions(checked.recipients, addresses, inactive_text)
    )


def check_offline(message: dict[str, Any], *, account: Account) -> CheckedMessage:
    """Check *message* as ``POSTMARK_API_TEST`` does: without sender, approval and suppressions."""
    return checked_message(message, account)


def checked_message(message: dict[str, Any], account: Account) -> CheckedMessage:
    """Check *message* in the order of Postmark; the first error is reported."""
    stream = check_stream(message, account)
    sender = mailboxes.parse_sender(message.get("From"))
    recipients = check_recipients(message)
    check_content(message)
    attachments = message.get("Attachments")
    if attachments:
        check_attachments(attachments)
    return CheckedMessage(stream, sender, recipients)


def check_stream(message: dict[str, Any], account: Account) -> str:
    """1235 for a stream that does not exist, 1236 for a stream that cannot send.

    An empty id is the default stream (S): the WordPress plugin sends one if its option is blank.
    """
    stream: str = message.get("MessageStream") or DEFAULT_STREAM
    kind = account.streams.get(stream)
    if kind is None:
        raise CheckFailed(1235, texts.NO_STREAM.format(stream=stream))
    if kind is StreamType.INBOUND:
        raise CheckFailed(1236, texts.NO_SENDING_STREAM)
    return stream


def check_recipients(message: dict[str, Any]) -> tuple[Recipient, ...]:
    """1 to 50 recipients in To, Cc and Bcc together; To may be missing (observed by anymail)."""
    recipients = mailboxes.parse("To", message.get("To"))
    for field in ("Cc", "Bcc"):
        if message.get(field):
            recipients += mailboxes.parse(field, message[field])
    if message.get("ReplyTo"):
        mailboxes.parse("Reply-To", message["ReplyTo"])
    if not recipients:
        raise CheckFailed(VALIDATION, texts.NO_RECIPIENTS)
    if len(recipients) > MAX_RECIPIENTS:
        raise CheckFailed(VALIDATION, texts.TOO_MANY_RECIPIENTS.format(found=len(recipients)))
    return recipients


def check_content(message: dict[str, Any]) -> None:
    """A body, the lengths, the metadata, the headers and the way links are tracked."""
    html, text = message.get("HtmlBody"), message.get("TextBody")
    if not html and not text:
        raise CheckFailed(VALIDATION, texts.NO_BODY)
    for field, limit in MAX_CHARACTERS.items():
        value = message.get(field)
        if value and len(value) > SHORT[field]:
            check_length(value, field=field, limit=limit)
    subject = message.get("Subject")
    if subject and has_line_break(subject):
        raise CheckFailed(VALIDATION, texts.LINE_BREAK.format(field="Subject"))
    for field, body in (("HtmlBody", html), ("TextBody", text)):
        if body and len(body) > SHORT_BODIES and len(body.encode()) > MAX_BODY_BYTES:
            raise CheckFailed(VALIDATION, texts.BODY_TOO_LARGE.format(field=field))
    if message.get("Metadata"):
        check_metadata(message["Metadata"])
    if message.get("Headers"):
        check_headers(message["Headers"])
    if message.get("TrackLinks") not in TRACK_LINKS:
        raise CheckFailed(VALIDATION, texts.BAD_TRACK_LINKS)


def check_length(value: str, *, field: str, limit: int) -> None:
    """At most *limit* characters, as .NET counts them."""
    units = utf16_units(value)
    if units > limit:
        raise CheckFailed(VALIDATION, texts.TOO_LONG.format(field=field, limit=limit, found=units))


def check_metadata(metadata: dict[str, Any]) -> None:
    """10 fields, keys of 20 and values of 80 characters, keys unique ignoring case (D)."""
    if len(metadata) > MAX_METADATA:
        raise CheckFailed(VALIDATION, texts.METADATA_TOO_MANY.format(found=len(metadata)))
    seen = set()
    for key, value in metadata.items():
        if type(value) is not str or len(key) > MAX_KEY // 2 or len(value) > MAX_VALUE // 2:
            check_metadata_length(key, as_text(value))
        lowered = key.lower()
        if lowered in seen:
            raise CheckFailed(VALIDATION, texts.METADATA_DOUBLED.format(key=key))
        seen.add(lowered)


def check_metadata_length(key: str, value: str) -> None:
    """At most 20 characters in the key and 80 in the value, as .NET counts them."""
    if utf16_units(key) > MAX_KEY or utf16_units(value) > MAX_VALUE:
        raise CheckFailed(VALIDATION, texts.METADATA_TOO_LONG.format(key=key))


def check_headers(headers: list[dict[str, Any]]) -> None:
    """A name with a field of its own is refused, and a line break, which could add a header."""
    for header in headers:
        name, value = header.get("Name") or "", header.get("Value") or ""
        check_header_name(name)
        if has_line_break(value) or has_line_break(name):
            raise CheckFailed(VALIDATION, texts.LINE_BREAK.format(field="Headers"))


def check_header_name(name: str) -> None:
    """A name that is not empty, and that no field of a message has."""
    if not name.strip():
        raise CheckFailed(VALIDATION, texts.HEADER_EMPTY)
    if name.strip().lower() in REFUSED_HEADERS:
        raise CheckFailed(VALIDATION, texts.HEADER_REFUSED.format(name=name))


def check_attachments(attachments: list[dict[str, Any]]) -> None:
    """Required fields are present, the extension is allowed (411), the content is base64."""
    for position, attachment in enumerate(attachments):
        for field in ("Name", "Content", "ContentType"):
            if attachment.get(field) is None or (field != "Content" and not attachment[field]):
                text = texts.ATTACHMENT_INCOMPLETE.format(position=position, field=field)
                raise CheckFailed(VALIDATION, text)
        name = attachment["Name"]
        if name.rstrip(". ").rpartition(".")[2].lower() in REFUSED_EXTENSIONS:
            raise CheckFailed(411, texts.ATTACHMENT_REFUSED)
        check_attachment_content(name, attachment["Content"])
    if sum(len(attachment["Content"]) for attachment in attachments) >= MAX_ATTACHMENT_BYTES:
        text = texts.ATTACHMENTS_TOO_BIG.format(limit=MAX_ATTACHMENT_BYTES)
        raise CheckFailed(VALIDATION, text)


def check_attachment_content(name: str, content: str) -> None:
    """Base64, in which white space has no meaning, of at least one byte."""
    try:
        data = base64.b64decode(re.sub(r"\s", "", content), validate=True)
    except (binascii.Error, ValueError):
        raise CheckFailed(VALIDATION, texts.ATTACHMENT_NOT_BASE64.format(name=name)) from None
    if not data:
        raise CheckFailed(VALIDATION, texts.ATTACHMENT_EMPTY)


def check_sender(message: dict[str, Any], sender: Recipient, account: Account) -> None:
    """400 unless the address or its domain is confirmed; 401 for one that waits for that."""
    confirmed = account.senders
    if confirmed is not None and not {sender.address.lower(), sender.domain} & confirmed:
        if sender.address.lower() in account.unconfirmed:
            raise CheckFailed(401, texts_server.UNCONFIRMED_SENDER.format(sender=message["From"]))
        raise CheckFailed(400, texts.UNKNOWN_SENDER.format(sender=message["From"]))


def check_approval(sender: Recipient, recipients: tuple[Recipient, ...], account: Account) -> None:
    """413 for a refused account; 412 for a pending account that sends to other domains."""
    if account.approval is Approval.REFUSED:
        raise CheckFailed(413, texts.NOT_APPROVED)
    if account.approval is Approval.PENDING:
        allowed = POSTMARKS_OWN_DOMAINS | {sender.domain}
        others = dict.fromkeys(box.domain for box in recipients if box.domain not in allowed)
        if others:
            raise CheckFailed(
                412, texts.PENDING.format(sender=sender.domain, others=", ".join(others))
            )


def check_suppressions(
    recipients: tuple[Recipient, ...], suppressed: AbstractSet[str], inactive_text: str
) -> tuple[str, ...]:
    """The suppressed recipients; 406 if all recipients are suppressed on the stream."""
    addresses = list(dict.fromkeys(box.address.lower() for box in recipients))
    inactive = tuple(address for address in addresses if address in suppressed)
    if len(inactive) == len(addresses):
        raise CheckFailed(406, inactive_text.format(addresses=", ".join(inactive)))
    return inactive


def has_line_break(text: str) -> bool:
    """Whether *text* could end the line of a header."""
    return "\n" in text or "\r" in text


def utf16_units(text: str) -> int:
    """The length of *text* in .NET, and so at Postmark: an emoji counts 2."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def as_text(value: str | float) -> str:
    """A metadata value as Postmark stores it: numbers and booleans become text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
