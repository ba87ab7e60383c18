"""A suppression that the user of the sandbox makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailframe.errors import SandboxError
from mailframe.sandbox.state.events.suppressions import REASONS

if TYPE_CHECKING:
    from mailframe.sandbox.state.store import Store


def suppress(
    store: Store,
    address: str,
    *,
    stream: str,
    reason: str = "HardBounce",
    server: int | str | None = None,
) -> None:
    """Make *address* inactive on *stream* of a server, ignoring case.

    Args:
        store: the state of the sandbox.
        address: the address.
        stream: the ID of the stream.
        reason: one of REASONS.
        server: the name or the ID of the server; None is the first one.

    Raises:
        SandboxError: the server, the stream or the reason does not exist.
    """
    number = store.first_server if server is None else store.servers.named(server)
    sending = store.streams.sending(number)
    if stream not in sending:
        streams = ", ".join(sending)
        raise SandboxError(f"the sandbox has no sending stream {stream!r}; it has {streams}")
    if reason not in REASONS:
        raise SandboxError(
            f"Postmark has no suppression reason {reason!r}; it has {', '.join(REASONS)}"
        )
    origin = "Customer" if reason == "ManualSuppression" else "Recipient"
    store.outcomes.suppress(number, stream, address.strip(), reason=reason, origin=origin)
