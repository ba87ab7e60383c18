"""The DNS records that Postmark asks for, of a domain or a sender signature. Pure.

The sandbox asks no DNS: what is verified is verified at once (A).
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any, Final

SPF_TEXT: Final = "v=spf1 a mx include:spf.mtasv.net ~all"  # O (postmarker)
RETURN_PATH_HOST: Final = "pm.mtasv.net"  # O (postmarker)
TRACKING_HOST: Final = "tracking.pstmrk.it"  # A
_KEY_BYTES: Final = 162


def new_records(domain: str, *, now_ns: int) -> dict[str, Any]:
    """The records of a new domain, with a key that is not verified yet (O: postmarker).

    Args:
        domain: the domain.
        now_ns: the time, which is in the name of the key.
    """
    return {
        "SPFVerified": False,
        "SPFHost": domain,
        "SPFTextValue": SPF_TEXT,
        "DKIMVerified": False,
        "WeakDKIM": False,
        "DKIMHost": "",
        "DKIMTextValue": "",
        **_new_key(domain, now_ns),
        "DKIMRevokedHost": "",
        "DKIMRevokedTextValue": "",
        "SafeToRemoveRevokedKeyFromDNS": False,
        "DKIMUpdateStatus": "Pending",
        "ReturnPathDomain": "",
        "ReturnPathDomainVerified": False,
        "ReturnPathDomainCNAMEValue": RETURN_PATH_HOST,
        "CustomTrackingDomain": "",
        "CustomTrackingDomainCNAMEValue": "",
        "CustomTrackingVerified": False,
    }


def _new_key(domain: str, now_ns: int) -> dict[str, str]:
    selector = time.strftime("%Y%m%d%H%M%Spm", time.gmtime(now_ns // 1_000_000_000))
    host = f"{selector}._domainkey.{domain}"
    content = hashlib.shake_256(f"{host} {now_ns}".encode()).digest(_KEY_BYTES)
    text = f"k=rsa; p={base64.b64encode(content).decode()}"
    return {"DKIMPendingHost": host, "DKIMPendingTextValue": text}


def is_renewing(item: dict[str, Any]) -> bool:
    """Whether a key waits to be verified: a second one is refused with 505 (O)."""
    return bool(item["DKIMPendingHost"])


def with_new_key(item: dict[str, Any], domain: str, *, now_ns: int) -> dict[str, Any]:
    """*item* with a key that waits to be verified; the present one signs until then."""
    return item | _new_key(domain, now_ns) | {"DKIMUpdateStatus": "Pending"}


def with_verified_key(item: dict[str, Any]) -> dict[str, Any]:
    """*item* with its pending key in use, and the one before revoked."""
    if not is_renewing(item):
        return item
    return item | {
        "DKIMVerified": True,
        "DKIMHost": item["DKIMPendingHost"],
        "DKIMTextValue": item["DKIMPendingTextValue"],
        "DKIMPendingHost": "",
        "DKIMPendingTextValue": "",
        "DKIMRevokedHost": item["DKIMHost"],
        "DKIMRevokedTextValue": item["DKIMTextValue"],
        "SafeToRemoveRevokedKeyFromDNS": bool(item["DKIMHost"]),
        "DKIMUpdateStatus": "Verified",
    }
