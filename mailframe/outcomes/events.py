"""A table of events: what happened to messages after Postmark had accepted them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from mailframe.pandas_versions import text_column
from mailframe.postmark.timestamps import stamps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pandas.api.extensions import ExtensionArray


class EventKind(StrEnum):
    """The kind of an event."""

    DELIVERED = "delivered"
    """The mail server of the recipient took the message."""
    OPENED = "opened"
    """The pixel of the message was loaded, by the recipient or by a privacy proxy."""
    CLICKED = "clicked"
    """A tracked link was followed, by the recipient or by a scanner."""
    BOUNCED = "bounced"
    """A mail server returned the message, or answered it; see ``bounce_type``."""
    COMPLAINED = "complained"
    """The recipient marked the message as spam."""
    UNSUBSCRIBED = "unsubscribed"
    """The recipient unsubscribed from the stream of the message."""


EVENT_DTYPES: Final[Mapping[str, str]] = {
    "MessageID": "str",
    "kind": "str",
    "at": "datetime64[ns, UTC]",
    "Recipient": "str",
    "bounce_type": "str",
    "bounce_detail": "str",
    "link": "str",
}
"""The columns of a table of events, with dtypes; ``str`` is what pandas gives to text."""
IDENTITY: Final = ("MessageID", "kind", "at", "Recipient", "link")
"""Events that are equal in these columns are one event that was reported twice: Postmark names no
identity of an open or a click, and retries a webhook until it is answered."""


def events_frame(events: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table of events: one row per event, in the given order.

    Args:
        events: the columns of ``EVENT_DTYPES`` by name; ``at`` as Postmark writes it, with an
            offset. What is not there is missing, and so is what is no text.

    Examples:
        >>> events = events_frame(
        ...     [{"MessageID": "m1", "kind": "opened", "at": "2026-11-27T12:00:00.1234567Z"}]
        ... )
        >>> events[["kind", "at"]].to_dict("list")
        {'kind': ['opened'], 'at': [Timestamp('2026-11-27 12:00:00.123456700+0000', tz='UTC')]}
    """
    cells: dict[str, list[str | None]] = {name: [] for name in EVENT_DTYPES}
    for event in events:
        for name, column in cells.items():
            value = event.get(name)
            column.append(str(value) if isinstance(value, str) else None)
    columns: dict[str, pd.Series[Any] | ExtensionArray] = {
        name: stamps(texts) if name == "at" else text_column(texts) for name, texts in cells.items()
    }
    return pd.DataFrame(columns)


def each_once(events: pd.DataFrame) -> pd.DataFrame:
    """The events without those that were reported twice; spellings in upper case are the same.

    Examples:
        >>> event = {"MessageID": "m1", "kind": "opened", "at": "2026-11-27T12:00:00Z"}
        >>> len(each_once(events_frame([event, event | {"MessageID": "M1"}])))
        1
    """
    spelled = events[list(IDENTITY)].copy()
    for name in ("MessageID", "Recipient"):
        spelled[name] = spelled[name].astype(object).str.lower()
    return events[~spelled.duplicated()]
