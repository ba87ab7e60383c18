"""What Postmark checks of one message, in its order; the first error is reported. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mailframe.sandbox.checks import mailboxes, texts
from mailframe.sandbox.checks.texts import CheckFailed
from mailframe.sandbox.state.account import Approval, StreamType

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from mailframe.sandbox.checks.mailboxes import Recipient
    from mailframe.sandbox.state.account import Account

VALIDATION = 300
MAX_RECIPIENTS = 50
MAX_CHARACTERS = {"From": 255, "Subject": 2000, "Tag": 1000}  # UTF-16 units
MAX_BODY_BYTES = 5_000_000
MAX_METADATA, MAX_KEY, MAX_VALUE = 10, 20, 80
# A: names with a field of their own, and those that Postmark writes itself
REFUSED_HEADERS = frozenset(
    """
    from to cc bcc reply-to subject date sender return-path received mime-version content-type
    content-transfer-encoding dkim-signature
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)
# D: Postmark's user guide, "Send a single email"
REFUSED_EXTENSIONS = frozenset(
    """
    vbs exe bin bat chm com cpl crt hlp hta inf ins isp jse lnk mdb pcd pif reg scr sct shs vbe vba
    wsf wsh wsl msc msi msp mst
    """.split()  # noqa: SIM905 - as above
)
# O: these are exempt while an account is pending approval.
POSTMARKS_OWN_DOMAINS = frozenset({"blackhole.postmarkapp.com", "bounce-testing.postmarkapp.com"})


@dataclass(frozen=True, slots=True)
class CheckedMessage:
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
    checked = check_offline(message, account=account)
    check_sender(message, checked.sender, account)
    check_approval(checked.sender, checked.recipients, account)
    inactive = check_suppressions(checked.recipients, suppressed(checked.stream), inactive_text)
    return replace(checked, inactive=inactive)


def check_offline(message: dict[str, Any], *, account: Account) -> CheckedMessage:
    """Check *message* as ``POSTMARK_API_TEST`` does: without sender, approval and suppressions."""
    stream = check_stream(message, account)
    sender = mailboxes.parse_sender(message.get("From"))
    recipients = check_recipients(message)
    check_content(message)
    check_attachments(message.get("Attachments") or [])
    return CheckedMessage(stream, sender, recipients)


def check_stream(message: dict[str, Any], account: Account) -> str:
    """1235 for a stream that does not exist, 1236 for a stream that cannot send."""
    given = message.get("MessageStream")
    stream = "outbound" if given is None else str(given)
    kind = account.streams.get(stream)
    if kind is None:
        raise CheckFailed(1235, texts.NO_STREAM.format(stream=stream))
    if kind is StreamType.INBOUND:
        raise CheckFailed(1236, texts.NO_SENDING_STREAM)
    return stream


def check_recipients(message: dict[str, Any]) -> tuple[Recipient, ...]:
    """1 to 50 recipients in To, Cc and Bcc together; To may be missing (observed by anymail)."""
    recipients = tuple(
        recipient
        for field in ("To", "Cc", "Bcc")
        for recipient in mailboxes.parse(field, message.get(field))
    )
    mailboxes.parse("Reply-To", message.get("ReplyTo"))
    if not recipients:
        raise CheckFailed(VALIDATION, texts.NO_RECIPIENTS)
    if len(recipients) > MAX_RECIPIENTS:
        raise CheckFailed(VALIDATION, texts.TOO_MANY_RECIPIENTS.format(found=len(recipients)))
    return recipients


def check_content(message: dict[str, Any]) -> None:
    """A body, the lengths, the metadata and the headers."""
    if not message.get("HtmlBody") and not message.get("TextBody"):
        raise CheckFailed(VALIDATION, texts.NO_BODY)
    for field, limit in MAX_CHARACTERS.items():
        units = utf16_units(message.get(field) or "")
        if units > limit:
            raise CheckFailed(
                VALIDATION, texts.TOO_LONG.format(field=field, limit=limit, found=units)
            )
    if re.search(r"[\r\n]", message.get("Subject") or ""):
        raise CheckFailed(VALIDATION, texts.LINE_BREAK.format(field="Subject"))
    for field in ("HtmlBody", "TextBody"):
        if len((message.get(field) or "").encode()) > MAX_BODY_BYTES:
            raise CheckFailed(VALIDATION, texts.BODY_TOO_LARGE.format(field=field))
    check_metadata(message.get("Metadata") or {})
    check_headers(message.get("Headers") or [])


def check_metadata(metadata: dict[str, Any]) -> None:
    """10 fields, keys of 20 and values of 80 characters, keys unique ignoring case (D)."""
    if len(metadata) > MAX_METADATA:
        raise CheckFailed(VALIDATION, texts.METADATA_TOO_MANY.format(found=len(metadata)))
    seen = set()
    for key, value in metadata.items():
        if utf16_units(key) > MAX_KEY or utf16_units(as_text(value)) > MAX_VALUE:
            raise CheckFailed(VALIDATION, texts.METADATA_TOO_LONG.format(key=key))
        if key.lower() in seen:
            raise CheckFailed(VALIDATION, texts.METADATA_DOUBLED.format(key=key))
        seen.add(key.lower())


def check_headers(headers: list[dict[str, Any]]) -> None:
    """A name with a field of its own is refused, and a line break, which could add a header."""
    for header in headers:
        name, value = header.get("Name") or "", header.get("Value") or ""
        if not name.strip():
            raise CheckFailed(VALIDATION, texts.HEADER_EMPTY)
        if name.strip().lower() in REFUSED_HEADERS:
            raise CheckFailed(VALIDATION, texts.HEADER_REFUSED.format(name=name))
        if re.search(r"[\r\n]", name + value):
            raise CheckFailed(VALIDATION, texts.LINE_BREAK.format(field="Headers"))


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
        try:
            base64.b64decode(re.sub(r"\s", "", attachment["Content"]), validate=True)
        except (binascii.Error, ValueError):
            raise CheckFailed(VALIDATION, texts.ATTACHMENT_NOT_BASE64.format(name=name)) from None


def check_sender(message: dict[str, Any], sender: Recipient, account: Account) -> None:
    """400 unless the address or its domain is confirmed."""
    confirmed = account.senders
    if confirmed is not None and not {sender.address.lower(), sender.domain} & confirmed:
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


def utf16_units(text: str) -> int:
    """The length of *text* in .NET, and so at Postmark: an emoji counts 2."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def as_text(value: str | float) -> str:
    """A metadata value as Postmark stores it: numbers and booleans become text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
