"""The types of bounces: code, name and description of each (D: Postmark's Bounce API). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

HARD_BOUNCE: Final = "HardBounce"
SPAM_COMPLAINT: Final = "SpamComplaint"


@dataclass(frozen=True, slots=True)
class BounceType:
    """One type.

    Attributes:
        code: its TypeCode.
        name: its Name.
        description: its Description.
        reply: what a receiving server would write, for Details (A).
        suppresses: whether it makes the address inactive: a hard bounce and a complaint (D).
            Postmark does so for some soft bounces as well, without a documented rule.
        is_testable: whether a bounce-testing address makes it (D).
    """

    code: int
    name: str
    description: str
    reply: str = "smtp;550 5.0.0 The message was not delivered"
    suppresses: bool = False
    is_testable: bool = True

    @property
    def can_activate(self) -> bool:
        """Whether the address can be activated again: any but one that complained (D)."""
        return self.code != TYPES[SPAM_COMPLAINT].code


TYPES: Final[dict[str, BounceType]] = {
    "HardBounce": BounceType(
        1,
        "Hard bounce",
        "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "smtp;550 5.1.1 The email account that you tried to reach does not exist",
        suppresses=True,
    ),
    "Transient": BounceType(
        2,
        "Message delayed",
        "The server could not temporarily deliver your message (ex: Message is delayed due to "
        "network troubles).",
        "smtp;451 4.4.1 The message is delayed; the server does not answer",
    ),
    "Unsubscribe": BounceType(16, "Unsubscribe request", "Unsubscribe or Remove request."),
    "Subscribe": BounceType(
        32,
        "Subscribe request",
        "Subscribe request from someone wanting to get added to the mailing list.",
    ),
    "AutoResponder": BounceType(
        64,
        "Auto responder",
        '"Autoresponder" is an automatic email responder including nondescript NDRs and some "out '
        'of office" replies.',
    ),
    "AddressChange": BounceType(
        128, "Address change", "The recipient has requested an address change."
    ),
    "DnsError": BounceType(
        256, "DNS error", "A temporary DNS error.", "smtp;450 4.4.3 The domain was not found"
    ),
    "SpamNotification": BounceType(
        512,
        "Spam notification",
        "The message was delivered, but was either blocked by the user, or classified as spam, "
        "bulk mail, or had rejected content.",
        "smtp;554 5.7.1 The message was classified as spam",
    ),
    "OpenRelayTest": BounceType(
        1024,
        "Open relay test",
        "The NDR is actually a test email message to see if the mail server is an open relay.",
    ),
    "Unknown": BounceType(2048, "Unknown", "Unable to classify the NDR."),
    "SoftBounce": BounceType(
        4096,
        "Soft bounce",
        "Unable to temporarily deliver message (i.e. mailbox full, account disabled, exceeds "
        "quota, out of disk space).",
        "smtp;452 4.2.2 The mailbox is full",
    ),
    "VirusNotification": BounceType(
        8192,
        "Virus notification",
        "The bounce is actually a virus notification warning about a virus/code infected message.",
    ),
    "ChallengeVerification": BounceType(
        16384,
        "Spam challenge verification",
        "The bounce is a challenge asking for verification you actually sent the email. Typcial "
        "challenges are made by Spam Arrest, or MailFrontier Matador.",  # D, with its misspelling
    ),
    "BadEmailAddress": BounceType(
        100000, "Invalid email address", "The address is not a valid email address."
    ),
    "SpamComplaint": BounceType(
        100001,
        "Spam complaint",
        "The subscriber explicitly marked this message as spam.",
        "The recipient marked the message as spam",
        suppresses=True,
        is_testable=False,
    ),
    "ManuallyDeactivated": BounceType(
        100002, "Manually deactivated", "The email was manually deactivated."
    ),
    "Unconfirmed": BounceType(
        100003,
        "Registration not confirmed",
        "The subscriber has not clicked on the confirmation link upon registration or import.",
    ),
    "Blocked": BounceType(
        100006,
        "ISP block",
        "Blocked from this ISP due to content or blacklisting.",
        "smtp;554 5.7.1 The message was blocked",
    ),
    "SMTPApiError": BounceType(
        100007,
        "SMTP API error",
        "An error occurred while accepting an email through the SMTP API.",
    ),
    "InboundError": BounceType(
        100008,
        "Processing failed",
        "Unable to deliver inbound message to destination inbound hook.",
    ),
    "DMARCPolicy": BounceType(
        100009,
        "DMARC Policy",
        "Email rejected due DMARC Policy.",
        "smtp;550 5.7.1 The message failed the DMARC policy of its domain",
    ),
    "TemplateRenderingFailed": BounceType(
        100010,
        "Template rendering failed",
        "An error occurred while attempting to render your template.",
    ),
}
_BY_LETTERS: Final = {name.lower(): name for name, kind in TYPES.items() if kind.is_testable}


def bounce_type(name: str) -> str:
    """The bounce type of that *name*; an unknown name is a HardBounce (D).

    A fake spam complaint does not exist (D).

    >>> bounce_type("soft_bounce"), bounce_type("SOFTBOUNCE"), bounce_type("spamcomplaint")
    ('SoftBounce', 'SoftBounce', 'HardBounce')
    """
    return _BY_LETTERS.get(re.sub(r"[^a-z]", "", name.lower()), HARD_BOUNCE)
