"""A delivery to a webhook, its status and its outcome. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

INBOUND: Final = "Inbound"
TRACE_ID: Final = "X-PM-Webhook-Trace-Id"
"""The header of each post to a webhook."""
_RETRIED: Final = frozenset({408, 429})
_FORBIDDEN: Final = 403


class Status(StrEnum):
    """The status of a delivery."""

    WAITING = "waiting"
    """For its first attempt or a retry."""
    SENDING = "sending"
    """An attempt is under way."""
    DELIVERED = "delivered"
    """The receiver answered 2xx; 200 for an inbound message."""
    DROPPED = "dropped"
    """An answer that Postmark does not retry."""
    FAILED = "failed"
    """No retry is left."""
    REMOVED = "removed"
    """Its webhook was removed while it waited."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that is due.

    Attributes:
        id: its ID.
        webhook: the ID of its webhook.
        kind: the RecordType, or ``Inbound``.
        trace_id: the same for each attempt.
        body: the exact bytes of the JSON, the same for each attempt.
        attempt: the number of this attempt, from 1.
        retries_left: how many retries remain after this attempt.
    """

    id: int
    webhook: int
    kind: str
    trace_id: str
    body: bytes
    attempt: int
    retries_left: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        url: where it was posted to.
        http_status: the status of the answer; None without one.
        error: why there is no answer; None with one.
        answer: the start of the body of the answer.
        duration_ms: how long it took.
    """

    url: str
    http_status: int | None
    error: str | None = None
    answer: str = ""
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery to queue.

    Attributes:
        webhook: the ID of its webhook.
        server: the ID of its server.
        kind: the RecordType, or ``Inbound``.
        message_id: the MessageID; empty without a message.
        url: the URL of the webhook now.
        body: the JSON.
        due_ns: the time of its first attempt.
    """

    webhook: int
    server: int
    kind: str
    message_id: str
    url: str
    body: bytes
    due_ns: int


def verdict_on(kind: str, http_status: int | None) -> Status:
    """The status that an answer gives a delivery; WAITING if it is retried.

    An event is delivered by 2xx, dropped by 4xx but 408 and 429, and retried otherwise. An inbound
    message is delivered by 200, and retried after anything but 403 (D). Postmark follows up to ten
    redirects; the sandbox follows none, so that it posts to no other machine.

    >>> [str(verdict_on("Open", status)) for status in (204, 302, 404, 429, 503, None)]
    ['delivered', 'waiting', 'dropped', 'waiting', 'waiting', 'waiting']
    >>> [str(verdict_on("Inbound", status)) for status in (200, 204, 403, 404)]
    ['delivered', 'waiting', 'dropped', 'waiting']
    """
    if http_status is None:
        return Status.WAITING
    if kind == INBOUND:
        ends = {200: Status.DELIVERED, _FORBIDDEN: Status.DROPPED}
        return ends.get(http_status, Status.WAITING)
    if http_status // 100 == 2:  # noqa: PLR2004
        return Status.DELIVERED
    is_dropped = http_status // 100 == 4 and http_status not in _RETRIED  # noqa: PLR2004
    return Status.DROPPED if is_dropped else Status.WAITING
