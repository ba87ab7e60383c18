"""Campaigns and requests, as the ledger records them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """One campaign of one server.

    Attributes:
        id: row number in the ledger.
        scope: identifies the server, such as ``pm:123:live``.
        name: of the campaign.
        tag: represents the name in the metadata of each message; the same in every ledger.
        letter: fingerprint of the letter that was sent last; None before the first send.
    """

    id: int
    scope: str
    name: str
    tag: str
    letter: bytes | None

    @property
    def is_test(self) -> bool:
        """Whether it uses the test token: nothing is delivered, and Postmark keeps nothing."""
        return self.scope == "test"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request.

    Attributes:
        id: row number in the ledger; a later request has a higher one.
        uid: identifies the request in the metadata of its messages.
        number: of the batch in its run; 0 for a control message.
        messages: number of messages.
        streams: that the messages go to.
        state: ``sending``, ``answered``, ``unsent`` or ``unknown``.
        started_at: UTC, ISO 8601.
        why: reason of an ``unknown`` or ``unsent`` request.
        closed_after: id of the newest request when this one was closed; None if not recorded.
        boot: start of the machine that ``clock_s`` counts from (see ``clock.py``).
        clock_s: seconds from that start to the start of the request.
    """

    id: int
    uid: str
    number: int
    messages: int
    streams: tuple[str, ...]
    state: str
    started_at: str
    why: str | None
    closed_after: int | None = None
    boot: str | None = None
    clock_s: float | None = None
