"""The lists of a server as DataFrames: streams, templates, messages, bounces, suppressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np
import pandas as pd

from mailframe.errors import AccountError
from mailframe.message.addresses import Mailbox
from mailframe.postmark.account.columns import frame_of
from mailframe.postmark.account.listing import Listing
from mailframe.postmark.account.questions import answer_of, items_of, object_of
from mailframe.postmark.account.times import bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailframe.postmark.account.times import When
    from mailframe.postmark.client import Postmark

BOUNCE_COLUMNS: Final = {
    "ID": "Int64",
    "Type": "str",
    "TypeCode": "Int64",
    "Name": "str",
    "Email": "str",
    "BouncedAt": "time",
    "Inactive": "boolean",
    "CanActivate": "boolean",
    "Description": "str",
    "Details": "str",
    "Subject": "str",
    "Tag": "str",
    "MessageStream": "str",
    "MessageID": "str",
    "From": "str",
    "DumpAvailable": "boolean",
    "ServerID": "Int64",
}
MESSAGE_COLUMNS: Final = {
    "MessageID": "str",
    "Status": "str",
    "ReceivedAt": "time",
    "To": "str",
    "Cc": "str",
    "Bcc": "str",
    "From": "str",
    "Subject": "str",
    "Tag": "str",
    "MessageStream": "str",
    "TrackOpens": "boolean",
    "TrackLinks": "str",
    "Metadata": "object",
    "Attachments": "object",
    "Sandboxed": "boolean",
}
STREAM_COLUMNS: Final = {
    "ID": "str",
    "Name": "str",
    "MessageStreamType": "str",
    "Description": "str",
    "UnsubscribeHandlingType": "str",
    "CreatedAt": "time",
    "UpdatedAt": "time",
    "ArchivedAt": "time",
    "ExpectedPurgeDate": "time",
}
SUPPRESSION_COLUMNS: Final = {
    "EmailAddress": "str",
    "SuppressionReason": "str",
    "Origin": "str",
    "CreatedAt": "time",
}
TEMPLATE_COLUMNS: Final = {
    "TemplateId": "Int64",
    "Alias": "str",
    "Name": "str",
    "TemplateType": "str",
    "LayoutTemplate": "str",
    "Active": "boolean",
}
_RECIPIENTS: Final = ("To", "Cc", "Bcc")


def streams(server: Postmark, *, archived: bool) -> pd.DataFrame:
    """The message streams of *server*; see ``Postmark.streams``."""
    path = "/message-streams"
    query = {"MessageStreamType": "All", "IncludeArchivedStreams": str(bool(archived)).lower()}
    items = items_of(object_of(server, path, query), "MessageStreams", what=f"GET {path}")
    rows = [item | _object(item.get("SubscriptionManagementConfiguration")) for item in items]
    return frame_of(rows, STREAM_COLUMNS)


def templates(server: Postmark) -> pd.DataFrame:
    """The templates of *server*; see ``Postmark.templates``."""
    listing = Listing(server, "/templates", "Templates", "TemplateId", {"TemplateType": "All"})
    return frame_of(listing.items(), TEMPLATE_COLUMNS)


def bounces(
    server: Postmark, filters: Mapping[str, object], *, since: When, until: When, limit: int | None
) -> pd.DataFrame:
    """The bounces of *server*; see ``Postmark.bounces``."""
    query, most = query_of(filters) | bounds(since, until), _checked_limit(limit)
    if "messagestream" in query:
        listing = Listing(server, "/bounces", "Bounces", "ID", query)
        return frame_of(listing.items(most), BOUNCE_COLUMNS)
    # Postmark lists those of one stream, and without its ID those of the default stream
    every = streams(server, archived=True)
    of_each = [
        bounces(server, {**filters, "messagestream": one}, since=since, until=until, limit=most)
        for one in every.loc[every["MessageStreamType"] != "Inbound", "ID"]
    ]
    if not of_each:
        return frame_of([], BOUNCE_COLUMNS)
    whole = pd.concat(of_each, ignore_index=True)
    whole = whole[~whole["ID"].duplicated() | whole["ID"].isna()]
    newest_first = whole.sort_values(["BouncedAt", "ID"], ascending=False, ignore_index=True)
    return newest_first if most is None else newest_first.head(most)


def messages(
    server: Postmark,
    filters: Mapping[str, object],
    *,
    metadata: Mapping[str, str] | None,
    since: When,
    until: When,
    limit: int | None,
) -> pd.DataFrame:
    """The messages of *server*; see ``Postmark.messages``."""
    if metadata is not None and len(metadata) != 1:
        raise AccountError(
            f"metadata={dict(metadata)!r} has {len(metadata)} fields; Postmark searches for one"
        )
    if metadata and None in metadata.values():
        raise AccountError(f"metadata={dict(metadata)!r} has a missing value")
    query = query_of(filters) | bounds(since, until)
    query |= query_of({f"metadata_{key}": value for key, value in (metadata or {}).items()})
    listing = Listing(server, "/messages/outbound", "Messages", "MessageID", query)
    rows = [
        item | {field: _recipients(item.get(field)) for field in _RECIPIENTS}
        for item in listing.items(_checked_limit(limit))
    ]
    return frame_of(rows, MESSAGE_COLUMNS)


def suppressions(
    server: Postmark, stream: str, filters: Mapping[str, object], *, since: When, until: When
) -> pd.DataFrame:
    """The suppressed addresses of a stream; see ``Postmark.suppressions``."""
    path = f"/message-streams/{quote(stream, safe='')}/suppressions/dump"
    query = query_of(filters) | bounds(since, until)
    rows: list[dict[str, Any]] = []

    def ask() -> Any:
        rows.clear()  # of a reply that broke off
        return server.each(path, query, name="Suppressions", take=rows.append)

    answer_of(ask, what=f"GET {path}")
    return frame_of(rows, SUPPRESSION_COLUMNS)


def query_of(filters: Mapping[str, object]) -> dict[str, str]:
    """The parameters of a query; a filter that is None is left out.

    Raises:
        AccountError: a filter is missing, or neither text nor a number.
    """
    for name, value in filters.items():
        is_one = value is None or isinstance(value, str) or hasattr(value, "__index__")
        if not is_one and not isinstance(value, np.bool_):
            raise AccountError(f"the filter {name} is {value!r}; write a text, or leave it out")
    return {
        name: str(value).lower() if isinstance(value, bool | np.bool_) else str(value)
        for name, value in filters.items()
        if value is not None
    }


def _checked_limit(limit: object) -> int | None:
    if limit is None or (type(limit) is int and limit >= 0):
        return limit
    raise AccountError(f"limit={limit!r} is not a number of rows")


def _recipients(value: object) -> str | None:
    """The recipients of a field as text, as a letter writes them; None without one."""
    if not isinstance(value, list):
        return None
    people = [one for one in map(_object, value) if isinstance(one.get("Email"), str)]
    names = [one.get("Name") for one in people]
    texts = [
        str(Mailbox(name if isinstance(name, str) else "", one["Email"]))
        for one, name in zip(people, names, strict=True)
    ]
    return ", ".join(texts) or None


def _object(value: object) -> dict[str, Any]:
    """A JSON object; an empty one in place of another value."""
    return value if isinstance(value, dict) else {}
