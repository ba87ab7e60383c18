"""What an event changes: a bounce gets an ID, and it or a complaint suppresses its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailframe.sandbox.checks import mailboxes
from mailframe.sandbox.state.bounce_types import HARD_BOUNCE, SPAM_COMPLAINT, TYPES
from mailframe.sandbox.state.events.bounces import Bounce
from mailframe.sandbox.state.events.events import Event, EventKind

if TYPE_CHECKING:
    from mailframe.sandbox.state.clock import Clock
    from mailframe.sandbox.state.database import Database
    from mailframe.sandbox.state.events.bounces import BounceTable
    from mailframe.sandbox.state.events.events import EventTable
    from mailframe.sandbox.state.events.suppressions import SuppressionTable

MANUAL: Final = "ManualSuppression"


class Outcomes:
    """Records events of messages together with everything that they change.

    Args:
        database: the database, for transactions.
        clock: the clock.
        events: the events.
        bounces: the bounces.
        suppressions: the suppressed addresses.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        events: EventTable,
        bounces: BounceTable,
        suppressions: SuppressionTable,
    ) -> None:
        self._database = database
        self._clock = clock
        self._events = events
        self._bounces = bounces
        self._suppressions = suppressions

    def bounce(self, event: Event, head: dict[str, Any], *, kind: str = HARD_BOUNCE) -> Event:
        """Record that a message bounced, or that its recipient complained.

        Args:
            event: who, when and which message; its kind is set from *kind*.
            head: the head of the message, for From and Subject.
            kind: a name of ``bounce_types.TYPES``.

        Returns:
            The event as it is recorded, with the BounceID.
        """
        about = TYPES[kind]
        with self._database.transaction():
            bounce_id = self._bounces.add(
                Bounce(
                    event.server,
                    event.stream,
                    event.position,
                    event.message_id,
                    kind,
                    event.recipient.lower(),
                    mailboxes.parse("From", head.get("From"))[0].address,
                    head.get("Subject") or "",
                    event.tag,
                    event.at_ns,
                    about.reply,
                    about.suppresses,
                )
            )
            is_complaint = kind == SPAM_COMPLAINT
            event = self._events.add(
                event.changed(
                    EventKind.SPAM_COMPLAINT if is_complaint else EventKind.BOUNCE,
                    {"BounceID": bounce_id},
                )
            )
            if about.suppresses:
                reason = SPAM_COMPLAINT if is_complaint else HARD_BOUNCE
                self.suppress(
                    event.server,
                    event.stream,
                    event.recipient,
                    reason=reason,
                    origin="Recipient",
                    cause=event,
                )
            return event

    def suppress(
        self,
        server: int,
        stream: str,
        address: str,
        *,
        reason: str,
        origin: str,
        cause: Event | None = None,
    ) -> bool:
        """Suppress *address* on *stream* and record the SubscriptionChange; False if it was.

        Args:
            server: the ID of the server.
            stream: the ID of the stream.
            address: the address, ignoring case.
            reason: HardBounce, SpamComplaint or ManualSuppression.
            origin: Recipient, Customer or Admin.
            cause: the event whose message and time it gets; None has no message.
        """
        with self._database.transaction():
            is_new = self._suppressions.add(
                server,
                stream,
                address,
                reason=reason,
                origin=origin,
                at_ns=None if cause is None else cause.at_ns,
            )
            if is_new:
                change = {
                    "Origin": origin,
                    "SuppressSending": True,
                    "SuppressionReason": reason,
                }
                self._record_change(server, stream, address, change=change, cause=cause)
            return is_new

    def reactivate(
        self, server: int, stream: str, address: str, *, origin: str, cause: Event | None = None
    ) -> bool:
        """Remove the suppression of *address* and record the change; False if there is none.

        Its bounces are no longer inactive.
        """
        with self._database.transaction():
            self._bounces.activate(server, stream, address)
            if self._suppressions.get(server, stream, address) is None:
                return False
            self._suppressions.remove(server, stream, address)
            change = {"Origin": origin, "SuppressSending": False, "SuppressionReason": None}
            self._record_change(server, stream, address, change=change, cause=cause)
            return True

    def _record_change(
        self,
        server: int,
        stream: str,
        address: str,
        *,
        change: dict[str, Any],
        cause: Event | None,
    ) -> None:
        if cause is None:
            now_ns = self._clock.now_ns()
            cause = Event(EventKind.SUBSCRIPTION_CHANGE, server, stream, address.lower(), now_ns)
        self._events.add(cause.changed(EventKind.SUBSCRIPTION_CHANGE, change))
