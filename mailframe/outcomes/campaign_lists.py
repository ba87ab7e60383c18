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
    from collections.abc import Mapping

    from mailframe.outcomes.sent import Sent
    from mailframe.postmark.client import Postmark

_PATH: Final = "/messages/outbound"
_NO_MESSAGE: Final = 701
_NO_STREAM: Final = 1226


@dataclass(frozen=True, slots=True)
class CampaignLists:
    """The lists that have the events of a campaign.

    Attributes:
        streams: the tag to filter by for each stream; None for no filter.
        mark: the identifier of the campaign in the metadata of its messages; None without a ledger.
        are_all: whether a search shows all messages, so that no other stream has one.
    """

    streams: Mapping[str, str | None]
    mark: str | None = None
    are_all: bool = False


def campaign_lists(server: Postmark, sent: Sent) -> CampaignLists:
    """The streams and tags of a campaign; what Postmark still stores is noted in *sent*.

    One message tells the mark that a send with a ledger gives to all of them. If a search for it
    shows as many messages as there are, only its streams are asked, with the tag if all have the
    same; else all streams without one, because the index may lag.

    Raises:
        AccountError: a question failed.
    """
    streams = [
        row["ID"]
        for row in server.streams(archived=True).to_dict("records")
        if row["MessageStreamType"] != "Inbound"
    ]
    one = _stored(server, sent)
    mark = _mark(one)
    counts = {} if mark is None else {name: _count(server, name, mark) for name in streams}
    if mark is None or sum(counts.values()) < len(sent):
        return CampaignLists(dict.fromkeys(streams), mark)
    tag = str((one or {}).get("Tag") or "")
    tags = {
        name: tag if tag and _count(server, name, mark, tag=tag) == counts[name] else None
        for name in streams
        if counts[name]
    }
    return CampaignLists(tags, mark, are_all=True)


def list_messages(server: Postmark, lists: CampaignLists, sent: Sent) -> None:
    """Note time, recipients and tracking of each message in *sent*: one request per 500.

    Rows of an earlier run have neither a time nor a recipient. What no search shows counts as not
    stored.

    Raises:
        AccountError: a question failed.
    """
    sent.is_stored[:] = False
    for stream in lists.streams if lists.mark is not None else ():
        query = _query(stream, str(lists.mark), None)
        listing = NewestFirst(server, _PATH, "Messages", "ReceivedAt", query)
        for _, items, times in listing.pages():
            sent.note(items, times)


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
    query = {"count": "1", "offset": "0", **until}
    return any(
        object_of(server, _PATH, query | {"messagestream": stream}).get("TotalCount")
        for stream in lists.streams
    )


def _stored(server: Postmark, sent: Sent) -> dict[str, Any] | None:
    """One message that Postmark stores, the oldest if it does.

    If the oldest is not shown, the first that is is searched for by halves: Postmark deletes by
    age. Of messages with one time, all or none count as stored. Messages whose time is not known
    count as not stored.
    """
    is_timed = sent.submitted_ns != NO_STAMP
    order = np.lexsort((sent.index.first, sent.submitted_ns))  # those without a time are first
    candidates = order[np.count_nonzero(~is_timed) :] if is_timed.any() else order
    one = details_of(server, sent.message_id(candidates[0]))
    sent.is_stored[:] = is_timed
    if one is None and len(candidates) > 1:
        low, high = 0, len(candidates) - 1  # the first is not shown; the last may be
        one = details_of(server, sent.message_id(candidates[high]))
        while one is not None and high - low > 1:
            middle = (low + high) // 2
            shown = details_of(server, sent.message_id(candidates[middle]))
            low, high = (low, middle) if shown is not None else (middle, high)
        last_ns = sent.submitted_ns[candidates[high - 1 if one is not None else high]]
        sent.is_stored &= sent.submitted_ns > last_ns
    elif one is None:
        sent.is_stored[:] = False
    if one is not None:
        sent.is_tracked["opens"][:] = one.get("TrackOpens") is not False
        sent.is_tracked["clicks"][:] = one.get("TrackLinks") != "None"
    return one


def _mark(message: Mapping[str, Any] | None) -> str | None:
    """The identifier of the campaign in the metadata of a message, whose keys ignore case."""
    metadata = (message or {}).get("Metadata")
    fields = metadata.items() if isinstance(metadata, dict) else ()
    return next((str(value) for key, value in fields if str(key).lower() == CAMPAIGN_KEY), None)


def _query(stream: str, mark: str, tag: str | None) -> dict[str, str]:
    query = {"messagestream": stream, f"metadata_{CAMPAIGN_KEY}": mark}
    return query | ({"tag": tag} if tag else {})


def _count(server: Postmark, stream: str, mark: str, *, tag: str | None = None) -> int:
    """How many messages of the campaign a search shows in a stream."""
    query = {"count": "1", "offset": "0", **_query(stream, mark, tag)}
    try:
        total = object_of(server, _PATH, query).get("TotalCount")
    except AccountError as error:
        if error.error_code == _NO_STREAM:
            return 0
        raise
    if type(total) is not int:
        raise AccountError(f"GET {_PATH}: the answer has no TotalCount")
    return total
