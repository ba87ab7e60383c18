"""What the sandbox's account is allowed to do: tokens, senders, streams, approval. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mailframe.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TEST_TOKEN = "POSTMARK_API_TEST"  # noqa: S105  # published by Postmark: validates and stores nothing


class StreamType(StrEnum):
    """What a message stream is for."""

    TRANSACTIONAL = "transactional"
    """One mail to one person who did something."""
    BROADCAST = "broadcast"
    """One mail to many; every message gets an unsubscribe link."""
    INBOUND = "inbound"
    """Receives only: sending on it is refused with code 1236."""


class Approval(StrEnum):
    """How far Postmark has approved the account."""

    APPROVED = "approved"
    """May write to everybody."""
    PENDING = "pending"
    """May write to the domain of its sender alone (412)."""
    REFUSED = "refused"
    """May write to nobody (413)."""


class DeliveryType(StrEnum):
    """Whether a server delivers; fixed when it is made."""

    LIVE = "Live"
    """It delivers."""
    SANDBOX = "Sandbox"
    """It takes everything and delivers nothing."""


DEFAULT_STREAMS = {
    "outbound": StreamType.TRANSACTIONAL,
    "broadcast": StreamType.BROADCAST,
    "inbound": StreamType.INBOUND,
}


@dataclass(frozen=True, slots=True)
class Account:
    """One server of one account.

    Attributes:
        tokens: in lower case (Postmark documents them as case-insensitive); None takes any that is not empty.
        senders: confirmed addresses and domains, in lower case; None takes all.
        streams: the type of each stream, by id.
        approval: how far the account is approved.
        server_id: what tells this server from every other.
        delivery_type: what the server says of itself; the sandbox delivers nothing either way.
        api_tokens: the tokens that ``GET /server`` shows.
    """

    tokens: frozenset[str] | None = None
    senders: frozenset[str] | None = None
    streams: Mapping[str, StreamType] = field(default_factory=lambda: dict(DEFAULT_STREAMS))
    approval: Approval = Approval.APPROVED
    server_id: int = 1
    delivery_type: DeliveryType = DeliveryType.SANDBOX
    api_tokens: tuple[str, ...] = ()

    @property
    def sending_streams(self) -> tuple[str, ...]:
        """The ids of the streams that can send."""
        return tuple(name for name, kind in self.streams.items() if kind is not StreamType.INBOUND)

    @property
    def is_sandboxed(self) -> bool:
        """Whether its messages carry ``Sandboxed: true``."""
        return self.delivery_type is DeliveryType.SANDBOX

    def as_server(self) -> dict[str, Any]:
        """The answer of ``GET /server``: every documented key, with the values of a new server (assumed)."""
        inbound_hash = f"{self.server_id:032x}"
        return {
            "ID": self.server_id,
            "Name": "mailframe sandbox",
            "ApiTokens": list(self.api_tokens),
            "Color": "Blue",
            "SmtpApiActivated": True,
            "RawEmailEnabled": False,
            "DeliveryType": str(self.delivery_type),
            "ServerLink": f"https://postmarkapp.com/servers/{self.server_id}/streams",
            "InboundAddress": f"{inbound_hash}@inbound.postmarkapp.com",
            "InboundHash": inbound_hash,
            **dict.fromkeys(
                (
                    "InboundHookUrl",
                    "BounceHookUrl",
                    "OpenHookUrl",
                    "DeliveryHookUrl",
                    "ClickHookUrl",
                ),
                "",
            ),
            "PostFirstOpenOnly": False,
            "InboundDomain": "",
            "InboundSpamThreshold": 5,
            "TrackOpens": False,
            "TrackLinks": "None",
            "IncludeBounceContentInHook": False,
            "EnableSmtpApiErrorHooks": False,
        }


def lowered(values: Iterable[str] | None) -> frozenset[str] | None:
    """*values* in lower case; None stays None, and one lone string is a mistake, not a list of letters."""
    if isinstance(values, str):
        raise SandboxError(
            f"expected a list of texts, found the text {values!r}; write [{values!r}]"
        )
    return None if values is None else frozenset(value.lower() for value in values)
