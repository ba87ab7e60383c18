"""An accepted message: what was posted, what would be delivered, what bounces. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.checks.message_checks import as_text
from mailframe.sandbox.checks.request_json import TEXT_FIELDS
from mailframe.sandbox.state import attachments
from mailframe.sandbox.state.account import StreamType

if TYPE_CHECKING:
    from mailframe.sandbox.checks.mailboxes import Recipient
    from mailframe.sandbox.state.attachments import StoredAttachment

PLACEHOLDER = re.compile(r"\{\{\{\s*pm:unsubscribe\s*\}\}\}")
IN_ATTRIBUTE = re.compile(r"""(=\s*["']?)\{\{\{\s*pm:unsubscribe\s*\}\}\}""")
UNSUBSCRIBE_URL = "https://unsubscribe.example/{message_id}"
BOUNCE_DOMAIN = "bounce-testing.postmarkapp.com"
BOUNCE_TYPES = tuple(  # D: Postmark's page on fake bounces
    """
    HardBounce Transient Unsubscribe Subscribe AutoResponder AddressChange DnsError SpamNotification
    OpenRelayTest Unknown SoftBounce VirusNotification ChallengeVerification BadEmailAddress
    ManuallyDeactivated Unconfirmed Blocked SMTPApiError InboundError DMARCPolicy
    TemplateRenderingFailed
    """.split()  # noqa: SIM905 - a list of one word a line is harder to read
)


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
class AcceptedMessage:
    """One accepted message.

    Attributes:
        message_id: a UUID4 in lower case.
        submitted_at: the time of submission, UTC with seven digits and a Z.
        stream: the id of its stream.
        request: the number of its request.
        fields: the fields of TEXT_FIELDS as posted; None for a missing one.
        metadata: the metadata, with its values as text.
        headers: the names and values as posted.
        attachments: the attachments as stored.
        track_opens: the value as posted; False if missing, since the sandbox tracks nothing.
        track_links: the value as posted; ``None`` if missing.
        delivered: the content that the recipient gets.
    """

    message_id: str
    submitted_at: str
    stream: str
    request: int
    fields: dict[str, str | None]
    metadata: dict[str, str]
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[StoredAttachment, ...]
    track_opens: bool
    track_links: str
    delivered: DeliveredContent

    @classmethod
    def of(
        cls,
        message: dict[str, Any],
        *,
        message_id: str,
        submitted_at: str,
        stream: str,
        kind: StreamType,
        request: int,
    ) -> AcceptedMessage:
        """Build it from a checked *message* of type *kind*."""
        headers = tuple(
            (entry["Name"], entry.get("Value") or "") for entry in message.get("Headers") or []
        )
        return cls(
            message_id,
            submitted_at,
            stream,
            request,
            {field: message.get(field) for field in TEXT_FIELDS},
            {key: as_text(value) for key, value in (message.get("Metadata") or {}).items()},
            headers,
            attachments.parse(message.get("Attachments") or []),
            bool(message.get("TrackOpens")),
            message.get("TrackLinks") or "None",
            _delivered_content(message, headers, message_id, kind),
        )

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """The recipients of To, Cc and Bcc, in that order."""
        return tuple(
            recipient
            for field in ("To", "Cc", "Bcc")
            for recipient in mailboxes.parse(field, self.fields[field])
        )

    @property
    def bounces(self) -> tuple[tuple[str, str], ...]:
        """Type and address, in lower case, of each fake bounce of this message."""
        from_header = next(
            (value for name, value in self.headers if name.lower() == "x-pm-bounce-type"), None
        )
        addresses = [
            recipient.address.lower()
            for recipient in self.recipients
            if recipient.domain == BOUNCE_DOMAIN
        ]
        return tuple(
            (bounce_type(from_header or address.partition("@")[0]), address)
            for address in addresses
        )

    def as_row(self) -> dict[str, Any]:
        """The message with Postmark's field names, as in ``sandbox.messages()``."""
        return {
            "MessageID": self.message_id,
            "SubmittedAt": self.submitted_at,
            **self.fields,
            "MessageStream": self.stream,
            "Metadata": dict(self.metadata),
            "Headers": [{"Name": name, "Value": value} for name, value in self.headers],
            "Attachments": [file.name for file in self.attachments],
            "request": self.request,
        }

    def as_delivered_row(self) -> dict[str, Any]:
        """The message as the recipient gets it, as in ``sandbox.delivered()``."""
        return self.as_row() | {
            "HtmlBody": self.delivered.html_body,
            "TextBody": self.delivered.text_body,
            "Headers": [{"Name": name, "Value": value} for name, value in self.delivered.headers],
        }


def bounce_type(name: str) -> str:
    """The bounce type of that *name*; an unknown name is a HardBounce (D).

    >>> bounce_type("soft_bounce"), bounce_type("SOFTBOUNCE"), bounce_type("spamcomplaint")
    ('SoftBounce', 'SoftBounce', 'HardBounce')
    """
    letters = re.sub(r"[^a-z]", "", name.lower())
    return next((kind for kind in BOUNCE_TYPES if kind.lower() == letters), "HardBounce")


def _delivered_content(
    message: dict[str, Any], headers: tuple[tuple[str, str], ...], message_id: str, kind: StreamType
) -> DeliveredContent:
    """Replace the placeholder by the unsubscribe link, or add a footer on a broadcast (D)."""
    url = UNSUBSCRIBE_URL.format(message_id=message_id)
    is_broadcast = kind is StreamType.BROADCAST
    html_body, text_body = message.get("HtmlBody"), message.get("TextBody")
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
