"""The JSON of an inbound message, made of what a caller says of the mail. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import field_types, mailboxes
from mailframe.sandbox.checks.texts import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mailframe.sandbox.checks.mailboxes import Recipient

BAD_INBOUND: Final = 300
_QUOTE: Final = re.compile(r"^(?:>|On .{1,200}wrote:\s*$|-----Original Message-----)", re.MULTILINE)


def inbound_item(
    fields: Mapping[str, Any],
    *,
    message_id: str,
    recipient: str,
    stream: str,
    received: datetime,
) -> dict[str, Any]:
    """The JSON that an inbound hook gets (D: the page of the inbound webhook).

    Args:
        fields: From, To, Cc, Bcc, ReplyTo, Subject, TextBody, HtmlBody, Tag, SpamScore, Headers and
            Attachments, as in a message for ``/email``, by name in lower case.
        message_id: its MessageID.
        recipient: the address that it came in at.
        stream: the ID of the inbound stream.
        received: the time.

    Raises:
        CheckFailed: 422 / 300 or 403 for a field that is not right.
    """
    senders = mailboxes.parse("From", field_types.text(fields, "From"))
    if len(senders) != 1:
        raise CheckFailed(BAD_INBOUND, "An inbound message needs one 'From' address.")
    given = {name: _text(fields, name) for name in ("To", "Cc", "Bcc")}
    given["To"] = given["To"] or recipient
    full = {name: mailboxes.parse(name, value) for name, value in given.items()}
    headers = _headers(fields)
    text = _text(fields, "TextBody")
    return {
        "FromName": senders[0].name,
        "MessageStream": stream,
        "From": senders[0].address,
        "FromFull": _full(senders[0]) | {"MailboxHash": ""},
        **{
            key: value
            for name in ("To", "Cc", "Bcc")
            for key, value in (
                (name, given[name]),
                (f"{name}Full", [_full(mailbox) for mailbox in full[name]]),
            )
        },
        "OriginalRecipient": recipient,
        "Subject": _text(fields, "Subject"),
        "MessageID": message_id,
        "ReplyTo": _text(fields, "ReplyTo"),
        "MailboxHash": mailbox_hash(recipient),
        "Date": format_datetime(received),
        "TextBody": text,
        "HtmlBody": _text(fields, "HtmlBody"),
        "StrippedTextReply": stripped_reply(text) if _is_reply(headers) else "",
        "Tag": _text(fields, "Tag"),
        "Headers": [*_spam_headers(spam_score(fields)), *headers],
        "Attachments": _attachments(fields),
    }


def raw_email(item: Mapping[str, Any]) -> str:
    """The source of an inbound message, made of its JSON.

    Args:
        item: the JSON, as ``inbound_item`` makes it.
    """
    from email.message import EmailMessage  # noqa: PLC0415 - few servers want it
    from email.policy import SMTP  # noqa: PLC0415 - as above

    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    for name in ("From", "To", "Cc", "Subject", "Date", "ReplyTo"):
        if item[name]:
            mail["Reply-To" if name == "ReplyTo" else name] = " ".join(item[name].split())
    mail["Message-ID"] = f"<{item['MessageID']}@sandbox.example>"
    mail.set_content(item["TextBody"])
    if item["HtmlBody"]:
        mail.add_alternative(item["HtmlBody"], subtype="html")
    for file in item["Attachments"]:
        main, sub = _mime_type(file["ContentType"])
        content = base64.b64decode(file["Content"])
        mail.add_attachment(content, maintype=main, subtype=sub, filename=file["Name"])
    return mail.as_string()


def _mime_type(content_type: str) -> tuple[str, str]:
    """Type and subtype of bytes; what only a message or several parts can have is left out."""
    match = re.match(r"\s*([\w-]+)/([\w.+-]+)\s*(?:;|$)", content_type, re.ASCII)
    if match is None or match[1].lower() in ("multipart", "message"):
        return "application", "octet-stream"
    return match[1], match[2]


def mailbox_hash(address: str) -> str:
    """The part of an address after the plus.

    >>> mailbox_hash("a1b2+order-7@inbound.postmarkapp.com")
    'order-7'
    """
    return address.rpartition("@")[0].partition("+")[2]


def stripped_reply(text: str) -> str:
    r"""The text of a reply above what it quotes (A).

    >>> stripped_reply("Yes.\n\nOn Mon, Ann wrote:\n> Coming?")
    'Yes.'
    """
    quote = _QUOTE.search(text)
    return text[: quote.start()].strip() if quote else text.strip()


def spam_score(fields: Mapping[str, Any]) -> float:
    """The score that the caller gives the mail; -0.1 by default.

    Raises:
        CheckFailed: 422 / 403 if it is not a number.
    """
    score = fields.get("spamscore", -0.1)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise field_types.wrong("SpamScore")
    return float(score)


def _spam_headers(score: float) -> list[dict[str, str]]:
    return [
        {"Name": "X-Spam-Status", "Value": "Yes" if score > 5 else "No"},  # noqa: PLR2004 - D
        {"Name": "X-Spam-Score", "Value": f"{score:g}"},
        {"Name": "X-Spam-Tests", "Value": "DKIM_SIGNED,DKIM_VALID,DKIM_VALID_AU,SPF_PASS"},
    ]


def _full(mailbox: Recipient) -> dict[str, str]:
    return {
        "Email": mailbox.address,
        "Name": mailbox.name,
        "MailboxHash": mailbox_hash(mailbox.address),
    }


def _text(fields: Mapping[str, Any], name: str) -> str:
    return field_types.text(fields, name) or ""


def _is_reply(headers: list[dict[str, str]]) -> bool:
    return any(header["Name"].lower() in ("in-reply-to", "references") for header in headers)


def _entries(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    entries = fields.get(name.lower()) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise field_types.wrong(name)
    return [{key.lower(): value for key, value in entry.items()} for entry in entries]


def _headers(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"Name": _text(entry, "Name"), "Value": _text(entry, "Value")}
        for entry in _entries(fields, "Headers")
    ]


def _attachments(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_attachment(entry) for entry in _entries(fields, "Attachments")]


def _attachment(entry: Mapping[str, Any]) -> dict[str, Any]:
    content = _text(entry, "Content")
    try:
        length = len(base64.b64decode(content, validate=True))
    except (binascii.Error, ValueError):
        raise field_types.wrong("Attachments") from None
    return {
        "Name": _text(entry, "Name"),
        "Content": content,
        "ContentType": _text(entry, "ContentType") or "application/octet-stream",
        "ContentLength": length,
        "ContentID": _text(entry, "ContentID"),
    }
