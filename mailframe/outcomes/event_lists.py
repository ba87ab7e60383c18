"""The lists of Postmark that have events: opens, clicks, bounces and suppressions."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd

from mailframe.message.digests import are_among
from mailframe.outcomes.events import EventKind
from mailframe.outcomes.newest import SECOND_NS, NewestFirst
from mailframe.outcomes.refresh_state import OVERLAP_NS, ReadUpTo
from mailframe.outcomes.tally import LATEST
from mailframe.postmark.account.questions import answer_of
from mailframe.postmark.account.times import bounds
from mailframe.postmark.bounce_types import COMPLAINT
from mailframe.postmark.timestamps import NO_STAMP, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mailframe.outcomes.newest import Page
    from mailframe.outcomes.sent import Sent
    from mailframe.outcomes.tally import Array, Tally
    from mailframe.postmark.client import Postmark

_DAY_NS: Final = 86_400 * SECOND_NS
_DIGEST_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class EventList:
    """One kind of list.

    Attributes:
        path: the path.
        name: the name of the list in the answer.
        time: the field with the time of an item.
        kind: the kind of its events, which are counted; None for bounces.
        event: what makes the columns of an event from an item.
        has_dates: whether Postmark documents ``fromdate`` for it.
    """

    path: str
    name: str
    time: str
    kind: EventKind | None
    event: Callable[[Mapping[str, Any]], dict[str, Any]]
    has_dates: bool = False


def _read(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "MessageID": item.get("MessageID"),
        "at": item.get("ReceivedAt"),
        "Recipient": item.get("Recipient"),
    }


def _opened(item: Mapping[str, Any]) -> dict[str, Any]:
    return _read(item) | {"kind": EventKind.OPENED.value}


def _clicked(item: Mapping[str, Any]) -> dict[str, Any]:
    return _read(item) | {"kind": EventKind.CLICKED.value, "link": item.get("OriginalLink")}


def _bounced(item: Mapping[str, Any]) -> dict[str, Any]:
    is_complaint = item.get("Type") == COMPLAINT
    return {
        "MessageID": item.get("MessageID"),
        "kind": (EventKind.COMPLAINED if is_complaint else EventKind.BOUNCED).value,
        "at": item.get("BouncedAt"),
        "Recipient": item.get("Email"),
        "bounce_type": item.get("Type"),
        "bounce_detail": item.get("Details") or item.get("Description"),
    }


LISTS: Final[Mapping[str, EventList]] = {
    "opens": EventList(
        "/messages/outbound/opens", "Opens", "ReceivedAt", EventKind.OPENED, _opened
    ),
    "clicks": EventList(
        "/messages/outbound/clicks", "Clicks", "ReceivedAt", EventKind.CLICKED, _clicked
    ),
    "bounces": EventList("/bounces", "Bounces", "BouncedAt", None, _bounced, has_dates=True),
}


@dataclass(slots=True)
class Listed:
    """The events of a list; of opens and clicks each once, in some 30 bytes.

    Attributes:
        kind: the kind of its events; None for bounces.
        sent: the messages whose events are kept.
        places: the message of each event.
        times: when each was, in nanoseconds since 1970.
        digests: of each open and click.
        links: the link of each click.
        bounces: message, type and detail of each bounce.
    """

    kind: EventKind | None
    sent: Sent
    places: array[int] = field(default_factory=lambda: array("q"))
    times: array[int] = field(default_factory=lambda: array("q"))
    digests: array[int] = field(default_factory=lambda: array("Q"))
    links: list[str | None] = field(default_factory=list)
    bounces: list[tuple[int, str | None, str | None]] = field(default_factory=list)
    _texts: dict[str, str] = field(default_factory=dict)
    _oldest_ns: int = LATEST

    def __len__(self) -> int:
        return len(self.places)

    def take(self, event_list: EventList, page: Page, since_ns: int | None) -> None:
        """Keep the events of a page that are not older than a time."""
        places = self.sent.index.find([item.get("MessageID") for item in page.items])
        is_wanted = (places >= 0) & (page.times >= (NO_STAMP if since_ns is None else since_ns))
        if self.kind is not None:
            is_wanted &= page.times != NO_STAMP  # an event without a time is none
        rows = is_wanted.nonzero()[0]
        events = [event_list.event(page.items[row]) for row in rows.tolist()]
        places, times = places[rows], page.times[rows]
        if self.kind is None:
            self.bounces += [
                (place, self._text(one["bounce_type"]), self._text(one["bounce_detail"]))
                for place, one in zip(places.tolist(), events, strict=True)
            ]
            return
        digests = _digests(events, times)
        is_new = self._is_new(digests, times)
        self.places.frombytes(places[is_new].astype("i8").tobytes())
        self.times.frombytes(times[is_new].astype("i8").tobytes())
        self.digests.frombytes(digests[is_new].tobytes())
        if self.kind is EventKind.CLICKED:
            self.links += [self._text(events[row]["link"]) for row in is_new.nonzero()[0].tolist()]

    def without(self, counted: str) -> Array:
        """Which events have none of these digests, in hexadecimal."""
        before = np.frombuffer(bytes.fromhex(counted), dtype=">u8")
        return ~are_among(np.array(self.digests, dtype="u8"), np.sort(before.astype("u8")))

    def counted(self, since_ns: int) -> str:
        """The digests of the events since a time, in hexadecimal."""
        is_since = np.array(self.times, dtype="i8") >= since_ns
        return np.array(self.digests, dtype="u8")[is_since].astype(">u8").tobytes().hex()

    def add_to(self, tally: Tally, is_one: Array | None = None) -> None:
        """Add the events to a tally: all of them, or those of *is_one*, which are new."""
        for bounce in self.bounces:
            tally.add_bounce(*bounce)
        if self.kind is None:
            return
        are_new = is_one is not None
        places, times = (np.array(one, dtype="i8") for one in (self.places, self.times))
        rows = np.arange(len(places)) if is_one is None else is_one.nonzero()[0]
        tally.add(self.kind, places[rows], times[rows], are_new=are_new)
        if self.kind is EventKind.CLICKED:
            links = [self.links[row] for row in rows.tolist()]
            tally.add_clicks(links, places[rows], are_new=are_new)

    def _is_new(self, digests: Array, times: Array) -> Array:
        """Which events did not come before: items move to later pages when new ones come."""
        is_new = np.zeros(len(digests), dtype=bool)
        is_new[np.unique(digests, return_index=True)[1]] = True
        if (times >= self._oldest_ns).any():  # older ones than all before did not
            is_new &= ~are_among(digests, np.sort(np.array(self.digests, dtype="u8")))
        self._oldest_ns = min(self._oldest_ns, int(times.min(initial=LATEST)))
        return is_new

    def _text(self, value: Any) -> str | None:
        """The text, in one copy for all events that have it."""
        return self._texts.setdefault(value, value) if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a list.

    Attributes:
        events: its events.
        up_to: how far it was read.
        cut_ns: the time before which events may be missing; None if none is.
        has_late: whether there are older events that were not there before.
    """

    events: Listed
    up_to: ReadUpTo
    cut_ns: int | None = None
    has_late: bool = False


def listed(
    server: Postmark,
    what: str,
    stream: str,
    sent: Sent,
    *,
    tag: str | None,
    before: ReadUpTo | None,
    note: Callable[[str], None],
) -> Reading:
    """The events of *sent* in a list of a stream.

    Args:
        server: the server to ask.
        what: a name of ``LISTS``.
        stream: the ID of the stream.
        sent: the messages.
        tag: the tag to filter by; None for none.
        before: how far the last refresh read it; None for all events since the first message.
        note: is called with a text about the progress.

    Raises:
        AccountError: a question failed.
    """
    one, first_ns = LISTS[what], sent.first_ns
    query = {"messagestream": stream} | ({"tag": tag} if tag else {})
    start = ReadUpTo(first_ns)
    if one.has_dates and start.since_ns is not None:
        query |= bounds(pd.Timestamp(start.since_ns, tz="UTC"), None)
    since_ns = (before or start).since_ns
    items = NewestFirst(server, one.path, one.name, one.time, query)
    events, older = Listed(one.kind, sent), dict[int, int]()
    newest_ns = None if since_ns is None else since_ns + OVERLAP_NS
    for page in items.pages(since_ns):
        events.take(one, page, since_ns)
        note(f"{what} of {stream}: {page.total - page.rest + len(page.items):,} of {page.total:,}")
        first_ns = int(page.times.max(initial=NO_STAMP))
        if not older and first_ns != NO_STAMP:
            newest_ns = first_ns if newest_ns is None else max(newest_ns, first_ns)
        for than_ns in (since_ns, newest_ns and newest_ns - OVERLAP_NS):
            number = None if than_ns is None or than_ns in older else page.older(than_ns)
            if number is not None and than_ns is not None:
                older[than_ns] = number
    is_cut = items.cut_ns is not None

    def older_than(than_ns: int | None) -> int | None:
        return None if than_ns is None else older.get(than_ns, None if is_cut else 0)

    up_to = ReadUpTo(newest_ns)
    if up_to.since_ns is not None:
        up_to = replace(
            up_to, older=older_than(up_to.since_ns), counted=events.counted(up_to.since_ns)
        )
    now, then = older_than(since_ns), None if before is None else before.older
    return Reading(events, up_to, items.cut_ns, now is not None and then is not None and now > then)


def unsubscribed(server: Postmark, stream: str, sent: Sent, tally: Tally) -> None:
    """Add who unsubscribed from a stream after a message in it; one question for all addresses.

    Postmark's list does not say because of which message. The reply is read while it arrives, and
    only addresses of *sent* are kept.

    Raises:
        AccountError: the question failed.
    """
    path = f"/message-streams/{quote(stream, safe='')}/suppressions/dump"
    query = {"SuppressionReason": "ManualSuppression", "Origin": "Recipient"}
    if sent.first_ns is not None:  # a day earlier, because it is US Eastern
        query["fromdate"] = f"{pd.Timestamp(sent.first_ns - _DAY_NS):%Y-%m-%d}"
    addresses, is_in_stream = sent.addresses(), sent.streams.get(stream)
    if is_in_stream is None:
        return  # in which stream a message is, no search shows yet, or not any more
    times: dict[str, str] = {}

    def take(item: dict[str, Any]) -> None:
        address, at = item.get("EmailAddress"), item.get("CreatedAt")
        if isinstance(address, str) and isinstance(at, str) and addresses.of(address):
            times[address] = at

    def ask() -> Any:
        times.clear()  # of a reply that broke off
        return server.each(path, query, name="Suppressions", take=take)

    answer_of(ask, what=f"GET {path}")
    for address, at_ns in zip(times, nanoseconds([*times.values()]).tolist(), strict=True):
        places = np.array(addresses.of(address))
        places = places[is_in_stream[places]]
        submitted_ns = sent.submitted_ns[places]
        places = places[(submitted_ns > NO_STAMP) & (submitted_ns <= at_ns)]  # and it has a time
        tally.add(EventKind.UNSUBSCRIBED, places, np.full(len(places), at_ns))


def _digests(events: Sequence[Mapping[str, Any]], times: Array) -> Array:
    """The identity of each event; Postmark names none. Spellings in upper case are the same."""
    texts = [
        f"{one['MessageID']}\0{at}\0{one['Recipient']}\0{one.get('link')}".lower()
        for one, at in zip(events, times.tolist(), strict=True)
    ]
    raw = b"".join(
        hashlib.blake2b(text.encode(errors="replace"), digest_size=_DIGEST_BYTES).digest()
        for text in texts
    )
    return np.frombuffer(raw, dtype="u8")
