"""The types of bounces that Postmark lists (postmarkapp.com/developer/api/bounce-api)."""

from __future__ import annotations

from typing import Final

COMPLAINT: Final = "SpamComplaint"
"""The type of a complaint, which Postmark lists among the bounces."""
NO_FAILURE: Final = frozenset(
    {
        "Transient",
        "Unsubscribe",
        "Subscribe",
        "AutoResponder",
        "AddressChange",
        "OpenRelayTest",
        "SpamNotification",
        "VirusNotification",
        "ChallengeVerification",
    }
)
"""Types that do not say that a delivery failed: it is delayed, or was answered."""
