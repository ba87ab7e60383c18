"""Where Postmark lists the events of a campaign, and which of its messages it still stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mailframe.errors import AccountError
from mailframe.message.message import CAMPAIGN_KEY
from mailframe.outcomes.newest import NewestFirst
from mailframe.postmark.account.questions import object_of
from mailframe.postmark.account.times import bounds
from mailframe.postmark.timestamps import NO_STAMP

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailframe.outcomes.sent import Sent
    from mailframe.outcomes.tally import Array
    from mailframe.postmark.client import Postmark

_PATH: Final = "/messages/outbound"
_NO_MESSAGE: Final = 701
_NO_STREAM: Final = 1226
_SAMPLES: Final = 5
"""So many messages are asked for, one by one, until one is shown."""


@dataclass(frozen=True, slots=True)
class CampaignLists:
    """The lists that have the events of the messages of some rows.

    Attributes:
        streams: the tag to filter by for each stream; None for no filter.
    """

    streams: Mapping[str, str | None]


def campaign_lists(
    server: Postmark, sent: Sent, *, cut: set[str], note: Callable[[str], None]
) -> CampaignLists:
    """The streams and tags of the messages; what Postmark still stores is noted in *sent*.

    One message tells the mark that a send with a ledger gives to all messages of a campaign. If a
    search for it shows as many messages as there are, all in one stream, the newest has it, too,
    and all times and recipients are known, they are these. Else they are listed, 500 in each
    request, and those that are not among them are looked for as another campaign. Messages without
    a mark are listed by their time.

    If all were shown, only their streams are asked for events, with the tag if all have the same;
    else all streams without one, because the index may lag. *cut* gets the name of a list that
    Postmark did not show whole, if a message was not in it.

    Raises:
        AccountError: a question failed.
    """
    streams = [
        row["ID"]
        for row in server.streams(archived=True).to_dict("records")
        if row["MessageStreamType"] != "Inbound"
    ]
    sent.streams.clear()
    tags: dict[str, set[str]] = {}
    searched: set[str | None] = set()
    while not sent.is_listed.all():
        one = _shown(server, sent)
        mark = _mark(one)
        if one is None or mark in searched:
            return CampaignLists(dict.fromkeys(streams))
        searched.add(mark)
        queries = {name: _query(name, mark, sent) for name in streams}
        counts = {name: _count(server, query) for name, query in queries.items()}
        used = [name for name in streams if counts[name]]
        is_whole = len(used) == 1 and counts[used[0]] == len(sent)
        if is_whole and _are_alike(server, sent, mark):
            sent.note_all(used[0])
            sent.is_tracked["opens"][:] = one.get("TrackOpens") is not False
            sent.is_tracked["clicks"][:] = one.get("TrackLinks") != "None"
            tag = str(one.get("Tag") or "")
            is_of_all = tag and _count(server, queries[used[0]] | {"tag": tag}) == len(sent)
            return CampaignLists({used[0]: tag if is_of_all else None})
        for name in used:
            of_stream = tags.setdefault(name, set())
            is_all = _list(server, name, queries[name], sent, of_stream, note=note)
            if not is_all and not sent.is_listed.all():
                cut.add(f"messages of {name}")
    return CampaignLists(
        {name: one.pop() or None if len(one) == 1 else None for name, one in tags.items() if one}
    )


def details_of(server: Postmark, message_id: str) -> dict[str, Any] | None:
    """The details of one message; None if Postmark does not show it: not yet, or not any more."""
    try:
        return object_of(server, f"{_PATH}/{message_id}/details")
    except AccountError as error:
        if error.error_code == _NO_MESSAGE:
            return None
        raise


def is_stored_since(server: Postmark, lists: CampaignLists, since_ns: int) -> bool:
    """Whether Postmark stores a message from before a time, and so all events since then."""
    until = bounds(None, pd.Timestamp(since_ns, tz="UTC"))
    return any(_count(server, {"messagestream": stream, **until}) for stream in lists.streams)


def _shown(server: Postmark, sent: Sent) -> dict[str, Any] | None:
    """One of the messages that were not listed yet, which Postmark shows; None without one.

    The oldest, the newest, or one of a few between them: Postmark deletes by age, and some may be
    of another server.
    """
    left = np.flatnonzero(~sent.is_listed)
    order = left[np.lexsort((sent.index.first[left], sent.submitted_ns[left]))]
    places = np.unique(np.linspace(0, len(order) - 1, _SAMPLES).astype(int))
    for place in order[[places[0], places[-1], *places[1:-1]][: len(places)]].tolist():
        one = details_of(server, sent.message_id(place))
        if one is not None:
            return one
    return None


def _are_alike(server: Postmark, sent: Sent, mark: str | None) -> bool:
    """Whether all messages can be of one campaign: everything is known, and the newest is of it."""
    if sent.is_listed.any() or sent.is_unknown.any():
        return False
    newest = details_of(server, sent.message_id(int(np.argmax(sent.submitted_ns))))
    return newest is not None and _mark(newest) == mark


def _mark(message: Mapping[str, Any] | None) -> str | None:
    """The identifier of the campaign in the metadata of a message, whose keys ignore case."""
    metadata = (message or {}).get("Metadata")
    fields = metadata.items() if isinstance(metadata, dict) else ()
    return next((str(value) for key, value in fields if str(key).lower() == CAMPAIGN_KEY), None)


def _query(stream: str, mark: str | None, sent: Sent) -> dict[str, str]:
    """A search for the messages of a campaign, or for all of the time of those not listed yet."""
    query = {"messagestream": stream}
    if mark is not None:
        return query | {f"metadata_{CAMPAIGN_KEY}": mark}
    times: Array = sent.submitted_ns[~sent.is_listed]
    times = times[times != NO_STAMP]
    if not len(times):
        return query
    first, last = (pd.Timestamp(one, tz="UTC") for one in (times.min(), times.max()))
    return query | bounds(first, last)


def _list(
    server: Postmark,
    stream: str,
    query: Mapping[str, str],
    sent: Sent,
    tags: set[str],
    *,
    note: Callable[[str], None],
) -> bool:
    """List messages of a stream; *tags* gets those of the messages of *sent*.

    Returns:
        Whether Postmark listed all of them.
    """
    listing = NewestFirst(server, _PATH, "Messages", "ReceivedAt", query)
    for page in listing.pages():
        is_ours = sent.note(page.items, page.times, stream=stream)
        tags.update(str(page.items[at].get("Tag") or "") for at in is_ours.nonzero()[0].tolist())
        note(f"messages: {page.total - page.rest + len(page.items):,} of {page.total:,}")
    return listing.cut_ns is None


def _count(server: Postmark, query: Mapping[str, str]) -> int:
    """How many messages a search shows."""
    try:
        total = object_of(server, _PATH, {"count": "1", "offset": "0", **query}).get("TotalCount")
    except AccountError as error:
        if error.error_code == _NO_STREAM:
            return 0
        raise
    if type(total) is not int or total < 0:
        raise AccountError(f"GET {_PATH}: the answer has no TotalCount")
    return total
