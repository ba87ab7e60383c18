"""A suppression that the user of the sandbox makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.errors import SandboxError
from mailframe.sandbox.checks.account import StreamType
from mailframe.sandbox.state.events.suppressions import REASONS

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store


def suppress(store: Store, address: str, *, stream: str, reason: str = "HardBounce") -> None:
    """Make *address* inactive on *stream* of the first server, ignoring case.

    Raises:
        SandboxError: the stream or the reason does not exist.
    """
    server = store.first_server
    kinds = store.streams.kinds(server)
    sending = [name for name, kind in kinds.items() if kind is not StreamType.INBOUND]
    if stream not in sending:
        streams = ", ".join(sending)
        raise SandboxError(f"the sandbox has no sending stream {stream!r}; it has {streams}")
    if reason not in REASONS:
        raise SandboxError(
            f"Postmark has no suppression reason {reason!r}; it has {', '.join(REASONS)}"
        )
    origin = "Customer" if reason == "ManualSuppression" else "Recipient"
    store.outcomes.suppress(server, stream, address.strip(), reason=reason, origin=origin)
