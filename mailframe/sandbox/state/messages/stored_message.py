"""A message that is kept: what was posted, what would be delivered, what bounces. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.checks.request_json import TEXT_FIELDS
from mailframe.sandbox.state.bounce_types import bounce_type
from mailframe.sandbox.state.clock import timestamp
from mailframe.sandbox.state.messages.attachments import StoredAttachment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailframe.sandbox.checks.account import StreamType
    from mailframe.sandbox.checks.mailboxes import Recipient
    from mailframe.sandbox.state.messages.acceptance import Acceptance
    from mailframe.sandbox.state.messages.unsubscribe_links import UnsubscribeLinks

CONTENTS: Final = ("HtmlBody", "TextBody", "Headers", "Attachments", "TemplateModel")
"""The fields that are kept apart, because lists and searches do not read them."""
OF_TEMPLATE: Final = ("TemplateId", "TemplateAlias", "TemplateModel")
"""What a message that was sent with a template was made of."""
TEMPLATE_ERROR: Final = "TemplateError"
"""In the head of a message: why its template could not be rendered."""
INACTIVE: Final = "InactiveRecipients"
"""In the head of a message: its recipients, in lower case, that were inactive at acceptance."""
PLACEHOLDER = re.compile(r"\{\{\{\s*pm:unsubscribe\s*\}\}\}")
IN_ATTRIBUTE = re.compile(r"""(=\s*["']?)\{\{\{\s*pm:unsubscribe\s*\}\}\}""")
BOUNCE_DOMAIN = "bounce-testing.postmarkapp.com"


@dataclass(frozen=True, slots=True)
class DeliveredContent:
    """What the recipient gets, where it differs from what was posted.

    Attributes:
        html_body: the HTML part, with an unsubscribe link for the placeholder; on a broadcast
            stream with a footer if there is no placeholder.
        text_body: the same for the plain text part.
        headers: the headers as posted, and on a broadcast stream the two that Postmark adds.
    """

    html_body: str | None
    text_body: str | None
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message as it is kept.

    Attributes:
        position: its place in the order of acceptance, over all servers, from 1.
        message_id: a UUID4 in lower case.
        server: the ID of its server.
        stream: the ID of its stream.
        kind: the type of its stream.
        accepted_ns: the time of acceptance, in nanoseconds of the sandbox's clock.
        request: the number of its request.
        head: the posted fields but those of CONTENTS, with the names of its ``Attachments``.
        content: the fields of CONTENTS; empty where only the heads of messages were read.
        sent_ns: the time until which it is queued, and at which it is delivered.
        links: makes the unsubscribe links of its recipients.
    """

    position: int
    message_id: str
    server: int
    stream: str
    kind: StreamType
    accepted_ns: int
    request: int
    head: dict[str, Any]
    content: dict[str, Any]
    sent_ns: int
    links: UnsubscribeLinks

    @property
    def fields(self) -> dict[str, str | None]:
        """The fields of TEXT_FIELDS as posted; None for a missing one."""
        return {field: self.head.get(field, self.content.get(field)) for field in TEXT_FIELDS}

    @property
    def submitted_at(self) -> str:
        """The time of acceptance, UTC with seven digits and a Z."""
        return timestamp(self.accepted_ns)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata, with its values as text."""
        return self.head.get("Metadata") or {}

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The names and values of its headers as posted."""
        return tuple(
            (entry["Name"], entry.get("Value") or "") for entry in self.content.get("Headers") or ()
        )

    @property
    def attachments(self) -> tuple[StoredAttachment, ...]:
        """What is kept of its attachments beside their bytes."""
        files = self.content.get("Attachments") or ()
        return tuple(StoredAttachment.of(entry) for entry in files)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """The recipients of To, Cc and Bcc, in that order."""
        return tuple(
            recipient
            for field in ("To", "Cc", "Bcc")
            for recipient in mailboxes.parse(field, self.head.get(field))
        )

    @property
    def template(self) -> dict[str, Any]:
        """TemplateId, TemplateAlias and TemplateModel; empty for a message without a template.

        A message of a bulk request with a content of its own has a model only.
        """
        parts = self.head | {"TemplateModel": self.content.get("TemplateModel")}
        return {name: parts[name] for name in OF_TEMPLATE if parts.get(name) is not None}

    @property
    def inactive(self) -> tuple[str, ...]:
        """The recipients, in lower case, that were inactive when it was accepted."""
        return tuple(self.head.get(INACTIVE) or ())

    @property
    def bounces(self) -> tuple[tuple[str, str], ...]:
        """Type and address, in lower case, of each fake bounce of this message."""
        return fake_bounces(self.head, self.content.get("Headers"))

    def as_row(self) -> dict[str, Any]:
        """The message with Postmark's field names, as in ``sandbox.messages()``."""
        return {
            "MessageID": self.message_id,
            "SubmittedAt": self.submitted_at,
            **self.fields,
            "MessageStream": self.stream,
            "Metadata": self.metadata,
            "Headers": [{"Name": name, "Value": value} for name, value in self.headers],
            "Attachments": self.head.get("Attachments") or [],
            "request": self.request,
        }

    def as_delivered_row(self) -> dict[str, Any]:
        """The message as the recipient gets it, as in ``sandbox.delivered()``."""
        delivered = delivered_content(self)
        return self.as_row() | {
            "HtmlBody": delivered.html_body,
            "TextBody": delivered.text_body,
            "Headers": [{"Name": name, "Value": value} for name, value in delivered.headers],
        }


def may_bounce(accepted: Sequence[Acceptance]) -> bool:
    """Whether one of them may have fake bounces."""
    messages = [one.message for one in accepted]
    people = [message.get(name) or "" for name in ("To", "Cc", "Bcc") for message in messages]
    return BOUNCE_DOMAIN in "\n".join(people).lower() or any(
        TEMPLATE_ERROR in message for message in messages
    )


def fake_bounces(
    message: dict[str, Any], headers: list[dict[str, Any]] | None
) -> tuple[tuple[str, str], ...]:
    """Type and address, in lower case, of each fake bounce of a posted *message*.

    A message whose template could not be rendered bounces for each recipient (A; the type is D).
    """
    given = [message[field] for field in ("To", "Cc", "Bcc") if message.get(field)]
    if TEMPLATE_ERROR in message:
        recipients = [one for value in given for one in mailboxes.parse("To", value)]
        return tuple(("TemplateRenderingFailed", one.address.lower()) for one in recipients)
    if not any(BOUNCE_DOMAIN in value.lower() for value in given):
        return ()
    from_header = next(
        (
            header.get("Value") or ""
            for header in headers or ()
            if (header.get("Name") or "").lower() == "x-pm-bounce-type"
        ),
        None,
    )
    addresses = [
        recipient.address.lower()
        for value in given
        for recipient in mailboxes.parse("To", value)
        if recipient.domain == BOUNCE_DOMAIN
    ]
    return tuple(
        (bounce_type(from_header or address.partition("@")[0]), address) for address in addresses
    )


def delivered_content(message: StoredMessage, *, to: str = "") -> DeliveredContent:
    """The link for the placeholder of *message*; on a broadcast, a footer and headers too (D).

    Args:
        message: the message with its content.
        to: the address of the recipient; empty is the first one.
    """
    recipient = to or next((one.address for one in message.recipients), "")
    url = message.links.url(message, recipient)
    is_broadcast = message.links.handled(message)
    html_body, text_body = message.content.get("HtmlBody"), message.content.get("TextBody")
    headers = message.headers
    if html_body:
        html_body = _html_with_link(html_body, url, footer=is_broadcast)
    if text_body:
        text_body = _text_with_link(text_body, url, footer=is_broadcast)
    if is_broadcast:
        kept = [pair for pair in headers if not pair[0].lower().startswith("list-unsubscribe")]
        added = [
            ("List-Unsubscribe", f"<{url}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
        headers = (*kept, *added)
    return DeliveredContent(html_body, text_body, headers)


def _html_with_link(body: str, url: str, *, footer: bool) -> str:
    link = f'<a href="{html.escape(url)}">Unsubscribe</a>'
    if PLACEHOLDER.search(body):
        return PLACEHOLDER.sub(link, IN_ATTRIBUTE.sub(rf"\g<1>{html.escape(url)}", body))
    if not footer:
        return body
    end = re.search(r"</body>", body, re.IGNORECASE)
    at = end.start() if end else len(body)
    return f"{body[:at]}<p>{link}</p>{body[at:]}"


def _text_with_link(body: str, url: str, *, footer: bool) -> str:
    if PLACEHOLDER.search(body):
        return PLACEHOLDER.sub(url, body)
    return f"{body}\n\nUnsubscribe: {url}\n" if footer else body
