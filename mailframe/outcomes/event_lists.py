"""The lists of Postmark that have events: opens, clicks, bounces and suppressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pandas as pd

from mailframe.outcomes.events import EventKind, events_frame
from mailframe.outcomes.newest import SECOND_NS, NewestFirst
from mailframe.postmark.account.questions import answer_of
from mailframe.postmark.account.times import bounds
from mailframe.postmark.bounce_types import COMPLAINT
from mailframe.postmark.timestamps import NO_STAMP, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mailframe.outcomes.sent import Addresses, Sent
    from mailframe.postmark.client import Postmark

_DAY_NS: Final = 86_400 * SECOND_NS


@dataclass(frozen=True, slots=True)
class EventList:
    """One kind of list.

    Attributes:
        path: the path.
        name: the name of the list in the answer.
        time: the field with the time of an item.
        event: what makes the columns of an event from an item.
        has_dates: whether Postmark documents ``fromdate`` for it.
    """

    path: str
    name: str
    time: str
    event: Callable[[Mapping[str, Any]], dict[str, Any]]
    has_dates: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list had.

    Attributes:
        events: the events of the messages that were asked for.
        newest_ns: the time of the newest event of any message; None without one.
        cut_ns: the time before which events may be missing; None if none is.
    """

    events: pd.DataFrame
    newest_ns: int | None = None
    cut_ns: int | None = None


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
    "opens": EventList("/messages/outbound/opens", "Opens", "ReceivedAt", _opened),
    "clicks": EventList("/messages/outbound/clicks", "Clicks", "ReceivedAt", _clicked),
    "bounces": EventList("/bounces", "Bounces", "BouncedAt", _bounced, has_dates=True),
}


def listed(
    server: Postmark,
    what: str,
    stream: str,
    sent: Sent,
    *,
    tag: str | None,
    since_ns: int | None,
    note: Callable[[str], None],
) -> Listed:
    """The events of *sent* in a list of a stream.

    Args:
        server: the server to ask.
        what: a name of ``LISTS``.
        stream: the ID of the stream.
        sent: the messages.
        tag: the tag to filter by; None for none.
        since_ns: the time from which events are wanted, in nanoseconds since 1970; None is all.
        note: is called with a text about the progress.

    Raises:
        AccountError: a question failed.
    """
    kind = LISTS[what]
    query = {"messagestream": stream} | ({"tag": tag} if tag else {})
    if kind.has_dates and since_ns is not None:
        query |= bounds(pd.Timestamp(since_ns, tz="UTC"), None)
    items = NewestFirst(server, kind.path, kind.name, kind.time, query)
    parts, newest_ns, read = [events_frame([])], NO_STAMP, 0
    for total, page, times in items.pages(since_ns):
        read += len(page)
        note(f"{what} of {stream}: {min(read, total):,} of {total:,}")
        newest_ns = max(newest_ns, int(times.max(initial=NO_STAMP)))
        is_ours = sent.index.find([item.get("MessageID") for item in page]) >= 0
        is_ours &= times >= (NO_STAMP if since_ns is None else since_ns)
        parts.append(events_frame(kind.event(page[at]) for at in is_ours.nonzero()[0]))
    return Listed(
        pd.concat(parts, ignore_index=True),
        None if newest_ns == NO_STAMP else newest_ns,
        items.cut_ns,
    )


def unsubscribed(server: Postmark, stream: str, sent: Sent) -> Listed:
    """Who unsubscribed from a stream after a message of *sent*; one question for all addresses.

    Postmark's list does not say because of which message. The reply is read while it arrives, and
    only addresses of *sent* are kept.

    Raises:
        AccountError: the question failed.
    """
    path = f"/message-streams/{quote(stream, safe='')}/suppressions/dump"
    query = {"SuppressionReason": "ManualSuppression", "Origin": "Recipient"}
    if sent.first_ns is not None:  # a day earlier, because it is US Eastern
        query["fromdate"] = f"{pd.Timestamp(sent.first_ns - _DAY_NS):%Y-%m-%d}"
    addresses = sent.addresses()
    times: dict[str, str] = {}

    def take(item: dict[str, Any]) -> None:
        address, at = item.get("EmailAddress"), item.get("CreatedAt")
        if isinstance(address, str) and isinstance(at, str) and addresses.of(address):
            times[address] = at

    def ask() -> Any:
        times.clear()  # of a reply that broke off
        return server.each(path, query, name="Suppressions", take=take)

    answer_of(ask, what=f"GET {path}")
    return Listed(events_frame(_unsubscriptions(times, addresses, sent)))


def _unsubscriptions(
    times: Mapping[str, str], addresses: Addresses, sent: Sent
) -> Iterator[dict[str, Any]]:
    """The events of the messages that were accepted before; those without a time are left out."""
    since_1970 = nanoseconds(list(times.values()))
    for (address, at), at_ns in zip(times.items(), since_1970.tolist(), strict=True):
        for place in addresses.of(address):
            if NO_STAMP < int(sent.submitted_ns[place]) <= at_ns:
                yield {
                    "MessageID": sent.message_id(place),
                    "kind": EventKind.UNSUBSCRIBED.value,
                    "at": at,
                    "Recipient": address,
                }
