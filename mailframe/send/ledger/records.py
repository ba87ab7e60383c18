"""Campaigns and requests, as the ledger records them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CampaignRecord:
    """One campaign of one server.

    Attributes:
        id: the row number in the ledger.
        scope: the identifier of the server, such as ``pm:123:live``.
        name: the name of the campaign.
        tag: the identifier of the name in the metadata of each message; the same in every ledger.
        letter: the fingerprint of the letter that was sent last; None before the first send.
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
        id: the row number in the ledger; a later request has a higher one.
        uid: the identifier of the request in the metadata of its messages.
        number: the number of the batch in its run; 0 for a control message.
        messages: the number of messages.
        streams: the streams that the messages go to.
        state: the state: ``sending``, ``answered``, ``unsent`` or ``unknown``.
        started_at: the time of the start, UTC, ISO 8601.
        why: the reason of an ``unknown`` or ``unsent`` request.
        closed_after: the id of the newest request at the close of this one; None if not recorded.
        boot: the start of the machine that ``clock_s`` counts from (see ``clock.py``).
        clock_s: the seconds from that start to the start of the request.
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
