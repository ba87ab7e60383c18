"""The account of the sandbox: tokens, senders, streams, approval. Values only."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from mailframe.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TEST_TOKEN = "POSTMARK_API_TEST"  # noqa: S105  # public: Postmark validates and stores nothing
DEFAULT_TOKEN = "sandbox-token"  # noqa: S105  # valid only for a sandbox


class StreamType(StrEnum):
    """The type of a message stream."""

    TRANSACTIONAL = "transactional"
    """One message to one recipient."""
    BROADCAST = "broadcast"
    """One message to many recipients; each gets an unsubscribe link."""
    INBOUND = "inbound"
    """Receives only: sending is refused with code 1236."""


class Approval(StrEnum):
    """Whether Postmark has approved the account."""

    APPROVED = "approved"
    """Can send to every address."""
    PENDING = "pending"
    """Can send only to the domain of its sender (412)."""
    REFUSED = "refused"
    """Cannot send (413)."""


class DeliveryType(StrEnum):
    """Whether a server delivers; fixed when it is created."""

    LIVE = "Live"
    """It delivers."""
    SANDBOX = "Sandbox"
    """It accepts messages and delivers none."""


DEFAULT_STREAMS = {
    "outbound": StreamType.TRANSACTIONAL,
    "broadcast": StreamType.BROADCAST,
    "inbound": StreamType.INBOUND,
}


@dataclass(frozen=True, slots=True)
class Account:
    """What the account allows, and the server that it has at first.

    Attributes:
        tokens: the tokens in lower case (Postmark documents them as case-insensitive); None accepts
            any token that is not empty.
        senders: the confirmed addresses and domains, in lower case; None accepts all.
        unconfirmed: the addresses of sender signatures that nobody has confirmed, in lower case.
        streams: the type of each stream of a new server, by ID.
        approval: the approval of the account.
        server_id: the unique ID of this server.
        delivery_type: the type that ``GET /server`` shows; the sandbox never delivers.
        api_tokens: the tokens that ``GET /server`` shows.
        account_tokens: the account tokens in lower case; None accepts any that is not empty.
        bulk: whether the account has the Bulk API; without it, every call answers code 14.
    """

    tokens: frozenset[str] | None = None
    senders: frozenset[str] | None = None
    streams: Mapping[str, StreamType] = field(default_factory=lambda: dict(DEFAULT_STREAMS))
    approval: Approval = Approval.APPROVED
    server_id: int = 1
    delivery_type: DeliveryType = DeliveryType.SANDBOX
    api_tokens: tuple[str, ...] = ()
    account_tokens: frozenset[str] | None = None
    bulk: bool = True
    unconfirmed: frozenset[str] = frozenset()


def new_server_id() -> int:
    """A random ID: a ledger tells servers apart by it, so no seed repeats it."""
    return random.SystemRandom().randrange(1, 2**31)


_Choice = TypeVar("_Choice", bound=StrEnum)


def checked_account(
    *,
    tokens: list[str] | None,
    senders: Iterable[str] | None,
    streams: Mapping[str, str] | None,
    approval: str,
    server_id: int | None,
    delivery_type: str,
    bulk: bool,
) -> Account:
    """The account of these options; see ``LocalPostmark`` for each.

    Raises:
        SandboxError: an unknown stream type, approval or delivery type, or one text for a list.
    """
    return Account(
        _lowered(tokens),
        _lowered(senders),
        {
            name: _choice(StreamType, kind, "the type of a stream")
            for name, kind in (streams or DEFAULT_STREAMS).items()
        },
        _choice(Approval, approval, "approval"),
        new_server_id() if server_id is None else server_id,
        _choice(DeliveryType, delivery_type, "delivery_type"),
        tuple(tokens or [DEFAULT_TOKEN]),
        bulk=bulk,
    )


def _choice(choices: type[_Choice], value: str, name: str) -> _Choice:
    try:
        return choices(value)
    except ValueError:
        raise SandboxError(f"{name} is one of {', '.join(choices)}; found {value!r}") from None


def _lowered(values: Iterable[str] | None) -> frozenset[str] | None:
    """*values* in lower case; None stays None.

    Raises:
        SandboxError: *values* is one text and not a list.
    """
    if isinstance(values, str):
        raise SandboxError(
            f"expected a list of texts, found the text {values!r}; write [{values!r}]"
        )
    return None if values is None else frozenset(value.lower() for value in values)
