"""A message that the sandbox took: what was posted, what would be delivered, what bounces. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailframe.sandbox import attachments, mailboxes
from mailframe.sandbox.account import StreamType
from mailframe.sandbox.message_checks import as_text

if TYPE_CHECKING:
    from mailframe.sandbox.attachments import Attached
    from mailframe.sandbox.mailboxes import Recipient

PLACEHOLDER = re.compile(r"\{\{\{\s*pm:unsubscribe\s*\}\}\}")
IN_ATTRIBUTE = re.compile(r"""(=\s*["']?)\{\{\{\s*pm:unsubscribe\s*\}\}\}""")
UNSUBSCRIBE_URL = "https://unsubscribe.example/{message_id}"
BOUNCE_DOMAIN = "bounce-testing.postmarkapp.com"
BOUNCE_TYPES = (  # D: Postmark's page on fake bounces
    "HardBounce",
    "Transient",
    "Unsubscribe",
    "Subscribe",
    "AutoResponder",
    "AddressChange",
    "DnsError",
    "SpamNotification",
    "OpenRelayTest",
    "Unknown",
    "SoftBounce",
    "VirusNotification",
    "ChallengeVerification",
    "BadEmailAddress",
    "ManuallyDeactivated",
    "Unconfirmed",
    "Blocked",
    "SMTPApiError",
    "InboundError",
    "DMARCPolicy",
    "TemplateRenderingFailed",
)
TEXT_FIELDS = ("From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo")


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the recipient would get, where it differs from what was posted.

    Attributes:
        html_body: with the placeholder replaced; on a broadcast stream with a footer where there was none.
        text_body: the same for the plain part.
        headers: those posted, and on a broadcast stream the two that Postmark adds.
    """

    html_body: str | None
    text_body: str | None
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Posted:
    """One accepted message.

    Attributes:
        message_id: a UUID4 in lower case.
        submitted_at: UTC with seven digits and a Z.
        stream: the id of its stream.
        request: the number of the request that brought it.
        fields: those of TEXT_FIELDS as posted; None for a missing one.
        metadata: with its values as text.
        headers: names and values as posted.
        attachments: what is kept of them.
        track_opens: as posted; False when it was left to the server, which tracks nothing.
        track_links: as posted; ``None`` when it was left to the server.
        delivered: what the recipient would get.
    """

    message_id: str
    submitted_at: str
    stream: str
    request: int
    fields: dict[str, str | None]
    metadata: dict[str, str]
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[Attached, ...]
    track_opens: bool
    track_links: str
    delivered: Delivered

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
    ) -> Posted:
        """Take the checked *message* over."""
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
            attachments.read(message.get("Attachments") or []),
            bool(message.get("TrackOpens")),
            message.get("TrackLinks") or "None",
            deliver(message, headers, message_id, kind),
        )

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Those of To, Cc and Bcc, in that order."""
        return tuple(
            box
            for field in ("To", "Cc", "Bcc")
            for box in mailboxes.read(field, self.fields[field])
        )

    @property
    def bounces(self) -> tuple[tuple[str, str], ...]:
        """Type and address, in lower case, of each fake bounce that this message makes at once."""
        named = next(
            (value for name, value in self.headers if name.lower() == "x-pm-bounce-type"), None
        )
        addresses = [box.address.lower() for box in self.recipients if box.domain == BOUNCE_DOMAIN]
        return tuple(
            (bounce_type(named or address.partition("@")[0]), address) for address in addresses
        )

    def as_row(self) -> dict[str, Any]:
        """The message under Postmark's own names, as in ``sandbox.messages()``."""
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
        """The message as the recipient would get it, as in ``sandbox.delivered()``."""
        return self.as_row() | {
            "HtmlBody": self.delivered.html_body,
            "TextBody": self.delivered.text_body,
            "Headers": [{"Name": name, "Value": value} for name, value in self.delivered.headers],
        }


def bounce_type(name: str) -> str:
    """The bounce type that *name* asks for; an unknown one is a HardBounce (D).

    >>> bounce_type("soft_bounce"), bounce_type("SOFTBOUNCE"), bounce_type("spamcomplaint")
    ('SoftBounce', 'SoftBounce', 'HardBounce')
    """
    wanted = re.sub(r"[^a-z]", "", name.lower())
    return next((known for known in BOUNCE_TYPES if known.lower() == wanted), "HardBounce")


def deliver(
    message: dict[str, Any], headers: tuple[tuple[str, str], ...], message_id: str, kind: StreamType
) -> Delivered:
    """Put the unsubscribe link where the placeholder is; a broadcast without one gets a footer (D)."""
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
    return Delivered(html_body, text_body, headers)


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
